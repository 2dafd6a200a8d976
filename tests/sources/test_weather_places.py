"""Where the weather is asked for: moves, trips, the date line, clocks that change, the polar night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from moderation_craft.clock import FixedClock
from moderation_craft.errors import SchemaChanged
from moderation_craft.settings import Place, WeatherSettings
from moderation_craft.sources.contract import Person, Record, Source, Window
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.stand_in import serve
from moderation_craft.sources.weather import stand_in, stand_in_openweathermap
from moderation_craft.sources.weather.openweathermap import (
    AIR_POLLUTION,
    DAY_SUMMARY,
    OpenWeatherMapSource,
    openweathermap_http,
)
from moderation_craft.sources.weather.places import day_bounds, fixed_zone
from moderation_craft.sources.weather.source import AIR_QUALITY, DAILY, FORECAST, WeatherSource, weather_http

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
MINA = Person("mina")
TOKYO = Place(name="Tokyo", latitude=35.6812, longitude=139.7671, timezone="Asia/Tokyo")
HONOLULU = Place(
    name="Honolulu", latitude=21.31, longitude=-157.86, timezone="Pacific/Honolulu", since=date(2026, 10, 5)
)
HOME_AGAIN = TOKYO.model_copy(update={"since": date(2026, 10, 12)})
BERLIN = Place(name="Berlin", latitude=52.52, longitude=13.41, timezone="Europe/Berlin")


@contextmanager
def _open_meteo(*places: Place, now: datetime = NOW, fault: Fault | None = None) -> Iterator[WeatherSource]:
    clock = FixedClock(now)
    faulty = Faulty(stand_in.create_app(7, clock=clock))
    faulty.faults += [fault] if fault else []
    with serve(faulty) as url:
        settings = WeatherSettings(
            archive_url=f"{url}/v1/archive",
            forecast_url=f"{url}/v1/forecast",
            air_quality_url=f"{url}/v1/air-quality",
            places={"mina": list(places)},
        )
        yield WeatherSource(settings, clock, weather_http())


@contextmanager
def _openweathermap(*places: Place, now: datetime = NOW) -> Iterator[OpenWeatherMapSource]:
    clock = FixedClock(now)
    with serve(stand_in_openweathermap.create_app(7, clock=clock, key=KEY)) as url:
        settings = WeatherSettings(
            openweathermap_url=url, openweathermap_key=SecretStr(KEY), places={"mina": list(places)}
        )
        yield OpenWeatherMapSource(settings, clock, openweathermap_http(KEY))


def _said(record: Record) -> Any:
    return json.loads(record.data)


def _asked(record: Record) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(record.metadata["request"].split("?")[1]).items()}


def _places(source: Source, window: Window) -> dict[date, str]:
    stream = DAILY if isinstance(source, WeatherSource) else DAY_SUMMARY
    return {record.date: record.metadata["place"] for record in source.fetch(stream, MINA, window)}


def test_a_trip_in_the_middle_is_asked_for_where_the_person_was() -> None:
    window = Window(date(2026, 10, 3), date(2026, 10, 13))
    where = ["Tokyo"] * 2 + ["Honolulu"] * 7 + ["Tokyo"] * 2
    with _open_meteo(TOKYO, HONOLULU, HOME_AGAIN) as source:
        assert _places(source, window) == dict(zip(window.days, where, strict=True))
    with _openweathermap(TOKYO, HONOLULU, HOME_AGAIN) as other:
        assert _places(other, window) == dict(zip(window.days, where, strict=True))


@pytest.mark.parametrize("day", [date(2026, 10, 4), date(2026, 10, 5), date(2026, 10, 12)])
def test_over_the_date_line_a_day_is_that_of_the_place(day: date) -> None:
    """The hours of 5 October in Honolulu are those of 5 and 6 October in Tokyo: each day is whole in its zone."""
    with _openweathermap(TOKYO, HONOLULU, HOME_AGAIN) as source:
        (record,) = source.fetch(AIR_POLLUTION, MINA, Window(day, day))
    hours = [datetime.fromtimestamp(hour["dt"], UTC) for hour in _said(record)["list"]]
    begins, ends = day_bounds(record.metadata["timezone"], day)
    assert (hours[0], hours[-1], len(hours)) == (begins, ends - timedelta(hours=1), 24)


@pytest.mark.parametrize(
    ("place", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        (BERLIN, date(2026, 7, 1), 24),
        (TOKYO, date(2026, 10, 25), 24),
        (TOKYO.model_copy(update={"timezone": "Asia/Kolkata"}), date(2026, 7, 1), 24),
        (TOKYO.model_copy(update={"timezone": "Australia/Lord_Howe"}), date(2026, 10, 4), 23),  # of 23.5
        (TOKYO.model_copy(update={"timezone": "Pacific/Kiritimati"}), date(2026, 7, 1), 24),
    ],
)
def test_a_day_has_the_hours_that_its_clocks_show(place: Place, day: date, hours: int) -> None:
    window = Window(day - timedelta(days=1), day + timedelta(days=1))
    begins, ends = day_bounds(place.timezone, day)
    with _open_meteo(place) as source:
        said = {record.date: _said(record)["hourly"] for record in source.fetch(AIR_QUALITY, MINA, window)}
    moments = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in said[day]["time"]]
    assert len(moments) == len(set(moments)) == hours
    assert begins <= moments[0] and moments[-1] < ends
    assert len(said[day]["us_aqi"]) == hours
    with _openweathermap(place) as other:
        told = {record.date: _said(record)["list"] for record in other.fetch(AIR_POLLUTION, MINA, window)}
    assert [datetime.fromtimestamp(hour["dt"], UTC) for hour in told[day]] == moments
    assert sum(len(hours_of_a_day) for hours_of_a_day in told.values()) == len(
        {hour["dt"] for hours_of_a_day in told.values() for hour in hours_of_a_day}
    )


def test_open_meteo_is_told_the_offset_of_the_day() -> None:
    """It applies the offset of now to every day, so that in winter a summer's day would begin an hour late."""
    with _open_meteo(BERLIN) as source:
        records = list(source.fetch(DAILY, MINA, Window(date(2026, 10, 23), date(2026, 10, 27))))
    assert [_asked(record)["timezone"] for record in records] == ["Etc/GMT-2"] * 2 + ["Europe/Berlin"] * 3


def test_a_server_without_fixed_zones_is_asked_with_the_places() -> None:
    refused = Fault(400, b'{"error":true,"reason":"Invalid timezone"}', times=1)
    with _open_meteo(BERLIN, fault=refused) as source:
        (record,) = source.fetch(DAILY, MINA, Window(date(2026, 7, 1), date(2026, 7, 1)))
    assert _asked(record)["timezone"] == "Europe/Berlin"
    always = Fault(400, b'{"error":true,"reason":"Invalid timezone"}')
    with _open_meteo(BERLIN, fault=always) as source, pytest.raises(SchemaChanged, match="Invalid timezone"):
        list(source.fetch(DAILY, MINA, Window(date(2026, 7, 1), date(2026, 7, 1))))


@pytest.mark.parametrize(
    ("timezone", "day", "named"),
    [
        ("Asia/Tokyo", date(2026, 7, 1), "Asia/Tokyo"),
        ("Asia/Kolkata", date(2026, 7, 1), "Asia/Kolkata"),
        ("Europe/London", date(2026, 7, 1), "Etc/GMT-1"),
        ("America/New_York", date(2026, 7, 1), "Etc/GMT+4"),
        ("Atlantic/Azores", date(2026, 7, 1), "Etc/GMT"),
        ("Australia/Adelaide", date(2026, 7, 1), "Australia/Adelaide"),
    ],
)
def test_a_zone_of_whole_hours_stands_for_an_offset_that_is_over(timezone: str, day: date, named: str) -> None:
    assert fixed_zone(timezone, day, FixedClock(NOW)) == named


@pytest.mark.parametrize(
    ("place", "day", "text"),
    [
        (BERLIN, date(2026, 7, 1), "+02:00"),
        (BERLIN, date(2026, 11, 1), "+01:00"),
        (HONOLULU, date(2026, 11, 1), "-10:00"),
        (TOKYO.model_copy(update={"timezone": "Asia/Kathmandu"}), date(2026, 11, 1), "+05:45"),
        (TOKYO.model_copy(update={"timezone": "America/St_Johns"}), date(2026, 7, 1), "-02:30"),
    ],
)
def test_openweathermap_is_told_the_offset_of_the_day(place: Place, day: date, text: str) -> None:
    with _openweathermap(place) as source:
        (record,) = source.fetch(DAY_SUMMARY, MINA, Window(day, day))
    assert (_asked(record)["tz"], _asked(record)["date"], _said(record)["tz"]) == (text, str(day), text)


@pytest.mark.parametrize(
    ("timezone", "now", "today"),
    [
        ("Pacific/Kiritimati", datetime(2026, 11, 22, 10, 30, tzinfo=UTC), date(2026, 11, 23)),
        ("Pacific/Pago_Pago", datetime(2026, 11, 23, 10, 30, tzinfo=UTC), date(2026, 11, 22)),
    ],
)
def test_today_and_the_forecast_are_those_of_the_place(timezone: str, now: datetime, today: date) -> None:
    far = TOKYO.model_copy(update={"timezone": timezone})
    with _open_meteo(far, now=now) as source:
        (forecast,) = source.fetch(FORECAST, MINA, Window(today, today))
        (daily,) = source.fetch(DAILY, MINA, Window(today, today))
        (air,) = source.fetch(AIR_QUALITY, MINA, Window(today, today))
    assert forecast.date == daily.date == air.date == today
    assert _said(forecast)["daily"]["time"][0] == str(today)


def test_beyond_the_polar_circle_the_sun_does_not_rise() -> None:
    north = Place(name="Longyearbyen", latitude=78.22, longitude=15.63, timezone="Arctic/Longyearbyen")
    with _open_meteo(north) as source:
        (winter,) = source.fetch(DAILY, MINA, Window(date(2025, 12, 21), date(2025, 12, 21)))
        (summer,) = source.fetch(DAILY, MINA, Window(date(2026, 6, 21), date(2026, 6, 21)))
    assert _said(winter)["daily"]["daylight_duration"] == [0]  # measured
    assert _said(summer)["daily"]["daylight_duration"] == [86_400]
