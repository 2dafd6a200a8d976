import { describe, expect, it } from "vitest";
import { measuresOf } from "../src/model/measures";
import { beforeWords, headingOf, measureHeading, weatherHeading } from "../src/model/titles";
import { dayRows } from "./fixtures";

const plain = (text: string) => text.replaceAll("\u00a0", " ");
const range = { from: "2026-10-26", to: "2026-11-22" };

describe("a chart's title", () => {
  const days = dayRows("2026-11-22", 56, (i) => ({ sleep_minutes: i < 28 ? 450 : 412, work_minutes: 300 }));

  it("says what the chart says", () => {
    const en = headingOf("en", "sleep", days, range);
    expect(plain(en.title)).toBe("You slept 38 m less a night than the four weeks before");
    expect(plain(en.subtitle)).toContain("average 6 h 52 m, 28 of 28 days recorded");
    expect(headingOf("ja", "sleep", days, range).title).toBe("睡眠は一晩あたり、その前の4週間より38分短めです");
  });

  it("does not make news of a few minutes", () => {
    expect(headingOf("en", "work", days, range).title).toBe("You worked about as much as the four weeks before");
  });

  it("gives the level where there is nothing to compare with", () => {
    expect(plain(headingOf("en", "work", days.slice(28), range).title)).toBe("You worked 5 h a day");
    expect(headingOf("en", "mood", days, range).title).toBe("No mood is recorded in these days");
  });

  it.each([
    [1, "the day before"],
    [7, "the week before"],
    [28, "the four weeks before"],
    [21, "the 3 weeks before"],
    [90, "the 90 days before"],
  ])("names %d days before", (count, words) => expect(beforeWords("en", count)).toBe(words));
});

it("counts rain over the days with weather, with true minus signs", () => {
  const days = dayRows("2026-11-22", 28, (i) =>
    i < 4 ? {} : { temperature_min_celsius: -2.4, temperature_max_celsius: 18.6, precipitation_mm: i % 8 ? 0 : 12 },
  );
  expect(weatherHeading("en", days, range).title).toBe("Rain on 3 of 24 days, between −2 and 19 °C");
  expect(weatherHeading("ja", [], range).title).toBe("この期間に天気の記録がありません");
});

it("tells a measure of one's own in the reader's language", () => {
  const [measure] = measuresOf([
    { date: "2026-11-20", measure: "coffee", value: 2, unit: "cups", label_ja: "コーヒー", label_en: null, dataset: "diary.csv" },
    { date: "2026-11-21", measure: "coffee", value: 3, unit: "cups", label_ja: "コーヒー", label_en: null, dataset: "diary.csv" },
  ]);
  if (!measure) throw new Error("one measure expected");
  expect(measureHeading("ja", measure, range).title).toBe("コーヒー:平均2.5、2から3まで");
  expect(measureHeading("en", measure, range).title).toBe("coffee: average 2.5, from 2 to 3");
});
