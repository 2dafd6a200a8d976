import { formatSpan } from "../lib/format";
import { translate, type Locale } from "../lib/i18n/translate";
import type { Domain } from "../data/marts";
import { lengthOf, type Range } from "./range";

/** 2026年10月26日(月)から11月22日(日)、28日間 / Mon 26 Oct to Sun 22 Nov 2026, 28 days */
export function rangeWords(locale: Locale, range: Range): string {
  const count = lengthOf(range);
  return translate(locale, count === 1 ? "timeline.rangeOne" : "timeline.range", {
    ...formatSpan(locale, range.from, range.to),
    count,
  });
}

/** A domain's name inside a sentence. */
export function domainWord(locale: Locale, domain: Domain): string {
  return translate(locale, `domain.${domain}`).toLocaleLowerCase("en");
}

export function domainList(locale: Locale, domains: readonly Domain[]): string {
  return domains.map((domain) => domainWord(locale, domain)).join(translate(locale, "common.and"));
}
