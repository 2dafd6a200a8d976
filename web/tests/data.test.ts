import { afterEach, describe, expect, it, vi } from "vitest";
import { api, ServerError, Unreachable } from "../src/data/api";
import { plainRows } from "../src/data/arrow";
import { QueryError, sqlText } from "../src/data/connector";
import { stackProjects } from "../src/charts/rows";
import { ticksOf } from "../src/charts/frame";
import { rankProjects } from "../src/model/range";

afterEach(() => vi.unstubAllGlobals());

function answer(body: unknown, status = 200): void {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(body), { status })));
}

describe("the server's answers", () => {
  it("are unwrapped", async () => {
    answer({ success: true, data: { version: null, people: [] } });
    expect(await api.people()).toEqual({ version: null, people: [] });
  });

  it("carry code, cause and next step when they are refusals", async () => {
    answer({ success: false, error: { code: "E004", name: "S3_ACCESS", message: "no", remedy: "look" } }, 500);
    const error = await api.people().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServerError);
    expect((error as ServerError).detail).toMatchObject({ code: "E004", remedy: "look" });
  });

  it("are missed by name when nothing, or something else, answers", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("refused")));
    await expect(api.people()).rejects.toBeInstanceOf(Unreachable);
    vi.stubGlobal("fetch", () => Promise.resolve(new Response("<html>", { status: 502 })));
    await expect(api.people()).rejects.toThrow(/502/);
  });
});

it("turns Arrow's types into the same plain values as JSON", () => {
  const columns = [[Date.UTC(2026, 10, 20)], [Date.UTC(2026, 10, 20, 7, 5)], [12n], [Number.NaN], [null]];
  const table = {
    numRows: 1,
    schema: { fields: [8, 10, 2, 3, 5].map((typeId, i) => ({ name: `c${i}`, type: { typeId } })) },
    getChildAt: (i: number) => ({ get: (row: number) => columns[i]?.[row] }),
  };
  expect(plainRows(table)).toEqual([{ c0: "2026-11-20", c1: "2026-11-20T07:05:00", c2: 12, c3: null, c4: null }]);
});

it("carries the SQL with a query's error, and quotes text in it", () => {
  expect(new QueryError("SELECT 1", new Error("no")).message).toBe("no\nin: SELECT 1");
  expect(sqlText("it's")).toBe("'it''s'");
});

it("stacks a day's projects without gaps, the largest of all lowest", () => {
  const rows = [
    { date: "2026-11-20", project_id: "small", project_name: "s", minutes: 30 },
    { date: "2026-11-20", project_id: "large", project_name: "l", minutes: 90 },
  ];
  expect(stackProjects(rows, rankProjects(rows, 4))).toEqual([
    { date: "2026-11-20", rank: 0, from: 0, to: 1.5 },
    { date: "2026-11-20", rank: 1, from: 1.5, to: 2 },
  ]);
});

it.each([
  [340, "2026-10-26", 4, false],
  [1120, "2026-08-25", 12, false],
  [340, "2026-05-27", 3, true],
])("gives the axis of %d px from %s room to breathe", (width, from, count, byMonth) => {
  const ticks = ticksOf({ range: { from, to: "2026-11-22" }, width, locale: "en" });
  expect(ticks.byMonth).toBe(byMonth);
  expect(Math.abs(ticks.days.length - count)).toBeLessThanOrEqual(1);
});
