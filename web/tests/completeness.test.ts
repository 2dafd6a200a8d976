import { expect, it } from "vitest";
import { completenessOf, knownDomains, missingOn } from "../src/model/completeness";
import { busiestHour, hourMeans } from "../src/model/hours";
import { dayRows } from "./fixtures";

const range = { from: "2026-11-16", to: "2026-11-22" };
const days = dayRows("2026-11-22", 7, (i) => ({ work_minutes: i === 2 ? null : 60, sleep_minutes: i < 3 ? null : 400 }));

it("counts a source as missing only if it was ever there", () => {
  const known = knownDomains(days);
  expect(known).toEqual(["work", "sleep"]);
  expect(missingOn(days[2], known)).toEqual(["work", "sleep"]);
  expect(missingOn(undefined, known)).toEqual(["work", "sleep"]);
});

it("finds the source that is missing most", () => {
  expect(completenessOf(days, range, ["work", "sleep"])).toMatchObject({
    days: 7,
    incompleteDays: 3,
    worst: { domain: "sleep", missing: 3 },
  });
  expect(completenessOf(days.slice(3), { from: "2026-11-19", to: "2026-11-22" }, ["work"]).worst).toBeNull();
});

it("averages an hour over recorded days of its weekday", () => {
  const month = dayRows("2026-11-22", 28, (i) => ({ work_minutes: i === 0 ? null : 60 })); // the first is a Monday
  const [monday, sunday] = hourMeans(
    [
      { weekday: 1, hour: 10, minutes: 90 },
      { weekday: 7, hour: 10, minutes: 80 },
    ],
    month,
    { from: "2026-10-26", to: "2026-11-22" },
  );
  expect(monday).toMatchObject({ days: 3, mean: 30 });
  expect(sunday).toMatchObject({ days: 4, mean: 20 });
});

it("makes no habit of a weekday seen once or twice", () => {
  const cell = { hour: 9, minutes: 0 };
  const busiest = busiestHour([
    { ...cell, weekday: 7, mean: 60, days: 1 },
    { ...cell, weekday: 2, mean: 40, days: 4 },
  ]);
  expect(busiest?.weekday).toBe(2);
});
