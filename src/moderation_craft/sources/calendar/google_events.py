"""Google's events as iCalendar events, so that one machinery works out repetition for every way in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo

import msgspec
from icalendar import Event
from icalendar.timezone import tzp

from moderation_craft.sources.calendar.vevents import Broken

DECLINED = "X-MCRAFT-DECLINED"
_RULES = ("RRULE", "RDATE", "EXDATE", "EXRULE")


class _When(msgspec.Struct):
    date: str | None = None
    dateTime: str | None = None
    timeZone: str | None = None


class _Guest(msgspec.Struct):
    is_self: bool = msgspec.field(default=False, name="self")
    responseStatus: str = ""


class _Event(msgspec.Struct):
    id: str
    status: str = "confirmed"
    iCalUID: str = ""
    summary: str = ""
    eventType: str = "default"
    transparency: str = "opaque"
    start: _When | None = None
    end: _When | None = None
    endTimeUnspecified: bool = False
    originalStartTime: _When | None = None
    recurringEventId: str = ""
    recurrence: list[str] = []
    attendees: list[_Guest] = []


def as_vevents(data: bytes) -> Iterator[tuple[str, str | Broken]]:
    """Each event of a JSON array as it came, and as the text of a VEVENT or Broken where it cannot be one.

    Working locations are no events: they say where a day is spent. A deleted occurrence whose series is not
    here says nothing.
    """
    said, known = [], {}
    for raw in msgspec.json.decode(data, type=list[msgspec.Raw]):
        text = bytes(raw).decode()
        try:
            event = msgspec.json.decode(raw, type=_Event)
        except msgspec.ValidationError as error:
            yield text, Broken(f"it is no event of Google's: {error}")
            continue
        said.append((text, event))
        known[event.id] = event
    for text, event in said:
        if event.eventType == "workingLocation":
            continue
        if event.status == "cancelled" and event.recurringEventId not in known:
            continue
        try:
            yield text, _vevent(event, known)
        except Broken as broken:
            yield text, broken
        except (ValueError, OverflowError) as error:
            yield text, Broken(f"it cannot be read: {error}")


def _vevent(event: _Event, known: Mapping[str, _Event]) -> str:
    series = known.get(event.recurringEventId)
    zone = _zone(event, series)
    start = event.start or event.originalStartTime
    if start is None:
        raise Broken("it has no start")
    found = Event()
    found.add("UID", event.iCalUID or (series.iCalUID if series else "") or event.recurringEventId or event.id)
    found.add("DTSTART", _moment(start, zone))
    if event.end is not None and not event.endTimeUnspecified:
        found.add("DTEND", _moment(event.end, zone))
    if event.recurringEventId:
        if event.originalStartTime is None:
            raise Broken("it is an exception, but says not to which occurrence")
        found.add("RECURRENCE-ID", _moment(event.originalStartTime, zone))
    found.add("STATUS", event.status.upper())
    found.add("TRANSP", event.transparency.upper())
    if any(guest.is_self and guest.responseStatus == "declined" for guest in event.attendees):
        found.add(DECLINED, "TRUE")
    if event.summary:
        found.add("SUMMARY", event.summary)
    return _with_rules(found.to_ical().decode(), event.recurrence)


def _zone(event: _Event, series: _Event | None) -> tzinfo:
    """The zone in which the event repeats: its own or its series'; UTC for events that name none."""
    starts = [each.start for each in (series, event) if each and each.start]
    named = next((start.timeZone for start in starts if start.timeZone), None)
    zone = tzp.timezone(named) if named else UTC
    if zone is None:
        raise Broken(f"its time zone {named!r} is not known")
    return zone


def _moment(when: _When, zone: tzinfo) -> date:
    """A day, or a time in the zone of its series: repetition keeps the hour of the wall clock there."""
    if when.date is not None:
        return date.fromisoformat(when.date)
    if when.dateTime is None:
        raise Broken("a start or end has neither a date nor a time")
    moment = datetime.fromisoformat(when.dateTime)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _with_rules(text: str, recurrence: list[str]) -> str:
    for line in recurrence:
        name = line.partition(":")[0].partition(";")[0].upper()
        if name not in _RULES or not line.isprintable():
            raise Broken(f"it repeats by {line[:40]!r}, which is no rule")
    end = text.rindex("END:VEVENT")
    return text[:end] + "".join(f"{line}\r\n" for line in recurrence) + text[end:]
