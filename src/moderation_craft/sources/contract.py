"""What every outside source declares: people, streams, windows, records. Data first; code only for oddities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from moderation_craft.settings import Place


@dataclass(frozen=True)
class Person:
    """One person as far as sources need to know: id, home time zone, places over time (oldest first)."""

    user_id: str
    timezone: str = "Asia/Tokyo"
    places: Sequence[Place] = ()

    def place_on(self, day: date) -> Place | None:
        """Where the person was on a day; None before the first known place."""
        reached = [place for place in self.places if place.since <= day]
        return max(reached, key=lambda place: place.since) if reached else None

    def timezone_on(self, day: date) -> str:
        place = self.place_on(day)
        return place.timezone if place else self.timezone


@dataclass(frozen=True)
class Window:
    """Whole civil days, both ends included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"window ends {self.last} before it starts {self.first}")

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=offset) for offset in range((self.last - self.first).days + 1)]


@dataclass(frozen=True)
class Stream:
    """One kind of record of a source.

    `shape` daily: one record a person and day, asked for in windows of at most `max_window_days`; a day stays
    open to change for `open_days` after it ended. `shape` snapshot: the whole, as it is at the fetch.
    """

    name: str
    max_window_days: int = 30
    open_days: int = 3
    shape: Literal["daily", "snapshot"] = "daily"
    description: str = ""


@dataclass(frozen=True)
class Record:
    """What the other side said about one day: `data` is JSON, its values byte for byte as received."""

    date: date
    data: bytes
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """A source of outside data. `fetch` yields one Record for every day of the window, empty days included.

    Raises RetryError when the whole window should be tried later, SkipError when this stream or person must
    be left out (the reason is kept and shown). `refusal` says why a person cannot be asked for, or None.
    """

    @property
    def name(self) -> str: ...

    @property
    def streams(self) -> Sequence[Stream]: ...

    def refusal(self, person: Person) -> str | None: ...

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]: ...


Progress = Callable[[int, int | None, str], None]
"""Called with records done, about how many in all (or None), and what is being done."""


def no_progress(done: int, total: int | None, doing: str) -> None:
    """A Progress that says nothing."""
