import type { JobEvent } from "./jobs";
import type { Job } from "./types";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

type Source = EventTarget & { close(): void };

/**
 * Listens to the server's job events until the returned function is called.
 * EventSource reconnects by itself only after a network error, and gives up on an HTTP error: so we
 * open a new one each time, waiting longer each time.
 */
export function listenToJobs(
  onEvent: (event: JobEvent) => void,
  open: () => Source = () => new EventSource("/api/pipeline/events"),
): () => void {
  let source: Source | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = FIRST_WAIT_MS;
  let stopped = false;

  function connect(): void {
    source = open();
    source.addEventListener("open", () => {
      waitMs = FIRST_WAIT_MS;
      onEvent({ type: "stream", stream: "live" });
    });
    source.addEventListener("job", (message) => {
      onEvent({ type: "job", job: JSON.parse((message as MessageEvent<string>).data) as Job });
    });
    source.addEventListener("error", () => {
      source?.close();
      if (stopped) return;
      onEvent({ type: "stream", stream: "lost" });
      timer = setTimeout(connect, waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    });
  }

  connect();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  };
}
