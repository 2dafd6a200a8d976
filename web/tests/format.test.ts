import { describe, expect, it } from "vitest";
import * as f from "../src/lib/format";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("durations", () => {
  it.each([
    [445, "7時間25分", "7 h 25 m"],
    [420, "7時間", "7 h"],
    [25, "25分", "25 m"],
    [0, "0分", "0 m"],
    [59.6, "1時間", "1 h"],
    [-38, "38分", "38 m"],
    [6031, "101時間", "101 h"],
  ])("%d minutes", (minutes, ja, en) => {
    expect(f.formatMinutes("ja", minutes)).toBe(ja);
    expect(plain(f.formatMinutes("en", minutes))).toBe(en);
  });

  it("spells the sign", () => {
    expect(plain(f.formatSignedMinutes("en", -38))).toBe("−38 m");
    expect(f.formatSignedMinutes("ja", 38)).toBe("＋38分");
    expect(f.formatSignedLevel("en", 0.04)).toBe("±0.0");
  });
});

describe("days in words", () => {
  it("puts the weekday where each language has it", () => {
    expect(f.formatDay("ja", "2026-11-20")).toBe("11月20日(金)");
    expect(plain(f.formatDay("en", "2026-11-20"))).toBe("Fri 20 Nov");
  });

  it("tells the year once when a span stays within it", () => {
    expect(f.formatSpan("ja", "2026-10-26", "2026-11-22")).toEqual({ from: "2026年10月26日(月)", to: "11月22日(日)" });
    expect(plain(f.formatSpan("en", "2026-10-26", "2026-11-22").from)).toBe("Mon 26 Oct");
    expect(plain(f.formatSpan("en", "2025-12-31", "2026-01-01").from)).toBe("Wed 31 Dec 2025");
  });
});

describe("clocks", () => {
  it.each([
    [-0.5, "23:30"],
    [7.083, "7:05"],
    [24, "0:00"],
    [-0.001, "0:00"],
  ])("%d hours from midnight", (hours, text) => expect(f.formatClock(hours)).toBe(text));

  it("reads the wall clock of a local timestamp", () => expect(f.clockOf("2026-11-20T07:05:00")).toBe("7:05"));
});

describe("numbers", () => {
  it.each([
    [12840, "12,840"],
    [66.72, "66.7"],
    [1.514, "1.51"],
    [-3.2, "−3.2"],
  ])("%d keeps three significant digits", (value, text) => expect(f.formatNumber("en", value)).toBe(text));

  it("counts bytes in thousands", () => expect(plain(f.formatBytes("en", 4_812_331))).toBe("4.81 MB"));

  it.each([
    [4.23, "4.2 s"],
    [48.2, "48 s"],
    [80, "1 m 20 s"],
    [120, "2 m"],
  ])("%d seconds", (seconds, text) => expect(plain(f.formatSeconds("en", seconds))).toBe(text));

  it("says how long ago", () => {
    const now = Date.parse("2026-11-23T00:00:00Z");
    expect(f.formatAgo("en", "2026-11-22T23:48:00Z", now)).toBe("12 minutes ago");
    expect(f.formatAgo("ja", "2026-11-22T23:48:00Z", now)).toBe("12 分前");
  });
});
