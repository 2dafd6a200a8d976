import type { DayRow, ProjectMinutes } from "../data/marts";
import { addDays, daysBetween, eachDay, type Day } from "../lib/dates";
import { mean, present } from "./statistics";

export type Range = { from: Day; to: Day };

/** Fewer recorded days than this share of a window, and it is not compared with. */
const COMPARABLE_SHARE = 0.5;

export function lengthOf(range: Range): number {
  return daysBetween(range.from, range.to) + 1;
}

export function before(range: Range): Range {
  return { from: addDays(range.from, -lengthOf(range)), to: addDays(range.from, -1) };
}

export function inRange<T extends { date: Day }>(rows: readonly T[], range: Range): T[] {
  return rows.filter((row) => row.date >= range.from && row.date <= range.to);
}

/** `range` moved and shortened to lie within `extent`, at least one day long. */
export function clampRange(range: Range, extent: Range): Range {
  const from = range.from < extent.from ? extent.from : range.from > extent.to ? extent.to : range.from;
  const to = range.to > extent.to ? extent.to : range.to < from ? from : range.to;
  return { from, to };
}

/** The last `count` days of `extent`. */
export function lastDays(extent: Range, count: number): Range {
  return clampRange({ from: addDays(extent.to, 1 - count), to: extent.to }, extent);
}

/** `range` moved by `count` days, keeping its length, stopping at the ends. */
export function shifted(range: Range, count: number, extent: Range): Range {
  const room = count < 0 ? -daysBetween(extent.from, range.from) : daysBetween(range.to, extent.to);
  const step = count < 0 ? Math.max(count, room) : Math.min(count, room);
  return { from: addDays(range.from, step), to: addDays(range.to, step) };
}

export type Summary = {
  days: number;
  recorded: number;
  mean: number | null;
  /** Against as many days just before; null when either side is too thin to compare. */
  difference: number | null;
};

export function summarise(days: readonly DayRow[], range: Range, value: (row: DayRow) => number | null): Summary {
  const length = lengthOf(range);
  const within = (window: Range) => present(inRange(days, window).map(value));
  const now = within(range);
  const then = within(before(range));
  const average = mean(now);
  const earlier = mean(then);
  const enough = Math.min(now.length, then.length) >= Math.max(1, length * COMPARABLE_SHARE);
  const difference = enough && average !== null && earlier !== null ? average - earlier : null;
  return { days: length, recorded: now.length, mean: average, difference };
}

/** Runs of consecutive days without a value: what is hatched. */
export function gapsOf(range: Range, isRecorded: (day: Day) => boolean): Range[] {
  const gaps: Range[] = [];
  for (const day of eachDay(range.from, range.to)) {
    if (isRecorded(day)) continue;
    const open = gaps.at(-1);
    if (open && addDays(open.to, 1) === day) open.to = day;
    else gaps.push({ from: day, to: day });
  }
  return gaps;
}

/** Runs of consecutive days with a value: a line is drawn within a run, never across a gap. */
export function runsOf<T extends { date: Day }>(rows: readonly T[]): T[][] {
  const runs: T[][] = [];
  for (const row of rows) {
    const last = runs.at(-1)?.at(-1);
    if (last && addDays(last.date, 1) === row.date) runs.at(-1)?.push(row);
    else runs.push([row]);
  }
  return runs;
}

export type Project = { id: string; name: string | null; minutes: number; rank: number };

/** Projects by time in all: the first `shown` keep a shade of their own everywhere, the rest share one. */
export function rankProjects(rows: readonly ProjectMinutes[], shown: number): Project[] {
  const totals = new Map<string, Project>();
  for (const row of rows) {
    const project = totals.get(row.project_id) ?? { id: row.project_id, name: row.project_name, minutes: 0, rank: 0 };
    project.minutes += row.minutes;
    totals.set(row.project_id, project);
  }
  const ranked = [...totals.values()].toSorted((a, b) => b.minutes - a.minutes);
  return ranked.map((project, i) => ({ ...project, rank: ranked.length > shown ? Math.min(i, shown - 1) : i }));
}
