import { formatCount, formatLevel, formatMinutes, formatNumber } from "../lib/format";
import { translate, type Key, type Locale } from "../lib/i18n/translate";
import type { DayRow } from "../data/marts";
import type { Measure } from "./measures";
import { inRange, lengthOf, summarise, type Range, type Summary } from "./range";
import { mean, present } from "./statistics";

export type Heading = { title: string; subtitle: string };

type Row = "work" | "sleep" | "mood";
const VALUE: Record<Row, (row: DayRow) => number | null> = {
  work: (row) => row.work_minutes,
  sleep: (row) => row.sleep_minutes,
  mood: (row) => row.mood_level_avg,
};
/** Smaller differences than this are told as "about the same": minutes, minutes, levels. */
const SAME: Record<Row, number> = { work: 5, sleep: 5, mood: 0.1 };

export function beforeWords(locale: Locale, days: number): string {
  if (days === 1) return translate(locale, "before.day");
  if (days === 7) return translate(locale, "before.week");
  if (days === 28) return translate(locale, "before.four");
  if (days % 7 === 0) return translate(locale, "before.weeks", { count: days / 7 });
  return translate(locale, "before.days", { count: days });
}

function wayOf(row: Row, summary: Summary): "none" | "plain" | "same" | "more" | "less" {
  if (summary.mean === null) return "none";
  if (summary.difference === null) return "plain";
  if (Math.abs(summary.difference) < SAME[row]) return "same";
  return summary.difference > 0 ? "more" : "less";
}

export function headingOf(locale: Locale, row: Row, days: readonly DayRow[], range: Range): Heading {
  const summary = summarise(days, range, VALUE[row]);
  const spoken = (value: number) => (row === "mood" ? formatLevel(value) : formatMinutes(locale, value));
  const average = spoken(summary.mean ?? 0);
  const title = translate(locale, `${row}.${wayOf(row, summary)}` as Key, {
    mean: average,
    difference: spoken(Math.abs(summary.difference ?? 0)),
    before: beforeWords(locale, summary.days),
  });
  const measured = translate(locale, `${row}.measure` as Key);
  if (summary.mean === null) return { title, subtitle: measured };
  const params = { mean: average, recorded: summary.recorded, days: summary.days };
  return { title, subtitle: `${measured} · ${translate(locale, "summary.average", params)}` };
}

export function weatherHeading(locale: Locale, days: readonly DayRow[], range: Range): Heading {
  const rows = inRange(days, range);
  const lows = present(rows.map((row) => row.temperature_min_celsius));
  const highs = present(rows.map((row) => row.temperature_max_celsius));
  const rain = present(rows.map((row) => row.precipitation_mm));
  const wet = rain.filter((mm) => mm > 0);
  if (lows.length === 0 || highs.length === 0) {
    return { title: translate(locale, "weather.none"), subtitle: translate(locale, "weather.measureDry") };
  }
  const degrees = (value: number) => formatCount(locale, Math.round(value)).replace("-", "\u2212");
  const params = {
    count: wet.length,
    days: rain.length,
    min: degrees(Math.min(...lows)),
    max: degrees(Math.max(...highs)),
  };
  if (wet.length === 0) {
    return { title: translate(locale, "weather.dry", params), subtitle: translate(locale, "weather.measureDry") };
  }
  return {
    title: translate(locale, "weather.title", params),
    subtitle: translate(locale, "weather.measure", { max: formatNumber(locale, Math.max(...wet)) }),
  };
}

export function measureHeading(locale: Locale, measure: Measure, range: Range): Heading {
  const values = inRange(measure.points, range).map((point) => point.value);
  const label = measure.label[locale];
  const average = mean(values);
  const number = (value: number) => formatNumber(locale, value);
  const title =
    average === null
      ? translate(locale, "measure.none", { label })
      : translate(locale, "measure.title", {
          label,
          mean: number(average),
          min: number(Math.min(...values)),
          max: number(Math.max(...values)),
        });
  const subtitle = translate(locale, "measure.measure", {
    unit: measure.unit ? `${measure.unit} · ` : "",
    count: values.length,
    days: lengthOf(range),
    dataset: measure.dataset,
  });
  return { title, subtitle };
}
