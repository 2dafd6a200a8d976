import type { Step } from "../data/types";
import { messages, type Key } from "../lib/i18n/translate";

/** The message for how a step ended and the figures that it names; null where the server gave other figures. */
export function stepMessage(step: Step): { key: Key; figures: [name: string, value: number][] } | null {
  const key = `fact.${step.name}.${step.status}`;
  return messageOf(step, key) ?? messageOf(step, `${key}.changes`);
}

function messageOf(step: Step, key: string): ReturnType<typeof stepMessage> {
  if (!(key in messages.en)) return null;
  const names = [...messages.en[key as Key].matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  const figures = names.flatMap((name): [string, number][] => {
    const value = step.facts[name];
    return value === undefined ? [] : [[name, value]];
  });
  return figures.length === names.length ? { key: key as Key, figures } : null;
}
