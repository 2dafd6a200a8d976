import { expect, it } from "vitest";
import { addDays, clockHours, daysBetween, eachDay, isWeekend, weekdayOf } from "../src/lib/dates";

it("counts days across months, years and leap days", () => {
  expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
  expect(addDays("2028-03-01", -1)).toBe("2028-02-29");
  expect(daysBetween("2026-10-26", "2026-11-22")).toBe(27);
  expect(eachDay("2026-11-21", "2026-11-23")).toEqual(["2026-11-21", "2026-11-22", "2026-11-23"]);
  expect(eachDay("2026-11-23", "2026-11-21")).toEqual([]);
});

it("numbers weekdays as the marts do", () => {
  expect(weekdayOf("2026-11-23")).toBe(1);
  expect(weekdayOf("2026-11-22")).toBe(7);
  expect(isWeekend("2026-11-21")).toBe(true);
  expect(isWeekend("2026-11-20")).toBe(false);
});

it("measures a night from the midnight of the day of waking", () => {
  expect(clockHours("2026-11-20", "2026-11-19T23:30:00")).toBe(-0.5);
  expect(clockHours("2026-11-20", "2026-11-20 07:15:00.000")).toBe(7.25);
});
