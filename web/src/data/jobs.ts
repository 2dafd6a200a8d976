import type { Job, StepName } from "./types";

/** What the Status tab shows: the newest job seen, and whether the stream is alive. */
export type JobState = { job: Job | null; stream: "connecting" | "live" | "lost" };

export type JobEvent =
  | { type: "stream"; stream: JobState["stream"] }
  | { type: "job"; job: Job };

export const initialJobState: JobState = { job: null, stream: "connecting" };

export function isActive(job: Job | null): boolean {
  return job !== null && (job.status === "initiated" || job.status === "processing");
}

/** Older jobs and late echoes of a finished job never replace what is newer. */
export function reduceJob(state: JobState, event: JobEvent): JobState {
  if (event.type === "stream") return { ...state, stream: event.stream };
  const { job: current } = state;
  const { job: next } = event;
  if (current) {
    if (next.jobId !== current.jobId && next.startedAt < current.startedAt) return state;
    if (next.jobId === current.jobId && !isActive(current) && isActive(next)) return state;
  }
  return { ...state, job: next };
}

export function runningStep(job: Job): StepName | null {
  return job.steps.find((step) => step.status === "running")?.name ?? null;
}

/** 0–1 over the whole job: finished steps count one each, the running one by its own progress; null when unknown. */
export function jobFraction(job: Job): number | null {
  if (job.status === "completed") return 1;
  if (job.steps.length === 0) {
    return job.progress?.total ? Math.min(1, job.progress.done / job.progress.total) : null;
  }
  const parts = job.steps.map((step) => {
    if (step.status === "done" || step.status === "skipped") return 1;
    const progress = step.progress ?? (step.status === "running" ? job.progress : null);
    return step.status === "running" && progress?.total ? Math.min(1, progress.done / progress.total) : 0;
  });
  return parts.reduce<number>((sum, part) => sum + part, 0) / parts.length;
}
