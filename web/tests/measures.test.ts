import { expect, test } from "vitest";
import type { MeasureRow } from "../src/data/marts";
import type { Day } from "../src/lib/dates";
import { measuresOf } from "../src/model/measures";

const rows = (measure: string, values: number[]): MeasureRow[] =>
  values.map((value, index) => ({
    date: `2026-11-0${index + 1}` as Day,
    measure,
    value,
    unit: null,
    label_ja: null,
    label_en: null,
    dataset: "sheet",
  }));

test("the fullest measure comes first, one that never changes last", () => {
  const measures = measuresOf([...rows("constant", [1, 1, 1, 1]), ...rows("sparse", [1, 2]), ...rows("full", [1, 2, 3])]);
  expect(measures.map((measure) => measure.key)).toEqual(["full", "sparse", "constant"]);
});
