import { bodyOf } from "./chunks";
import type { Parcel } from "./state";
import { type Language, type Problem, type Trouble, problemOf } from "./texts";

const PATIENCE_MS = 120_000;
/** Answers that a later try may change: time-outs, rate limits; and all from 500. */
const PASSING = new Set([408, 425, 429]);

/** What a chunk holds stands in the way, not who sends it or where to. */
const OF_CONTENT = new Set([413, 422]);

/** Nothing was acknowledged. `isFinal`: the same bytes would be refused again; `isOfContent`: others might not. */
export class NotTaken extends Error {
  override readonly name = "NotTaken";

  constructor(
    readonly problem: Problem,
    readonly isFinal: boolean,
    readonly isOfContent = false,
  ) {
    super(problem.message);
  }
}

export interface Receipt {
  uploadId: string;
  rows: number;
  deleted: number;
  /** Rows that the server put into quarantine. */
  refused: number;
  alreadyHeld: boolean;
}

/** The one server that data goes to. */
export class Server {
  constructor(
    readonly address: string,
    private readonly user: string,
    private readonly language: Language,
  ) {}

  problem(trouble: Trouble, detail = ""): Problem {
    return problemOf(trouble, this.language, this.address, detail);
  }

  /** Hand a chunk over; NotTaken unless the server acknowledged it. */
  async send(parcel: Parcel, device: string, stopped: AbortSignal): Promise<Receipt> {
    const query = new URLSearchParams({ user: this.user, device, part: "changes" });
    const patience = new AbortController();
    const giveUp = (): void => patience.abort();
    const timer = setTimeout(giveUp, PATIENCE_MS);
    stopped.addEventListener("abort", giveUp);
    try {
      const answer = await fetch(this.ingest(`?${query}`), {
        ...QUIETLY,
        method: "POST",
        headers: { "Content-Type": "application/octet-stream", Accept: "application/json" },
        body: await bodyOf(parcel, Date.now()),
        signal: patience.signal,
      });
      return await this.receipt(answer);
    } catch (cause) {
      if (cause instanceof NotTaken) throw cause;
      stopped.throwIfAborted();
      if (patience.signal.aborted) throw new NotTaken(this.problem("slow"), false);
      throw await this.silence();
    } finally {
      clearTimeout(timer);
      stopped.removeEventListener("abort", giveUp);
    }
  }

  private async receipt(answer: Response): Promise<Receipt> {
    const mayPass = answer.status >= 500 || PASSING.has(answer.status);
    let said: { success?: boolean; data?: Receipt; error?: Problem | null };
    try {
      said = (await answer.json()) as typeof said;
    } catch (cause) {
      // Only text that is no JSON is somebody else's; an answer cut short says nothing about its chunk.
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new NotTaken(this.problem("otherServer", `HTTP ${answer.status}`), !answer.ok && !mayPass);
    }
    if (answer.ok && said.success && said.data) return said.data;
    const { code, message, remedy } = said.error ?? this.problem("otherServer", `HTTP ${answer.status}`);
    throw new NotTaken({ code, message, remedy }, !answer.ok && !mayPass, OF_CONTENT.has(answer.status));
  }

  /**
   * Why fetch failed. The browser hides whether nobody listens or this page's origin is refused; a request that needs
   * no permission tells whether somebody listens, and one that needs it whether the origin is allowed.
   */
  private async silence(): Promise<NotTaken> {
    const listens = await answers(this.ingest(), "no-cors");
    if (listens && !(await answers(this.ingest(), "cors")) && (await answers(this.ingest(), "no-cors"))) {
      return new NotTaken(this.problem("originRefused", globalThis.location.origin), true);
    }
    return new NotTaken(this.problem("unreachable"), false);
  }

  private ingest(query = ""): string {
    return `${this.address}/api/ingest/indexeddb${query}`;
  }
}

/** No cookies, no referrer, no cache, and never along a redirect to somebody else. */
const QUIETLY = {
  credentials: "omit",
  referrerPolicy: "no-referrer",
  cache: "no-store",
  redirect: "error",
} satisfies RequestInit;

async function answers(address: string, mode: RequestMode): Promise<boolean> {
  try {
    // "no-cors" allows no other redirect mode; nothing is sent along here.
    await fetch(address, { ...QUIETLY, redirect: "follow", mode, signal: AbortSignal.timeout(5000) });
    return true;
  } catch {
    return false;
  }
}
