"""What to ask a source for: the days that are missing or still open, in the fewest windows, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from moderation_craft.clock import today_in
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import Person, Source, Stream, Window, is_used
from moderation_craft.sources.held import ANY_LENGTH, ONE_DAY, Held, HeldCursor, HeldDay, Unanswered, windows

__all__ = [
    "Held",
    "HeldCursor",
    "HeldDay",
    "StreamState",
    "Task",
    "Unanswered",
    "closes_at",
    "completeness",
    "days_so_far",
    "plan",
    "windows",
]


def closes_at(stream: Stream, person: Person, day: date) -> datetime:
    """When a day stops being open to change: `open_days` after it ended where the person was."""
    ended = datetime.combine(day + ONE_DAY, time(), ZoneInfo(person.timezone_on(day)))
    return ended.astimezone(UTC) + timedelta(days=stream.open_days)


def days_so_far(lake: Lake, person: Person, first: date, last: date) -> list[date]:
    """The days from first to last that have begun where the person is."""
    last = min(last, today_in(lake.clock, person.timezone_on(last)))
    return Window(first, last).days if first <= last else []


@dataclass(frozen=True, eq=False)
class Task:
    """One window to ask for; of a stream without days of its own, the day of the fetch."""

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
                if is_used(source, stream, person)
            ]
    found.sort(key=lambda each: (-each[0].toordinal(), each[1]))
    return [task for _, _, task in found]


def _tasks(
    lake: Lake, stream: Stream, person: Person, held: Held, first: date, last: date, with_open: bool
) -> Iterator[Task]:
    just_answered = held.answered.get((stream.name, person.user_id), {})
    if stream.shape != "daily":
        today = today_in(lake.clock, person.timezone_on(last))
        if today not in just_answered:
            yield Task(stream, person, Window(today, today))
        return
    known = held.of(stream.name, person.user_id)
    wanted = [
        day
        for day in days_so_far(lake, person, first, last)
        if day not in known or (with_open and not known[day].is_closed and day not in just_answered)
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
                    missing=windows(missing, ANY_LENGTH),
                    newest_fetched_at=max(looks) or None,
                    refusal=source.refusal(person),
                )
            )
    return found
