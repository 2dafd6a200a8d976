import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { gunzipSync } from "node:zlib";
import { vi } from "vitest";

/** A chunk as the server sees it. */
export interface Sent {
  url: URL;
  upload: string;
  sequence: number;
  last: boolean;
  rows: [table: string, row: unknown][];
  deleted: Record<string, unknown[]>;
}

type Mood = "well" | "down" | "deaf" | "lossy" | { status: number; code: string };

/** A server behind fetch: keeps each chunk once, and misbehaves as told. `deaf` answers no page of this origin. */
export class FakeServer {
  /** Every chunk that arrived, also those sent again. */
  readonly arrived: Sent[] = [];
  readonly requests: [string, RequestInit][] = [];
  mood: Mood = "well";
  longestRow = Infinity;
  /** Called with each chunk before it is answered. */
  before: (sent: Sent) => void | Promise<void> = () => {};
  private readonly held = new Set<string>();

  readonly fetch = async (address: string, init: RequestInit): Promise<Response> => {
    this.requests.push([address, init]);
    if (this.mood === "down") throw new TypeError("Failed to fetch");
    if (init.method !== "POST") {
      if (this.mood === "deaf" && init.mode !== "no-cors") throw new TypeError("Failed to fetch");
      return new Response(null, { status: 204 });
    }
    if (this.mood === "deaf") throw new TypeError("Failed to fetch");
    if (typeof this.mood === "object") {
      const error = { code: this.mood.code, message: "no", remedy: "look" };
      return Response.json({ success: false, error }, { status: this.mood.status });
    }
    const sent = read(new URL(address), init.body as ArrayBuffer);
    this.arrived.push(sent);
    await this.before(sent);
    (init.signal as AbortSignal).throwIfAborted();
    if (sent.rows.some(([, row]) => JSON.stringify(row).length > this.longestRow)) {
      const error = { code: "E009", message: "a row is too long", remedy: "shorten it" };
      return Response.json({ success: false, error }, { status: 413 });
    }
    const name = `${sent.upload} ${sent.sequence}`;
    const alreadyHeld = this.held.has(name);
    this.held.add(name);
    if ((this.mood as Mood) === "lossy") throw new TypeError("Failed to fetch");
    const data = { uploadId: name, manifestId: name, rows: sent.rows.length, deleted: 0, refused: 0, alreadyHeld };
    return Response.json({ success: true, data });
  };

  /** What the chunks, each counted once, leave of a table with the key path `id`. */
  table(name: string): Map<unknown, unknown> {
    const left = new Map<unknown, unknown>();
    const counted = new Set<string>();
    for (const { upload, sequence, rows, deleted } of this.arrived) {
      if (counted.has(`${upload} ${sequence}`)) continue;
      counted.add(`${upload} ${sequence}`);
      for (const [table, row] of rows) if (table === name) left.set((row as { id: unknown }).id, row);
      for (const key of deleted[name] ?? []) left.delete(key);
    }
    return left;
  }

  rowsSent(): number {
    return this.arrived.reduce((sum, { rows }) => sum + rows.length, 0);
  }
}

function read(url: URL, body: ArrayBuffer): Sent {
  const bytes = Buffer.from(body);
  const dump = JSON.parse((bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString()) as {
    mcraft: { upload: string; sequence: number; last: boolean; deleted: Record<string, unknown[]> };
    data: { data: { tableName: string; rows: unknown[] }[] };
  };
  const rows = dump.data.data.flatMap(({ tableName, rows }) => rows.map((row): [string, unknown] => [tableName, row]));
  return { url, ...dump.mcraft, rows };
}

/** A new browser profile: empty databases, one lock at a time, and a page at http://localhost:5173. */
export function newBrowser(server: FakeServer): EventTarget {
  vi.stubGlobal("indexedDB", new IDBFactory());
  vi.stubGlobal("navigator", { language: "en-GB", locks: new Locks() });
  vi.stubGlobal("location", { origin: "http://localhost:5173" });
  vi.stubGlobal("fetch", server.fetch);
  const page = new EventTarget();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  return page;
}

class Locks {
  private readonly tails = new Map<string, Promise<unknown>>();

  async request<T>(name: string, options: LockOptions, use: (lock: object | null) => Promise<T>): Promise<T> {
    const before = this.tails.get(name);
    if (before && options.ifAvailable) return use(null);
    const mine = (before ?? Promise.resolve()).then(() => use({}));
    const settled = mine.catch(() => {}).then(() => {
      if (this.tails.get(name) === settled) this.tails.delete(name);
    });
    this.tails.set(name, settled);
    return mine;
  }
}

/** dexie-export-import looks for a page's globals when it is loaded. */
export async function dexie(): Promise<{
  Dexie: (typeof import("dexie"))["Dexie"];
  exportDB: (typeof import("dexie-export-import"))["exportDB"];
}> {
  vi.stubGlobal("self", globalThis);
  vi.stubGlobal("FileReader", BlobReader);
  const { Dexie } = await import("dexie");
  Dexie.dependencies.indexedDB = indexedDB;
  const { exportDB } = await import("dexie-export-import");
  return { Dexie, exportDB };
}

/** As much of FileReader as dexie-export-import uses. */
class BlobReader {
  onload: ((event: { target: BlobReader }) => void) | undefined;
  result: ArrayBuffer | undefined;

  readAsArrayBuffer(blob: Blob): void {
    void blob.arrayBuffer().then((bytes) => {
      this.result = bytes;
      this.onload?.({ target: this });
    });
  }
}
