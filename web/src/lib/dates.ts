/** A calendar day as `YYYY-MM-DD`, in the person's own zone. Arithmetic is on UTC midnights: no zone, no DST. */
export type Day = string;

export const DAY_MS = 86_400_000;

export function toUtc(day: Day): Date {
  return new Date(`${day}T00:00:00Z`);
}

export function fromUtc(date: Date | number): Day {
  return new Date(date).toISOString().slice(0, 10);
}

export function addDays(day: Day, count: number): Day {
  return fromUtc(toUtc(day).getTime() + count * DAY_MS);
}

/** Days from `from` to `to`: 0 for the same day. */
export function daysBetween(from: Day, to: Day): number {
  return Math.round((toUtc(to).getTime() - toUtc(from).getTime()) / DAY_MS);
}

/** 1 Monday … 7 Sunday, as in the marts. */
export function weekdayOf(day: Day): number {
  return toUtc(day).getUTCDay() || 7;
}

export function isWeekend(day: Day): boolean {
  return weekdayOf(day) >= 6;
}

export function eachDay(from: Day, to: Day): Day[] {
  const length = daysBetween(from, to) + 1;
  return Array.from({ length: Math.max(0, length) }, (_, i) => addDays(from, i));
}

/** Hours from midnight of `day` to a wall-clock timestamp: 23:30 of the evening before is −0.5. */
export function clockHours(day: Day, localTimestamp: string): number {
  const instant = Date.parse(`${localTimestamp.slice(0, 19).replace(" ", "T")}Z`);
  return (instant - toUtc(day).getTime()) / 3_600_000;
}
