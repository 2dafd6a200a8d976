import { messages, translate, type Key, type Locale } from "../lib/i18n/translate";

const COLOURS: Record<string, string> = { fitbit: "var(--body)", calendar: "var(--calendar)", weather: "var(--weather)" };

/** A source in the reader's words; one that the pages do not know keeps its own name. */
export function sourceWord(locale: Locale, source: string): string {
  return worded(locale, `source.${source}`, source);
}

export function streamWord(locale: Locale, stream: string): string {
  return worded(locale, `stream.${stream}`, stream);
}

export function sourceColour(source: string): string {
  return COLOURS[source] ?? "var(--work)";
}

function worded(locale: Locale, key: string, otherwise: string): string {
  return key in messages.en ? translate(locale, key as Key) : otherwise;
}
