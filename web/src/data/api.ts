import type { Acted, Service, ServiceName } from "./connections";
import type { DayRow } from "./marts";
import type { Completeness, Refresh, SourceHoldings } from "./sources";
import type {
  ApiError,
  AppSchema,
  ExportChoice,
  ExportFormat,
  ExportList,
  Job,
  LayerList,
  People,
  Settings,
  StartableJob,
} from "./types";

/** The server answered, and said no: with its code, cause and next step. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    readonly detail: ApiError,
  ) {
    super(`${detail.code} ${detail.message}`);
    this.name = "ServerError";
  }
}

/** No usable answer: the server is not running, or something between is in the way. */
export class Unreachable extends Error {
  constructor(path: string, cause: unknown) {
    super(`no answer from ${path}`, { cause });
    this.name = "Unreachable";
  }
}

type Envelope<T> = { success: boolean; data: T; error?: ApiError | null };

async function request<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  let envelope: Envelope<T>;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" }, ...init });
  } catch (cause) {
    throw new Unreachable(path, cause);
  }
  try {
    envelope = (await response.json()) as Envelope<T>;
  } catch (cause) {
    throw new Unreachable(`${path} (HTTP ${response.status}, not JSON)`, cause);
  }
  if (!response.ok || !envelope.success) {
    throw new ServerError(response.status, envelope.error ?? unnamed(response.status, path));
  }
  return envelope.data;
}

function unnamed(status: number, path: string): ApiError {
  return { code: `HTTP ${status}`, name: "HTTP", message: path, remedy: "" };
}

function post(body: unknown): RequestInit {
  return {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
}

export const api = {
  people: () => request<People>("/api/gold/people"),
  lastDays: async (userId: string, count: number): Promise<DayRow[]> => {
    const query = new URLSearchParams({ user_id: userId, last: String(count) });
    const answer = await request<{ rows: DayRow[] }>(`/api/gold/mart_productivity_daily?${query}`);
    return answer.rows;
  },
  layers: () => request<LayerList>("/api/pipeline/layers"),
  settings: () => request<Settings>("/api/pipeline/settings"),
  schema: () => request<AppSchema>("/api/pipeline/schema"),
  exports: (days: number) => request<ExportList>(`/api/pipeline/status?days=${days}`),
  runs: (limit: number) => request<{ runs: Job[] }>(`/api/pipeline/runs?limit=${limit}`),
  job: (jobId: string) => request<Job>(`/api/pipeline/status/${encodeURIComponent(jobId)}`),
  start: (kind: StartableJob, choice?: ExportChoice) => request<Job>(`/api/pipeline/${kind}`, post(choice ?? {})),
  sources: () => request<{ sources: SourceHoldings[] }>("/api/sources"),
  completeness: (userId: string) =>
    request<Completeness>(`/api/sources/completeness?${new URLSearchParams({ user: userId })}`),
  refresh: (userId: string) => request<Refresh>("/api/pipeline/refresh", post({ userId })),
  integrations: () => request<{ services: Service[] }>("/api/integrations"),
  authorizeUrl: (service: ServiceName, userId: string) =>
    `/api/integrations/${service}/authorize?${new URLSearchParams({ user: userId })}`,
  testConnection: (service: ServiceName, userId: string) =>
    request<Acted>(`/api/integrations/${service}/test`, post({ userId })),
  revokeConnection: (service: ServiceName, userId: string) =>
    request<Acted>(`/api/integrations/${service}/revoke`, post({ userId })),
  downloadUrl: (exportId: string, format: ExportFormat) =>
    `/api/pipeline/exports/${encodeURIComponent(exportId)}/download${format === "parquet" ? "?format=parquet" : ""}`,
};
