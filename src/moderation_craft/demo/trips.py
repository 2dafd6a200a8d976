"""The traveller's trip: where, when, and the clock change on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from moderation_craft.demo.personas import DESTINATIONS, City
from moderation_craft.demo.truths import DstChange


@dataclass(frozen=True)
class Trip:
    """Away from `leaves_on` to the day before `returns_on`; both are spent partly in the air."""

    city: City
    leaves_on: date
    returns_on: date

    @property
    def last_day_away(self) -> date:
        return self.returns_on - timedelta(days=1)

    @property
    def travel_days(self) -> frozenset[date]:
        return frozenset({self.leaves_on, self.last_day_away, self.returns_on})

    def covers(self, day: date) -> bool:
        return self.leaves_on <= day < self.returns_on


def wall(day: date, minute: float, timezone: str) -> datetime:
    """The instant (UTC) at which the clock on the wall shows `minute` minutes from a day's midnight."""
    shown = datetime.combine(day, time()) + timedelta(minutes=round(minute))
    return shown.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def wall_minute(instant: datetime, day: date, timezone: str) -> int:
    """What the clock on the wall shows at an instant, in minutes from a day's midnight; `wall` undone."""
    shown = instant.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    return round((shown - datetime.combine(day, time())).total_seconds() / 60)


def utc_offset(instant: datetime, timezone: str) -> timedelta:
    return instant.astimezone(ZoneInfo(timezone)).utcoffset() or timedelta()


def dst_changes(timezone: str, days: Sequence[date]) -> list[DstChange]:
    """The days among these on which the zone's clocks change."""
    found = []
    for day in days:
        # By its length and not by offsets at midnight: in some cities midnight itself is what does not exist.
        length = wall(day + timedelta(days=1), 0, timezone) - wall(day, 0, timezone)
        if length != timedelta(days=1):
            found.append(DstChange(day, timezone, timedelta(days=1) - length))
    return found


def plan_trip(home_timezone: str, days: Sequence[date]) -> Trip:
    """A trip strictly inside the window, over a clock change wherever one of the cities offers it.

    The first five cities are preferred over the rest, then the change nearest to 60 % of the window.
    """
    length = max(3, min(10, len(days) // 6))
    wanted = round(0.6 * len(days))
    choices = []
    for rank, city in enumerate(DESTINATIONS):
        if city.timezone == home_timezone:
            continue
        for change in dst_changes(city.timezone, days[2:-2]):
            index = days.index(change.date)
            start = max(1, min(index - length // 2, len(days) - 2 - length))
            if start < index < start + length - 1:
                choices.append((rank >= 5, abs(index - wanted), rank, start, city))
    if choices:
        *_, start, city = min(choices, key=lambda choice: choice[:4])
    else:
        start = max(1, min(wanted - length // 2, len(days) - 2 - length))
        city = next(city for city in DESTINATIONS if city.timezone != home_timezone)
    return Trip(city, days[start], days[start + length])
