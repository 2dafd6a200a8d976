import { describe, expect, it } from "vitest";
import { figuresOf } from "../src/model/figures";
import { sentenceOf } from "../src/model/sentence";
import { dayRow, dayRows } from "./fixtures";

const LAST = "2026-11-20";
const plain = (text: string) => text.replaceAll("\u00a0", " ");

function sentences(last: Parameters<typeof dayRow>[1]) {
  const days = dayRows(LAST, 57, (i) =>
    i === 56 ? (last ?? {}) : { work_minutes: 300 + (i % 5) * 10, sleep_minutes: 420 + (i % 3), mood_level_avg: 6 },
  );
  const figures = figuresOf(days, "2026-11-23");
  return { ja: sentenceOf("ja", LAST, figures), en: plain(sentenceOf("en", LAST, figures)) };
}

describe("the sentence of the day", () => {
  it("tells what is recorded and what lies farthest from usual", () => {
    expect(sentences({ work_minutes: 312, sleep_minutes: 369, mood_level_avg: 6.1 })).toEqual({
      en: "On Fri 20 Nov you worked 5 h 12 m, slept 6 h 9 m and noted a mood of 6.1 out of 9; sleep was 52 m shorter than your 28 days’ usual.",
      ja: "11月20日(金)は、作業が5時間12分、睡眠が6時間9分、気分が9段階で6.1でした(睡眠は28日のふだんより52分短め)。",
    });
  });

  it("says so when nothing stands out", () => {
    const { en, ja } = sentences({ work_minutes: 320, sleep_minutes: 421, mood_level_avg: 6 });
    expect(en).toContain("; each close to your 28 days’ usual.");
    expect(ja).toContain("(どれも28日のふだんに近い値)。");
  });

  it("leaves out what is missing", () => {
    expect(sentences({ mood_level_avg: 7.5 }).en).toBe(
      "On Fri 20 Nov you noted a mood of 7.5 out of 9; mood was 1.5 above your 28 days’ usual.",
    );
  });

  it("never says why", () => {
    const { en, ja } = sentences({ work_minutes: 30, sleep_minutes: 200, mood_level_avg: 2 });
    expect(en).not.toMatch(/because|due to|caused|thanks|so that|therefore/i);
    expect(ja).not.toMatch(/ため|せい|おかげ|ので|から/);
  });

  it("has words for no data at all", () => {
    expect(sentenceOf("en", null, [])).toBe("No work, sleep or mood is recorded yet.");
    expect(plain(sentenceOf("en", LAST, []))).toBe("On Fri 20 Nov no work, sleep or mood is recorded.");
  });
});
