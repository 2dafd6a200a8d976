import type { Dexie } from "dexie";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Sync, type SyncOptions, type SyncStatus, startSync } from "../sync/index";
import { FakeServer, dexie, newBrowser } from "./sync_fixtures";

const SERVER = "http://localhost:3000";
const STORES = { tasks: "id,updated_at", colors: "", events: "++id" };

vi.setConfig({ testTimeout: 60_000 });

let server: FakeServer;
let page: EventTarget;
let app: Dexie;
let open: Sync[];

beforeEach(async () => {
  server = new FakeServer();
  page = newBrowser(server);
  open = [];
  app = await openApp();
});

afterEach(async () => {
  await Promise.all(open.map((sync) => sync.stop()));
  app.close();
  vi.unstubAllGlobals();
});

async function openApp(): Promise<Dexie> {
  const { Dexie } = await dexie();
  const database = new Dexie("App", { indexedDB, IDBKeyRange });
  database.version(12).stores(STORES);
  return database.open();
}

const task = (id: number, name = "描く 🖌"): object => ({ id: `t${id}`, name, updated_at: "2026-11-23T00:00:00Z" });
const fill = (count: number, name?: string): Promise<unknown> =>
  app.table("tasks").bulkPut(Array.from({ length: count }, (_, i) => task(10_000 + i, name)));

function begin(options: Partial<SyncOptions> = {}): Sync {
  const sync = startSync({ database: "App", server: SERVER, user: "me", retryMs: 5, intervalMs: 60_000, ...options });
  open.push(sync);
  return sync;
}

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 2 });
const phase = (sync: Sync, wanted: SyncStatus["phase"]): Promise<void> =>
  eventually(() => expect(sync.status().phase).toBe(wanted));

async function expectTheServerToHoldTheTasks(): Promise<void> {
  const rows = await app.table("tasks").toArray();
  expect([...server.table("tasks").values()].sort(byId)).toEqual(rows);
}
const byId = (a: unknown, b: unknown): number => ((a as { id: string }).id < (b as { id: string }).id ? -1 : 1);

describe("what is sent", () => {
  it("is everything at first, in bounded chunks of one upload, and nothing when nothing changed", async () => {
    await fill(2500);
    await app.table("colors").put({ color: "red" }, "企画");
    const sync = begin();
    await phase(sync, "idle");
    expect(server.arrived.map(({ sequence, last }) => [sequence, last])).toEqual([[1, false], [2, false], [3, true]]);
    expect(new Set(server.arrived.map(({ upload }) => upload)).size).toBe(1);
    expect(server.rowsSent()).toBe(2501);
    expect(server.arrived[0]?.rows[0]).toEqual([
      "colors",
      { $: ["企画", { color: "red" }], $types: { $: { "": "arrayNonindexKeys" } } },
    ]);
    await expectTheServerToHoldTheTasks();
    const after = await sync.sync();
    expect(after).toMatchObject({ phase: "idle", pending: 0, sent: 2501, error: null });
    expect(after.lastSyncAt?.getTime()).toBeGreaterThan(0);
    expect(server.arrived).toHaveLength(3);
  });

  it("is bounded in bytes too, and a row above the bound goes alone", async () => {
    await app.table("tasks").bulkPut([1, 2, 3, 4].map((id) => task(id, "x".repeat(400_000))));
    await app.table("tasks").put(task(5, "あ".repeat(1_000_000)));
    await phase(begin(), "idle");
    expect(server.arrived.map(({ rows }) => rows.length)).toEqual([2, 2, 1]);
    await expectTheServerToHoldTheTasks();
  });

  it("is what was changed, added and deleted since", async () => {
    await fill(700);
    await app.table("events").bulkPut([{ at: new Date(1) }, { at: new Date(2) }]);
    await app.table("colors").put({ color: "a" }, new Date(9));
    await app.table("colors").put({ color: "b" }, ["x", 1]);
    const sync = begin();
    await phase(sync, "idle");
    server.arrived.length = 0;
    await app.table("tasks").update("t10003", { name: "changed" });
    await app.table("tasks").put(task(1));
    await app.table("tasks").bulkDelete(["t10000", "t10600", "t10699"]);
    await app.table("events").update(2, { at: new Date(3) });
    await app.table("colors").clear();
    await sync.sync();
    expect(server.arrived).toHaveLength(1);
    expect(server.arrived[0]?.rows).toEqual([
      ["events", { at: 3, id: 2, $types: { at: "date" } }],
      ["tasks", task(1)],
      ["tasks", task(10_003, "changed")],
    ]);
    expect(server.arrived[0]?.deleted).toEqual({ colors: [9, ["x", 1]], tasks: ["t10000", "t10600", "t10699"] });
    server.arrived.length = 0;
    await sync.sync();
    expect(server.arrived).toHaveLength(0);
  });

  it("tells the rows of a table that an upgrade of the app dropped as deleted", async () => {
    await app.table("events").put({ at: 1 });
    const sync = begin();
    await phase(sync, "idle");
    app.close();
    const { Dexie } = await dexie();
    app = new Dexie("App", { indexedDB, IDBKeyRange });
    app.version(12).stores(STORES);
    app.version(13).stores({ events: null });
    await app.open();
    await sync.sync();
    expect(server.arrived.at(-1)?.deleted).toEqual({ events: [1] });
  });

  it("can be limited to some tables, which leaves the others as they were", async () => {
    await app.table("tasks").put(task(1));
    await app.table("events").put({ at: 1 });
    const whole = begin();
    await phase(whole, "idle");
    await whole.stop();
    await app.table("tasks").clear();
    await app.table("events").clear();
    await begin({ tables: ["tasks"] }).sync();
    expect(server.arrived.at(-1)?.deleted).toEqual({ tasks: ["t1"] });
  });

  it("can be everything again, for a server that lost its lake", async () => {
    await fill(3);
    const sync = begin();
    await phase(sync, "idle");
    await app.table("tasks").delete("t10000");
    await sync.sync({ everything: true });
    expect(server.arrived.at(-1)).toMatchObject({ deleted: { tasks: ["t10000"] } });
    expect(server.arrived.at(-1)?.rows).toHaveLength(2);
  });

  it("goes out with the person, this device's lasting name, and no cookie, referrer or redirect", async () => {
    await app.table("tasks").put(task(1));
    const first = begin({ user: "私 & co" });
    await phase(first, "idle");
    await first.stop();
    await app.table("tasks").put(task(2));
    await begin({ user: "私 & co" }).sync();
    const queries = server.arrived.map(({ url }) => Object.fromEntries(url.searchParams));
    expect(queries[0]).toMatchObject({ user: "私 & co", part: "changes" });
    expect(queries[0]?.device).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(queries[1]).toEqual(queries[0]);
    const [address, init] = server.requests[0] ?? [];
    expect(address).toMatch(/^http:\/\/localhost:3000\/api\/ingest\/indexeddb\?/);
    expect(init).toMatchObject({ credentials: "omit", referrerPolicy: "no-referrer", redirect: "error" });
  });
});

it("goes unpacked where the browser cannot pack", async () => {
  vi.stubGlobal("CompressionStream", undefined);
  await fill(1);
  await phase(begin(), "idle");
  const body = Buffer.from(server.requests[0]?.[1].body as ArrayBuffer).toString();
  expect(body).toMatch(/^\{"formatName":"dexie".*"sentAt":\d+,"deleted":\{\}\},"data":/);
  await expectTheServerToHoldTheTasks();
});

describe("the app's database", () => {
  it("is never made, and awaited quietly", async () => {
    const sync = begin({ database: "Later" });
    await phase(sync, "absent");
    expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain("Later");
    expect(sync.status().error).toBeNull();
  });

  it("may be the app's own Dexie, which stays open", async () => {
    await app.table("tasks").put(task(1));
    await phase(begin({ database: app }), "idle");
    expect(app.isOpen()).toBe(true);
    await expectTheServerToHoldTheTasks();
  });

  it("is awaited while the app's own Dexie is closed", async () => {
    app.close();
    await phase(begin({ database: app }), "absent");
  });

  it("can be upgraded in the middle of an upload, which then goes on", async () => {
    await fill(2500);
    const { Dexie } = await dexie();
    server.before = async ({ sequence }) => {
      if (sequence !== 1 || app.verno !== 12) return;
      app.close();
      app = new Dexie("App", { indexedDB, IDBKeyRange });
      app.version(13).stores({ ...STORES, more: "id" });
      await app.open();
    };
    const sync = begin();
    await eventually(() => expect(sync.status()).toMatchObject({ phase: "idle", sent: 2500 }));
    expect(app.verno).toBe(13);
    expect(server.rowsSent()).toBe(2500);
    await expectTheServerToHoldTheTasks();
  });
});

describe("a server that does not answer", () => {
  it("is tried again, and told from the pending rows until it is back", async () => {
    await fill(1500);
    server.mood = "down";
    const sync = begin();
    await phase(sync, "retrying");
    await eventually(() => expect(sync.status().pending).toBe(1500));
    expect(sync.status().error).toMatchObject({ code: "E006", message: "http://localhost:3000 does not answer." });
    server.mood = "well";
    await phase(sync, "idle");
    expect(sync.status()).toMatchObject({ pending: 0, error: null, nextTryAt: expect.any(Date) as Date });
    await expectTheServerToHoldTheTasks();
  });

  it("is tried again although everything before was acknowledged a moment ago", async () => {
    await fill(2);
    const sync = begin();
    await phase(sync, "idle");
    server.mood = "down";
    await app.table("tasks").update("t10001", { name: "later" });
    expect(await sync.sync()).toMatchObject({ phase: "retrying", pending: 1 });
    server.mood = "well";
    await phase(sync, "idle");
    await expectTheServerToHoldTheTasks();
  });

  it("is tried ever more rarely, up to the interval, and at once when the network is back", async () => {
    await fill(1);
    server.mood = "down";
    vi.spyOn(Math, "random").mockReturnValue(1);
    const waits: number[] = [];
    const timer = vi.spyOn(globalThis, "setTimeout");
    const sync = begin({ retryMs: 4, intervalMs: 20 });
    const planned = (): number[] => timer.mock.calls.map(([, ms]) => ms ?? 0).filter((ms) => ms > 3 && ms < 100);
    await eventually(() => expect(planned().length).toBeGreaterThan(4));
    waits.push(...planned().slice(0, 5));
    expect(waits).toEqual([4, 8, 16, 20, 20]);
    vi.restoreAllMocks();
    await sync.stop();
    const patient = begin({ retryMs: 50_000 });
    await phase(patient, "retrying");
    server.mood = "well";
    page.dispatchEvent(new Event("online"));
    await phase(patient, "idle");
  });

  it.each([500, 503, 429, 408])("or answers %i, is tried again with the same chunk", async (status) => {
    await fill(1);
    server.mood = { status, code: "E004" };
    const sync = begin();
    await phase(sync, "retrying");
    expect(sync.status().error).toEqual({ code: "E004", message: "no", remedy: "look" });
    server.mood = "well";
    await phase(sync, "idle");
  });

  it("but took the chunk gets the same chunk again, even when the app was closed in between", async () => {
    await fill(1500);
    server.mood = "lossy";
    const sync = begin({ retryMs: 50_000 });
    await phase(sync, "retrying");
    await sync.stop();
    server.mood = "well";
    await app.table("tasks").update("t10000", { name: "changed meanwhile" });
    await phase(begin(), "idle");
    const chunks = server.arrived.map(({ upload, sequence }) => `${upload} ${sequence}`);
    expect(chunks[0]).toBe(chunks[1]);
    expect(server.arrived[0]?.rows).toEqual(server.arrived[1]?.rows);
    expect(new Set(chunks).size).toBe(chunks.length - 1);
    await expectTheServerToHoldTheTasks();
  });

  it("leaves what was acknowledged acknowledged: an app closed half-way sends the rest", async () => {
    await fill(3500);
    const first = begin();
    server.before = ({ sequence }) => {
      if (sequence === 3) void first.stop();
    };
    await phase(first, "stopped");
    expect(server.arrived.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    server.before = () => {};
    const again = begin();
    await phase(again, "idle");
    const seen = server.arrived.flatMap(({ rows }) => rows.map(([, row]) => (row as { id: string }).id));
    // Only the chunk whose acknowledgement was missed went twice.
    expect(seen.length).toBe(4500);
    expect(new Set(seen).size).toBe(3500);
    await expectTheServerToHoldTheTasks();
  });
});

describe("a refusal", () => {
  it.each([
    [422, "E003"],
    [413, "E009"],
    [403, "E001"],
  ])("(%i) is told and not tried again until asked", async (status, code) => {
    await fill(2);
    server.mood = { status, code };
    const sync = begin({ intervalMs: 5 });
    await phase(sync, "refused");
    await eventually(() => expect(sync.status().pending).toBe(2));
    expect(sync.status()).toMatchObject({ error: { code, message: "no", remedy: "look" }, nextTryAt: null });
    const planned = vi.spyOn(globalThis, "setTimeout");
    page.dispatchEvent(new Event("online"));
    expect(planned).not.toHaveBeenCalled();
    planned.mockRestore();
    server.mood = "well";
    await app.table("tasks").put(task(10_000, "mended"));
    expect(await sync.sync()).toMatchObject({ phase: "idle", error: null });
    await expectTheServerToHoldTheTasks();
  });

  it("of one large row holds up nothing else; it goes when it was changed, or when asked", async () => {
    await fill(3);
    await app.table("tasks").bulkPut([task(0, "x".repeat(1_200_000)), task(1, "y".repeat(1_100_000))]);
    server.longestRow = 1_000_000;
    const sync = begin({ intervalMs: 10 });
    await eventually(() => expect(sync.status()).toMatchObject({ phase: "idle", pending: 2, error: { code: "E009" } }));
    expect(server.table("tasks").size).toBe(5);
    const tries = server.arrived.length;
    await app.table("tasks").put(task(0, "short"));
    await eventually(() => expect(sync.status()).toMatchObject({ phase: "idle", pending: 1 }));
    expect(server.arrived).toHaveLength(tries + 1);
    server.longestRow = Infinity;
    expect(await sync.sync()).toMatchObject({ phase: "idle", pending: 0, error: null });
    await expectTheServerToHoldTheTasks();
  });

  it("of this page's origin is told from a server that is down", async () => {
    await fill(1);
    server.mood = "deaf";
    const sync = begin({ language: "ja" });
    await phase(sync, "refused");
    expect(sync.status().error).toMatchObject({ code: "E001" });
    expect(sync.status().error?.remedy).toContain('ingest.allowed_origins に "http://localhost:5173"');
  });
});

describe("beginning", () => {
  it.each(["http://example.com", "http://192.168.0.2:3000", "http://localhost.example.com", "https://127.0.0.1.nip.io"])(
    "refuses %s unless remote servers are allowed",
    async (address) => {
      expect(() => startSync({ database: "App", server: address, user: "me" })).toThrow(/allowRemote/);
      expect(server.requests).toHaveLength(0);
      await begin({ server: address, allowRemote: true }).stop();
    },
  );

  it.each(["file:///tmp/x", "localhost:3000", "nonsense"])("refuses %s, which is no address", (address) => {
    expect(() => startSync({ database: "App", server: address, user: "me", allowRemote: true })).toThrow(TypeError);
  });

  it.each(["http://127.0.0.1:3000", "http://[::1]:3000/x/y?z", "http://app.localhost"])("takes %s", async (address) => {
    await begin({ server: address }).stop();
  });

  it("says what a page lacks, and never throws into the app", () => {
    vi.stubGlobal("navigator", { language: "ja" });
    const sync = begin();
    expect(sync.status()).toMatchObject({ phase: "unsupported", error: { code: "E011" } });
  });

  it("survives a status listener that throws", async () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    await fill(1);
    await phase(begin({ onStatus: () => { throw new Error("theirs"); } }), "idle");
    expect(reported).toHaveBeenCalled();
  });
});

describe("several askers", () => {
  it("in two tabs take turns: rows go once", async () => {
    await fill(1500);
    const tabs = [begin(), begin()];
    await eventually(() => expect(tabs.map((tab) => tab.status().phase).sort()).toEqual(["elsewhere", "idle"]));
    await Promise.all(tabs.map((tab) => tab.sync()));
    expect(server.rowsSent()).toBe(1500);
  });

  it("in one tab share a pass that has not begun", async () => {
    await fill(1);
    const sync = begin();
    const asked = await Promise.all([sync.sync(), sync.sync(), sync.sync()]);
    expect(asked.map(({ phase }) => phase)).toEqual(["idle", "idle", "idle"]);
    expect(server.arrived).toHaveLength(1);
  });

  it("get an answer after the end, and nothing is sent any more", async () => {
    const sync = begin();
    await sync.stop();
    await fill(1);
    expect((await sync.sync()).phase).toBe("stopped");
    expect(server.arrived).toHaveLength(0);
  });
});
