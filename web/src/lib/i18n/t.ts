import { preferences } from "../preferences.svelte";
import { translate, type Key, type Params } from "./translate";

/** The text in the chosen language; inside a component it follows the switch. */
export function t(key: Key, params?: Params): string {
  return translate(preferences.locale, key, params);
}
