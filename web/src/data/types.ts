import type { Day } from "../lib/dates";

/** What the server says: the shapes of docs/api.md. */
export type ApiError = { code: string; name: string; message: string; remedy: string };

export type JobStatus = "initiated" | "processing" | "completed" | "failed";
export type StepName = "export" | "fetch" | "prepare" | "transform" | "publish";
export type StepStatus = "waiting" | "running" | "done" | "skipped" | "failed";
export type Progress = { done: number; total: number | null; unit: string };

export type Step = {
  name: StepName;
  status: StepStatus;
  detail: string;
  /** The figures of `detail`, by name. */
  facts: Record<string, number>;
  durationSeconds: number | null;
  progress: Progress | null;
};

/** The jobs that a page can start; others are started from the command line. */
export type StartableJob = "run" | "export";

export type Job = {
  jobId: string;
  kind: StartableJob | "fetch" | "rebuild";
  trigger: "manual" | "schedule" | "catch_up" | "cli" | "demo";
  status: JobStatus;
  startedAt: string;
  completedAt: string | null;
  durationSeconds: number | null;
  progress: Progress | null;
  steps: Step[];
  recordCount: number | null;
  s3Location: string | null;
  error: ApiError | null;
};

export type Export = {
  exportId: string;
  jobId: string | null;
  tableName: string;
  exportMode: "full";
  format: "json" | "parquet";
  status: "completed";
  recordCount: number;
  bytes: number;
  s3Location: string;
  startedAt: string;
  completedAt: string;
  unchanged: boolean;
};

export type ExportList = { exports: Export[]; totalCount: number; latestExport: Export | null };

export type LayerName = "sources" | "raw" | "staging" | "gold" | "pages";
export type LayerState = "fresh" | "stale" | "empty" | "failed";

export type LayerPart = {
  name: string;
  objects: number;
  rows: number;
  freshAt: string | null;
  state: string;
  detail?: string | null;
};

export type Layer = {
  name: LayerName;
  state: LayerState;
  freshAt: string | null;
  objects: number;
  rows: number;
  bytes: number;
  detail: string;
  parts: LayerPart[];
};

export type DemoInfo = { days: number; users: number; seed: number; lastDay: string };
export type LayerList = { layers: Layer[]; demo: DemoInfo | null };

export type Settings = {
  lake: string;
  tableName: string;
  dynamodbEndpoint: string | null;
  region: string;
  version: string;
  schedule: {
    enabled: boolean;
    cron: string;
    timezone: string;
    time: string;
    nextRunAt: string | null;
    lastRunAt: string | null;
  };
  sources: { name: string; enabled: boolean; detail: string }[];
};

export type Person = {
  user_id: string;
  name: string;
  timezone: string;
  first_date: Day;
  last_date: Day;
  url: string;
  bytes: number;
};

export type People = { version: string | null; people: Person[] };
