import { api } from "../data/api";
import type { Connector } from "../data/connector";
import type { DayRow, MeasureRow, ProjectMinutes, SleepRow } from "../data/marts";
import { queries } from "../data/queries";
import type { Person } from "../data/types";
import { addDays, daysBetween, type Day } from "../lib/dates";
import { knownDomains, rowsByDate } from "../model/completeness";
import { DAYS_FOR_FIGURES, figuresOf, latestDay } from "../model/figures";
import { measuresOf } from "../model/measures";
import { lastDays, type Range } from "../model/range";

type Loaded = { days: DayRow[]; sleeps: SleepRow[]; projectMinutes: ProjectMinutes[]; measures: MeasureRow[] };

/**
 * One person's days on the page. The last eight weeks come from the server at once; then DuckDB opens
 * the person's file in the browser and everything is read from there.
 */
export class PersonDays {
  readonly person: Person;
  private readonly firstLength: number;

  serverDays = $state.raw<DayRow[] | null>(null);
  loaded = $state.raw<Loaded | null>(null);
  connector = $state.raw<Connector | null>(null);
  serverError = $state.raw<unknown>(null);
  engineError = $state.raw<unknown>(null);
  chosenRange = $state.raw<Range | null>(null);

  engine = $derived<"server" | "wasm">(this.loaded ? "wasm" : "server");
  days = $derived(this.loaded?.days ?? this.serverDays ?? []);
  byDate = $derived(rowsByDate(this.days));
  known = $derived(knownDomains(this.days));
  /** Today in the person's zone; en-CA writes a date as YYYY-MM-DD. */
  readonly today = $derived.by(() => new Intl.DateTimeFormat("en-CA", { timeZone: this.person.timezone }).format());
  figures = $derived(figuresOf(this.days, this.today));
  latest = $derived(latestDay(this.days));
  measures = $derived(measuresOf(this.loaded?.measures ?? []));
  /** False only when it is certain that the app recorded nothing for this person. */
  hasDays = $derived(this.days.length > 0 && this.known.length > 0);
  hasAnswer = $derived(this.serverDays !== null || this.loaded !== null);
  isWaiting = $derived(!this.hasAnswer && this.serverError === null);

  readonly extent: Range = $derived.by(() => {
    const dates = [
      ...this.days.map((row) => row.date),
      ...this.measures.flatMap((measure) => measure.points.map((point) => point.date)),
    ].toSorted();
    return { from: dates[0] ?? this.person.first_date, to: dates.at(-1) ?? this.person.last_date };
  });
  readonly range: Range = $derived.by(() => this.chosenRange ?? lastDays(this.extent, this.firstLength));

  private closed = false;

  constructor(person: Person, firstLength: number) {
    this.person = person;
    this.firstLength = firstLength;
  }

  async load(): Promise<void> {
    await Promise.all([this.loadFromServer(), this.openEngine()]);
  }

  async loadFromServer(): Promise<void> {
    this.serverError = null;
    try {
      this.serverDays = await api.lastDays(this.person.user_id, DAYS_FOR_FIGURES);
    } catch (error) {
      this.serverError = error;
    }
  }

  async openEngine(): Promise<void> {
    this.engineError = null;
    void this.connector?.close();
    this.connector = null;
    try {
      const { openPerson } = await import("../data/duckdb");
      const connector = await openPerson(this.person.url);
      if (this.closed) return void (await connector.close());
      const [days, sleeps, projectMinutes, measures] = await Promise.all([
        queries.days(connector),
        queries.sleeps(connector),
        queries.projectMinutes(connector),
        queries.measures(connector),
      ]);
      this.connector = connector;
      this.loaded = { days, sleeps, projectMinutes, measures };
    } catch (error) {
      if (!this.closed) this.engineError = error;
    }
  }

  daysSinceLatest(): number | null {
    const last = this.latest ?? this.measures.flatMap((m) => m.points).map((p) => p.date).toSorted().at(-1);
    return last ? daysBetween(last, this.today) : null;
  }

  neighbour(day: Day, step: number): Day | null {
    const next = addDays(day, step);
    return next < this.extent.from || next > this.extent.to ? null : next;
  }

  close(): void {
    this.closed = true;
    void this.connector?.close();
  }
}
