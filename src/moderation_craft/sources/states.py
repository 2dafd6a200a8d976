"""Each day of a person's streams as complete, open, partial, missing or refused: runs of days, with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from moderation_craft.clock import today_in
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import Person, Source, Stream, is_used
from moderation_craft.sources.held import ONE_DAY, Held
from moderation_craft.sources.planning import closes_at

if TYPE_CHECKING:
    from moderation_craft.sources.held import Unanswered

State = Literal["complete", "open", "partial", "missing", "refused"]

STATES: tuple[State, ...] = ("complete", "open", "partial", "missing", "refused")
UNHELD: tuple[State, ...] = ("missing", "refused")
NOT_OVER = "the day is not over"
CUT_SHORT = "last looked at while the day could still change; the next fetch looks again"


@dataclass(frozen=True)
class Run:
    """Neighbouring days of one stream in one state, both ends included; `is_held` where raw has an answer."""

    first: date
    last: date
    state: State
    reason: str | None = None
    code: str | None = None
    remedy: str | None = None
    is_held: bool = True

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class DayRun:
    """Neighbouring days of a source over its streams; `lacking` are the streams missing, refused or partial."""

    first: date
    last: date
    state: State
    streams_expected: int
    streams_held: int
    lacking: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class StreamStates:
    """One stream of one person: its runs, oldest first, without overlap; days that nobody expects are in none."""

    stream: Stream
    runs: Sequence[Run]
    last_looked_at: str | None

    @property
    def counts(self) -> dict[State, int]:
        return count_days(self.runs)

    @property
    def reason(self) -> str | None:
        """Why the newest days that lack are not there; None where none lacks or nobody knows."""
        return next((run.reason for run in reversed(self.runs) if run.reason and run.state in UNHELD), None)

    @property
    def held_ends(self) -> tuple[date, date] | None:
        """The first and the last day that is held."""
        held = [run for run in self.runs if run.is_held]
        return (held[0].first, held[-1].last) if held else None


@dataclass(frozen=True)
class SourceStates:
    """One source of one person; `refusal` says why the person cannot be asked for, where that is so."""

    source: str
    user_id: str
    refusal: str | None
    streams: Sequence[StreamStates]
    days: Sequence[DayRun]

    @property
    def counts(self) -> dict[State, int]:
        return count_days(self.days)

    @property
    def held_ends(self) -> tuple[date, date] | None:
        """The first and the last day that any stream holds."""
        ends = [stream.held_ends for stream in self.streams if stream.held_ends]
        return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None

    @property
    def last_looked_at(self) -> str | None:
        return max(filter(None, (stream.last_looked_at for stream in self.streams)), default=None)


def count_days(runs: Iterable[Run | DayRun]) -> dict[State, int]:
    """Days by state, states without a day left out."""
    counted = Counter[State]()
    for run in runs:
        counted[run.state] += run.days
    return {state: counted[state] for state in STATES if counted[state]}


def states_of(
    lake: Lake,
    source: Source,
    person: Person,
    held: Held,
    *,
    expected_from: date,
    window: tuple[date, date] | None = None,
) -> SourceStates:
    """What a source holds and lacks of a person, up to today where they are, within the window.

    Expected are, of someone who can be asked for, the days since `expected_from` or since the first that is held;
    of someone who cannot, the days since the first held; of someone who never had the source, none.
    """
    refusal = source.refusal(person)
    known = {stream.name: held.of(stream.name, person.user_id) for stream in source.streams}
    begins = min([min(days) for days in known.values() if days], default=None)
    if refusal is None:
        begins = min(begins or expected_from, expected_from)
    today = today_in(lake.clock, person.timezone_on(lake.clock.now().date()))
    first, last = window or (date.min, date.max)
    streams = []
    for stream in source.streams:
        if refusal is None and not known[stream.name] and not is_used(source, stream, person):
            continue
        looks = [each.fetched_at for each in known[stream.name].values()]
        looked_at = max([*looks, held.looked_at.get((stream.name, person.user_id), "")], default="") or None
        runs: list[Run] = []
        if begins and max(begins, first) <= min(today, last):
            judged = _Judge(lake, stream, person, held, today, refusal, looked_at)
            runs = list(_merged(judged.runs(max(begins, first), min(today, last))))
        streams.append(StreamStates(stream, runs, looked_at))
    return SourceStates(source.name, person.user_id, refusal, streams, list(_day_runs(streams)))


@dataclass(frozen=True)
class _Judge:
    """Judges the days of one stream of one person."""

    lake: Lake
    stream: Stream
    person: Person
    held: Held
    today: date
    refusal: str | None
    looked_at: str | None

    def runs(self, first: date, last: date) -> Iterator[Run]:
        """Every day from first to last once, in order: what is known of single days, and what is between."""
        marked = {self.today: Run(self.today, self.today, "open", NOT_OVER, is_held=False)}
        for day, why in self.held.refusals.get((self.stream.name, self.person.user_id), {}).items():
            marked[day] = _not_answered(day, why)
        if self.refusal is not None:
            marked = {}
        marked |= self._held() if self.stream.shape == "daily" else self._whole(first)
        after = first
        for day in sorted(marked):
            run = marked[day]
            if run.last < after or day > last:
                continue
            if after < day:
                yield self._between(after, day - ONE_DAY)
            yield replace(run, first=max(day, after), last=min(run.last, last))
            after = run.last + ONE_DAY
        if after <= last:
            yield self._between(after, last)

    def _between(self, first: date, last: date) -> Run:
        return Run(first, last, "refused" if self.refusal else "missing", self.refusal, is_held=False)

    def _held(self) -> dict[date, Run]:
        now = self.lake.clock.now()
        found = {}
        for day, held in self.held.of(self.stream.name, self.person.user_id).items():
            if held.is_closed:
                found[day] = Run(day, day, "complete")
                continue
            why = self.held.why(self.stream.name, self.person.user_id, day)
            is_open = now < closes_at(self.stream, self.person, day)
            reason = why.reason if why else None if is_open else CUT_SHORT
            found[day] = Run(day, day, "open" if is_open else "partial", reason)
        return found

    def _whole(self, first: date) -> dict[date, Run]:
        """A snapshot, or the changes up to a moment, tells of every day before the look and nothing after it."""
        if self.looked_at is None:
            return {}
        zone = ZoneInfo(self.person.timezone)
        seen_on = datetime.fromisoformat(self.looked_at).astimezone(zone).date()
        before = {first: Run(first, seen_on - ONE_DAY, "complete")} if first < seen_on else {}
        return before | {seen_on: Run(seen_on, seen_on, "open")}


def _not_answered(day: date, why: Unanswered) -> Run:
    state: State = "refused" if why.is_refused else "missing"
    return Run(day, day, state, why.reason, why.code or None, why.remedy or None, is_held=False)


def _merged(runs: Iterable[Run]) -> Iterator[Run]:
    before: Run | None = None
    for run in runs:
        if before and _same(before, run) and run.first - before.last == ONE_DAY:
            before = replace(before, last=run.last)
            continue
        if before:
            yield before
        before = run
    if before:
        yield before


def _same(one: Run, other: Run) -> bool:
    return replace(one, first=other.first, last=other.last) == other


def _day_runs(streams: Sequence[StreamStates]) -> Iterator[DayRun]:
    """The streams' runs cut where any of them changes, and what each piece comes to over the streams."""
    cuts = {cut for each in streams for run in each.runs for cut in (run.first, run.last + ONE_DAY)}
    places = [0] * len(streams)
    before: DayRun | None = None
    for first, after in pairwise(sorted(cuts)):
        there: list[tuple[str, Run]] = []
        for number, each in enumerate(streams):
            while places[number] < len(each.runs) and each.runs[places[number]].last < first:
                places[number] += 1
            if places[number] < len(each.runs) and each.runs[places[number]].first <= first:
                there.append((each.stream.name, each.runs[places[number]]))
        if not there:
            continue
        found = _summed(first, after - ONE_DAY, there)
        if before and _alike(before, found):
            before = replace(before, last=found.last)
            continue
        if before:
            yield before
        before = found
    if before:
        yield before


def _summed(first: date, last: date, there: Sequence[tuple[str, Run]]) -> DayRun:
    lacking = [(name, run) for name, run in there if run.state not in ("complete", "open")]
    reason = next((run.reason for _, run in lacking if run.reason), None)
    held = sum(run.is_held for _, run in there)
    return DayRun(first, last, _state_over(there), len(there), held, tuple(name for name, _ in lacking), reason)


def _state_over(there: Sequence[tuple[str, Run]]) -> State:
    found = {run.state for _, run in there}
    if found <= {"complete", "open"}:
        return "complete" if found == {"complete"} else "open"
    if found <= {"missing", "refused"}:
        return "refused" if found == {"refused"} else "missing"
    return "partial"


def _alike(one: DayRun, other: DayRun) -> bool:
    return other.first - one.last == ONE_DAY and replace(one, first=other.first, last=other.last) == other
