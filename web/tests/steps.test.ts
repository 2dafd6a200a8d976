import { expect, test } from "vitest";
import type { Step } from "../src/data/types";
import { translate } from "../src/lib/i18n/translate";
import { stepMessage } from "../src/model/steps";

const step = (more: Partial<Step>): Step => ({
  name: "fetch",
  status: "done",
  detail: "fitbit: 3 new",
  facts: { new: 3, unchanged: 5 },
  durationSeconds: 1,
  progress: null,
  ...more,
});

test("a step's figures are said in both languages", () => {
  const message = stepMessage(step({}));
  expect(message && translate("ja", message.key, Object.fromEntries(message.figures))).toBe(
    "新しい記録3件、変わりなし5件",
  );
});

test("other figures than the message names leave the server's own words", () => {
  expect(stepMessage(step({ facts: {} }))).toBeNull();
  expect(stepMessage(step({ status: "failed" }))).toBeNull();
});

test("an export of changes says what changed, one of everything how much there is", () => {
  const changes = stepMessage(step({ name: "export", facts: { changed: 2, deleted: 1 } }));
  expect(changes && translate("en", changes.key, Object.fromEntries(changes.figures))).toBe("2 changed, 1 deleted");
  expect(stepMessage(step({ name: "export", facts: { items: 9 } }))?.key).toBe("fact.export.done");
});
