"""A calendar's text as occurrences: repetition, exceptions, zones and whole days worked out."""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event
from icalendar.error import GloballyUniqueTZIDGuessed
from icalendar.timezone import tzp

from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Refusal
from moderation_craft.sources.calendar.envelopes import Snapshot
from moderation_craft.sources.calendar.vevents import Broken, checked_event, moment, split_events

MAX_OCCURRENCES = 20_000


@dataclass(frozen=True, order=True)
class Occurrence:
    """One occurrence. Timed ones have `starts_at` and `ends_at` (UTC, naive), whole-day ones `starts_on` and
    `ends_on` (civil, the last day included); `recurrence_id` is the start that its series gave it."""

    uid: str
    recurrence_id: str
    starts_at: datetime | None
    ends_at: datetime | None
    starts_on: date | None
    ends_on: date | None
    is_all_day: bool
    is_busy: bool
    status: str
    title_sha: str | None


@dataclass(frozen=True)
class Expanded:
    occurrences: list[Occurrence]
    refusals: list[Refusal]


def expand(snapshot: Snapshot) -> Expanded:
    """Every occurrence that touches the snapshot's window, and the events that cannot be read, whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
        return _Expansion(snapshot).run()


class _Expansion:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._refusals: list[Refusal] = []

    def run(self) -> Expanded:
        frame_text, event_texts = split_events(self._snapshot.text)
        tzp.use_default()  # forgets the custom zones of the calendar before
        try:
            frame = Calendar.from_ical(frame_text)
            floating = self._floating_zone(frame)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            self._refuse(self._snapshot.text, f"the calendar around its events cannot be read: {error}")
            return Expanded([], self._refusals)
        found: dict[tuple[str, str], Occurrence] = {}
        for series in self._by_uid(event_texts).values():
            for occurrence in self._occurrences(frame, series, floating):
                found[occurrence.uid, occurrence.recurrence_id] = occurrence
        return Expanded([found[key] for key in sorted(found)], self._refusals)

    def _floating_zone(self, frame: Calendar) -> tzinfo:
        """The zone of times that carry none: the calendar's own, else the person's."""
        named = str(frame.get("X-WR-TIMEZONE") or self._snapshot.timezone or "UTC")
        return tzp.timezone(named) or ZoneInfo(self._snapshot.timezone or "UTC")

    def _by_uid(self, event_texts: list[str]) -> dict[str, list[tuple[str, Event]]]:
        series: defaultdict[str, list[tuple[str, Event]]] = defaultdict(list)
        for text in event_texts:
            try:
                event = checked_event(text)
            except Broken as broken:
                self._refuse(text, str(broken))
            else:
                series[str(event["UID"])].append((text, event))
        return series

    def _occurrences(self, frame: Calendar, series: list[tuple[str, Event]], floating: tzinfo) -> list[Occurrence]:
        calendar = Calendar()
        if "X-WR-TIMEZONE" in frame:
            calendar.add("X-WR-TIMEZONE", frame["X-WR-TIMEZONE"])
        for _, event in series:
            calendar.add_component(event)
        try:
            after_last = self._snapshot.window_last + timedelta(days=1)
            found = recurring_ical_events.of(calendar).between(self._snapshot.window_first, after_last)
            if len(found) > MAX_OCCURRENCES:
                raise Broken(f"it repeats {len(found):,} times in the window")
            return [self._occurrence(component, floating) for component in found]
        except Exception as error:  # the library meets odd rules with many exception types
            for text, _ in series:
                self._refuse(text, f"its repetition cannot be worked out: {error}")
            return []

    def _occurrence(self, component: Event, floating: tzinfo) -> Occurrence:
        start, end = moment(component, "DTSTART"), moment(component, "DTEND")
        status = str(component.get("STATUS", "CONFIRMED")).upper()
        is_transparent = str(component.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT"
        return Occurrence(
            uid=str(component["UID"]),
            recurrence_id=_spelled(moment(component, "RECURRENCE-ID"), floating),
            starts_at=_utc(start, floating),
            ends_at=_utc(end, floating),
            starts_on=None if isinstance(start, datetime) else start,
            ends_on=None if isinstance(start, datetime) else max(start, end - timedelta(days=1)),
            is_all_day=not isinstance(start, datetime),
            is_busy=not is_transparent and status != "CANCELLED",
            status=status,
            title_sha=self._title_sha(component),
        )

    def _title_sha(self, component: Event) -> str | None:
        title = component.get("SUMMARY")
        if not title:
            return None
        return hashlib.sha256(f"{self._snapshot.user_id}\n{title}".encode()).hexdigest()

    def _refuse(self, text: str, reason: str) -> None:
        self._refusals.append(
            Refusal(
                source="calendar",
                dt=self._snapshot.day,
                code=RecordInvalid.code,
                reason=reason,
                origin=f"{self._snapshot.part_key}#user={self._snapshot.user_id}"
                f"&calendar={self._snapshot.calendar}",
                record=text,
            )
        )


def _utc(value: date, floating: tzinfo) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    zoned = value if value.tzinfo else value.replace(tzinfo=floating)
    return zoned.astimezone(UTC).replace(tzinfo=None)


def _spelled(value: date, floating: tzinfo) -> str:
    instant = _utc(value, floating)
    return value.isoformat() if instant is None else f"{instant.isoformat()}Z"
