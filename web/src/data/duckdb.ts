import { AsyncDuckDB, VoidLogger, type AsyncDuckDBConnection } from "@duckdb/duckdb-wasm";
import workerUrl from "@duckdb/duckdb-wasm/dist/duckdb-browser-eh.worker.js?url";
import wasmUrl from "@duckdb/duckdb-wasm/dist/duckdb-eh.wasm?url";
import { plainRows, type ArrowTable } from "./arrow";
import { EngineError, QueryError, sqlText, type Connector, type Row } from "./connector";

let engine: Promise<AsyncDuckDB> | undefined;
let attached = 0;

/** 36 MB over a slow line, and a slow machine to compile them. */
const BOOT_LIMIT_MS = 120_000;

/** Boots the engine once a page; takes 2–4 s, in its own thread. */
function startEngine(): Promise<AsyncDuckDB> {
  engine ??= boot().catch((cause: unknown) => {
    engine = undefined; // so that "try again" does
    throw new EngineError(cause);
  });
  return engine;
}

// When the worker cannot fetch or compile the module, its promise never settles: so it is looked for
// before, and not waited for without end.
async function mustBeThere(url: string): Promise<void> {
  const response = await fetch(url, { method: "HEAD" });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
}

function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`DuckDB did not start within ${limitMs / 1000} s`)), limitMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function boot(): Promise<AsyncDuckDB> {
  await mustBeThere(wasmUrl);
  const worker = new Worker(workerUrl);
  const database = new AsyncDuckDB(new VoidLogger(), worker);
  try {
    await within(BOOT_LIMIT_MS, database.instantiate(wasmUrl));
  } catch (cause) {
    worker.terminate();
    throw cause;
  }
  await database.open({
    // Without these three the whole file is fetched instead of the ranges a query touches.
    filesystem: { allowFullHTTPReads: false, reliableHeadRequests: true, forceFullHTTPReads: false },
    query: { castDecimalToDouble: true, castBigIntToDouble: true },
  });
  return database;
}

/** Attaches one person's published file, read over HTTP ranges. */
export async function openPerson(url: string): Promise<Connector> {
  const database = await startEngine();
  const connection = await database.connect();
  const name = `person_${(attached += 1)}`;
  try {
    // Extensions come from a host we never ask.
    await connection.query("SET autoload_known_extensions = false");
    await connection.query(`ATTACH ${sqlText(new URL(url, location.origin).href)} AS ${name} (READ_ONLY)`);
    await connection.query(`USE ${name}.main`);
  } catch (cause) {
    await connection.close();
    throw new EngineError(cause);
  }
  return new DuckDbConnector(connection, name);
}

class DuckDbConnector implements Connector {
  constructor(
    private readonly connection: AsyncDuckDBConnection,
    private readonly name: string,
  ) {}

  async query<T extends Row>(sql: string): Promise<T[]> {
    try {
      return plainRows<T>((await this.connection.query(sql)) as unknown as ArrowTable);
    } catch (cause) {
      throw new QueryError(sql, cause);
    }
  }

  async close(): Promise<void> {
    await this.connection.query("USE memory");
    await this.connection.query(`DETACH ${this.name}`);
    await this.connection.close();
  }
}
