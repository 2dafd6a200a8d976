"""The times of Fitbit's archives: `MM/DD/YY HH:MM:SS` and ISO 8601 in several spellings, and whose clock it is.

Which clock: steps, distance, floors, heart rate and exercises of the old layout are UTC, though they do not say it
(compared minute by minute with the new layout's files, which do); calories, sleep and weight show the wall clock;
daily files name a date. See docs/takeout.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Clock = Literal["utc", "wall", "date"]

FIRST_YEAR, LAST_YEAR = 2007, 2099  # Fitbit was founded in 2007
_KEPT_TIMES = 200_000
_QUARTERS = {f"{minute:02}": f"{minute // 15 * 15:02}" for minute in range(60)}
"""No zone is off by anything but quarters of an hour, so a day begins and ends on one."""

_US: Final = re.compile(r"(\d\d)/(\d\d)/(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?")
_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?)?"
)
_OFFSET: Final = re.compile(r"([+-]?)(\d\d):?(\d\d)(?::?(\d\d))?")

ZoneOf = Callable[[date], str]
"""The IANA zone where a person was on a day."""


def parse_time(text: str) -> datetime | None:
    """A time to the second as it is written, with its zone if it has one; None where it is none."""
    text = text.strip()
    try:
        if us := _US.fullmatch(text):
            month, day, year, *clock = (int(group or 0) for group in us.groups())
            hour, minute, second = clock
            moment = datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001 - it has no zone
        elif iso := _ISO.fullmatch(text):
            *parts, zone = iso.groups()
            moment = datetime(*(int(part or 0) for part in parts))  # type: ignore[arg-type]  # noqa: DTZ001
            moment = _zoned(moment, zone)
        else:
            return None
    except ValueError:
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def _zoned(moment: datetime, zone: str | None) -> datetime:
    if zone is None:
        return moment
    offset = timedelta() if zone in ("Z", "UTC") else parse_offset(zone)
    return moment if offset is None else (moment - offset).replace(tzinfo=UTC)


def parse_offset(text: str | None) -> timedelta | None:
    """`+09:00`, `-0330` or `32400s` as what to add to UTC; None where it is none."""
    text = (text or "").strip()
    if text.endswith("s") and text[:-1].lstrip("-").isdigit():
        return timedelta(seconds=int(text[:-1]))
    found = _OFFSET.fullmatch(text)
    if found is None:
        return timedelta() if text == "Z" else None
    sign, hours, minutes, seconds = found.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    return -size if sign == "-" else size


def wall_time(moment: datetime, zone: str) -> datetime:
    """What the clock on the wall shows at an instant."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def instant_of(wall: datetime, zone: str) -> datetime:
    """The instant (UTC, naive) at which a wall clock shows this; of two, the first; one skipped is an hour on."""
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def known_zone(name: str | None) -> str | None:
    """The name where this machine knows the zone, else None."""
    try:
        return name if name and ZoneInfo(name) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


class Days:
    """Times → civil days, each quarter of an hour worked out once."""

    def __init__(self, clock: Clock, zone_of: ZoneOf) -> None:
        self._clock = clock
        self._zone_of = zone_of
        self._days: dict[str, tuple[date, str] | None] = {}

    def day_of(self, text: str) -> tuple[date, str] | None:
        """The civil day that a time is about, and the zone it was read in; None where it is no time."""
        if text[2:3] == "/":
            known = text[:12] + _QUARTERS.get(text[12:14], text[12:])
        else:
            known = text[:14] + _QUARTERS.get(text[14:16], text[14:19]) + text[19:]
        try:
            return self._days[known]
        except KeyError:
            pass
        if len(self._days) >= _KEPT_TIMES:
            self._days.clear()
        found = self._days[known] = self._work_out(text)
        return found

    def _work_out(self, text: str) -> tuple[date, str] | None:
        moment = parse_time(text)
        if moment is None:
            return None
        if self._clock == "date":
            return moment.date(), self._zone_of(moment.date())
        if moment.tzinfo is None and self._clock == "utc":
            moment = moment.replace(tzinfo=UTC)
        zone = self._zone_of(moment.date())
        return (moment if moment.tzinfo is None else wall_time(moment, zone)).date(), zone
