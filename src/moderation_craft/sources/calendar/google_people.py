"""Made-up people's Google calendars for the stand-in: a working life with everything that a calendar may hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from moderation_craft.sources.calendar.google_stand_in import Event, StandInAccount, StandInCalendar

_TITLES = {
    "ja": ("朝会 ☕", "打ち合わせ", "休み", "飲み会", "勉強会"),
    "en": ("Stand-up ☕", "Meeting", "Day off", "Dinner", "Study group"),
}


def made_up_account(
    user_id: str, seed: int, days: Sequence[date], *, timezone: str = "Asia/Tokyo", language: str = "ja"
) -> StandInAccount:
    """A person's account: a primary calendar and one of the family's; the same seed gives the same bytes."""
    # Not a secret: the same people must come again.
    maker = _Maker(user_id, Random(f"google {seed} {user_id}"), timezone, _TITLES[language])  # noqa: S311
    primary = StandInCalendar(f"{user_id}@example.com", user_id, timezone, is_primary=True, has_odd_pages=True)
    family = StandInCalendar(f"family-{user_id}@group.calendar.google.com", "Family", timezone, is_selected=False)
    maker.fill(primary, days)
    family.put(*(maker.whole_day(2, day) for day in days[6::14]))
    return StandInAccount(user_id, [primary, family])


class _Maker:
    def __init__(self, user_id: str, random: Random, timezone: str, titles: Sequence[str]) -> None:
        self._owner = f"{user_id}@example.com"
        self._random = random
        self._timezone = timezone
        self._titles = titles
        self._count = 0

    def fill(self, calendar: StandInCalendar, days: Sequence[date]) -> None:
        """A weekday's stand-up with a moved and a cancelled occurrence, meetings, some of them declined, free
        evenings and days off."""
        series = self.timed(0, days[0], 9 * 60 + 30, 15, recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"])
        calendar.put(series)
        for number, day in enumerate([day for day in days if day.weekday() < 5][2:4]):
            calendar.put(self._exception(series, day))
            if number:
                calendar.cancel(f"{series['id']}_{day:%Y%m%d}")
        for day in days:
            if day.weekday() < 5 and self._random.random() < 0.5:
                calendar.put(self._meeting(day))
        calendar.put(*(self.timed(3, day, 19 * 60, 120, transparency="transparent") for day in days[4::21]))
        calendar.put(*(self.whole_day(2, day) for day in days[11::28]))

    def timed(self, title: int, day: date, minute: int, minutes: int, **more: Any) -> Event:
        start = datetime.combine(day, time(), ZoneInfo(self._timezone)) + timedelta(minutes=minute)
        end = start + timedelta(minutes=minutes)
        return self._event(
            title, *({"dateTime": at.isoformat(), "timeZone": self._timezone} for at in (start, end)), **more
        )

    def whole_day(self, title: int, day: date) -> Event:
        return self._event(title, {"date": str(day)}, {"date": str(day + timedelta(days=1))})

    def _meeting(self, day: date) -> Event:
        answer = self._random.choice(("accepted", "accepted", "tentative", "declined"))
        guests = [
            {"email": "colleague@example.com", "organizer": True, "responseStatus": "accepted"},
            {"email": self._owner, "self": True, "responseStatus": answer},
        ]
        minute = 60 * self._random.randint(10, 17)
        return self.timed(1, day, minute, self._random.choice((30, 45, 60, 90)), attendees=guests)

    def _exception(self, series: Event, day: date) -> Event:
        original = datetime.combine(day, time(9, 30), ZoneInfo(self._timezone)).isoformat()
        moved = self.timed(0, day, 13 * 60, 15)
        return moved | {
            "id": f"{series['id']}_{day:%Y%m%d}",
            "iCalUID": series["iCalUID"],
            "recurringEventId": series["id"],
            "originalStartTime": {"dateTime": original, "timeZone": self._timezone},
        }

    def _event(self, title: int, start: dict[str, str], end: dict[str, str], **more: Any) -> Event:
        self._count += 1
        event_id = f"{self._random.getrandbits(80):020x}{self._count:04x}"
        return {
            "kind": "calendar#event",
            "id": event_id,
            "status": "confirmed",
            "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
            "created": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-01T00:00:00.000Z",
            "summary": self._titles[title],
            "creator": {"email": self._owner, "self": True},
            "organizer": {"email": self._owner, "self": True},
            "start": start,
            "end": end,
            "iCalUID": f"{event_id}@google.com",
            "sequence": 0,
            "reminders": {"useDefault": True},
            "eventType": "default",
            **more,
        }
