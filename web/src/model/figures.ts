import type { DayRow } from "../data/marts";
import { addDays, type Day } from "../lib/dates";
import { median, present, spread } from "./statistics";

export const FIGURES = ["work", "sleep", "mood"] as const;
export type FigureName = (typeof FIGURES)[number];

export const USUAL_DAYS = 28;
/** Fewer recorded days than this, and nothing is called usual. */
export const USUAL_MINIMUM = 7;
/** What the figures read: 28 days of line, 28 before the oldest value shown, and the day itself. */
export const DAYS_FOR_FIGURES = 2 * USUAL_DAYS + 1;

export type Figure = {
  name: FigureName;
  /** The day the value is from: the latest day that has one, at most 28 days back. */
  date: Day | null;
  value: number | null;
  /** True when the latest day itself has no value. */
  isOlder: boolean;
  /** True for an amount of today, which is not over. */
  isUnfinished: boolean;
  /** Median of the 28 days before `date`, over the days recorded. */
  usual: number | null;
  usualCount: number;
  difference: number | null;
  /** How many usual deviations away; null without a usual or while the day goes on. */
  distance: number | null;
  line: { date: Day; value: number | null }[];
};

const COLUMN = { work: "work_minutes", sleep: "sleep_minutes", mood: "mood_level_avg" } as const;
/** A spread smaller than this is noise of recording: minutes, minutes, levels. */
const SMALLEST_SPREAD: Record<FigureName, number> = { work: 15, sleep: 10, mood: 0.3 };

export function valueOf(row: DayRow, name: FigureName): number | null {
  return row[COLUMN[name]];
}

/** The latest day that any of the three figures can speak of. */
export function latestDay(days: readonly DayRow[]): Day | null {
  const last = days.findLast((row) => row.has_work || row.has_sleep || row.has_mood);
  return last?.date ?? null;
}

export function figureOf(days: readonly DayRow[], name: FigureName, today: Day): Figure {
  const anchor = latestDay(days);
  const byDate = new Map(days.map((row) => [row.date, valueOf(row, name)]));
  const window = (end: Day) =>
    Array.from({ length: USUAL_DAYS }, (_, i) => {
      const date = addDays(end, i + 1 - USUAL_DAYS);
      return { date, value: byDate.get(date) ?? null };
    });
  const line = anchor ? window(anchor) : [];
  const shown = line.findLast((point) => point.value !== null);
  if (!anchor || !shown || shown.value === null) {
    return { name, date: null, value: null, isOlder: false, isUnfinished: false, usual: null, usualCount: 0, difference: null, distance: null, line };
  }
  const before = present(window(addDays(shown.date, -1)).map((point) => point.value));
  const usual = before.length >= USUAL_MINIMUM ? median(before) : null;
  const difference = usual === null ? null : shown.value - usual;
  // Work still grows until midnight: half a day is no outlier. Last night's sleep is over.
  const isUnfinished = name === "work" && shown.date === today;
  const scale = Math.max(spread(before) ?? 0, SMALLEST_SPREAD[name]);
  return {
    name,
    date: shown.date,
    value: shown.value,
    isOlder: shown.date !== anchor,
    isUnfinished,
    usual,
    usualCount: before.length,
    difference,
    distance: difference === null || isUnfinished ? null : Math.abs(difference) / scale,
    line,
  };
}

export function figuresOf(days: readonly DayRow[], today: Day): Figure[] {
  return FIGURES.map((name) => figureOf(days, name, today));
}
