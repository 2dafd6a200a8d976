"""What every outside source declares: people, streams, windows, records. Data first; code only for oddities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from moderation_craft.errors import SchemaChanged

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
    """One kind of record of a source, declared as data.

    `shape` daily: one record a person and day, asked for in windows of at most `max_window_days`; a day stays
    open to change for `open_days` after it ended. `shape` snapshot: the whole, as it is at the fetch. `shape`
    changes: what changed since a cursor that the other side gave (see `ChangesSource`).

    `path` is the path or data type on the other side, `key` the field that dates or names a record, `cursor`
    what one goes on from, `page_size` the rows of a page, `unit` that of the values, `entity` the normal form
    that staging makes of it (sleep, activity, vitals, environment, schedule, mood), `schedule` how often it is
    worth asking. `is_optional`: asked for only where the settings choose it.
    """

    name: str
    max_window_days: int = 30
    open_days: int = 3
    shape: Literal["daily", "snapshot", "changes"] = "daily"
    description: str = ""
    path: str = ""
    key: str = "date"
    cursor: Literal["date", "snapshot", "token"] = "date"
    page_size: int | None = None
    unit: str = ""
    entity: str = ""
    schedule: str = "daily"
    is_optional: bool = False


@dataclass(frozen=True)
class Record:
    """What the other side said about one day: `data` is JSON, its values byte for byte as received.

    In `metadata`, `series` names which of a person's snapshots or lists of changes this is, and `cursor` the
    token to go on from once this record is stored. In shape changes, empty `data` says only the cursor:
    nothing is written, and the next fetch goes on from there.
    """

    date: date
    data: bytes
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """A source of outside data. `fetch` yields one Record for every day of the window, empty days included.

    A day is yielded only when it is whole; what is yielded before a failure or a kill is kept, so that a source
    whose pages come newest first may yield days as they become complete. Raises RetryError when the rest of
    the window should be tried later, SkipError when this stream or person must be left out (the reason is kept
    and shown). `refusal` says why a person cannot be asked for, or None. People are asked for at the same time
    in threads, one thread a person: what a source keeps between calls is kept by person or behind a lock.
    """

    @property
    def name(self) -> str: ...

    @property
    def streams(self) -> Sequence[Stream]: ...

    def refusal(self, person: Person) -> str | None: ...

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]: ...


class CursorLost(SchemaChanged):
    """The other side no longer knows the cursor: the engine asks once more without one (a full sync)."""


@runtime_checkable
class ChangesSource(Source, Protocol):
    """A source with streams of shape changes; such streams are asked through `changes`, never `fetch`.

    `series_of` names a person's lists (calendars). `changes` yields what changed in one of them since `cursor`,
    or everything where that is None; the engine keeps the newest cursor of a series with what it stored. A full
    sync says so in its records' metadata (the engine does not): held records are never taken for deleted.
    """

    def series_of(self, stream: Stream, person: Person) -> Sequence[str]: ...

    def changes(self, stream: Stream, person: Person, series: str, cursor: str | None) -> Iterator[Record]: ...


def is_used(source: Source, stream: Stream, person: Person) -> bool:
    """Whether a stream is one of this person's: a source with several ways in says so by `uses(stream, person)`.
    A stream that is not is neither asked for nor missed."""
    uses: Callable[[Stream, Person], bool] | None = getattr(source, "uses", None)
    return uses is None or uses(stream, person)


Progress = Callable[[int, int | None, str], None]
"""Called with records done, about how many in all (or None), and what is being done."""


def no_progress(done: int, total: int | None, doing: str) -> None:
    """A Progress that says nothing."""
