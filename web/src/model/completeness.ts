import { DOMAINS, has, type DayRow, type Domain } from "../data/marts";
import type { Day } from "../lib/dates";
import { inRange, lengthOf, type Range } from "./range";

/** What the person records at all: a domain never seen is not "missing", it is not connected. */
export function knownDomains(days: readonly DayRow[]): Domain[] {
  return DOMAINS.filter((domain) => days.some((row) => has(row, domain)));
}

export function missingOn(row: DayRow | undefined, known: readonly Domain[]): Domain[] {
  return known.filter((domain) => !row || !has(row, domain));
}

export type Completeness = {
  days: number;
  /** Days on which at least one known domain has no record. */
  incompleteDays: number;
  perDomain: { domain: Domain; recorded: number; missing: number }[];
  /** The domain with most missing days; null when nothing is missing. */
  worst: { domain: Domain; missing: number } | null;
};

export function completenessOf(days: readonly DayRow[], range: Range, known: readonly Domain[]): Completeness {
  const rows = inRange(days, range);
  const length = lengthOf(range);
  const perDomain = known.map((domain) => {
    const recorded = rows.filter((row) => has(row, domain)).length;
    return { domain, recorded, missing: length - recorded };
  });
  const complete = rows.filter((row) => missingOn(row, known).length === 0).length;
  const worst = perDomain.toSorted((a, b) => b.missing - a.missing)[0];
  return {
    days: length,
    incompleteDays: length - complete,
    perDomain,
    worst: worst && worst.missing > 0 ? { domain: worst.domain, missing: worst.missing } : null,
  };
}

export function rowsByDate(days: readonly DayRow[]): Map<Day, DayRow> {
  return new Map(days.map((row) => [row.date, row]));
}
