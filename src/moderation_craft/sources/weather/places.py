"""Where a person was on which day, and what a weather service must be told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from moderation_craft.clock import Clock
from moderation_craft.settings import Place, WeatherSettings
from moderation_craft.sources.contract import Person

COORDINATE_DECIMALS = 2  # about a kilometre: finer than the weather models, coarser than an address
NO_PLACE = "no place is known: set weather.places in mcraft.toml"


def with_places_that_may_be_sent(settings: WeatherSettings, person: Person) -> Person:
    """The person with the places in the settings, else with the profile's where the settings allow that."""
    allowed: Sequence[Place] = settings.places.get(person.user_id) or (
        person.places if settings.use_profile_places else ()
    )
    return replace(person, places=allowed)


def coordinates(place: Place) -> tuple[float, float]:
    """Latitude and longitude as they are sent out: rounded to about a kilometre."""
    return round(place.latitude, COORDINATE_DECIMALS), round(place.longitude, COORDINATE_DECIMALS)


def day_bounds(timezone: str, day: date) -> tuple[datetime, datetime]:
    """The UTC instants at which a civil day begins and ends: 23 to 25 hours apart where the clocks change."""
    zone = ZoneInfo(timezone)
    begins, ends = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    return begins.astimezone(UTC), ends.astimezone(UTC)


def offset_on(timezone: str, day: date) -> timedelta:
    """How far a zone's clocks are before UTC at noon of a civil day."""
    return datetime.combine(day, time(12), ZoneInfo(timezone)).utcoffset() or timedelta()


def fixed_zone(timezone: str, day: date, clock: Clock) -> str:
    """The zone to name to a service that applies the offset of now to every day it answers.

    The place's own zone while that offset is the day's, too; else the zone of the day's whole hours. (The few
    zones that change their clocks and stand on half hours stay as they are, and an hour off.)
    """
    offset = offset_on(timezone, day)
    hours, rest = divmod(int(offset.total_seconds()), 3600)
    if rest or offset == clock.now().astimezone(ZoneInfo(timezone)).utcoffset():
        return timezone
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"
