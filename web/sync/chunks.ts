import type { Change } from "./changes";
import type { Parcel } from "./state";

const CHUNK_BYTES = 1_000_000;
const CHUNK_ROWS = 1000;

export interface Chunk {
  changes: Change[];
  /** Nothing follows in this upload. */
  last: boolean;
}

/** Changes in chunks of at most about a megabyte and a thousand rows; a larger row is a chunk of its own. */
export async function* chunked(changes: AsyncIterable<Change>): AsyncGenerator<Chunk, void, undefined> {
  let held: Change[] = [];
  let bytes = 0;
  for await (const change of changes) {
    if (held.length === CHUNK_ROWS || (held.length > 0 && bytes + change.bytes > CHUNK_BYTES)) {
      yield { changes: held, last: false };
      held = [];
      bytes = 0;
    }
    held.push(change);
    bytes += change.bytes;
  }
  if (held.length) yield { changes: held, last: true };
}

export interface Place {
  databaseName: string;
  databaseVersion: number;
  upload: string;
  sequence: number;
}

/** A chunk as the dump that the server takes; all but the instant at which it is sent. */
export function parcelOf(chunk: Chunk, place: Place): Parcel {
  const { databaseName, databaseVersion, upload, sequence } = place;
  const tables = new Map(chunk.changes.map(({ table }) => [table.name, { table, rows: [] as string[] }]));
  const deleted = new Map<string, string[]>();
  for (const { table, digest, text } of chunk.changes) {
    if (digest !== null) tables.get(table.name)?.rows.push(text);
    else if (!deleted.get(table.name)?.push(text)) deleted.set(table.name, [text]);
  }
  const listed = [...tables.values()];
  const headers = listed.map(({ table: { name, schema }, rows }) => ({ name, schema, rowCount: rows.length }));
  const gone = [...deleted].map(([name, keys]) => `${JSON.stringify(name)}:[${keys.join()}]`);
  const data = listed.map(
    ({ table: { name, inbound }, rows }) =>
      `{"tableName":${JSON.stringify(name)},"inbound":${inbound},"rows":[${rows.join()}]}`,
  );
  const mcraft = JSON.stringify({ upload, sequence, last: chunk.last }).slice(0, -1);
  const text: Parcel["text"] = [
    `{"formatName":"dexie","formatVersion":1,"mcraft":${mcraft},"sentAt":`,
    `,"deleted":{${gone.join()}}},"data":{"databaseName":${JSON.stringify(databaseName)},` +
      `"databaseVersion":${databaseVersion},"tables":${JSON.stringify(headers)},"data":[${data.join()}]}}`,
  ];
  const marks = chunk.changes.map(({ table, key, digest }) => [table.name, key, digest] as const);
  return { upload, sequence, text, marks };
}

/** A request's body: gzip where the browser can. `sentAt`: milliseconds of this device's clock. */
export async function bodyOf({ text: [before, after] }: Parcel, sentAt: number): Promise<ArrayBuffer> {
  const bytes = new Blob([before, String(sentAt), after]);
  if (typeof CompressionStream === "undefined") return bytes.arrayBuffer();
  return new Response(bytes.stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
}
