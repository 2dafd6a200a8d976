import { axisX, axisY, cell, type PlotOptions } from "@observablehq/plot";
import { formatWeekday } from "../lib/format";
import type { Locale } from "../lib/i18n/translate";
import { hourExtent, type HourMean } from "../model/hours";

const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7];
export const HOUR_MAP_HEIGHT = 244;

export type HourSlot = { weekday: number; hour: number; cell: HourMean | null };

/** Every hour of the week that is drawn, worked or not. */
export function hourSlots(means: readonly HourMean[]): HourSlot[] {
  const [first, last] = hourExtent(means);
  const found = new Map(means.map((mean) => [`${mean.weekday}-${mean.hour}`, mean]));
  return WEEKDAYS.flatMap((weekday) =>
    Array.from({ length: last - first + 1 }, (_, i) => {
      const hour = first + i;
      return { weekday, hour, cell: found.get(`${weekday}-${hour}`) ?? null };
    }),
  );
}

export function hourMap(width: number, locale: Locale, slots: readonly HourSlot[]): PlotOptions {
  const hours = [...new Set(slots.map((slot) => slot.hour))];
  // An hour's name stands where the hour begins, not in its middle.
  const cellWidth = (width - 52) / hours.length;
  const every = width < 560 ? 3 : 2;
  return {
    width,
    height: HOUR_MAP_HEIGHT,
    marginLeft: 44,
    marginRight: 8,
    marginTop: 4,
    marginBottom: 24,
    x: { domain: hours, padding: 0.06 },
    y: { domain: WEEKDAYS, padding: 0.08 },
    opacity: { domain: [0, 60], range: [0.06, 1], clamp: true },
    style: { background: "transparent", color: "var(--ink-quiet)", fontFamily: "inherit", fontSize: "12px", overflow: "visible" },
    marks: [
      axisX({ ticks: hours.filter((hour) => hour % every === 0), tickSize: 0, label: null, dx: -cellWidth / 2, textAnchor: "start", tickFormat: (h: number) => `${h}:00` }),
      axisY({ tickSize: 0, label: null, tickFormat: (weekday: number) => formatWeekday(locale, weekday) }),
      cell(slots, { x: "hour", y: "weekday", fill: "var(--shade)", rx: 2 }),
      cell(slots.filter((slot) => slot.cell), {
        x: "hour",
        y: "weekday",
        fill: "var(--work)",
        fillOpacity: (slot: HourSlot) => slot.cell?.mean ?? 0,
        rx: 2,
      }),
    ],
  };
}
