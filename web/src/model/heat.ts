import { addDays, daysBetween, eachDay, weekdayOf, type Day } from "../lib/dates";

/** How complete a source's day is; a day that is only looked at again until it closes is `open`. */
export const DAY_STATES = ["complete", "open", "partial", "missing", "refused"] as const;
export type DayState = (typeof DAY_STATES)[number];

/** Neighbouring days of one state, both ends included. */
export type DayRun = { first: Day; last: Day; state: DayState; reason?: string | null };

export type HeatCell = { day: Day; column: number; row: number; state: DayState; reason: string | null };

export type HeatMonth = { column: number; day: Day };

export type HeatGrid = { columns: number; cells: HeatCell[]; months: HeatMonth[] };

/** Weeks as columns, Monday on top; days of no run are left out. Where runs overlap, the last one counts. */
export function heatGrid(runs: readonly DayRun[], from: Day, to: Day): HeatGrid {
  const offset = weekdayOf(from) - 1;
  const columnOf = (day: Day): number => Math.floor((daysBetween(from, day) + offset) / 7);
  const cells = new Map<Day, HeatCell>();
  for (const run of runs) {
    const first = run.first < from ? from : run.first;
    const last = run.last > to ? to : run.last;
    for (const day of eachDay(first, last)) {
      const place = { column: columnOf(day), row: weekdayOf(day) - 1 };
      cells.set(day, { day, ...place, state: run.state, reason: run.reason ?? null });
    }
  }
  return { columns: columnOf(to) + 1, cells: [...cells.values()], months: monthsOf(from, to, columnOf) };
}

/** The first of each month that has room for its name before the next one. */
function monthsOf(from: Day, to: Day, columnOf: (day: Day) => number): HeatMonth[] {
  const firsts = eachDay(from, to).filter((day) => day.endsWith("-01"));
  const inner = firsts.map((day) => ({ column: columnOf(day), day }));
  const first = inner[0];
  return !first || first.column >= 3 ? [{ column: 0, day: from }, ...inner] : inner;
}

export type HeatCounts = Record<DayState, number>;

export function countStates(cells: readonly HeatCell[]): HeatCounts {
  const counts: HeatCounts = { complete: 0, open: 0, partial: 0, missing: 0, refused: 0 };
  for (const cell of cells) counts[cell.state] += 1;
  return counts;
}

/** The days that a person should know of: what lacks something, newest first, neighbours of one kind together. */
export function gapsOf(cells: readonly HeatCell[]): DayRun[] {
  const lacking = cells.filter((cell) => cell.state !== "complete" && cell.state !== "open");
  const gaps: DayRun[] = [];
  for (const cell of lacking.toSorted((a, b) => (a.day < b.day ? 1 : -1))) {
    const newest = gaps.at(-1);
    const isNext = newest && addDays(newest.first, -1) === cell.day;
    if (newest && isNext && newest.state === cell.state && (newest.reason ?? null) === cell.reason) newest.first = cell.day;
    else gaps.push({ first: cell.day, last: cell.day, state: cell.state, reason: cell.reason });
  }
  return gaps;
}
