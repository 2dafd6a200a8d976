import { committed, entries, resultOf } from "./requests";

const NAME = "mcraft-sync";

/** What one change is remembered by: table, primary key, and the row's digest (null: the row is gone). */
export type Mark = readonly [table: string, key: IDBValidKey, digest: string | null];

/** A chunk as it is sent, and sent again until it is acknowledged. */
export interface Parcel {
  upload: string;
  sequence: number;
  /** The dump before and after the instant of sending. */
  text: readonly [before: string, after: string];
  marks: Mark[];
}

/** One app database of one person, sent to one server. */
export interface Link {
  id: number;
  /** When a pass last found or made everything acknowledged; milliseconds. */
  lastSyncAt: number | null;
}

/**
 * What this browser knows of the server's side, in a database of its own: a digest for each acknowledged row, and at
 * most one chunk under way. A chunk is written down before it is sent and its digests after it was acknowledged, both
 * in one transaction, so a browser that dies in between sends the same chunk again.
 *
 * Digests have keys `[link, table, primary key]`: IndexedDB orders them as it orders the app's rows.
 */
export class SyncState {
  private constructor(private readonly database: IDBDatabase) {
    database.onversionchange = () => database.close();
  }

  static async open(): Promise<SyncState> {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const store of ["device", "digests", "outbox"]) request.result.createObjectStore(store);
      request.result.createObjectStore("links", { keyPath: "id", autoIncrement: true }).createIndex("of", "of");
    };
    return new SyncState(await resultOf(request));
  }

  close(): void {
    this.database.close();
  }

  /** This browser profile's random name, made once. */
  async device(): Promise<string> {
    const transaction = this.database.transaction("device", "readwrite");
    const store = transaction.objectStore("device");
    const held = (await resultOf(store.get("id"))) as string | undefined;
    const device = held ?? crypto.randomUUID();
    if (held === undefined) store.put(device, "id");
    await committed(transaction);
    return device;
  }

  async link(server: string, database: string, user: string): Promise<Link> {
    const of = [server, database, user];
    const transaction = this.database.transaction("links", "readwrite");
    const store = transaction.objectStore("links");
    const held = (await resultOf(store.index("of").get(of))) as Link | undefined;
    const id = held?.id ?? ((await resultOf(store.add({ of, lastSyncAt: null }))) as number);
    await committed(transaction);
    return { id, lastSyncAt: held?.lastSyncAt ?? null };
  }

  async finish(link: Link, at: number): Promise<void> {
    const transaction = this.database.transaction("links", "readwrite");
    const store = transaction.objectStore("links");
    store.put({ ...((await resultOf(store.get(link.id))) as object), lastSyncAt: at });
    await committed(transaction);
    link.lastSyncAt = at;
  }

  async outbox(link: Link): Promise<Parcel | undefined> {
    const store = this.database.transaction("outbox").objectStore("outbox");
    return (await resultOf(store.get(link.id))) as Parcel | undefined;
  }

  async keep(link: Link, parcel: Parcel): Promise<void> {
    const transaction = this.database.transaction("outbox", "readwrite");
    transaction.objectStore("outbox").put(parcel, link.id);
    await committed(transaction);
  }

  async acknowledge(link: Link, parcel: Parcel): Promise<void> {
    const transaction = this.database.transaction(["outbox", "digests"], "readwrite");
    const digests = transaction.objectStore("digests");
    for (const [table, key, digest] of parcel.marks) {
      if (digest === null) digests.delete([link.id, table, key]);
      else digests.put(digest, [link.id, table, key]);
    }
    transaction.objectStore("outbox").delete(link.id);
    await committed(transaction);
  }

  /** Forget a chunk that the server refused; its rows count as changed again. */
  async drop(link: Link): Promise<void> {
    const transaction = this.database.transaction("outbox", "readwrite");
    transaction.objectStore("outbox").delete(link.id);
    await committed(transaction);
  }

  /** Tables with acknowledged rows. */
  async heldTables(link: Link): Promise<string[]> {
    const tables: string[] = [];
    const store = this.database.transaction("digests").objectStore("digests");
    const firstKey = (from: IDBValidKey): Promise<IDBValidKey | undefined> =>
      resultOf(store.getKey(IDBKeyRange.bound(from, [link.id + 1])));
    let key = await firstKey([link.id]);
    while (key !== undefined) {
      const table = (key as [number, string])[1];
      tables.push(table);
      key = await firstKey([link.id, `${table}\0`]);
    }
    return tables;
  }

  /** At most `limit` digests of a table behind a primary key, in key order. */
  async held(
    link: Link,
    table: string,
    after: IDBValidKey | undefined,
    limit: number,
  ): Promise<[IDBValidKey, string][]> {
    const from = after === undefined ? [link.id, table] : [link.id, table, after];
    const range = IDBKeyRange.bound(from, [link.id, `${table}\0`], true, true);
    const found = await entries<string>(this.database.transaction("digests").objectStore("digests"), range, limit);
    return found.map(([key, digest]) => [(key as IDBValidKey[])[2] as IDBValidKey, digest]);
  }
}
