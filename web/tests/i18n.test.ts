import { expect, it } from "vitest";
import { messages, translate, type Key } from "../src/lib/i18n/translate";

const keys = Object.keys(messages.en) as Key[];
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);

it("has every text in both languages", () => {
  expect(Object.keys(messages.ja).toSorted()).toEqual(Object.keys(messages.en).toSorted());
  for (const key of keys) {
    expect(messages.ja[key], key).not.toBe("");
    expect(messages.en[key], key).not.toBe("");
  }
});

it("uses in Japanese no value that English does not get", () => {
  for (const key of keys) {
    expect(new Set(holes(messages.en[key])), key).toEqual(new Set([...holes(messages.ja[key]), ...holes(messages.en[key])]));
  }
});

it("knows all ten error codes", () => {
  const codes = Array.from({ length: 10 }, (_, i) => `E${String(i + 1).padStart(3, "0")}`);
  expect(keys).toEqual(expect.arrayContaining(codes));
});

it("fills the holes", () => {
  expect(translate("en", "common.days", { count: 3 })).toBe("3 days");
  expect(translate("ja", "common.days", { count: 3 })).toBe("3日");
});
