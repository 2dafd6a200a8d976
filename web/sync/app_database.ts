import { entries } from "./requests";

/** The app's database is not there, or not open yet. */
export class DatabaseAbsent extends Error {
  override readonly name = "DatabaseAbsent";
}

/** What a Dexie instance offers. */
export interface DexieLike {
  readonly name: string;
  backendDB(): IDBDatabase | null;
}

export interface Table {
  readonly name: string;
  /** Dexie's schema text: primary key, then indexes. */
  readonly schema: string;
  /** Whether rows hold their primary key. */
  readonly inbound: boolean;
}

/** The app's database, only ever read; it is let go as soon as the app wants to upgrade or delete it. */
export class AppDatabase {
  private constructor(
    private readonly database: IDBDatabase,
    private readonly isOurs: boolean,
  ) {}

  /** Raises DatabaseAbsent; never creates a database, and never changes its version. */
  static async open(source: string | IDBDatabase | DexieLike): Promise<AppDatabase> {
    if (typeof source === "string") return new AppDatabase(await openAsItIs(source), true);
    const database = "backendDB" in source ? source.backendDB() : source;
    if (!database) throw new DatabaseAbsent();
    return new AppDatabase(database, false);
  }

  get name(): string {
    return this.database.name;
  }

  /** Dexie's version number: a tenth of IndexedDB's. */
  get version(): number {
    return this.database.version / 10;
  }

  /** Every table but those that belong to Dexie's addons (`$logins`, `_syncNodes`, …). */
  tables(): Table[] {
    const names = [...this.database.objectStoreNames].filter((name) => !/^[$_]/.test(name));
    if (names.length === 0) return [];
    const transaction = this.database.transaction(names, "readonly");
    return names.map((name) => {
      const store = transaction.objectStore(name);
      return { name, schema: schemaOf(store), inbound: Boolean(store.keyPath) };
    });
  }

  /** At most `limit` rows behind a key, in key order. */
  read(table: Table, after: IDBValidKey | undefined, limit: number): Promise<[IDBValidKey, unknown][]> {
    const range = after === undefined ? undefined : IDBKeyRange.lowerBound(after, true);
    return entries(this.database.transaction(table.name, "readonly").objectStore(table.name), range, limit);
  }

  close(): void {
    if (this.isOurs) this.database.close();
  }
}

function openAsItIs(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    let isAbsent = false;
    request.onupgradeneeded = () => {
      isAbsent = true;
      request.transaction?.abort();
    };
    request.onerror = (event) => {
      event.preventDefault();
      reject(isAbsent ? new DatabaseAbsent() : request.error);
    };
    request.onsuccess = () => {
      const database = request.result;
      database.onversionchange = () => database.close();
      resolve(database);
    };
  });
}

function schemaOf(store: IDBObjectStore): string {
  const primary = (store.autoIncrement ? "++" : "") + pathText(store.keyPath);
  const indexes = [...store.indexNames].map((name) => {
    const index = store.index(name);
    return (index.unique ? "&" : "") + (index.multiEntry ? "*" : "") + pathText(index.keyPath);
  });
  return [primary, ...indexes].join(",");
}

function pathText(keyPath: string | string[] | null): string {
  return Array.isArray(keyPath) ? `[${keyPath.join("+")}]` : (keyPath ?? "");
}
