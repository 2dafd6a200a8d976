import type { MeasureRow } from "../data/marts";
import type { Day } from "../lib/dates";
import type { Locale } from "../lib/i18n/translate";

export type Measure = {
  key: string;
  label: Record<Locale, string>;
  unit: string;
  dataset: string;
  points: { date: Day; value: number }[];
};

/** A person's measures, the fullest first; one that never changes comes last, since it has little to show. */
export function measuresOf(rows: readonly MeasureRow[]): Measure[] {
  const measures = new Map<string, Measure>();
  for (const row of rows) {
    const measure = measures.get(row.measure) ?? {
      key: row.measure,
      label: { ja: row.label_ja ?? row.measure, en: row.label_en ?? row.measure },
      unit: row.unit ?? "",
      dataset: row.dataset ?? "",
      points: [],
    };
    measure.points.push({ date: row.date, value: row.value });
    measures.set(row.measure, measure);
  }
  return [...measures.values()].toSorted(
    (a, b) => Number(isConstant(a)) - Number(isConstant(b)) || b.points.length - a.points.length,
  );
}

const isConstant = ({ points }: Measure): boolean => points.every((point) => point.value === points[0]?.value);
