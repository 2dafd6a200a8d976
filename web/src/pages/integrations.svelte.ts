import { api, ServerError } from "../data/api";
import type { Acted, Connection, Service, ServiceName } from "../data/connections";
import type { Completeness, SourceCompleteness, SourceHoldings, SourcePerson } from "../data/sources";
import type { ApiError } from "../data/types";

export type Outcome = { outcome: Acted["outcome"] | null; error: ApiError | null };
export type FetchOutcome = { records: number; troubled: string[]; error: ApiError | null };

const WHO_KEY = "mcraft.connecting";

const NOBODY: Omit<Connection, "userId"> = {
  state: "none",
  scopes: [],
  missingScopes: [],
  connectedAt: null,
  expiresAt: null,
  refreshDiesAt: null,
  warning: null,
};

/** Everything the connections page shows of one person. */
export class Integrations {
  sources = $state.raw<SourceHoldings[] | null>(null);
  completeness = $state.raw<Completeness | null>(null);
  services = $state.raw<Service[] | null>(null);
  error = $state.raw<unknown>(null);
  acting = $state.raw<{ service: ServiceName; what: "test" | "disconnect" } | null>(null);
  outcomes = $state.raw<Partial<Record<ServiceName, Outcome>>>({});
  isFetching = $state(false);
  fetched = $state.raw<FetchOutcome | null>(null);

  /** Whose page it is; answers about somebody else, who was looked at before, are dropped. */
  private userId: string | null = null;

  async load(userId: string | null): Promise<void> {
    if (userId !== this.userId) {
      this.userId = userId;
      this.completeness = this.fetched = null;
      this.outcomes = {};
    }
    const asked = [api.sources(), api.integrations(), userId ? api.completeness(userId) : Promise.resolve(null)] as const;
    const [sources, services, completeness] = await Promise.allSettled(asked);
    if (userId !== this.userId) return;
    if (sources.status === "fulfilled") this.sources = sources.value.sources;
    if (services.status === "fulfilled") this.services = services.value.services;
    if (completeness.status === "fulfilled") this.completeness = completeness.value;
    const failed = [sources, services, completeness].find((one) => one.status === "rejected");
    this.error = failed?.reason ?? null;
  }

  personOf(source: SourceHoldings): SourcePerson | null {
    return source.people.find((person) => person.userId === this.userId) ?? null;
  }

  daysOf(source: string): SourceCompleteness | null {
    return this.completeness?.sources.find((found) => found.source === source) ?? null;
  }

  serviceOf(source: string): Service | null {
    return this.services?.find((service) => service.source === source) ?? null;
  }

  connectionOf(service: Service): Connection {
    const held = service.people.find((person) => person.userId === this.userId);
    return held ?? { userId: this.userId ?? "", ...NOBODY };
  }

  connectUrl(service: ServiceName, userId: string): string {
    return api.authorizeUrl(service, userId);
  }

  /** The way back from a refused consent names nobody: whose page it was is kept in this tab. */
  rememberWho(userId: string): void {
    try {
      sessionStorage.setItem(WHO_KEY, userId);
    } catch {
      /* storage refused: the page asks for the name again */
    }
  }

  whoAsked(): string | null {
    try {
      return sessionStorage.getItem(WHO_KEY);
    } catch {
      return null;
    }
  }

  async test(service: ServiceName, userId: string): Promise<void> {
    await this.act(service, "test", async () => {
      const answer = await api.testConnection(service, userId);
      return { outcome: answer.outcome, error: null };
    });
  }

  async disconnect(service: ServiceName, userId: string): Promise<void> {
    await this.act(service, "disconnect", async () => {
      const answer = await api.revokeConnection(service, userId);
      return { outcome: answer.outcome, error: null };
    });
    await this.load(this.userId);
  }

  async fetchMissing(): Promise<void> {
    if (!this.userId) return;
    this.isFetching = true;
    this.fetched = null;
    try {
      const { sources } = await api.refresh(this.userId);
      const troubled = sources.filter((source) => source.status === "failed" || source.status === "partial");
      this.fetched = {
        records: sources.reduce((sum, source) => sum + source.recordCount, 0),
        troubled: troubled.map((source) => source.source),
        error: troubled.find((source) => source.error)?.error ?? null,
      };
    } catch (error) {
      if (error instanceof ServerError) this.fetched = { records: 0, troubled: [], error: error.detail };
      else this.error = error;
    } finally {
      this.isFetching = false;
    }
    await this.load(this.userId);
  }

  private async act(service: ServiceName, what: "test" | "disconnect", action: () => Promise<Outcome>): Promise<void> {
    this.acting = { service, what };
    this.outcomes = { ...this.outcomes, [service]: undefined };
    try {
      this.outcomes = { ...this.outcomes, [service]: await action() };
    } catch (error) {
      if (!(error instanceof ServerError)) this.error = error;
      else this.outcomes = { ...this.outcomes, [service]: { outcome: null, error: error.detail } };
    } finally {
      this.acting = null;
    }
  }
}
