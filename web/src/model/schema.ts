import type { AppSchema, Attribute, Door, Entity, Job, SchemaChange, Warning } from "../data/types";
import type { Day } from "../lib/dates";
import { messages, type Key, type Params } from "../lib/i18n/translate";

export type Sentence = { key: Key; params: Params };
/** Says a type in the reader's language. */
export type TypeWords = (type: string) => string;

const DAYS_SHOWN = 30;
const DAY_MS = 86_400_000;
const DOORS: Door[] = ["dynamodb", "indexeddb"];
/** What staging can read a value from. */
const SCALARS = new Set(["S", "N", "BOOL", "string", "number", "boolean"]);

/** The text for a type, DynamoDB's or JSON's; null where there is none. */
export function typeKey(type: string): Key | null {
  const key = `type.${type}`;
  return key in messages.en ? (key as Key) : null;
}

export function doorsOf(schema: AppSchema): Door[] {
  return DOORS.filter((door) => schema.entities.some((entity) => entity.door === door));
}

export function isNoted(attribute: Attribute): boolean {
  return attribute.isMixed || attribute.isGone || newSince(attribute) !== null;
}

/** Since when something about the attribute is new; null where nothing is. */
export function newSince(attribute: Attribute): Day | null {
  const days = attribute.types.filter((type) => type.isNew).map((type) => type.since);
  return days.toSorted().at(-1) ?? null;
}

/** New entities, and attributes that somebody should look at, of one door; a new entity is one line. */
export function noted(schema: AppSchema, door: Door): { entity: Entity; attribute: Attribute | null }[] {
  return schema.entities
    .filter((entity) => entity.door === door)
    .flatMap((entity): { entity: Entity; attribute: Attribute | null }[] =>
      entity.isNew ? [{ entity, attribute: null }] : entity.attributes.filter(isNoted).map((attribute) => ({ entity, attribute })),
    );
}

/** Warnings of the last runs, newest first, each said once. */
export function recentWarnings(runs: Job[], now: number): { warning: Warning; at: string }[] {
  const said = new Set<string>();
  return runs
    .filter((run) => now - Date.parse(run.startedAt) <= DAYS_SHOWN * DAY_MS)
    .flatMap((run) => run.warnings.map((warning) => ({ warning, at: run.startedAt })))
    .filter(({ warning }) => {
      const isFirst = !said.has(warning.message);
      said.add(warning.message);
      return isFirst;
    });
}

/** What changed, what becomes of it, and what to do; null where the server's own words are all there is. */
export function changeSentences(
  change: SchemaChange | null,
  typeWords: TypeWords,
  count: (value: number) => string,
): { what: Sentence; fate: Sentence; next: Sentence } | null {
  if (!change) return null;
  const types = (names: string[]) => names.map(typeWords).join(" / ");
  const what: Sentence = {
    key: `change.${change.kind}`,
    params: {
      name: change.attribute ? `${change.entityType}.${change.attribute}` : change.entityType,
      old: types(change.oldTypes),
      new: types(change.newTypes),
      items: count(change.items),
      of: count(change.entityItems),
    },
  };
  const plain = (key: Key): Sentence => ({ key, params: {} });
  return { what, fate: plain(fateOf(change)), next: plain(nextOf(change)) };
}

function fateOf(change: SchemaChange): Key {
  if (change.kind === "vanished") return "fate.vanished";
  if (!change.isRead) return "fate.unread";
  return change.newTypes.every((type) => SCALARS.has(type)) ? "fate.read" : "fate.unreadable";
}

function nextOf(change: SchemaChange): Key {
  if (change.kind === "vanished") return "next.vanished";
  return change.isRead ? "next.read" : "next.unread";
}
