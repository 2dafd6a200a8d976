import { axisX, rect, ruleX, type Markish, type PlotOptions } from "@observablehq/plot";
import { scaleUtc, type ScaleTime } from "d3-scale";
import { addDays, DAY_MS, eachDay, fromUtc, isWeekend, toUtc, weekdayOf, type Day } from "../lib/dates";
import { formatTick } from "../lib/format";
import type { Locale } from "../lib/i18n/translate";
import { gapsOf, lengthOf, type Range } from "../model/range";

/** What all rows of the timeline share: so that a day stands at the same place in each. */
export type Frame = { range: Range; width: number; locale: Locale };

export const MARGIN = { left: 44, right: 8 } as const;
const TICK_ROOM_PX = 62;

export function end(day: Day): Date {
  return new Date(toUtc(day).getTime() + DAY_MS);
}

export function noon(day: Day): Date {
  return new Date(toUtc(day).getTime() + DAY_MS / 2);
}

export function xScale({ range, width }: Frame): ScaleTime<number, number> {
  return scaleUtc([toUtc(range.from), end(range.to)], [MARGIN.left, width - MARGIN.right]);
}

export function dayWidth(frame: Frame): number {
  return (frame.width - MARGIN.left - MARGIN.right) / lengthOf(frame.range);
}

/** The day at a horizontal position; beyond the ends, the nearest one. */
export function dayAt(frame: Frame, x: number): Day {
  const day = fromUtc(xScale(frame).invert(x));
  return day < frame.range.from ? frame.range.from : day > frame.range.to ? frame.range.to : day;
}

/** The space between two bars: none where a day is hardly wider than a pixel or two. */
export function barInset(frame: Frame): number {
  const width = dayWidth(frame);
  return width > 8 ? 1.25 : width > 3 ? 0.5 : 0;
}

/** Mondays while they have room, then every second or fourth, then months. */
export function ticksOf(frame: Frame): { days: Day[]; byMonth: boolean } {
  const days = eachDay(frame.range.from, frame.range.to);
  const room = TICK_ROOM_PX / dayWidth(frame);
  if (days.length <= 10 && room <= 1) return { days, byMonth: false };
  const mondays = days.filter((day) => weekdayOf(day) === 1);
  for (const step of [1, 2]) {
    if (7 * step >= room) return { days: mondays.filter((_, i) => i % step === 0), byMonth: false };
  }
  const months = days.filter((day) => day.endsWith("-01"));
  if (months.length < 2) return { days: mondays.filter((_, i) => i % 4 === 0), byMonth: false };
  const step = [1, 2, 3, 6, 12].find((count) => 30 * count >= room) ?? 12;
  return { days: months.filter((day) => (Number(day.slice(5, 7)) - 1) % step === 0), byMonth: true };
}

export function dateAxis(frame: Frame, anchor: "top" | "bottom"): Markish {
  const { days, byMonth } = ticksOf(frame);
  return axisX(days.map(noon), {
    anchor,
    tickSize: 0,
    tickPadding: 6,
    tickFormat: (date: Date) => formatTick(frame.locale, fromUtc(date), byMonth),
  });
}

function weekends(range: Range): Range[] {
  return gapsOf(range, (day) => !isWeekend(day));
}

const span = { x1: (r: Range) => toUtc(r.from), x2: (r: Range) => end(r.to) };

/** Behind every row: faint weekends, faint weeks, hatched days without a record. */
export function ground(frame: Frame, isRecorded: (day: Day) => boolean): Markish[] {
  const gaps = gapsOf(frame.range, isRecorded);
  return [
    ...(dayWidth(frame) > 2.5 ? [rect(weekends(frame.range), { ...span, fill: "var(--shade)" })] : []),
    ruleX(ticksOf(frame).days.map(toUtc), { stroke: "var(--line)" }),
    rect(gaps, { ...span, fill: "var(--paper)" }),
    rect(gaps, { ...span, fill: "url(#hatch)" }),
  ];
}

export function rowOptions(frame: Frame, height: number): PlotOptions {
  return {
    width: frame.width,
    height,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: 6,
    marginBottom: 6,
    x: { type: "utc", domain: [toUtc(frame.range.from), end(frame.range.to)], axis: null },
    style: { background: "transparent", color: "var(--ink-quiet)", fontFamily: "inherit", fontSize: "12px", overflow: "visible" },
  };
}

export function nextDay(day: Day, count: number, range: Range): Day {
  const moved = addDays(day, count);
  return moved < range.from ? range.from : moved > range.to ? range.to : moved;
}
