"""What the lake holds of a source, what is missing or still open, and the windows to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from moderation_craft.clock import today_in
from moderation_craft.lake import Lake, Manifest
from moderation_craft.sources.contract import Person, Source, Stream, Window

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class HeldDay:
    digest: str
    fetched_at: str
    is_closed: bool


@dataclass
class Held:
    """What the committed manifests hold of one source, and what its state file adds (see `note_look`).

    The state may be lost without harm: days looked at again and found unchanged are then looked at once more.
    """

    source: str
    days: dict[tuple[str, str], dict[date, HeldDay]] = field(default_factory=dict)
    series_digests: dict[tuple[str, str, str], str] = field(default_factory=dict)
    manifest_ids: set[str] = field(default_factory=set)
    looked_at: dict[tuple[str, str], str] = field(default_factory=dict)
    closed_since: dict[tuple[str, str], set[date]] = field(default_factory=dict)

    @classmethod
    def read(cls, lake: Lake, source: str) -> Held:
        held = cls(source)
        for manifest in lake.manifests(source):
            held._add(manifest)
        held._add_state(lake.read_state(_state_name(source)) or {})
        return held

    def of(self, stream: str, user_id: str) -> Mapping[date, HeldDay]:
        return self.days.get((stream, user_id), {})

    def hold(self, stream: str, user_id: str, day: date, held: HeldDay) -> None:
        self.days.setdefault((stream, user_id), {})[day] = held

    def note_look(self, stream: str, user_id: str, day: date, *, at: str, is_closed: bool) -> None:
        """Remember that an unchanged day was looked at again, and that this closed it."""
        known = self.of(stream, user_id).get(day)
        self.looked_at[stream, user_id] = at
        if known and is_closed and not known.is_closed:
            self.hold(stream, user_id, day, HeldDay(known.digest, known.fetched_at, True))
            self.closed_since.setdefault((stream, user_id), set()).add(day)

    def write_state(self, lake: Lake) -> None:
        keys = sorted(self.looked_at.keys() | self.closed_since.keys())
        looks = [
            {
                "stream": stream,
                "user_id": user_id,
                "looked_at": self.looked_at.get((stream, user_id), ""),
                "closed": [
                    [str(run.first), str(run.last)]
                    for run in windows(self.closed_since.get((stream, user_id), ()), 100_000)
                ],
            }
            for stream, user_id in keys
        ]
        lake.write_state(_state_name(self.source), {"looks": looks})

    def _add(self, manifest: Manifest) -> None:
        self.manifest_ids.add(manifest.id)
        for part in manifest.parts:
            for entry in part.entries:
                day = date.fromisoformat(entry.date)
                before = self.of(part.stream, entry.user_id).get(day)
                if before is None or before.fetched_at <= entry.fetched_at:
                    held = HeldDay(entry.digest, entry.fetched_at, entry.is_closed)
                    self.hold(part.stream, entry.user_id, day, held)
        for said in manifest.details.get("series", []):
            self.series_digests[said["stream"], said["user_id"], said["series"]] = said["digest"]

    def _add_state(self, state: Mapping[str, Any]) -> None:
        for look in state.get("looks", []):
            key = (look["stream"], look["user_id"])
            self.looked_at[key] = look["looked_at"]
            for first, last in look["closed"]:
                for day in Window(date.fromisoformat(first), date.fromisoformat(last)).days:
                    if day in self.of(*key):
                        self.note_look(*key, day, at=look["looked_at"], is_closed=True)


def _state_name(source: str) -> str:
    return f"fetch-{source}.json"


def windows(days: Iterable[date], most_days: int) -> list[Window]:
    """Runs of neighbouring days, cut to the limit, newest first; every day once and no other day."""
    found: list[Window] = []
    for day in sorted(set(days), reverse=True):
        newest = found[-1] if found else None
        if newest and newest.first - day == ONE_DAY and (newest.last - day).days < most_days:
            found[-1] = Window(day, newest.last)
        else:
            found.append(Window(day, day))
    return found


def closes_at(stream: Stream, person: Person, day: date) -> datetime:
    """When a day stops being open to change: `open_days` after it ended where the person was."""
    ended = datetime.combine(day + ONE_DAY, time(), ZoneInfo(person.timezone_on(day)))
    return ended.astimezone(UTC) + timedelta(days=stream.open_days)


def days_so_far(lake: Lake, person: Person, first: date, last: date) -> list[date]:
    """The days from first to last that have begun where the person is."""
    last = min(last, today_in(lake.clock, person.timezone_on(last)))
    return Window(first, last).days if first <= last else []


@dataclass(frozen=True)
class Task:
    """One window to ask for."""

    stream: Stream
    person: Person
    window: Window

    def __str__(self) -> str:
        return f"{self.stream.name} {self.person.user_id} {self.window.first}..{self.window.last}"


def plan(
    lake: Lake, source: Source, people: Sequence[Person], held: Held, first: date, last: date, *, with_open: bool
) -> list[Task]:
    """Windows that cover every missing day (and, `with_open`, every open one) once: newest first over all
    streams, people side by side, so that one part of the lake can hold them together."""
    found: list[tuple[date, int, Task]] = []
    for order, stream in enumerate(source.streams):
        for person in people:
            found += [
                (task.window.last, order, task)
                for task in _tasks(lake, stream, person, held, first, last, with_open)
            ]
    found.sort(key=lambda each: (-each[0].toordinal(), each[1]))
    return [task for _, _, task in found]


def _tasks(
    lake: Lake, stream: Stream, person: Person, held: Held, first: date, last: date, with_open: bool
) -> Iterator[Task]:
    if stream.shape == "snapshot":
        today = today_in(lake.clock, person.timezone_on(last))
        yield Task(stream, person, Window(today, today))
        return
    known = held.of(stream.name, person.user_id)
    wanted = [
        day
        for day in days_so_far(lake, person, first, last)
        if day not in known or (with_open and not known[day].is_closed)
    ]
    for window in windows(wanted, stream.max_window_days):
        yield Task(stream, person, window)


@dataclass(frozen=True)
class StreamState:
    """How complete one stream of one person is in a range of days; `missing` newest first."""

    stream: str
    user_id: str
    held_days: int
    open_days: int
    missing: Sequence[Window]
    newest_fetched_at: str | None
    refusal: str | None

    @property
    def missing_days(self) -> int:
        return sum(len(window.days) for window in self.missing)


def completeness(
    lake: Lake, source: Source, people: Sequence[Person], first: date, last: date
) -> list[StreamState]:
    """Per stream and person: days held, of these still open, days missing, when last asked.

    A day whose answer was empty is held. A snapshot counts the snapshots held and misses nothing.
    """
    held = Held.read(lake, source.name)
    found = []
    for stream in source.streams:
        for person in people:
            known = held.of(stream.name, person.user_id)
            days = days_so_far(lake, person, first, last)
            in_range = [known[day] for day in days if day in known]
            missing = [day for day in days if day not in known] if stream.shape == "daily" else []
            looks = [each.fetched_at for each in known.values()]
            looks += [held.looked_at.get((stream.name, person.user_id), "")]
            found.append(
                StreamState(
                    stream=stream.name,
                    user_id=person.user_id,
                    held_days=len(in_range),
                    open_days=sum(not each.is_closed for each in in_range),
                    missing=windows(missing, 100_000),
                    newest_fetched_at=max(looks) or None,
                    refusal=source.refusal(person),
                )
            )
    return found
