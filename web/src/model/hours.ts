import type { DayRow, HourCell } from "../data/marts";
import { weekdayOf } from "../lib/dates";
import { inRange, type Range } from "./range";

export type HourMean = HourCell & {
  /** Minutes in this hour on an average recorded day of this weekday. */
  mean: number;
  days: number;
};

/** Totals become minutes per recorded weekday, so that a week with gaps is not a lazy week. */
export function hourMeans(cells: readonly HourCell[], days: readonly DayRow[], range: Range): HourMean[] {
  const recorded = new Map<number, number>();
  for (const row of inRange(days, range)) {
    if (!row.has_work) continue;
    const weekday = weekdayOf(row.date);
    recorded.set(weekday, (recorded.get(weekday) ?? 0) + 1);
  }
  return cells.flatMap((cell) => {
    // A night's session may run into a weekday that has no record of its own.
    const count = Math.max(1, recorded.get(cell.weekday) ?? 0);
    return cell.minutes > 0 ? [{ ...cell, days: count, mean: cell.minutes / count }] : [];
  });
}

/** The hours that are drawn: from the first to the last with work, at least 8 to 20 o'clock. */
export function hourExtent(cells: readonly HourCell[]): [number, number] {
  const hours = cells.map((cell) => cell.hour);
  return [Math.min(8, ...hours), Math.max(20, ...hours)];
}

/** Only weekdays with half as many records as the best recorded one: two odd Sundays make no habit. */
export function busiestHour(all: readonly HourMean[]): HourMean | null {
  const enough = Math.max(0, ...all.map((cell) => cell.days)) / 2;
  const means = all.filter((cell) => cell.days >= enough);
  return means.reduce<HourMean | null>((best, cell) => (best && best.mean >= cell.mean ? best : cell), null);
}
