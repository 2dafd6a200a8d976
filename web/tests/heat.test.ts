import { describe, expect, it } from "vitest";
import { countStates, gapsOf, heatGrid, type DayRun } from "../src/model/heat";

const RUNS: DayRun[] = [
  { first: "2026-10-01", last: "2026-11-14", state: "complete" },
  { first: "2026-11-15", last: "2026-11-16", state: "partial", reason: "steps: limit" },
  { first: "2026-11-17", last: "2026-11-17", state: "missing" },
  { first: "2026-11-18", last: "2026-11-20", state: "open" },
];

describe("heatGrid", () => {
  it("puts Monday on top and each week into a column of its own", () => {
    const { cells, columns } = heatGrid(RUNS, "2026-11-12", "2026-11-20"); // Thursday to Friday of the next week
    expect(columns).toBe(2);
    expect(cells.map((cell) => [cell.column, cell.row])).toEqual([
      [0, 3], [0, 4], [0, 5], [0, 6], [1, 0], [1, 1], [1, 2], [1, 3], [1, 4],
    ]);
  });

  it("has every day of the runs within the range once, and no other", () => {
    const { cells } = heatGrid(RUNS, "2026-11-01", "2026-11-30");
    expect(cells).toHaveLength(20);
    expect(new Set(cells.map((cell) => cell.day)).size).toBe(20);
    expect(cells.every((cell) => cell.day >= "2026-11-01" && cell.day <= "2026-11-20")).toBe(true);
  });

  it("lets the last run count where runs overlap", () => {
    const { cells } = heatGrid([...RUNS, { first: "2026-11-16", last: "2026-11-16", state: "complete" }], "2026-11-16", "2026-11-16");
    expect(cells.map((cell) => [cell.state, cell.reason])).toEqual([["complete", null]]);
  });

  it("names months where there is room", () => {
    const { months } = heatGrid(RUNS, "2026-09-28", "2026-11-30");
    expect(months.map((month) => month.day)).toEqual(["2026-10-01", "2026-11-01"]);
    expect(heatGrid(RUNS, "2026-10-05", "2026-11-30").months.map((month) => month.day)).toEqual(["2026-10-05", "2026-11-01"]);
  });
});

it("counts each state", () => {
  const { cells } = heatGrid(RUNS, "2026-11-01", "2026-11-20");
  expect(countStates(cells)).toEqual({ complete: 14, open: 3, partial: 2, missing: 1, refused: 0 });
});

it("tells gaps newest first, neighbours of one kind together", () => {
  const { cells } = heatGrid(RUNS, "2026-10-01", "2026-11-20");
  expect(gapsOf(cells)).toEqual([
    { first: "2026-11-17", last: "2026-11-17", state: "missing", reason: null },
    { first: "2026-11-15", last: "2026-11-16", state: "partial", reason: "steps: limit" },
  ]);
});
