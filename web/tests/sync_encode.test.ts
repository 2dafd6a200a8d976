import type { IndexableType } from "dexie";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AppDatabase } from "../sync/app_database";
import { encodeKey, encodeRow } from "../sync/encode";
import { FakeServer, dexie, newBrowser } from "./sync_fixtures";

beforeEach(() => {
  newBrowser(new FakeServer());
});
afterEach(() => vi.unstubAllGlobals());

interface Header {
  name: string;
  schema: string;
  rowCount: number;
}
interface Dump {
  data: { databaseVersion: number; tables: Header[]; data: { tableName: string; inbound: boolean; rows: unknown[] }[] };
}

/** Rows put into a database, as dexie-export-import tells them and as we do. */
async function bothForms(
  stores: Record<string, string>,
  rows: Record<string, [value: unknown, key?: IndexableType][]>,
): Promise<{ theirs: Dump; ours: Dump["data"] }> {
  const { Dexie, exportDB } = await dexie();
  const database = new Dexie("Some");
  database.version(12).stores(stores);
  for (const [table, values] of Object.entries(rows)) {
    for (const [value, key] of values) await database.table(table).put(value, key);
  }
  const theirs = JSON.parse(await (await exportDB(database)).text()) as Dump;
  const app = await AppDatabase.open(database);
  const ours: Dump["data"] = { databaseVersion: app.version, tables: [], data: [] };
  for (const table of app.tables()) {
    const { name: tableName, schema, inbound } = table;
    const read = await app.read(table, undefined, 1000);
    const texts = await Promise.all(read.map(([key, value]) => encodeRow(inbound ? value : [key, value])));
    ours.tables.push({ name: tableName, schema, rowCount: read.length });
    ours.data.push({ tableName, inbound, rows: texts.map((text) => JSON.parse(text) as unknown) });
  }
  database.close();
  return { theirs, ours };
}

async function expectTheSame(
  stores: Record<string, string>,
  rows: Record<string, [value: unknown, key?: IndexableType][]>,
): Promise<void> {
  const { theirs, ours } = await bothForms(stores, rows);
  expect(ours.data).toEqual(theirs.data.data);
  expect(ours.databaseVersion).toBe(theirs.data.databaseVersion);
}

describe("rows are what dexie-export-import writes", () => {
  it("for every type that a row may hold", async () => {
    const shared = { at: new Date(7) };
    const sparse: unknown[] = [1, undefined];
    sparse[5] = { z: [] };
    const named = Object.assign([1, new Date(3)], { note: Number.NaN, length: 4 });
    const bytes = new Uint8Array([0, 127, 128, 255]);
    const values: unknown[] = [
      new Date(0),
      new Date(Number.NaN),
      undefined,
      null,
      [Number.NaN, Infinity, -Infinity, -0, 1e300, 0.1],
      [[], [[new Date(1)]], { "a.b~c": new Date(2), "": undefined, "0": 1 }],
      new Map<unknown, unknown>([["k", { list: [new Date(4)] }], [{ k: 1 }, new Set([1, new Date(5)])]]),
      new Set([["x"], undefined]),
      sparse,
      named,
      12345678901234567890n,
      new BigInt64Array([5n]),
      Object("text"),
      Object(5),
      Object(true),
      /a+\n/giu,
      bytes,
      bytes.buffer,
      [bytes.subarray(1, 3), bytes.subarray(2), new Float64Array([1.5])],
      [new DataView(bytes.buffer, 1, 2), new DataView(bytes.buffer), new DataView(new ArrayBuffer(1))],
      new Error("lost, as in theirs"),
      { first: shared, second: shared, third: [shared.at, shared.at] },
      { $types: { a: "date" }, a: 1 },
      { $: 1, constructor: "c", toJSON: 1, length: 3 },
      "日本語 😀 \ud800 \u2028 \0",
    ];
    const cyclic: Record<string, unknown> = { id: "cycle" };
    cyclic.self = cyclic;
    const rows = values.map((value, i): [unknown] => [{ id: String(i), value, after: new Date(9) }]);
    const bare = [{ id: "types", $types: { a: "date" } }, { id: "both", $types: 1, at: new Date(1) }, cyclic];
    await expectTheSame(
      { inside: "id", outside: "" },
      {
        inside: [...rows, ...bare.map((row): [unknown] => [row])],
        outside: values.map((value, i): [unknown, IndexableType] => [value, i]),
      },
    );
  });

  it("for rows made by chance", async () => {
    const chance = dice(20261123);
    const rows = Array.from({ length: 400 }, (_, id): [unknown] => [{ id, ...someObject(chance, 3) }]);
    const outside = Array.from({ length: 200 }, (_, key): [unknown, IndexableType] => [someValue(chance, 3), key]);
    await expectTheSame({ inside: "id", outside: "" }, { inside: rows, outside });
  });

  it("for every kind of key, with the schema's text", async () => {
    const { theirs, ours } = await bothForms(
      { plain: "id,user_id,updated_at", counted: "++id,&name", compound: "[p+q],*tags,[q+p]", outside: "", both: "++" },
      {
        plain: [[{ id: new Date(5) }], [{ id: "x" }], [{ id: 1.5 }]],
        counted: [[{ name: "n" }]],
        compound: [[{ p: 1, q: new Date(2), tags: ["t"] }]],
        outside: [new Date(8), ["a", "b"], new Uint8Array([1, 2]).buffer, -Infinity].map((key, i) => [i, key]),
        both: [["auto"]],
      },
    );
    const byName = <T extends { name: string }>(tables: T[]): T[] => tables.sort((a, b) => (a.name < b.name ? -1 : 1));
    const named = (data: Dump["data"]["data"]) => byName(data.map((table) => ({ name: table.tableName, ...table })));
    expect(named(ours.data)).toEqual(named(theirs.data.data));
    const sorted = (schema: string): string => {
      const [primary, ...indexes] = schema.split(",");
      return [primary, ...indexes.sort()].join(",");
    };
    const normal = (tables: Header[]): Header[] =>
      byName(tables.map((table) => ({ ...table, schema: sorted(table.schema) })));
    expect(normal(ours.tables)).toEqual(normal(theirs.data.tables));
  });
});

it("keeps a member called __proto__, which dexie-export-import loses", async () => {
  const row = JSON.parse('{"id":1,"__proto__":{"a":1}}') as object;
  expect(await encodeRow(row)).toBe('{"id":1,"__proto__":{"a":1}}');
});

it("keeps blobs with their bytes", async () => {
  const blob = new Blob([new Uint8Array([0, 200, 10])], { type: "image/png" });
  expect(JSON.parse(await encodeRow({ id: 1, list: [blob], again: blob }))).toEqual({
    id: 1,
    list: [{ type: "image/png", data: "AMgK" }],
    again: "#list.0",
    $types: { list: "arrayNonindexKeys", "list.0": "blob2", again: "#" },
  });
});

it("tells keys as rows hold them", () => {
  expect(encodeKey("a\n")).toBe('"a\\n"');
  expect(encodeKey(1.5)).toBe("1.5");
  expect(encodeKey(new Date(5))).toBe("5");
  expect(encodeKey(["u", [new Date(6), -Infinity], new Uint8Array([1]).buffer])).toBe('["u",[6,"-Infinity"],"AQ=="]');
});

type Chance = (below: number) => number;

function dice(seed: number): Chance {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function someObject(chance: Chance, depth: number): Record<string, unknown> {
  // No empty name: in Typeson's paths it cannot be told from its own members' names.
  const names = ["a", "b.c", "~", "$types", "$", "長い名前", "0", "length"];
  const count = chance(4);
  return Object.fromEntries(Array.from({ length: count }, () => [names[chance(8)], someValue(chance, depth - 1)]));
}

function someValue(chance: Chance, depth: number): unknown {
  const list = (): unknown[] => Array.from({ length: chance(4) }, () => someValue(chance, depth - 1));
  switch (chance(depth > 0 ? 14 : 9)) {
    case 0: return undefined;
    case 1: return new Date(chance(1e9));
    case 2: return [Number.NaN, Infinity, -Infinity][chance(3)];
    case 3: return null;
    case 4: return "text 文 \"\\ 😀".slice(0, chance(14));
    case 5: return chance(1e9) / 7;
    case 6: return new Uint8Array(chance(5)).fill(chance(256));
    case 7: return chance(2) === 1;
    case 8: return BigInt(chance(1e9));
    case 9: return list();
    case 10: return new Map(list().map((value, i) => [i, value]));
    case 11: return new Set(list());
    case 12: return Object.assign(list(), { [String(chance(9))]: 1 });
    default: return someObject(chance, depth);
  }
}
