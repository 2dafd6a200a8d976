"""A calendar as occurrences: repetition, exceptions, zones and whole days worked out, whatever its way in."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import msgspec
import recurring_ical_events
from icalendar import Calendar, Event
from icalendar.error import GloballyUniqueTZIDGuessed
from icalendar.timezone import tzp

from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Refusal
from moderation_craft.sources.calendar.envelopes import Snapshot
from moderation_craft.sources.calendar.google_events import DECLINED, as_vevents
from moderation_craft.sources.calendar.streams import CALDAV, GOOGLE
from moderation_craft.sources.calendar.vevents import Broken, checked_event, moment, split_events, values_of

MAX_OCCURRENCES = 20_000


@dataclass(frozen=True, order=True)
class Occurrence:
    """One occurrence. Timed ones have `starts_at` and `ends_at` (UTC, naive), whole-day ones `starts_on` and
    `ends_on` (civil, the last day included); `recurrence_id` is the start that its series gave it, empty where
    it belongs to none. `title` is None unless titles may be shown."""

    uid: str
    recurrence_id: str
    starts_at: datetime | None
    ends_at: datetime | None
    starts_on: date | None
    ends_on: date | None
    is_all_day: bool
    is_busy: bool
    is_declined: bool
    status: str
    title: str | None


@dataclass(frozen=True)
class Expanded:
    occurrences: list[Occurrence]
    refusals: list[Refusal]


Series = dict[str, list[tuple[str, Event]]]


def expand(snapshot: Snapshot, *, with_titles: bool = False) -> Expanded:
    """Every occurrence that touches the snapshot's window, and the events that cannot be read, whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
        return _Expansion(snapshot, with_titles).run()


class _Expansion:
    def __init__(self, snapshot: Snapshot, with_titles: bool) -> None:
        self._snapshot = snapshot
        self._with_titles = with_titles
        self._refusals: list[Refusal] = []
        self._found: dict[tuple[str, str], Occurrence] = {}

    def run(self) -> Expanded:
        if self._snapshot.way_in == GOOGLE.name:
            self._take_google()
        elif self._snapshot.way_in == CALDAV.name:
            for resource in msgspec.json.decode(self._snapshot.data, type=list[_Resource]):
                self._take_text(resource.data)
        else:
            self._take_text(self._snapshot.text)
        return Expanded([self._found[key] for key in sorted(self._found)], self._refusals)

    def _take_text(self, text: str) -> None:
        frame_text, event_texts = split_events(text)
        tzp.use_default()  # forgets the custom zones of the calendar before
        try:
            frame = Calendar.from_ical(frame_text)
            floating = self._floating_zone(frame)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            self._refuse(text, f"the calendar around its events cannot be read: {error}")
            return
        self._take(self._by_uid((text, text) for text in event_texts), floating, frame.get("X-WR-TIMEZONE"))

    def _take_google(self) -> None:
        tzp.use_default()
        readable = []
        for text, vevent in as_vevents(self._snapshot.data):
            if isinstance(vevent, Broken):
                self._refuse(text, str(vevent))
            else:
                readable.append((text, vevent))
        self._take(self._by_uid(readable), ZoneInfo(self._snapshot.timezone or "UTC"), None)

    def _floating_zone(self, frame: Calendar) -> tzinfo:
        """The zone of times that carry none: the calendar's own, else the person's."""
        named = str(frame.get("X-WR-TIMEZONE") or self._snapshot.timezone or "UTC")
        return tzp.timezone(named) or ZoneInfo(self._snapshot.timezone or "UTC")

    def _by_uid(self, texts: Iterable[tuple[str, str]]) -> Series:
        """The events of each UID, each with its text as it came; those that are broken are refused."""
        series: Series = defaultdict(list)
        for as_it_came, text in texts:
            try:
                event = checked_event(text)
            except Broken as broken:
                self._refuse(as_it_came, str(broken))
            else:
                series[str(event["UID"])].append((as_it_came, event))
        return series

    def _take(self, by_uid: Series, floating: tzinfo, zone_name: object) -> None:
        for series in by_uid.values():
            for occurrence in self._occurrences(series, floating, zone_name):
                self._found[occurrence.uid, occurrence.recurrence_id] = occurrence

    def _occurrences(
        self, series: list[tuple[str, Event]], floating: tzinfo, zone_name: object
    ) -> list[Occurrence]:
        calendar = Calendar()
        if zone_name:
            calendar.add("X-WR-TIMEZONE", zone_name)
        for _, event in series:
            calendar.add_component(event)
        try:
            after_last = self._snapshot.window_last + timedelta(days=1)
            found = recurring_ical_events.of(calendar).between(self._snapshot.window_first, after_last)
            if len(found) > MAX_OCCURRENCES:
                raise Broken(f"it repeats {len(found):,} times in the window")
            is_series = any(_repeats(event) for _, event in series)
            return [self._occurrence(component, floating, is_series) for component in found]
        except Exception as error:  # the library meets odd rules with many exception types
            for text, _ in series:
                self._refuse(text, f"its repetition cannot be worked out: {error}")
            return []

    def _occurrence(self, component: Event, floating: tzinfo, is_series: bool) -> Occurrence:
        start, end = moment(component, "DTSTART"), moment(component, "DTEND")
        status = str(component.get("STATUS", "CONFIRMED")).upper()
        is_transparent = str(component.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT"
        is_declined = self._is_declined(component)
        return Occurrence(
            uid=str(component["UID"]),
            recurrence_id=_spelled(_given_start(component, start), floating) if is_series else "",
            starts_at=_utc(start, floating),
            ends_at=_utc(end, floating),
            starts_on=None if isinstance(start, datetime) else start,
            ends_on=None if isinstance(start, datetime) else max(start, end - timedelta(days=1)),
            is_all_day=not isinstance(start, datetime),
            is_busy=not is_transparent and not is_declined and status != "CANCELLED",
            is_declined=is_declined,
            status=status,
            title=str(component.get("SUMMARY") or "") or None if self._with_titles else None,
        )

    def _is_declined(self, component: Event) -> bool:
        if DECLINED in component:
            return True
        own = f"mailto:{self._snapshot.owner}".lower()
        return bool(self._snapshot.owner) and any(
            str(guest).lower() == own and str(guest.params.get("PARTSTAT", "")).upper() == "DECLINED"
            for guest in values_of(component, "ATTENDEE")
        )

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


class _Resource(msgspec.Struct):
    data: str


def _repeats(event: Event) -> bool:
    return any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _given_start(component: Event, start: date) -> date:
    """The start that its series gave an occurrence. Those that follow an exception to this and all later ones
    carry that exception's: they are told apart by where they are."""
    given = moment(component, "RECURRENCE-ID")
    is_ranged = str(component["RECURRENCE-ID"].params.get("RANGE", "")).upper() == "THISANDFUTURE"
    return start if is_ranged else given


def _utc(value: date, floating: tzinfo) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    zoned = value if value.tzinfo else value.replace(tzinfo=floating)
    return zoned.astimezone(UTC).replace(tzinfo=None)


def _spelled(value: date, floating: tzinfo) -> str:
    instant = _utc(value, floating)
    return value.isoformat() if instant is None else f"{instant.isoformat()}Z"
