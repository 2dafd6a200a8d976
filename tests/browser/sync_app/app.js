/* As much of the app as the tests need: its Dexie database, and the lines that a reader of docs/browser-sync.md adds. */
import { Dexie } from "dexie";
import { exportDB } from "dexie-export-import";

const NAME = "ModerationCraftDB";
const DATED = "id, user_id, date, updated_at";
const STORES = {
  users: "id, email, updated_at",
  projects: "id, user_id, status, updated_at",
  big_tasks: "id, user_id, project_id, category, updated_at",
  small_tasks: "id, user_id, big_task_id, scheduled_start, *tags, updated_at, [user_id+scheduled_start]",
  work_sessions: "id, user_id, small_task_id, start_time, updated_at",
  time_entries: DATED,
  mood_entries: "id, user_id, timestamp, updated_at",
  dopamine_entries: "id, user_id, timestamp, updated_at",
  daily_conditions: DATED,
  schedule_memos: "id, user_id, week_start_date, updated_at",
  sleep_schedules: "id, user_id, date_of_sleep, updated_at",
  category_colors: "",
  sync_queue: "id, entity_type, status, timestamp",
};

const at = (minute) => new Date(Date.UTC(2026, 10, 23) + minute * 60_000);
const row = (id, more) => ({
  id,
  user_id: "me",
  created_at: at(0).toISOString(),
  updated_at: at(1).toISOString(),
  ...more,
});

window.app = {
  db: undefined,
  sync: undefined,
  states: [],

  async open(version = 12, more = {}) {
    this.db = new Dexie(NAME);
    this.db.version(12).stores(STORES);
    if (version > 12) this.db.version(version).stores({ ...STORES, ...more });
    await this.db.open();
  },

  /** Something in every table, in every type that rows may hold; `count` sessions with notes of `bytes` bytes. */
  async fill(count, bytes = 200) {
    const { db } = this;
    await db.users.put(row("me", { name: "三好", preferences: { theme: "dark", hours: [9, 10.5], seen: new Map([["a", at(3)]]) } }));
    await db.projects.put(row("p1", { name: "絵本 📚", workable_weekdays: [true, false], color: undefined }));
    await db.big_tasks.put(row("b1", { project_id: "p1", estimated_hours: 0.1, actual_hours: Number.NaN }));
    await db.small_tasks.bulkPut([
      row("s1", { tags: ["線", "色"], scheduled_start: at(5), "odd.name~": at(6) }),
      row("s2", { tags: [], scheduled_start: "2026-11-23", $types: { own: 1 }, $: [at(7)] }),
    ]);
    await db.work_sessions.bulkPut(
      Array.from({ length: count }, (_, i) =>
        row(`w${String(i).padStart(5, "0")}`, { start_time: at(i), end_time: at(i + 25), work_notes: "🖌".repeat(bytes / 4) }),
      ),
    );
    await db.time_entries.put(row("e1", { date: "2026-11-23", duration_minutes: -0, tags: new Set(["x", at(1)]) }));
    await db.mood_entries.put(row("m1", { timestamp: at(9), mood_level: 7, voice: new Blob([new Uint8Array([0, 200, 255])], { type: "audio/ogg" }) }));
    await db.dopamine_entries.put(row("d1", { timestamp: at(9), file: new File([new Uint8Array([1, 128, 255])], "絵.bin", { lastModified: 5 }) }));
    await db.daily_conditions.put(row("c1", { date: "2026-11-23", bytes: new Uint8Array([1, 2, 3]).subarray(1), big: 12n ** 20n }));
    await db.schedule_memos.put(row("n1", { content: "# 週\n\u2028 \0 end" }));
    await db.sleep_schedules.put(row("z1", { sleep_efficiency: Infinity, notes: null }));
    await db.category_colors.bulkPut([{ color: "hsl(162, 46%, 42%)" }, { since: at(2) }], ["企画", "制作"]);
    await db.sync_queue.put({ id: "q1", entity_type: "work_session", status: "pending", timestamp: at(30), data: row("w0", {}) });
  },

  /** The lines of docs/browser-sync.md. */
  async begin(server, options = {}) {
    const { startSync } = await import(`${server}/sync/mcraft-sync.js`);
    const onStatus = (status) => this.states.push(status.phase);
    this.sync = startSync({ database: NAME, server, user: "me", onStatus, ...options });
  },

  /** What dexie-export-import says of the database. */
  async dump() {
    return (await exportDB(this.db)).text();
  },
};
