"""A made-up source without a network (says what it is told, remembers what it was asked), and runs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import Person, Record, Source, Stream, Window
from moderation_craft.sources.fetch import FetchResult, completeness, fetch_source

STEPS = Stream("steps", max_window_days=10, open_days=3)
SLEEP = Stream("sleep", max_window_days=7, open_days=3)
NOTES = Stream("notes", shape="snapshot")


def days_own_number(stream: Stream, person: Person, day: date) -> bytes:
    return b'{"value": %d}' % (day.toordinal() + len(person.user_id))


@dataclass
class MadeUp:
    streams: Sequence[Stream] = (STEPS, SLEEP)
    says: Callable[[Stream, Person, date], bytes | None] = days_own_number
    raises: Callable[[Stream, Person, date], BaseException | None] = lambda stream, person, day: None
    refused: frozenset[str] = frozenset()
    series: Sequence[str] = ()
    asked: list[tuple[str, str, Window]] = field(default_factory=list)
    name: str = "made_up"

    def refusal(self, person: Person) -> str | None:
        return "not connected" if person.user_id in self.refused else None

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        self.asked.append((stream.name, person.user_id, window))
        for day in window.days:
            if error := self.raises(stream, person, day):
                raise error
            said = self.says(stream, person, day)
            for series in self.series if stream.shape == "snapshot" else ("",):
                if said is not None:
                    yield Record(day, said, {"request": "made up"} | ({"calendar": series} if series else {}))

    def days_asked(self, stream: Stream, user_id: str = "mina") -> list[date]:
        """Every day asked for, as often as it was."""
        windows = [window for name, user, window in self.asked if (name, user) == (stream.name, user_id)]
        return sorted(day for window in windows for day in window.days)


TODAY = date(2026, 11, 23)
MINA, KEN = Person("mina"), Person("ken")
run_numbers = iter(range(1_000_000))


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def run(lake: Lake, source: Source, *people: Person, days: int = 30, run_id: str = "", **more: Any) -> FetchResult:
    return fetch_source(
        lake,
        source,
        people or [MINA],
        first_day=ago(days - 1),
        last_day=TODAY,
        run_id=run_id or f"run-{next(run_numbers):06}",
        **more,
    )


def stored_keys(lake: Lake) -> set[str]:
    return {stored.key for stored in lake.storage.list("raw/")}


def missing_days(lake: Lake, source: Source, days: int = 30) -> dict[str, int]:
    return {state.stream: state.missing_days for state in completeness(lake, source, [MINA], ago(days - 1), TODAY)}


def pass_time(lake: Lake, **time: float) -> None:
    assert isinstance(lake.clock, FixedClock)
    lake.clock.instant += timedelta(**time)
