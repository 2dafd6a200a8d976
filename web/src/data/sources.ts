import type { Day } from "../lib/dates";
import type { DayRun, DayState } from "../model/heat";
import type { ApiError } from "./types";

/** Outside sources as docs/api.md tells them: what each holds and lacks, by person, stream and day. */
export type DayCounts = Partial<Record<DayState, number>>;

export type Stream = {
  name: string;
  description: string;
  entity: string;
  unit: string;
  shape: "daily" | "snapshot" | "changes";
  openDays: number;
  isOptional: boolean;
};

export type HeldStream = {
  stream: string;
  days: DayCounts;
  firstDay: Day | null;
  lastDay: Day | null;
  lastLookedAt: string | null;
  reason: string | null;
};

export type SourcePerson = {
  userId: string;
  isConnected: boolean;
  reason: string | null;
  days: DayCounts;
  firstDay: Day | null;
  lastDay: Day | null;
  lastLookedAt: string | null;
  streams: HeldStream[];
};

export type SourceHoldings = { name: string; streams: Stream[]; people: SourcePerson[] };

export type SourceDays = DayRun & { streamsExpected: number; streamsHeld: number; lacking: string[] };

export type SourceCompleteness = {
  source: string;
  isConnected: boolean;
  reason: string | null;
  days: SourceDays[];
  streams: { stream: string; runs: DayRun[] }[];
};

export type Completeness = { userId: string; from: Day; to: Day; sources: SourceCompleteness[] };

export type Fetched = {
  source: string;
  status: "completed" | "partial" | "skipped" | "failed";
  recordCount: number;
  unchangedCount: number;
  detail: string;
  error: ApiError | null;
};

export type Refresh = { jobId: string; sources: Fetched[] };
