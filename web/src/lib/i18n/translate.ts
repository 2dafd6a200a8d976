import { charts } from "./charts";
import { common } from "./common";
import { day } from "./day";
import { integrations } from "./integrations";
import { pipeline } from "./pipeline";
import { today } from "./today";

export type Locale = "ja" | "en";

const en = { ...common.en, ...today.en, ...charts.en, ...day.en, ...pipeline.en, ...integrations.en };
export type Key = keyof typeof en;
type Messages = Record<Key, string>;
const ja: Messages = { ...common.ja, ...today.ja, ...charts.ja, ...day.ja, ...pipeline.ja, ...integrations.ja };

export const messages: Record<Locale, Messages> = { ja, en };

export type Params = Record<string, string | number>;

export function translate(locale: Locale, key: Key, params: Params = {}): string {
  return messages[locale][key].replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ""));
}
