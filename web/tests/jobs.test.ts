import { describe, expect, it, vi } from "vitest";
import { listenToJobs } from "../src/data/events";
import { initialJobState, jobFraction, reduceJob, type JobEvent } from "../src/data/jobs";
import type { Job, Step } from "../src/data/types";

function step(name: Step["name"], status: Step["status"], done?: number): Step {
  const progress = done === undefined ? null : { done, total: 100, unit: "items" };
  return { name, status, detail: "", facts: {}, durationSeconds: null, progress };
}

function job(changes: Partial<Job> = {}): Job {
  return {
    jobId: "a", kind: "run", trigger: "manual", status: "processing", startedAt: "2026-11-23T00:00:00Z",
    completedAt: null, durationSeconds: null, progress: null, steps: [], recordCount: null, s3Location: null,
    error: null, warnings: [], ...changes,
  };
}

const after = (...jobs: Job[]) =>
  jobs.reduce((state, next) => reduceJob(state, { type: "job", job: next }), initialJobState).job;

describe("the job that is shown", () => {
  it("follows the newest", () => {
    expect(after(job(), job({ status: "completed" }))?.status).toBe("completed");
    expect(after(job(), job({ jobId: "b", startedAt: "2026-11-23T01:00:00Z" }))?.jobId).toBe("b");
  });

  it("ignores an older job and a late echo of a finished one", () => {
    expect(after(job(), job({ jobId: "b", startedAt: "2026-11-22T01:00:00Z" }))?.jobId).toBe("a");
    expect(after(job({ status: "failed" }), job())?.status).toBe("failed");
  });

  it("keeps its job while the stream is lost", () => {
    const state = reduceJob({ job: job(), stream: "live" }, { type: "stream", stream: "lost" });
    expect(state).toMatchObject({ stream: "lost", job: { jobId: "a" } });
  });
});

describe("progress", () => {
  it("counts finished steps whole and the running one in part", () => {
    expect(jobFraction(job({ steps: [step("export", "done"), step("fetch", "running", 50), step("publish", "waiting")] }))).toBe(0.5);
  });

  it("is unknown rather than invented, full when done, and never above one", () => {
    expect(jobFraction(job())).toBeNull();
    expect(jobFraction(job({ status: "completed" }))).toBe(1);
    expect(jobFraction(job({ steps: [step("export", "running", 130)] }))).toBe(1);
  });
});

it("opens the stream again, waiting longer each time, until it is told to stop", () => {
  vi.useFakeTimers();
  const sources: EventTarget[] = [];
  const events: JobEvent[] = [];
  const stop = listenToJobs(
    (event) => events.push(event),
    () => {
      const source = Object.assign(new EventTarget(), { close: vi.fn() });
      sources.push(source);
      return source;
    },
  );
  sources[0]?.dispatchEvent(new Event("error"));
  vi.advanceTimersByTime(1000);
  sources[1]?.dispatchEvent(new Event("error"));
  vi.advanceTimersByTime(1000);
  expect(sources).toHaveLength(2);
  vi.advanceTimersByTime(1000);
  expect(sources).toHaveLength(3);
  sources[2]?.dispatchEvent(new Event("open"));
  sources[2]?.dispatchEvent(new MessageEvent("job", { data: JSON.stringify(job()) }));
  expect(events.map((event) => (event.type === "stream" ? event.stream : event.job.jobId))).toEqual(["lost", "lost", "live", "a"]);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(sources).toHaveLength(3);
  vi.useRealTimers();
});
