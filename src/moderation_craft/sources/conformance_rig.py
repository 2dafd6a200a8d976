"""What the conformance suite runs on: a source, its stand-in behind faults, an empty lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from moderation_craft.clock import FixedClock, new_run_id
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import Person, Record, Source, Stream, Window
from moderation_craft.sources.faults import App, Faulty
from moderation_craft.sources.fetch import FetchResult, completeness, fetch_source
from moderation_craft.sources.http import Http

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""A moment for cases: the same civil date in every zone from UTC-12 to UTC+11."""

ATTEMPTS = 3
ENTITIES = {"", "sleep", "activity", "vitals", "environment", "schedule", "mood"}
NEW_FIELD = b'"aFieldOfTomorrow":1.10'


@dataclass(frozen=True)
class Case:
    """A source as the suite needs it.

    `app` makes its stand-in, `build` the source over a base URL and a transport. `days` up to now are fetched;
    `paths` gives what in a request's path tells a stream; `secrets` must never show. `with_new_field`
    puts `NEW_FIELD` into an answer, where a field of tomorrow could be. `garbage_code` is the error for HTML.
    `other_pagings` are stand-ins of the same people with shorter pages, or empty ones in between, or none.
    """

    app: Callable[[], App]
    build: Callable[[str, Http, FixedClock], Source]
    person: Person
    now: datetime
    paths: Callable[[Stream], str]
    with_new_field: Callable[[bytes], bytes] | None = None
    secrets: Sequence[str] = ()
    days: int = 60
    garbage_code: str = "E006"
    is_json: bool = True
    other_pagings: Sequence[Callable[[], App]] = ()

    @property
    def window(self) -> Window:
        last = self.now.date()
        return Window(last - timedelta(days=self.days - 1), last)


class Killed(BaseException):
    """The process ends here, as far as the engine can tell."""


class KilledAt:
    """A source whose process is killed when it is asked for its window of this number (from 0)."""

    def __init__(self, source: Source, number: int) -> None:
        self.name, self.streams, self.refusal = source.name, source.streams, source.refusal
        self._source = source
        self._left = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        if self._left == 0:
            raise Killed
        self._left -= 1
        yield from self._source.fetch(stream, person, window)


@dataclass
class Rig:
    """One source over its stand-in with faults before it, and an empty lake."""

    case: Case
    faulty: Faulty
    source: Source
    lake: Lake
    clock: FixedClock
    waits: list[float | None]

    def fetch(self) -> FetchResult:
        window = self.case.window
        self.clock.instant += timedelta(seconds=1)
        return fetch_source(
            self.lake,
            self.source,
            [self.case.person],
            first_day=window.first,
            last_day=window.last,
            run_id=new_run_id(self.clock),
        )

    def missing(self) -> dict[str, int]:
        window = self.case.window
        states = completeness(self.lake, self.source, [self.case.person], window.first, window.last)
        return {state.stream: state.missing_days for state in states}

    def stored_keys(self) -> list[str]:
        return [stored.key for stored in self.lake.storage.list("raw/")]

    def lines(self, stream: str) -> list[bytes]:
        parts = [part for manifest in self.lake.manifests(self.source.name) for part in manifest.parts]
        return [line for part in parts if part.stream == stream for line in self.lake.lines(part.key)]

    def data(self, stream: str) -> list[bytes]:
        """What the envelopes hold of a stream, without when and how it was asked for."""
        return [bytes(msgspec.json.decode(line, type=_Envelope).data) for line in self.lines(stream)]


class _Envelope(msgspec.Struct):
    data: msgspec.Raw
