/** The ModerationCraft app's half of the pipeline: what changed in its database goes to the person's own server. */

import { AppDatabase, DatabaseAbsent, type DexieLike } from "./app_database";
import { type Change, changes } from "./changes";
import { type Chunk, chunked, parcelOf } from "./chunks";
import { NotTaken, Server } from "./server";
import { type Link, type Parcel, SyncState } from "./state";
import type { Language, Problem } from "./texts";

export type { DexieLike, Language, Problem };

export interface SyncOptions {
  /** The database's name, or the app's own open Dexie (or IDBDatabase). */
  database: string | IDBDatabase | DexieLike;
  /** The pipeline's person that the rows belong to. */
  user: string;
  /** Where the pipeline listens; by default where this module was loaded from. */
  server?: string;
  /** Only these tables; by default all but those of Dexie's addons, whose names begin with `$` or `_`. */
  tables?: readonly string[];
  /** Servers beyond this machine are refused unless this is true. */
  allowRemote?: boolean;
  /** Between two looks at the database; 5 minutes by default. */
  intervalMs?: number;
  /** Before the first retry; it doubles up to the interval. 2 seconds by default. */
  retryMs?: number;
  /** Of messages; by default the browser's. */
  language?: Language;
  onStatus?: (status: SyncStatus) => void;
}

/**
 * - `idle`: all that was seen is acknowledged, but for rows that `error` speaks of · `syncing` · `retrying`: it goes on at `nextTryAt`
 * - `refused`: the server said no, and would again; `sync()` tries once more
 * - `absent`: the app's database is not there yet · `elsewhere`: another tab is at it
 * - `unsupported`: the browser or page lacks what is needed · `stopped`
 */
export type SyncPhase =
  | "idle"
  | "syncing"
  | "retrying"
  | "refused"
  | "absent"
  | "elsewhere"
  | "unsupported"
  | "stopped";

export interface SyncStatus {
  readonly phase: SyncPhase;
  /** When everything was last acknowledged. */
  readonly lastSyncAt: Date | null;
  /** Rows and deletions seen and not acknowledged. */
  readonly pending: number;
  /** Rows and deletions acknowledged since startSync. */
  readonly sent: number;
  /** Of those, rows that the server put into quarantine. */
  readonly quarantined: number;
  readonly error: Problem | null;
  readonly nextTryAt: Date | null;
}

export interface Sync {
  status(): SyncStatus;
  /** Look and send now; resolves with the outcome, never rejects. `everything`: acknowledged rows too. */
  sync(options?: { everything?: boolean }): Promise<SyncStatus>;
  /** Ends timers, listeners and a running upload; what is unacknowledged goes the next time. */
  stop(): Promise<void>;
}

/** Begin; TypeError for an address that is none, or that is not on this machine without `allowRemote`. */
export function startSync(options: SyncOptions): Sync {
  return new Syncing(options);
}

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;
/** Waking a tab does not count as a reason to look again within this time. */
const LULL_MS = 30_000;

function addressOf(options: SyncOptions): string {
  const url = new URL(options.server ?? import.meta.url);
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`${url.href} is no http address.`);
  if (!options.allowRemote && !LOOPBACK.test(url.hostname)) {
    throw new TypeError(`${url.origin} is not on this machine: pass allowRemote: true to send data there.`);
  }
  return url.origin;
}

type Why = "begun" | "timer" | "woken" | "asked";
interface How {
  why: Why;
  everything: boolean;
}

class Syncing implements Sync {
  private readonly server: Server;
  private readonly intervalMs: number;
  private readonly stopped = new AbortController();
  private readonly wakers: [EventTarget, string][] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | undefined;
  /** A pass that was asked for while another runs, and has not begun: later askers share it. */
  private queued: Promise<SyncStatus> | undefined;
  private failures = 0;
  /** By digest, rows that the server did not take as they are; they are tried again when asked, or when they changed. */
  private refused = new Map<string, Problem>();
  private endedAt = 0;
  private told: SyncStatus = {
    phase: "syncing",
    lastSyncAt: null,
    pending: 0,
    sent: 0,
    quarantined: 0,
    error: null,
    nextTryAt: null,
  };

  constructor(private readonly options: SyncOptions) {
    const language = options.language ?? (/^ja\b/.test(globalThis.navigator?.language ?? "") ? "ja" : "en");
    this.server = new Server(addressOf(options), options.user, language);
    this.intervalMs = options.intervalMs ?? 300_000;
    const lacking = [
      ["indexedDB", globalThis.indexedDB],
      ["navigator.locks", globalThis.navigator?.locks],
      ["crypto.subtle", globalThis.crypto?.subtle],
    ].find(([, found]) => !found);
    if (lacking) {
      this.tell({ phase: "unsupported", error: this.server.problem("unsupported", lacking[0] as string) });
      return;
    }
    this.listen(globalThis, "online");
    if (globalThis.document) this.listen(document, "visibilitychange");
    this.plan(0, "begun");
  }

  status(): SyncStatus {
    return this.told;
  }

  sync(options: { everything?: boolean } = {}): Promise<SyncStatus> {
    if (this.told.phase === "unsupported" || this.stopped.signal.aborted) return Promise.resolve(this.told);
    const everything = options.everything ?? false;
    if (this.queued && !everything) return this.queued;
    const isQueued = this.running !== undefined;
    const asked = this.pass({ why: "asked", everything }).then(() => this.told);
    if (isQueued) this.queued = asked;
    return asked;
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    for (const [target, name] of this.wakers) target.removeEventListener(name, this.wake);
    this.stopped.abort();
    await this.running;
    if (this.told.phase !== "unsupported") this.tell({ phase: "stopped", nextTryAt: null });
  }

  private listen(target: EventTarget, name: string): void {
    target.addEventListener(name, this.wake);
    this.wakers.push([target, name]);
  }

  private readonly wake = (event: Event): void => {
    if (this.running) {
      // What woke us may have come too late for the pass that is failing.
      void this.running.then(() => {
        if (this.told.phase === "retrying") this.plan(0, "woken");
      });
      return;
    }
    const isFresh = this.told.phase === "idle" && Date.now() - this.endedAt < LULL_MS;
    if (this.told.phase !== "refused" && (!isFresh || event.type === "online")) this.plan(0, "woken");
  };

  private plan(ms: number, why: Why): void {
    clearTimeout(this.timer);
    if (this.stopped.signal.aborted) return;
    this.timer = setTimeout(() => void this.pass({ why, everything: false }), ms);
  }

  private pass(how: How): Promise<void> {
    const before = this.running ?? Promise.resolve();
    const pass = before
      .then(() => this.attempt(how))
      .finally(() => {
        if (this.running === pass) this.running = undefined;
      });
    this.running = pass;
    return pass;
  }

  private async attempt(how: How): Promise<void> {
    this.queued = undefined;
    if (this.stopped.signal.aborted) return;
    clearTimeout(this.timer);
    const { database, user } = this.options;
    const name = typeof database === "string" ? database : database.name;
    const lock = `mcraft-sync ${this.server.address} ${name} ${user}`;
    const options = how.why === "asked" ? { signal: this.stopped.signal } : { ifAvailable: true };
    try {
      await navigator.locks.request(lock, options, async (held) => {
        await (held ? this.exclusively(name, how) : this.elsewhere(name));
      });
    } catch (reason) {
      this.failed(reason);
    }
    this.endedAt = Date.now();
  }

  private async elsewhere(name: string): Promise<void> {
    const state = await SyncState.open();
    try {
      const { lastSyncAt } = await state.link(this.server.address, name, this.options.user);
      this.tell({ phase: "elsewhere", lastSyncAt: lastSyncAt === null ? null : new Date(lastSyncAt) });
    } finally {
      state.close();
    }
    this.again(this.intervalMs);
  }

  private async exclusively(name: string, how: How): Promise<void> {
    const state = await SyncState.open();
    try {
      const link = await state.link(this.server.address, name, this.options.user);
      const lastSyncAt = link.lastSyncAt === null ? null : new Date(link.lastSyncAt);
      if (how.why === "timer" && this.wasDoneElsewhere(link.lastSyncAt ?? 0)) {
        this.tell({ phase: "idle", lastSyncAt, pending: 0, error: null });
        this.again(this.intervalMs);
        return;
      }
      this.tell({ phase: "syncing", lastSyncAt, nextTryAt: null });
      const app = await AppDatabase.open(this.options.database);
      try {
        await this.upload(app, state, link, how);
      } finally {
        app.close();
      }
    } finally {
      state.close();
    }
  }

  /** Whether another tab found or made everything acknowledged since this one's last pass, and not long ago. */
  private wasDoneElsewhere(lastSyncAt: number): boolean {
    const age = Date.now() - lastSyncAt;
    return lastSyncAt > this.endedAt && age >= 0 && age < this.intervalMs / 2;
  }

  private async upload(app: AppDatabase, state: SyncState, link: Link, how: How): Promise<void> {
    const choice = { tables: this.options.tables, everything: how.everything };
    if (how.why === "asked") this.refused.clear();
    const refused = new Map<string, Problem>();
    try {
      const left = await state.outbox(link);
      if (left) await this.deliver(state, link, left).catch(unlessOfContent);
      const upload = crypto.randomUUID();
      let sequence = 0;
      this.tell({ pending: 0 });
      for await (const chunk of chunked(this.acceptable(changes(app, state, link, choice), refused))) {
        this.stopped.signal.throwIfAborted();
        sequence += 1;
        const place = { databaseName: app.name, databaseVersion: app.version, upload, sequence };
        const parcel = parcelOf(chunk, place);
        await state.keep(link, parcel);
        this.tell({ pending: chunk.changes.length });
        await this.deliver(state, link, parcel).catch((reason: unknown) => setAside(refused, chunk, reason));
      }
      await state.finish(link, Date.now());
    } catch (reason) {
      const isFirst = this.failures === 0;
      this.failed(reason);
      if (reason instanceof NotTaken && (isFirst || how.why === "asked")) await this.count(app, state, link).catch(() => {});
      return;
    }
    this.failures = 0;
    this.refused = refused;
    const [error = null] = refused.values();
    this.tell({ phase: "idle", lastSyncAt: new Date(link.lastSyncAt ?? 0), pending: refused.size, error });
    this.again(this.intervalMs);
  }

  private async deliver(state: SyncState, link: Link, parcel: Parcel): Promise<void> {
    try {
      const receipt = await this.server.send(parcel, await state.device(), this.stopped.signal);
      await state.acknowledge(link, parcel);
      const { sent, quarantined, pending } = this.told;
      const count = parcel.marks.length;
      this.tell({
        sent: sent + count,
        quarantined: quarantined + receipt.refused,
        pending: Math.max(0, pending - count),
        error: null,
      });
    } catch (reason) {
      if (reason instanceof NotTaken && reason.isFinal) await state.drop(link);
      throw reason;
    }
  }

  /** Changes but for the rows that were refused as they still are; those are told in `refused`. */
  private async *acceptable(
    all: AsyncIterable<Change>,
    refused: Map<string, Problem>,
  ): AsyncGenerator<Change, void, undefined> {
    for await (const change of all) {
      const problem = this.refused.get(change.digest ?? "");
      if (change.digest !== null && problem) refused.set(change.digest, problem);
      else yield change;
    }
  }

  /** How much waits, once the server did not take something. */
  private async count(app: AppDatabase, state: SyncState, link: Link): Promise<void> {
    const waiting = changes(app, state, link, { tables: this.options.tables, everything: false });
    let pending = 0;
    while (!(await waiting.next()).done) {
      if (this.stopped.signal.aborted) return;
      pending += 1;
    }
    this.tell({ pending });
  }

  private failed(reason: unknown): void {
    if (this.stopped.signal.aborted) return;
    if (reason instanceof DatabaseAbsent) {
      this.tell({ phase: "absent", error: null });
      this.again(Math.min(this.intervalMs, LULL_MS));
      return;
    }
    if (reason instanceof NotTaken && reason.isFinal) {
      this.tell({ phase: "refused", error: reason.problem, nextTryAt: null });
      return;
    }
    this.tell({ phase: "retrying", error: this.problemOf(reason) });
    const wait = Math.min(this.intervalMs, (this.options.retryMs ?? 2000) * 2 ** this.failures);
    this.failures += 1;
    // Between half and all of it, so that tabs and devices do not come back in step.
    this.again(wait * (0.5 + Math.random() / 2));
  }

  private problemOf(reason: unknown): Problem | null {
    if (reason instanceof NotTaken) return reason.problem;
    const name = reason instanceof DOMException ? reason.name : "";
    // The app upgraded or closed its database in the middle: no trouble, the next pass reads on.
    if (name === "InvalidStateError" || name === "AbortError") return null;
    if (name === "QuotaExceededError") return this.server.problem("storageFull", name);
    return this.server.problem("unexpected", String(reason));
  }

  private again(ms: number): void {
    this.plan(ms, "timer");
    if (!this.stopped.signal.aborted) this.tell({ nextTryAt: new Date(Date.now() + ms) });
  }

  private tell(news: Partial<SyncStatus>): void {
    this.told = { ...this.told, ...news };
    try {
      this.options.onStatus?.(this.told);
    } catch (reason) {
      globalThis.reportError?.(reason);
    }
  }
}

/** A left chunk whose content is refused is dropped: its rows come again, as they are now. */
function unlessOfContent(reason: unknown): void {
  if (!(reason instanceof NotTaken && reason.isFinal && reason.isOfContent)) throw reason;
}

/** A row that went alone and that the server does not take as it is must not hold up the rows behind it. */
function setAside(refused: Map<string, Problem>, { changes: [change, ...more] }: Chunk, reason: unknown): void {
  unlessOfContent(reason);
  if (!change?.digest || more.length) throw reason;
  refused.set(change.digest, (reason as NotTaken).problem);
}
