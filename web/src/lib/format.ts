import { toUtc, type Day } from "./dates";
import type { Locale } from "./i18n/translate";

const NBSP = "\u00a0";
const MINUS = "\u2212";

const INTL: Record<Locale, string> = { ja: "ja-JP", en: "en-GB" };
const WEEKDAYS_EN = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const WEEKDAYS_JA = ["日", "月", "火", "水", "木", "金", "土"];

/** 7時間25分 / 7 h 25 m. From 100 hours on, whole hours: three digits say enough. */
export function formatMinutes(locale: Locale, minutes: number): string {
  const total = Math.round(Math.abs(minutes));
  const hours = total >= 6000 ? Math.round(total / 60) : Math.floor(total / 60);
  const rest = total >= 6000 ? 0 : total % 60;
  const parts: string[] = [];
  if (locale === "ja") {
    if (hours) parts.push(`${formatCount(locale, hours)}時間`);
    if (rest || !hours) parts.push(`${rest}分`);
    return parts.join("");
  }
  if (hours) parts.push(`${formatCount(locale, hours)}${NBSP}h`);
  if (rest || !hours) parts.push(`${rest}${NBSP}m`);
  return parts.join(NBSP);
}

/** The sign spelled out; 0 is ±. */
export function signOf(locale: Locale, value: number): string {
  if (value === 0) return "±";
  return value < 0 ? MINUS : locale === "ja" ? "＋" : "+";
}

export function formatSignedMinutes(locale: Locale, minutes: number): string {
  return signOf(locale, Math.round(minutes)) + formatMinutes(locale, minutes);
}

export function formatLevel(value: number): string {
  return value.toFixed(1);
}

export function formatSignedLevel(locale: Locale, value: number): string {
  const rounded = Math.round(value * 10) / 10;
  return signOf(locale, rounded) + formatLevel(Math.abs(rounded));
}

/** At most three significant digits, thousands whole, a true minus sign. */
export function formatNumber(locale: Locale, value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = new Intl.NumberFormat(INTL[locale], { maximumFractionDigits: digits }).format(value);
  return text.replace("-", MINUS);
}

export function formatDegrees(value: number): string {
  return value.toFixed(1).replace("-", MINUS);
}

export function formatCount(locale: Locale, value: number): string {
  return new Intl.NumberFormat(INTL[locale]).format(value);
}

/** A share of 0–1 in whole per cent; what is not quite none or all is not called so. */
export function formatShare(locale: Locale, share: number): string {
  const percent = Math.round(share * 100);
  const [space, least, most] = locale === "ja" ? ["", "1%未満", "99%超"] : [NBSP, `<1${NBSP}%`, `>99${NBSP}%`];
  if (percent === 0 && share > 0) return least;
  if (percent === 100 && share < 1) return most;
  return `${percent}${space}%`;
}

export function formatBytes(locale: Locale, bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${formatNumber(locale, size)}${NBSP}${units[unit]}`;
}

/** 11月20日(金) / Fri 20 Nov */
export function formatDay(locale: Locale, day: Day): string {
  const date = toUtc(day);
  if (locale === "ja") {
    return `${date.getUTCMonth() + 1}月${date.getUTCDate()}日(${WEEKDAYS_JA[date.getUTCDay()]})`;
  }
  const [weekday, month] = (["weekday", "month"] as const).map((part) =>
    new Intl.DateTimeFormat("en-GB", { [part]: "short", timeZone: "UTC" }).format(date).slice(0, 3),
  );
  return `${weekday}${NBSP}${date.getUTCDate()}${NBSP}${month}`;
}

/** The year is told once, where the language puts it, and twice only when it changes. */
export function formatSpan(locale: Locale, from: Day, to: Day): { from: string; to: string } {
  const isSameYear = from.slice(0, 4) === to.slice(0, 4);
  return {
    from: (isSameYear && locale === "en" ? formatDay : formatDayWithYear)(locale, from),
    to: (isSameYear && locale === "ja" ? formatDay : formatDayWithYear)(locale, to),
  };
}

export function formatDayWithYear(locale: Locale, day: Day): string {
  const year = day.slice(0, 4);
  return locale === "ja" ? `${year}年${formatDay(locale, day)}` : `${formatDay(locale, day)} ${year}`;
}

/** A day with its year only where that is not the year given. */
export function formatDayOf(locale: Locale, day: Day, year: number): string {
  return day.startsWith(String(year)) ? formatDay(locale, day) : formatDayWithYear(locale, day);
}

/** Axis ticks: 11/16 / 16 Nov; the first of a month as 11月 / Nov, of a year with the year. */
export function formatTick(locale: Locale, day: Day, byMonth: boolean): string {
  const date = toUtc(day);
  const month = date.getUTCMonth() + 1;
  const short = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" }).format(date).slice(0, 3);
  if (byMonth) {
    if (month === 1) return locale === "ja" ? `${date.getUTCFullYear()}年1月` : `Jan ${date.getUTCFullYear()}`;
    return locale === "ja" ? `${month}月` : short;
  }
  return locale === "ja" ? `${month}/${date.getUTCDate()}` : `${date.getUTCDate()} ${short}`;
}

export function formatWeekday(locale: Locale, weekday: number, width: "short" | "long" = "short"): string {
  if (locale === "ja") return WEEKDAYS_JA[weekday % 7] ?? "";
  const name = WEEKDAYS_EN[weekday % 7] ?? "";
  return width === "short" ? name.slice(0, 3) : name;
}

/** Hours from midnight, which may be negative or above 24, as a clock: −0.5 → 23:30. */
export function formatClock(hours: number): string {
  const minutes = ((Math.round(hours * 60) % 1440) + 1440) % 1440;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

/** The clock part of a wall-clock timestamp: 2026-11-20T07:05:00 → 7:05. */
export function clockOf(localTimestamp: string): string {
  return formatClock(Number(localTimestamp.slice(11, 13)) + Number(localTimestamp.slice(14, 16)) / 60);
}

export function formatInstant(locale: Locale, iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat(INTL[locale], {
    timeZone,
    month: locale === "ja" ? "numeric" : "short",
    day: "numeric",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(new Date(iso));
}

/** 12分前 / 12 minutes ago */
export function formatAgo(locale: Locale, iso: string, now: number): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [86_400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ];
  for (const [size, unit] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(0, "second");
}

/** Elapsed seconds of a step: 4.2 s, 1 m 20 s. */
export function formatSeconds(locale: Locale, seconds: number): string {
  const [m, s] = locale === "ja" ? ["分", "秒"] : [`${NBSP}m`, `${NBSP}s`];
  if (seconds < 10) return `${seconds.toFixed(1)}${s}`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}${s}`;
  const rest = whole % 60 ? `${locale === "ja" ? "" : NBSP}${whole % 60}${s}` : "";
  return `${Math.floor(whole / 60)}${m}${rest}`;
}
