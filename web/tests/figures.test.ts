import { describe, expect, it } from "vitest";
import { DAYS_FOR_FIGURES, figureOf, latestDay } from "../src/model/figures";
import { dayRows } from "./fixtures";

const LAST = "2026-11-22";
const TODAY = "2026-11-23";

describe("a figure", () => {
  it("is the latest value against the median of the 28 days before", () => {
    const days = dayRows(LAST, 57, (i) => ({ work_minutes: i === 56 ? 300 : i }));
    const figure = figureOf(days, "work", TODAY);
    expect(figure).toMatchObject({ value: 300, date: LAST, isOlder: false, usual: 41.5, usualCount: 28 });
    expect(figure.difference).toBe(258.5);
  });

  it("leaves the day itself and older days out of the usual", () => {
    const days = dayRows(LAST, 57, (i) => ({ sleep_minutes: i === 56 ? 9999 : i < 28 ? 1 : 400 }));
    expect(figureOf(days, "sleep", TODAY).usual).toBe(400);
  });

  it("keeps gaps as gaps in its line", () => {
    const days = dayRows(LAST, 57, (i) => (i % 2 ? {} : { mood_level_avg: 5 }));
    const { line } = figureOf(days, "mood", TODAY);
    expect(line).toHaveLength(28);
    expect(line.filter((point) => point.value === null)).toHaveLength(14);
  });

  it("shows the last recorded day, and says so, when the latest day has none", () => {
    const days = dayRows(LAST, 57, (i) => ({ sleep_minutes: 400, ...(i < 55 ? { work_minutes: 60 } : {}) }));
    expect(figureOf(days, "work", TODAY)).toMatchObject({ date: "2026-11-20", isOlder: true, value: 60 });
  });

  it("calls nothing usual on fewer than seven recorded days", () => {
    const days = dayRows(LAST, 7, () => ({ work_minutes: 60 }));
    expect(figureOf(days, "work", TODAY)).toMatchObject({ usual: null, usualCount: 6, difference: null, distance: null });
  });

  it("does not call a day that goes on an outlier", () => {
    const days = dayRows(LAST, 57, (i) => ({ work_minutes: i === 56 ? 5 : 300 }));
    expect(figureOf(days, "work", LAST)).toMatchObject({ isUnfinished: true, difference: -295, distance: null });
  });

  it("knows a zero from a missing value", () => {
    const days = dayRows(LAST, 57, () => ({ work_minutes: 0 }));
    expect(figureOf(days, "work", TODAY)).toMatchObject({ value: 0, usual: 0, difference: 0 });
  });

  it("is empty where nothing was recorded", () => {
    expect(figureOf([], "work", TODAY)).toMatchObject({ value: null, date: null, line: [] });
    expect(latestDay(dayRows(LAST, 5, () => ({ temperature_min_celsius: 3 })))).toBeNull();
  });

  it("is the same from the server's last days and from all days", () => {
    const all = dayRows(LAST, 180, (i) => (i % 9 === 4 ? {} : { work_minutes: (i * 37) % 400, sleep_minutes: 380 + (i % 40) }));
    const some = all.slice(-DAYS_FOR_FIGURES);
    for (const name of ["work", "sleep", "mood"] as const) {
      expect(figureOf(some, name, TODAY)).toEqual(figureOf(all, name, TODAY));
    }
  });
});
