"""Events as Google Calendar spells them, and a lake that fetches them from the stand-in over loopback."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from moderation_craft.clock import FixedClock, new_run_id
from moderation_craft.lake import Lake
from moderation_craft.sources.calendar.google import AUTH_REMEDY, GoogleCalendars, explain
from moderation_craft.sources.calendar.google_stand_in import Event, StandInAccount, StandInCalendar, create_app
from moderation_craft.sources.calendar.source import CalendarSource
from moderation_craft.sources.contract import Person
from moderation_craft.sources.faults import Faulty
from moderation_craft.sources.fetch import FetchResult, fetch_source
from moderation_craft.sources.http import Http
from moderation_craft.sources.oauth.tokens import FixedTokens, Tokens
from moderation_craft.sources.prepare import prepare_all, prepared_keys
from moderation_craft.sources.stand_in import serve

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
MINA = Person("mina", "Asia/Tokyo")
TOKEN = "ya29.secret-of-mina"


def timed(event_id: str, start: str, end: str, zone: str = "Asia/Tokyo", **more: Any) -> Event:
    """An event with times such as 2026-11-20T09:00:00+09:00."""
    return _event(event_id, {"dateTime": start, "timeZone": zone}, {"dateTime": end, "timeZone": zone}, more)


def whole_day(event_id: str, first: str, after_last: str, **more: Any) -> Event:
    return _event(event_id, {"date": first}, {"date": after_last}, more)


def _event(event_id: str, start: dict[str, str], end: dict[str, str], more: Mapping[str, Any]) -> Event:
    return {
        "kind": "calendar#event",
        "id": event_id,
        "status": "confirmed",
        "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
        "created": "2026-11-01T00:00:00.000Z",
        "updated": "2026-11-01T00:00:00.000Z",
        "summary": f"Title of {event_id}",
        "creator": {"email": "mina@example.com", "self": True},
        "organizer": {"email": "mina@example.com", "self": True},
        "start": start,
        "end": end,
        "iCalUID": f"{event_id}@google.com",
        "sequence": 0,
        "reminders": {"useDefault": True},
        "eventType": "default",
        **more,
    }


def exception(event_id: str, series: Event, original: str, start: str, end: str, **more: Any) -> Event:
    """A moved occurrence of a series."""
    zone = series["start"]["timeZone"]
    told = {
        "recurringEventId": series["id"],
        "originalStartTime": {"dateTime": original, "timeZone": zone},
        "iCalUID": series["iCalUID"],
    }
    return timed(event_id, start, end, zone, **told, **more)


def guests(answer: str) -> list[dict[str, Any]]:
    return [
        {"email": "boss@example.com", "organizer": True, "responseStatus": "accepted"},
        {"email": "mina@example.com", "self": True, "responseStatus": answer},
        {"email": "other@example.com", "responseStatus": "needsAction"},
    ]


@dataclass
class World:
    """A stand-in behind faults, the source over it, and a lake whose clock goes on a second a fetch."""

    calendars: dict[str, StandInCalendar]
    faulty: Faulty
    source: CalendarSource
    lake: Lake
    clock: FixedClock

    @property
    def calendar(self) -> StandInCalendar:
        return next(iter(self.calendars.values()))

    def fetch(self, **days: float) -> FetchResult:
        self.clock.instant += timedelta(**days) if days else timedelta(seconds=1)
        today = self.clock.instant.date()
        return fetch_source(
            self.lake, self.source, [MINA], first_day=today, last_day=today, run_id=new_run_id(self.clock)
        )

    def rows(self) -> list[dict[str, Any]]:
        """What staging holds after a fetch, ordered by start."""
        return rows_of(self.lake)

    def uids(self) -> list[str]:
        return [row["uid"].removesuffix("@google.com") for row in self.rows()]


def rows_of(lake: Lake, titles_of: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What staging holds of calendars once it is prepared, ordered by start."""
    prepare_all(lake, titles_of=titles_of)
    rows: list[dict[str, Any]] = []
    for key in prepared_keys(lake, "calendar", titles_of=titles_of):
        rows += pq.read_table(io.BytesIO(lake.storage.get(key))).to_pylist()
    return sorted(rows, key=lambda row: (str(row["starts_at"] or row["starts_on"]), row["uid"]))


@contextmanager
def world(
    tmp_path: Path,
    *calendars: StandInCalendar,
    chosen: Sequence[str] = (),
    tokens: Tokens | None = None,
    good_tokens: dict[str, str] | None = None,
    attempts: int = 1,
) -> Iterator[World]:
    clock = FixedClock(NOW)
    made = calendars or (StandInCalendar("mina@example.com", "Mina", is_primary=True),)
    owners = {TOKEN: "mina"} if good_tokens is None else good_tokens
    faulty = Faulty(create_app([StandInAccount("mina", made)], owners.get))
    http = Http(
        "Google Calendar", attempts=attempts, backoff=lambda error: 0.0, explain=explain, auth_remedy=AUTH_REMEDY
    )
    with serve(faulty) as url:
        google = GoogleCalendars(
            f"{url}/calendar/v3", tokens or FixedTokens({"mina": TOKEN}), http, clock, {"mina": chosen}
        )
        source = CalendarSource({}, http, google=google)
        lake = Lake.open(str(tmp_path / "lake"), clock)
        yield World({each.id: each for each in made}, faulty, source, lake, clock)
