"""The VEVENTs of a calendar's text, one by one, so that a broken one harms no other."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from icalendar import Component, Event
from icalendar.prop import vBroken

from moderation_craft.sources.calendar.rules import frequency, never_happens

MAX_STARTS_A_DAY = 96
EARLIEST_YEAR_BY_HOUR = 1970

_TIME_NAMES = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE")
_STARTS_A_DAY = {"SECONDLY": 86_400, "MINUTELY": 1_440, "HOURLY": 24}


class Broken(ValueError):
    """An event that cannot be read; the message says why."""


def split_events(text: str) -> tuple[str, list[str]]:
    """The calendar without its events, and each event's lines exactly as they came."""
    frame: list[str] = []
    events: list[list[str]] = []
    is_inside = False
    for line in text.splitlines(keepends=True):
        word = line.strip().upper()
        if word == "BEGIN:VEVENT":
            is_inside = True
            events.append([])
        elif word == "END:VCALENDAR":
            is_inside = False  # an event that never ends takes nothing else with it
        (events[-1] if is_inside else frame).append(line)
        if word == "END:VEVENT":
            is_inside = False
    return "".join(frame), ["".join(lines) for lines in events]


def checked_event(text: str) -> Event:
    """One event that the repetition can be worked out for; Broken where a time, a zone or a rule is wrong."""
    if not text.rstrip().upper().endswith("END:VEVENT"):
        raise Broken("it never ends")
    try:
        event = Component.from_ical(text)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Broken(f"it cannot be read: {error}") from error
    if not isinstance(event, Event):
        raise Broken("it is no VEVENT")
    for name, problem in event.errors:
        if name is None or name in _TIME_NAMES:
            raise Broken(f"{name or 'a line'} cannot be read: {problem}")
    _check_times(event)
    _check_rules(event)
    if not event.get("UID"):
        event["UID"] = f"no-uid-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return event


def _check_times(event: Event) -> None:
    if "DTSTART" not in event:
        raise Broken("it has no DTSTART")
    for name in _TIME_NAMES:
        for value in values_of(event, name):
            if isinstance(value, vBroken):
                raise Broken(f"{name} cannot be read")
            zone = value.params.get("TZID")
            if zone and isinstance(getattr(value, "dt", None), datetime) and value.dt.tzinfo is None:
                raise Broken(f"its time zone {zone!r} is neither known nor defined in the calendar")
    for name in ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID"):
        if len(values_of(event, name)) > 1:
            raise Broken(f"it has {name} more than once")
    start = moment(event, "DTSTART")
    if "DTEND" in event:
        _check_order(start, moment(event, "DTEND"))
    elif "DURATION" in event:
        lasts = getattr(event["DURATION"], "dt", None)
        if not isinstance(lasts, timedelta) or lasts < timedelta():
            raise Broken("its DURATION is no length of time")


def _check_order(start: date, end: date) -> None:
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise Broken("one of DTSTART and DTEND is a day and the other a time")
    if isinstance(start, datetime) and isinstance(end, datetime):
        is_comparable = (start.tzinfo is None) == (end.tzinfo is None)
    else:
        is_comparable = True
    if is_comparable and end < start:
        raise Broken(f"it ends {end} before it starts {start}")


def moment(event: Event, name: str) -> date:
    """The day (date) or the instant (datetime) in a property; Broken where it holds something else."""
    value = getattr(event[name], "dt", None)
    if not isinstance(value, date):
        raise Broken(f"{name} is neither a day nor a time")
    return value


def _check_rules(event: Event) -> None:
    """Refuse rules that cannot be worked out in reasonable time: a calendar of appointments has none."""
    start = moment(event, "DTSTART")
    for rule in values_of(event, "RRULE"):
        starts = _STARTS_A_DAY.get(frequency(rule), 1)
        for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            starts *= max(1, len(rule.get(name, [])))
        if starts > MAX_STARTS_A_DAY:
            raise Broken(f"its rule repeats up to {starts:,} times a day")
        if starts > 1 and start.year < EARLIEST_YEAR_BY_HOUR:
            raise Broken(f"its rule repeats by the hour since {start.year}")
        if any(interval < 1 for interval in rule.get("INTERVAL", [])):
            raise Broken("its rule has an INTERVAL below 1")
        if never_happens(rule, start):
            raise Broken("its rule names days that never come")


def values_of(event: Event, name: str) -> list[Any]:
    """A property's values, none, one or several."""
    value = event.get(name, [])
    return value if isinstance(value, list) else [value]
