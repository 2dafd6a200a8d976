import type { DayRow, Domain } from "../data/marts";
import { clockOf, formatCount, formatDegrees, formatLevel, formatMinutes, formatNumber } from "../lib/format";
import { translate, type Key, type Locale } from "../lib/i18n/translate";

export type Value = { key: Key; text: string };

type Format = (locale: Locale, value: number) => string;

const level: Format = (_, value) => formatLevel(value);
const percent: Format = (locale, value) => `${formatNumber(locale, value)}%`;
const unit =
  (name: string): Format =>
  (locale, value) =>
    `${formatNumber(locale, value)}\u00a0${name}`;

type NumberColumn = { [K in keyof DayRow]: DayRow[K] extends number | null ? K : never }[keyof DayRow];

/** What a day's panel shows of each domain, in this order; the label is `day.{column}`. */
const COLUMNS: Record<Domain | "scores", [NumberColumn, Format][]> = {
  work: [
    ["work_minutes", formatMinutes],
    ["session_count", formatCount],
    ["pomodoro_count", formatCount],
    ["focus_level_avg", level],
    ["tasks_completed", formatCount],
  ],
  sleep: [
    ["sleep_minutes", formatMinutes],
    ["nap_minutes", formatMinutes],
    ["deep_minutes", formatMinutes],
    ["light_minutes", formatMinutes],
    ["rem_minutes", formatMinutes],
    ["awake_minutes", formatMinutes],
    ["sleep_efficiency_pct", percent],
  ],
  mood: [
    ["mood_level_avg", level],
    ["mood_entry_count", formatCount],
  ],
  body: [
    ["steps", formatCount],
    ["active_minutes", formatMinutes],
    ["calories_kcal", unit("kcal")],
    ["resting_heart_rate_bpm", unit("bpm")],
    ["hrv_ms", unit("ms")],
  ],
  weather: [
    ["precipitation_mm", unit("mm")],
    ["pressure_hpa", unit("hPa")],
    ["pressure_change_hpa", unit("hPa")],
    ["humidity_pct", percent],
    ["daylight_hours", (locale, hours) => formatMinutes(locale, hours * 60)],
    ["us_aqi", formatNumber],
  ],
  calendar: [
    ["meeting_minutes", formatMinutes],
    ["event_count", formatCount],
  ],
  scores: [
    ["productivity_score", formatNumber],
    ["sleep_score", formatNumber],
    ["activity_score", formatNumber],
  ],
};

export function clockSpan(row: DayRow): string | null {
  if (!row.sleep_start_local || !row.sleep_end_local) return null;
  return `${clockOf(row.sleep_start_local)} – ${clockOf(row.sleep_end_local)}`;
}

export function temperatureSpan(row: DayRow): string | null {
  const { temperature_min_celsius: low, temperature_max_celsius: high } = row;
  if (low === null || high === null) return null;
  return `${formatDegrees(low)} – ${formatDegrees(high)}\u00a0°C`;
}

/** All values of one domain that the day has; a column without a value is left out, not shown as zero. */
export function valuesOf(locale: Locale, row: DayRow, group: Domain | "scores"): Value[] {
  const values: Value[] = COLUMNS[group].flatMap(([column, format]) => {
    const value = row[column];
    return value === null || value === undefined ? [] : [{ key: `day.${column}` as Key, text: format(locale, value) }];
  });
  const clock = group === "sleep" ? clockSpan(row) : null;
  if (clock) values.splice(1, 0, { key: "day.clock", text: clock });
  const temperature = group === "weather" ? temperatureSpan(row) : null;
  if (temperature) values.unshift({ key: "day.temperature", text: temperature });
  return values;
}

/** One line a domain for the readout under the pointer; null where the day has no record. */
export function readoutOf(locale: Locale, row: DayRow | undefined, domain: Domain): string | null {
  if (!row) return null;
  const parts: (string | null)[] = [];
  if (domain === "work") parts.push(row.work_minutes === null ? null : formatMinutes(locale, row.work_minutes));
  if (domain === "mood") parts.push(row.mood_level_avg === null ? null : formatLevel(row.mood_level_avg));
  if (domain === "sleep") {
    parts.push(row.sleep_minutes === null ? null : formatMinutes(locale, row.sleep_minutes), clockSpan(row));
    if (row.nap_minutes) parts.push(translate(locale, "nap", { value: formatMinutes(locale, row.nap_minutes) }));
  }
  if (domain === "weather") {
    parts.push(temperatureSpan(row));
    if (row.precipitation_mm) {
      parts.push(translate(locale, "weather.rain", { value: formatNumber(locale, row.precipitation_mm) }));
    }
  }
  if (domain === "body" && row.steps !== null) {
    parts.push(translate(locale, "steps", { value: formatCount(locale, row.steps) }));
  }
  if (domain === "calendar" && row.meeting_minutes !== null) {
    parts.push(translate(locale, "meetings", { value: formatMinutes(locale, row.meeting_minutes) }));
  }
  const known = parts.filter((part) => part !== null);
  return known.length > 0 ? known.join(translate(locale, "common.and")) : null;
}
