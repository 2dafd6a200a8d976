import { api } from "../data/api";
import type { DemoInfo, People, Person } from "../data/types";
import { router } from "../lib/router.svelte";

/** Who is in the lake, and whose days the address asks for. */
class PeopleState {
  answer = $state.raw<People | null>(null);
  demo = $state.raw<DemoInfo | null>(null);
  error = $state.raw<unknown>(null);
  /** A version published since this page was opened; shown as an offer, never swapped in under the eyes. */
  newer = $state.raw<People | null>(null);

  list = $derived<Person[]>(this.answer?.people ?? []);
  current = $derived<Person | null>(
    this.list.find((person) => person.user_id === router.param("user")) ?? this.list[0] ?? null,
  );

  async load(): Promise<void> {
    this.error = null;
    try {
      this.answer = await api.people();
      this.newer = null;
    } catch (error) {
      this.error = error;
      return;
    }
    // Only the line that says "these days are invented" needs it.
    this.demo = await api.layers().then((answer) => answer.demo).catch(() => null);
  }

  /** Asked when the person comes back to the page. */
  async look(): Promise<void> {
    const seen = this.answer;
    if (!seen) return;
    const now = await api.people().catch(() => null);
    if (!now || now.version === seen.version) return;
    if (seen.people.length === 0) this.answer = now;
    else this.newer = now;
  }

  showNewer(): void {
    if (this.newer) this.answer = this.newer;
    this.newer = null;
  }
}

export const people = new PeopleState();
