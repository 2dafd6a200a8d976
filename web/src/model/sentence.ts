import type { Day } from "../lib/dates";
import { formatDay, formatLevel, formatMinutes } from "../lib/format";
import { translate, type Key, type Locale } from "../lib/i18n/translate";
import type { Figure } from "./figures";

/** Within this many usual deviations a day counts as close to usual. */
const CLOSE = 1;

function spoken(locale: Locale, figure: Figure, value: number): string {
  return figure.name === "mood" ? formatLevel(value) : formatMinutes(locale, value);
}

function joined(locale: Locale, parts: string[]): string {
  if (locale === "ja") return parts.join("、");
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** What stood out, or that nothing did. Says where a number lies, never why. */
function comparison(locale: Locale, figures: Figure[]): string {
  const compared = figures.filter((figure) => figure.distance !== null);
  const farthest = compared.toSorted((a, b) => (b.distance ?? 0) - (a.distance ?? 0))[0];
  if (!farthest || farthest.difference === null) return "";
  if ((farthest.distance ?? 0) < CLOSE) {
    return translate(locale, compared.length > 1 ? "sentence.allUsual" : "sentence.oneUsual");
  }
  const way = farthest.difference > 0 ? "above" : "below";
  return translate(locale, `sentence.${farthest.name}.${way}` as Key, {
    difference: spoken(locale, farthest, Math.abs(farthest.difference)),
  });
}

/** One sentence for the latest day, made of what is recorded and nothing else. */
export function sentenceOf(locale: Locale, day: Day | null, figures: Figure[]): string {
  if (!day) return translate(locale, "sentence.nothing");
  const known = figures.filter((figure) => figure.date === day && figure.value !== null);
  const date = formatDay(locale, day);
  if (known.length === 0) return translate(locale, "sentence.nothingThatDay", { date });
  const parts = known.map((figure) =>
    translate(locale, `sentence.${figure.name}` as Key, { value: spoken(locale, figure, figure.value ?? 0) }),
  );
  return translate(locale, "sentence.whole", {
    date,
    parts: joined(locale, parts),
    comparison: comparison(locale, known),
  });
}
