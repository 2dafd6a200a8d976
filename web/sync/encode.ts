/**
 * Rows in the form that dexie-export-import writes: Typeson 5's encapsulation with its "structured cloning" types.
 *
 * Written anew because Typeson with its registry weighs 60 KB; the tests hold it equal to dexie-export-import's own
 * output. Paths in `$types` are joined by ".", with "~" and "." in names escaped as "~0" and "~1".
 */

interface Walk {
  types: Record<string, string>;
  seen: Map<object, string>;
  /** Buffers that DataViews showed; a second view of one names its place in this list. */
  viewed: ArrayBuffer[];
  /** Blobs are read after the walk; each sets its own place. */
  reads: Promise<void>[];
}

type Members = Record<string, unknown>;

/** No prototype, so that a member called "__proto__" stays a member. */
const members = (): Members => Object.create(null) as Members;
const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);
const joined = (path: string, name: string | number): string =>
  (path ? `${path}.` : "") + String(name).replaceAll("~", "~0").replaceAll(".", "~1");

/** A row, or the pair [key, value] of a table without inbound keys, as JSON text. */
export async function encodeRow(value: unknown): Promise<string> {
  const walk: Walk = { types: Object.create(null) as Record<string, string>, seen: new Map(), viewed: [], reads: [] };
  const plain = encapsulated(walk, "", value);
  if (walk.reads.length) await Promise.all(walk.reads);
  return JSON.stringify(withTypes(plain, walk.types));
}

/** A primary key as the plain JSON value that a row holds in its place. */
export function encodeKey(key: IDBValidKey): string {
  return JSON.stringify(key, function (this: Members | IDBValidKey[], name: string, turned: unknown) {
    const held = name === "" ? key : (this as Members)[name];
    if (held instanceof Date) return held.getTime();
    if (held === Infinity || held === -Infinity) return String(held);
    if (held instanceof ArrayBuffer) return base64(held);
    return turned;
  });
}

function withTypes(plain: unknown, types: Record<string, string>): unknown {
  const isObject = typeof plain === "object" && plain !== null && !Array.isArray(plain);
  const hasOwnTypes = isObject && "$types" in plain;
  if (Object.keys(types).length === 0) return hasOwnTypes ? { $: plain, $types: true } : plain;
  if (!isObject || hasOwnTypes) return { $: plain, $types: { $: types } };
  (plain as Members).$types = types;
  return plain;
}

function encapsulated(walk: Walk, path: string, value: unknown): unknown {
  switch (typeof value) {
    case "undefined":
      walk.types[path] = "undef";
      return 0;
    case "number":
      return Number.isFinite(value) ? value : special(walk, path, value);
    case "bigint":
      walk.types[path] = "bigint";
      return String(value);
    case "object":
      return value === null ? null : object(walk, path, value);
    default:
      return value;
  }
}

function special(walk: Walk, path: string, value: number): string {
  walk.types[path] = Number.isNaN(value) ? "nan" : value > 0 ? "infinity" : "negativeInfinity";
  return String(value);
}

function object(walk: Walk, path: string, value: object): unknown {
  const before = walk.seen.get(value);
  if (before !== undefined) {
    walk.types[path] = "#";
    return `#${before}`;
  }
  walk.seen.set(value, path);
  if (Array.isArray(value)) return array(walk, path, value);
  const tag = tagOf(value);
  if (tag === "Object") return memberwise(walk, path, value);
  const replaced = REPLACERS[tag]?.(value as never, walk, path);
  if (replaced === undefined) return memberwise(walk, path, value);
  walk.types[path] = replaced.type;
  if (replaced.isPlain) return replaced.by;
  if (Array.isArray(replaced.by)) return replaced.by.map((item, i) => encapsulated(walk, joined(path, i), item));
  return typeof replaced.by === "object" ? memberwise(walk, path, replaced.by) : replaced.by;
}

function memberwise(walk: Walk, path: string, value: object, into: Members = members()): Members {
  for (const name of Object.keys(value)) {
    into[name] = encapsulated(walk, joined(path, name), (value as Members)[name]);
  }
  return into;
}

function array(walk: Walk, path: string, value: unknown[]): unknown {
  walk.types[path] = "arrayNonindexKeys";
  const isList = Object.keys(value).every((name) => String(Number.parseInt(name, 10)) === name);
  const into = isList ? new Array<unknown>(value.length) : members();
  if (!isList) (into as Members).length = value.length;
  memberwise(walk, path, value, into as Members);
  for (let i = 0; i < value.length; i++) {
    if (i in value) continue;
    walk.types[joined(path, i)] = "sparseUndefined";
    (into as Members)[i] = 0;
  }
  return into;
}

interface Replaced {
  type: string;
  by: string | number | boolean | object;
  /** Nothing in it needs encapsulating. */
  isPlain?: true;
}
type Replacer = (value: never, walk: Walk, path: string) => Replaced | undefined;

const boxed =
  (type: string): Replacer =>
  (value: object) => ({ type, by: value.valueOf() as number });

const typedArray = (value: Uint8Array): Replaced => ({
  type: `${tagOf(value).toLowerCase()}2`,
  by: { buffer: value.buffer, byteOffset: value.byteOffset, length: value.length },
});

/** By the tag that Object.prototype.toString tells; what is absent goes member by member. */
const REPLACERS: Record<string, Replacer> = {
  Date: (value: Date) => ({ type: "date", by: Number.isNaN(value.getTime()) ? "NaN" : value.getTime() }),
  RegExp: ({ source, flags }: RegExp) => ({
    type: "regexp",
    by: { source, flags: [..."gimyu"].filter((flag) => flags.includes(flag)).join("") },
  }),
  Map: (value: Map<unknown, unknown>) => ({ type: "map", by: [...value] }),
  Set: (value: Set<unknown>) => ({ type: "set", by: [...value] }),
  String: boxed("StringObject"),
  Boolean: boxed("BooleanObject"),
  Number: boxed("NumberObject"),
  BigInt: (value: object) => ({ type: "bigintObject", by: String(value) }),
  ArrayBuffer: (value: ArrayBuffer) => ({ type: "arraybuffer", by: base64(value) }),
  DataView: ({ buffer, byteOffset, byteLength }: DataView<ArrayBuffer>, { viewed }) => {
    const index = viewed.indexOf(buffer);
    if (index < 0) viewed.push(buffer);
    const bytes = index < 0 ? { encoded: base64(buffer) } : { index };
    return { type: "dataview", by: { ...bytes, byteOffset, byteLength } };
  },
  ImageData: ({ data, width, height }: ImageData) => ({ type: "imagedata", by: { array: [...data], width, height } }),
  FileList: (value: FileList) => ({ type: "filelist", by: [...value] }),
  // An extractable key is a secret; like dexie-export-import, only that there was one is told.
  CryptoKey: (value: CryptoKey) => (value.extractable ? { type: "cryptokey", by: {} } : undefined),
  Blob: (value: Blob, walk) => later(walk, "blob2", value, { type: value.type }, "data", base64),
  File: (value: File, walk) => {
    const { type, name, lastModified } = value;
    return later(walk, "file", value, { type, stringContents: "", name, lastModified }, "stringContents", userDefined);
  },
  ...Object.fromEntries(
    ["Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32", "Float32", "Float64"].map((kind) => [
      `${kind}Array`,
      typedArray as Replacer,
    ]),
  ),
};

/** What stands for a blob; its bytes are set when they are read. */
function later(
  walk: Walk,
  type: string,
  blob: Blob,
  by: Members,
  member: string,
  textOf: (bytes: ArrayBuffer) => string,
): Replaced {
  walk.reads.push(
    blob.arrayBuffer().then((bytes) => {
      by[member] = textOf(bytes);
    }),
  );
  return { type, by, isPlain: true };
}

/** Bytes as XMLHttpRequest reads them with `charset=x-user-defined`, which is how Typeson keeps a File's content. */
function userDefined(bytes: ArrayBuffer): string {
  return new TextDecoder("x-user-defined").decode(bytes);
}

function base64(bytes: ArrayBuffer): string {
  const all = new Uint8Array(bytes);
  let text = "";
  for (let at = 0; at < all.length; at += 0x8000) {
    text += String.fromCharCode(...all.subarray(at, at + 0x8000));
  }
  return btoa(text);
}
