import { describe, expect, it } from "vitest";
import * as r from "../src/model/range";
import { dayRows } from "./fixtures";

const extent = { from: "2026-06-01", to: "2026-11-22" };

describe("ranges", () => {
  it("counts both ends", () => expect(r.lengthOf({ from: "2026-11-20", to: "2026-11-20" })).toBe(1));

  it("takes the last days, and all when there are fewer", () => {
    expect(r.lastDays(extent, 28)).toEqual({ from: "2026-10-26", to: "2026-11-22" });
    expect(r.lastDays(extent, 9999)).toEqual(extent);
  });

  it("keeps its length while it moves, and stops at the ends", () => {
    const range = { from: "2026-06-10", to: "2026-06-19" };
    expect(r.shifted(range, -28, extent)).toEqual({ from: "2026-06-01", to: "2026-06-10" });
    expect(r.shifted(range, 3, extent)).toEqual({ from: "2026-06-13", to: "2026-06-22" });
  });

  it("never leaves the days there are", () => {
    expect(r.clampRange({ from: "2020-01-01", to: "2020-02-01" }, extent)).toEqual({ from: "2026-06-01", to: "2026-06-01" });
    expect(r.clampRange({ from: "2026-11-22", to: "2026-11-01" }, extent)).toEqual({ from: "2026-11-22", to: "2026-11-22" });
  });
});

describe("a range summed up", () => {
  const days = dayRows("2026-11-22", 56, (i) => (i % 7 === 6 ? {} : { sleep_minutes: i < 28 ? 450 : 412 }));
  const range = { from: "2026-10-26", to: "2026-11-22" };
  const sleep = (row: (typeof days)[number]) => row.sleep_minutes;

  it("averages recorded days and compares with as many days before", () => {
    expect(r.summarise(days, range, sleep)).toEqual({ days: 28, recorded: 24, mean: 412, difference: -38 });
  });

  it("compares with nothing when the days before are too few", () => {
    expect(r.summarise(days.slice(20), range, sleep).difference).toBeNull();
  });

  it("has no mean without a record", () => {
    expect(r.summarise([], range, sleep)).toEqual({ days: 28, recorded: 0, mean: null, difference: null });
  });
});

describe("gaps", () => {
  it("joins neighbouring days without a record", () => {
    const recorded = new Set(["2026-11-16", "2026-11-19", "2026-11-20"]);
    expect(r.gapsOf({ from: "2026-11-15", to: "2026-11-20" }, (day) => recorded.has(day))).toEqual([
      { from: "2026-11-15", to: "2026-11-15" },
      { from: "2026-11-17", to: "2026-11-18" },
    ]);
  });

  it("never bridges one with a line", () => {
    const rows = ["2026-11-15", "2026-11-16", "2026-11-18"].map((date) => ({ date }));
    expect(r.runsOf(rows).map((run) => run.length)).toEqual([2, 1]);
  });
});

describe("projects", () => {
  const rows = ["a", "b", "c", "d", "e"].map((id, i) => ({ date: "2026-11-20", project_id: id, project_name: id, minutes: 100 - i }));

  it("gives the largest a shade each and the rest one together", () => {
    expect(r.rankProjects(rows, 4).map(({ id, rank }) => [id, rank])).toEqual([["a", 0], ["b", 1], ["c", 2], ["d", 3], ["e", 3]]);
  });
});
