"""A person's calendars as iCalendar text: repetition, exceptions, zones, all-day and cancelled events."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone

from moderation_craft.demo.chance import Chance
from moderation_craft.demo.personas import Language, Persona
from moderation_craft.demo.trips import Trip

_TITLES: dict[Language, dict[str, str]] = {
    "ja": {
        "weekly": "定例ミーティング ☕",
        "review": "進捗レビュー",
        "off": "休み 🌿",
        "fair": "作品展(見るだけ)",
        "call": "海外とのビデオ会議",
        "cancelled": "飲み会(中止)",
        "one": "打ち合わせ",
        "trip": "出張 ✈",
        "abroad": "現地での打ち合わせ",
        "class": "ヨガ",
    },
    "en": {
        "weekly": "Weekly check-in ☕",
        "review": "Progress review",
        "off": "Day off 🌿",
        "fair": "Open studios (just looking)",
        "call": "Call overseas",
        "cancelled": "Dinner (cancelled)",
        "one": "Meeting",
        "trip": "Trip ✈",
        "abroad": "Meeting abroad",
        "class": "Choir",
    },
}


def calendars(
    chance: Chance, user_id: str, persona: Persona, days: Sequence[date], trip: Trip | None
) -> dict[str, str]:
    """Path of each calendar's secret address → its text. Every event lies inside the window."""
    writer = _Writer(chance, user_id, persona, days)
    texts = {_path(user_id, "work"): writer.work(trip)}
    if persona.travels:
        texts[_path(user_id, "private")] = writer.private()
    return texts


def _path(user_id: str, name: str) -> str:
    secret = hashlib.sha256(f"demo calendar {name} of {user_id}".encode()).hexdigest()[:20]
    return f"calendar/ical/{user_id}/private-{secret}/{name}.ics"


class _Writer:
    def __init__(self, chance: Chance, user_id: str, persona: Persona, days: Sequence[date]) -> None:
        self._chance = chance
        self._user_id = user_id
        self._home = persona.home.timezone
        self._titles = _TITLES[persona.language]
        self._days = days

    def work(self, trip: Trip | None) -> str:
        calendar = self._calendar("work")
        self._add_weekly(calendar)
        self._add_review(calendar)
        self._add_single_meetings(calendar)
        middle = self._days[len(self._days) // 2]
        self._event(calendar, "call", self._at(middle, 12 * 60, "UTC"), 45)
        self._event(calendar, "cancelled", self._at(middle, 19 * 60), 120, STATUS="CANCELLED")
        if trip:
            self._all_day(calendar, "trip", trip.leaves_on, trip.returns_on, TRANSP="TRANSPARENT")
            day = trip.leaves_on + timedelta(days=1)
            self._event(calendar, "abroad", self._at(day, 14 * 60, trip.city.timezone), 90)
        return self._text(calendar)

    def private(self) -> str:
        calendar = self._calendar("private")
        quarter = self._days[len(self._days) // 4]
        self._all_day(calendar, "off", quarter, quarter + timedelta(days=1))
        last_two = self._days[-3]
        self._all_day(calendar, "fair", last_two, last_two + timedelta(days=2), TRANSP="TRANSPARENT")
        first = self._next(self._days[1], 2)
        if first:
            rule = {"FREQ": ["WEEKLY"], "UNTIL": [self._until()]}
            self._event(calendar, "class", self._at(first, 19 * 60 + 30), 60, RRULE=rule)
        return self._text(calendar)

    def _add_weekly(self, calendar: Calendar) -> None:
        """Tuesdays and Thursdays at 10:00; the third is left out, the fourth moved to the afternoon."""
        times = [self._at(day, 10 * 60) for day in self._days[1:-1] if day.weekday() in (1, 3)]
        if not times:
            return
        rule = {"FREQ": ["WEEKLY"], "BYDAY": ["TU", "TH"], "UNTIL": [self._until()]}
        event = self._event(calendar, "weekly", times[0], 30, RRULE=rule)
        if len(times) > 2:
            event.add("EXDATE", times[2])
        if len(times) > 3:
            moved = self._event(calendar, "weekly", times[3] + timedelta(hours=4), 45, uid=str(event["UID"]))
            moved.add("RECURRENCE-ID", times[3])

    def _add_review(self, calendar: Calendar) -> None:
        first = self._next(self._days[1], 4)
        if first:
            rule = {"FREQ": ["WEEKLY"], "INTERVAL": [2], "UNTIL": [self._until()]}
            self._event(calendar, "review", self._at(first, 16 * 60), 90, RRULE=rule)

    def _add_single_meetings(self, calendar: Calendar) -> None:
        weekdays = [day for day in self._days[1:-1] if day.weekday() < 5]
        for day in self._chance.some_of(weekdays, 0.2):
            start = self._at(day, 60 * self._chance.randint(11, 16) + self._chance.choice((0, 15, 30)))
            self._event(calendar, "one", start, self._chance.choice((30, 45, 60, 90)))

    def _calendar(self, name: str) -> Calendar:
        calendar = Calendar()
        calendar.add("PRODID", "-//ModerationCraft//demo//EN")
        calendar.add("VERSION", "2.0")
        calendar.add("X-WR-CALNAME", name)
        calendar.add("X-WR-TIMEZONE", self._home)
        return calendar

    def _event(
        self, calendar: Calendar, title: str, start: datetime, minutes: int, *, uid: str = "", **more: Any
    ) -> Event:
        event = self._new(calendar, title, uid)
        event.add("DTSTART", start)
        event.add("DTEND", start + timedelta(minutes=minutes))
        for name, value in more.items():
            event.add(name, value)
        return event

    def _all_day(self, calendar: Calendar, title: str, first: date, after_last: date, **more: Any) -> None:
        event = self._new(calendar, title, "")
        event.add("DTSTART", first)
        event.add("DTEND", after_last)
        for name, value in more.items():
            event.add(name, value)

    def _new(self, calendar: Calendar, title: str, uid: str) -> Event:
        event = Event()
        event.add("UID", uid or f"{self._chance.id()}@calendar.example")
        event.add("DTSTAMP", self._at(self._days[0], 12 * 60, "UTC"))
        event.add("SUMMARY", self._titles[title])
        calendar.add_component(event)
        return event

    def _at(self, day: date, minute: int, timezone: str = "") -> datetime:
        wall = datetime.combine(day, time()) + timedelta(minutes=minute)
        return wall.replace(tzinfo=ZoneInfo(timezone or self._home))

    def _until(self) -> datetime:
        return self._at(self._days[-2], 23 * 60).astimezone(ZoneInfo("UTC"))

    def _next(self, day: date, weekday: int) -> date | None:
        """The first such weekday from `day` on that lies before the last day."""
        found = day + timedelta(days=(weekday - day.weekday()) % 7)
        return found if found < self._days[-1] else None

    def _text(self, calendar: Calendar) -> str:
        # Not calendar.add_missing_timezones(): it adds them in the order of a set, another one in each process.
        first, last = self._days[0] - timedelta(days=366), self._days[-1] + timedelta(days=366)
        calendar.subcomponents[:0] = [
            Timezone.from_tzid(name, first_date=first, last_date=last)
            for name in sorted(calendar.get_missing_tzids())
        ]
        return str(calendar.to_ical().decode())
