import { expect, it } from "vitest";
import type { AppSchema, Attribute, AttributeType, Entity, Job, SchemaChange, Warning } from "../src/data/types";
import { formatCount, formatShare } from "../src/lib/format";
import { translate, type Locale } from "../src/lib/i18n/translate";
import { changeSentences, doorsOf, newSince, noted, recentWarnings, typeKey } from "../src/model/schema";

const type = (name: string, items: number, more: Partial<AttributeType> = {}): AttributeType => ({
  type: name, items, since: "2026-03-01", lastSeen: "2026-11-23", isNew: false, ...more,
});
const attribute = (name: string, types: AttributeType[], more: Partial<Attribute> = {}): Attribute => ({
  name, types, items: 9, missingShare: 0, since: "2026-03-01", lastSeen: "2026-11-23",
  isNew: false, isMixed: false, isGone: false, isRead: true, ...more,
});
const entity = (entityType: string, attributes: Attribute[], more: Partial<Entity> = {}): Entity => ({
  door: "dynamodb", entityType, items: 9, since: "2026-03-01", isNew: false, attributes, ...more,
});
const change = (more: Partial<SchemaChange> = {}): SchemaChange => ({
  kind: "new_type", door: "dynamodb", entityType: "work_session", attribute: "focus_level", oldTypes: ["N"],
  newTypes: ["S"], items: 27, entityItems: 1821, isRead: true, ...more,
});

function said(locale: Locale, changed: SchemaChange): string[] {
  const words = (name: string) => {
    const key = typeKey(name);
    return key ? translate(locale, key) : name;
  };
  const found = changeSentences(changed, words, (value) => formatCount(locale, value));
  return found ? [found.what, found.fate, found.next].map(({ key, params }) => translate(locale, key, params)) : [];
}

it("says a change in both languages, with what becomes of it and what to do", () => {
  expect(said("en", change())[0]).toBe("work_session.focus_level was number and is now also text, in 27 of 1,821 records.");
  expect(said("ja", change())[0]).toBe("work_session.focus_level はこれまで数でしたが、1,821件のうち27件で文字になりました。");
  expect(said("en", change())[1]).toContain("quarantine");
  expect(said("en", change({ newTypes: ["M"] }))[1]).toContain("missing");
  expect(said("en", change({ kind: "new_attribute", isRead: false }))[1]).toContain("nothing reads it yet");
  expect(said("en", change({ kind: "vanished", newTypes: [] }))[2]).toContain("renamed");
  expect(said("en", change({ kind: "new_entity", entityType: "habit", attribute: "", isRead: false }))[0]).toContain("habit");
  expect(changeSentences(null, String, String)).toBeNull();
});

it("lists what is new, mixed or gone of one door, a new entity as one line", () => {
  const fresh = type("S", 2, { isNew: true, since: "2026-11-20" });
  const schema: AppSchema = {
    goldVersion: "a",
    entities: [
      entity("work_session", [
        attribute("id", [type("S", 9)]),
        attribute("focus_level", [type("N", 7), fresh], { isMixed: true }),
        attribute("mood_notes", [type("S", 0)], { isGone: true }),
      ]),
      entity("habit", [attribute("id", [type("S", 9)]), attribute("name", [fresh])], { isNew: true }),
      entity("mood_entry", [attribute("moodLevel", [fresh], { isNew: true })], { door: "indexeddb" }),
    ],
  };
  expect(doorsOf(schema)).toEqual(["dynamodb", "indexeddb"]);
  expect(noted(schema, "dynamodb").map(({ entity, attribute }) => `${entity.entityType} ${attribute?.name}`)).toEqual([
    "work_session focus_level",
    "work_session mood_notes",
    "habit undefined",
  ]);
  expect(newSince(attribute("focus_level", [type("N", 7), fresh]))).toBe("2026-11-20");
  expect(newSince(attribute("id", [type("S", 9)]))).toBeNull();
});

it("shows a warning of the last thirty days once", () => {
  const warning: Warning = { code: "E010", name: "INVALID_SCHEMA", message: "m", remedy: "r", change: null };
  const run = (startedAt: string): Job => ({
    jobId: startedAt, kind: "run", trigger: "cli", status: "completed", startedAt, completedAt: null,
    durationSeconds: null, progress: null, steps: [], recordCount: null, s3Location: null, error: null,
    warnings: [warning],
  });
  const runs = [run("2026-11-23T00:00:00Z"), run("2026-11-22T00:00:00Z")];
  expect(recentWarnings(runs, Date.parse("2026-11-24T00:00:00Z"))).toEqual([{ warning, at: "2026-11-23T00:00:00Z" }]);
  expect(recentWarnings(runs, Date.parse("2027-01-24T00:00:00Z"))).toEqual([]);
});

it("calls no share none or all that is not", () => {
  expect([0, 0.001, 0.19, 0.9999, 1].map((share) => formatShare("ja", share))).toEqual(["0%", "1%未満", "19%", "99%超", "100%"]);
});
