import { areaY, axisY, dot, line, rect, ruleX, ruleY, type PlotOptions } from "@observablehq/plot";
import type { DayRow, ProjectMinutes, SleepRow } from "../data/marts";
import { clockHours, toUtc, type Day } from "../lib/dates";
import { formatClock, formatNumber } from "../lib/format";
import { translate } from "../lib/i18n/translate";
import type { Measure } from "../model/measures";
import { inRange, runsOf, type Project } from "../model/range";
import { barInset, dayWidth, end, ground, noon, rowOptions, type Frame } from "./frame";

export const HEIGHT = { work: 132, sleep: 168, mood: 92, weather: 76, rain: 28, measure: 76 } as const;

const bar = { x1: (d: { date: Day }) => toUtc(d.date), x2: (d: { date: Day }) => end(d.date) };
const insets = (frame: Frame) => ({ insetLeft: barInset(frame), insetRight: barInset(frame) });

export type Segment = { date: Day; rank: number; from: number; to: number };

/** A day's projects on top of each other in hours, largest project of all lowest. */
export function stackProjects(rows: readonly ProjectMinutes[], projects: readonly Project[]): Segment[] {
  const rankOf = new Map(projects.map((project) => [project.id, project.rank]));
  const byDay = new Map<Day, Map<number, number>>();
  for (const row of rows) {
    const rank = rankOf.get(row.project_id) ?? 0;
    const day = byDay.get(row.date) ?? new Map<number, number>();
    day.set(rank, (day.get(rank) ?? 0) + row.minutes / 60);
    byDay.set(row.date, day);
  }
  return [...byDay].flatMap(([date, day]) => {
    let height = 0;
    return [...day]
      .toSorted(([a], [b]) => a - b)
      .map(([rank, hours]) => ({ date, rank, from: height, to: (height += hours) }));
  });
}

export function workRow(frame: Frame, days: ReadonlyMap<Day, DayRow>, segments: readonly Segment[]): PlotOptions {
  const shown = inRange(segments, frame.range);
  const idle = inRange([...days.values()], frame.range).filter((row) => row.work_minutes === 0);
  const top = Math.max(2, ...shown.map((segment) => segment.to));
  return {
    ...rowOptions(frame, HEIGHT.work),
    y: { domain: [0, top], ticks: 3 },
    marks: [
      ...ground(frame, (day) => days.get(day)?.has_work ?? false),
      axisY({ ticks: 3, tickSize: 0, label: null, tickFormat: (hours: number) => translate(frame.locale, "axis.hours", { value: hours }) }),
      rect(shown, {
        ...bar,
        ...insets(frame),
        y1: "from",
        y2: "to",
        fill: (segment: Segment) => `var(--work-${segment.rank + 1})`,
        insetTop: dayWidth(frame) > 4 ? 0.75 : 0,
      }),
      rect(idle, { ...bar, ...insets(frame), y1: 0, y2: 0, insetTop: -1, insetBottom: -1, fill: "var(--work)" }),
      ruleY([0], { stroke: "var(--line)" }),
    ],
  };
}

type ClockSpan = SleepRow & { from: number; to: number };

export function sleepRow(frame: Frame, days: ReadonlyMap<Day, DayRow>, sleeps: readonly SleepRow[]): PlotOptions {
  const spans: ClockSpan[] = inRange(sleeps, frame.range).map((sleep) => ({
    ...sleep,
    from: clockHours(sleep.date, sleep.started_local),
    to: clockHours(sleep.date, sleep.ended_local),
  }));
  const earliest = Math.floor(Math.min(-2, ...spans.map((s) => s.from)) / 2) * 2;
  const latest = Math.ceil(Math.max(8, ...spans.map((s) => s.to)) / 2) * 2;
  const ticks = Array.from({ length: 9 }, (_, i) => -12 + i * 6).filter((hour) => hour >= earliest && hour <= latest);
  return {
    ...rowOptions(frame, HEIGHT.sleep),
    y: { domain: [earliest, latest], reverse: true },
    marks: [
      ...ground(frame, (day) => days.get(day)?.has_sleep ?? false),
      axisY(ticks, { tickSize: 0, label: null, tickFormat: formatClock }),
      ruleY([0], { stroke: "var(--line)" }),
      rect(spans, {
        ...bar,
        ...insets(frame),
        y1: "from",
        y2: "to",
        fill: "var(--sleep)",
        fillOpacity: (s: ClockSpan) => (s.is_main ? 1 : 0.5),
        rx: Math.min(3, dayWidth(frame) / 3),
      }),
    ],
  };
}

type Point = { date: Day; value: number };

function points(frame: Frame, rows: readonly Point[], colour: string, edge: string) {
  const shown = inRange(rows, frame.range);
  const runs = runsOf(shown).flatMap((run, z) => run.map((point) => ({ ...point, z })));
  const radius = Math.min(3.5, Math.max(1.5, dayWidth(frame) * 0.32));
  const at = { x: (p: Point) => noon(p.date), y: "value" };
  return [
    line(runs, { ...at, z: "z", stroke: colour, strokeOpacity: 0.4, strokeWidth: 1.25 }),
    dot(shown, { ...at, fill: colour, stroke: edge, strokeWidth: 1, r: radius }),
  ];
}

export function moodRow(frame: Frame, days: ReadonlyMap<Day, DayRow>): PlotOptions {
  const moods = [...days.values()].flatMap((row) =>
    row.mood_level_avg === null ? [] : [{ date: row.date, value: row.mood_level_avg }],
  );
  return {
    ...rowOptions(frame, HEIGHT.mood),
    y: { domain: [1, 9] },
    marks: [
      ...ground(frame, (day) => days.get(day)?.has_mood ?? false),
      axisY([1, 5, 9], { tickSize: 0, label: null }),
      ruleY([5], { stroke: "var(--line)" }),
      ...points(frame, moods, "var(--mood)", "var(--mood-edge)"),
    ],
  };
}

type Band = { date: Day; low: number; high: number };

export function weatherRow(frame: Frame, days: ReadonlyMap<Day, DayRow>): PlotOptions {
  const bands: Band[] = inRange([...days.values()], frame.range).flatMap((row) =>
    row.temperature_min_celsius === null || row.temperature_max_celsius === null
      ? []
      : [{ date: row.date, low: row.temperature_min_celsius, high: row.temperature_max_celsius }],
  );
  const runs = runsOf(bands);
  const joined = runs.filter((run) => run.length > 1).flatMap((run, z) => run.map((band) => ({ ...band, z })));
  const alone = runs.filter((run) => run.length === 1).flat();
  const at = { x: (b: Band) => noon(b.date), y1: "low", y2: "high" };
  return {
    ...rowOptions(frame, HEIGHT.weather),
    y: { nice: true },
    marks: [
      ...ground(frame, (day) => days.get(day)?.has_weather ?? false),
      axisY({ ticks: 3, tickSize: 0, label: null, tickFormat: (c: number) => `${formatNumber(frame.locale, c)}°` }),
      areaY(joined, { ...at, z: "z", curve: "monotone-x", fill: "var(--weather)", fillOpacity: 0.6 }),
      ...(["low", "high"] as const).map((y) =>
        line(joined, { x: at.x, y, z: "z", curve: "monotone-x", stroke: "var(--weather-edge)", strokeWidth: 1 }),
      ),
      ruleX(alone, { ...at, stroke: "var(--weather)", strokeOpacity: 0.6, strokeWidth: Math.max(1, dayWidth(frame) / 2) }),
    ],
  };
}

/** Rain hangs below the temperatures in a strip of its own: two units, two scales, no shared axis. */
export function rainRow(frame: Frame, days: ReadonlyMap<Day, DayRow>): PlotOptions {
  const wet = inRange([...days.values()], frame.range).filter((row) => (row.precipitation_mm ?? 0) > 0);
  return {
    ...rowOptions(frame, HEIGHT.rain),
    marginTop: 2,
    y: { domain: [0, Math.max(10, ...wet.map((row) => row.precipitation_mm ?? 0))], reverse: true, axis: null },
    marks: [
      ruleY([0], { stroke: "var(--line)" }),
      ruleX(wet, {
        x: (row: DayRow) => noon(row.date),
        y1: 0,
        y2: "precipitation_mm",
        stroke: "var(--weather-edge)",
        strokeWidth: Math.min(4, Math.max(1, dayWidth(frame) * 0.35)),
      }),
    ],
  };
}

export function measureRow(frame: Frame, measure: Measure): PlotOptions {
  const recorded = new Set(measure.points.map((point) => point.date));
  return {
    ...rowOptions(frame, HEIGHT.measure),
    y: { nice: true },
    marks: [
      ...ground(frame, (day) => recorded.has(day)),
      axisY({ ticks: 3, tickSize: 0, label: null, tickFormat: (v: number) => formatNumber(frame.locale, v) }),
      ...points(frame, measure.points, "var(--ink-quiet)", "none"),
    ],
  };
}
