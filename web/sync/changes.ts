import type { AppDatabase, Table } from "./app_database";
import { encodeKey, encodeRow } from "./encode";
import type { Link, SyncState } from "./state";

const MOST_ROWS = 500;
const BATCH_BYTES = 1_000_000;

/** A row that the server has not acknowledged as it is now, or a key whose row is gone. */
export interface Change {
  table: Table;
  key: IDBValidKey;
  /** The row as JSON; of a row that is gone, its key. */
  text: string;
  bytes: number;
  /** null: the row is gone. */
  digest: string | null;
}

export interface Choice {
  /** Only these tables; the others stay as the server knows them. */
  tables: readonly string[] | undefined;
  /** Rows that were acknowledged count as changed too. */
  everything: boolean;
}

/**
 * What differs from what was acknowledged, by one walk through rows and digests in key order; memory is bounded by a
 * batch of rows, whatever the table's size.
 */
export async function* changes(
  app: AppDatabase,
  state: SyncState,
  link: Link,
  choice: Choice,
): AsyncGenerator<Change, void, undefined> {
  const isChosen = (name: string): boolean => !choice.tables || choice.tables.includes(name);
  const tables = app.tables();
  for (const table of tables) {
    if (isChosen(table.name)) yield* changesOf(table, rowsOf(app, table), state, link, choice.everything);
  }
  const present = new Set(tables.map((table) => table.name));
  for (const name of await state.heldTables(link)) {
    const gone: Table = { name, schema: "", inbound: true };
    if (isChosen(name) && !present.has(name)) yield* changesOf(gone, noRows, state, link, false);
  }
}

interface Row {
  key: IDBValidKey;
  text: string;
  bytes: number;
  digest: string;
}
type NextRows = () => Promise<Row[]>;

const noRows: NextRows = () => Promise.resolve([]);

async function* changesOf(
  table: Table,
  nextRows: NextRows,
  state: SyncState,
  link: Link,
  everything: boolean,
): AsyncGenerator<Change, void, undefined> {
  const rows = new Peekable(nextRows);
  let after: IDBValidKey | undefined;
  const digests = new Peekable(async () => {
    const batch = await state.held(link, table.name, after, MOST_ROWS);
    after = batch.at(-1)?.[0];
    return batch;
  });
  for (;;) {
    const row = rows.peek() ?? (await rows.more());
    const held = digests.peek() ?? (await digests.more());
    if (!row && !held) return;
    const order = !row ? 1 : !held ? -1 : indexedDB.cmp(row.key, held[0]);
    if (order <= 0) rows.take();
    if (order >= 0) digests.take();
    if (row && order <= 0) {
      if (everything || order < 0 || held?.[1] !== row.digest) yield { table, ...row };
    } else if (held) {
      const text = encodeKey(held[0]);
      yield { table, key: held[0], text, bytes: text.length, digest: null };
    }
  }
}

/** Rows in batches that grow to about a megabyte. */
function rowsOf(app: AppDatabase, table: Table): NextRows {
  let after: IDBValidKey | undefined;
  let limit = 32;
  let isOver = false;
  return async () => {
    if (isOver) return [];
    const found = await app.read(table, after, limit);
    isOver = found.length < limit;
    after = found.at(-1)?.[0];
    const rows = await Promise.all(found.map(([key, value]) => rowOf(key, table.inbound ? value : [key, value])));
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 1);
    limit = Math.max(1, Math.min(MOST_ROWS, limit * 2, Math.floor((BATCH_BYTES * rows.length) / bytes)));
    return rows;
  };
}

async function rowOf(key: IDBValidKey, value: unknown): Promise<Row> {
  const text = await encodeRow(value);
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { key, text, bytes: bytes.length, digest: String.fromCharCode(...hash.subarray(0, 16)) };
}

class Peekable<T> {
  private batch: T[] = [];
  private at = 0;
  private isOver = false;

  constructor(private readonly next: () => Promise<T[]>) {}

  peek(): T | undefined {
    return this.batch[this.at];
  }

  async more(): Promise<T | undefined> {
    if (this.isOver) return undefined;
    this.batch = await this.next();
    this.at = 0;
    this.isOver = this.batch.length === 0;
    return this.batch[0];
  }

  take(): void {
    this.at += 1;
  }
}
