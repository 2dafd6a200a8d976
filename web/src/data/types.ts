import type { Day } from "../lib/dates";

/** What the server says: the shapes of docs/api.md. */
export type ApiError = { code: string; name: string; message: string; remedy: string };

export type JobStatus = "initiated" | "processing" | "completed" | "failed";
export type StepName = "export" | "fetch" | "prepare" | "transform" | "analyse" | "publish";
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
  warnings: Warning[];
};

/** What changed in the app's records: `items` of the entity's present ones (vanished: that held it before). */
export type SchemaChange = {
  kind: "new_entity" | "new_attribute" | "new_type" | "vanished";
  door: Door;
  entityType: string;
  attribute: string;
  oldTypes: string[];
  newTypes: string[];
  items: number;
  entityItems: number;
  isRead: boolean;
};

/** What somebody should know although the job went on. */
export type Warning = ApiError & { change: SchemaChange | null };

export type ExportMode = "full" | "incremental" | "pitr";
export type ExportFormat = "json" | "parquet";
export type ExportChoice = { mode: "full" | "incremental"; format: ExportFormat };

export type Export = {
  exportId: string;
  jobId: string | null;
  tableName: string;
  exportMode: ExportMode;
  format: ExportFormat | "dynamodb_json";
  status: "completed";
  /** Only what changed in its window, to be laid over what came before it. */
  isDelta: boolean;
  /** The instant whose state it shows; `changesSince` is where a window begins. */
  asOf: string;
  changesSince: string | null;
  recordCount: number;
  deletedCount: number;
  bytes: number;
  s3Location: string;
  startedAt: string;
  completedAt: string;
  unchanged: boolean;
};

export type ExportList = { exports: Export[]; totalCount: number; latestExport: Export | null };

/** Where records come in: the app's table, or people's browsers. */
export type Door = "dynamodb" | "indexeddb";

export type AttributeType = { type: string; items: number; since: Day; lastSeen: Day; isNew: boolean };

export type Attribute = {
  name: string;
  types: AttributeType[];
  items: number;
  /** 0–1 of the entity's present records; null where none is present. */
  missingShare: number | null;
  since: Day;
  lastSeen: Day;
  isNew: boolean;
  isMixed: boolean;
  isGone: boolean;
  isRead: boolean;
};

export type Entity = {
  door: Door;
  entityType: string;
  items: number;
  since: Day;
  isNew: boolean;
  attributes: Attribute[];
};

export type AppSchema = { goldVersion: string | null; entities: Entity[] };

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
