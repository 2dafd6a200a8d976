import { api } from "../data/api";
import { listenToJobs } from "../data/events";
import { initialJobState, isActive, reduceJob, type JobState } from "../data/jobs";
import type {
  ApiError,
  AppSchema,
  ExportChoice,
  ExportList,
  Job,
  LayerList,
  Settings,
  StartableJob,
} from "../data/types";
import { ServerError } from "../data/api";

export const HISTORY_DAYS = 30;
const RUNS_SHOWN = 50;

/** Everything the pipeline page shows; asks again whenever a job ends. */
export class Pipeline {
  layers = $state.raw<LayerList | null>(null);
  settings = $state.raw<Settings | null>(null);
  exports = $state.raw<ExportList | null>(null);
  runs = $state.raw<Job[] | null>(null);
  schema = $state.raw<AppSchema | null>(null);
  error = $state.raw<unknown>(null);
  /** A start the server refused outright, before there was a job. */
  refused = $state.raw<ApiError | null>(null);
  isStarting = $state(false);
  jobs = $state.raw<JobState>(initialJobState);

  job = $derived(this.jobs.job);
  isBusy = $derived(this.isStarting || isActive(this.job));

  private stopListening: (() => void) | undefined;

  /** Each part of the page stands for itself: where one cannot be read, the others still show. */
  async load(): Promise<void> {
    const [layers, exports, runs, settings, schema] = await Promise.allSettled([
      api.layers(),
      api.exports(HISTORY_DAYS),
      api.runs(RUNS_SHOWN),
      api.settings(),
      api.schema(),
    ]);
    if (layers.status === "fulfilled") this.layers = layers.value;
    if (exports.status === "fulfilled") this.exports = exports.value;
    if (settings.status === "fulfilled") this.settings = settings.value;
    if (schema.status === "fulfilled") this.schema = schema.value;
    if (runs.status === "fulfilled") {
      this.runs = runs.value.runs;
      const newest = this.runs[0];
      if (newest) this.take(newest);
    }
    const failed = [layers, exports, runs, settings, schema].find((one) => one.status === "rejected");
    this.error = failed?.reason ?? null;
  }

  listen(): () => void {
    this.stopListening = listenToJobs((event) => {
      if (event.type === "job") return this.take(event.job);
      const wasLost = this.jobs.stream === "lost";
      this.jobs = reduceJob(this.jobs, event);
      // What happened while nobody listened is not sent again.
      if (wasLost && event.stream === "live") void this.load();
    });
    return () => this.stopListening?.();
  }

  private take(job: Job): void {
    const before = this.job;
    this.jobs = reduceJob(this.jobs, { type: "job", job });
    if (isActive(before) && !isActive(this.job)) void this.load();
  }

  /** `choice` says what kind of export; the whole job has its own in the settings. */
  async start(kind: StartableJob, choice?: ExportChoice): Promise<void> {
    this.isStarting = true;
    this.refused = null;
    try {
      this.take(await api.start(kind, choice));
    } catch (error) {
      if (error instanceof ServerError) this.refused = error.detail;
      else this.error = error;
    } finally {
      this.isStarting = false;
    }
  }
}
