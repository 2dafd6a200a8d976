"""Weather: which address is asked for which day, what a record holds, and the stand-in's manners."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from moderation_craft.clock import FixedClock, SystemClock
from moderation_craft.errors import SchemaChanged
from moderation_craft.settings import Place, WeatherSettings, load_settings
from moderation_craft.sources.contract import Person, Record, Window
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.stand_in import serve
from moderation_craft.sources.weather.source import (
    AIR_QUALITY,
    DAILY,
    FORECAST,
    WeatherSource,
    build,
    weather_http,
)
from moderation_craft.sources.weather.stand_in import climate, create_app

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TODAY = NOW.date()
TOKYO = Place(name="Tokyo", latitude=35.6812, longitude=139.7671, timezone="Asia/Tokyo")
LONDON = Place(name="London", latitude=51.5, longitude=-0.12, timezone="Europe/London", since=date(2026, 10, 1))
MINA = Person("mina")


@contextmanager
def _weather(*places: Place, fault: Fault | None = None) -> Iterator[tuple[WeatherSource, Faulty]]:
    faulty = Faulty(create_app(7, clock=FixedClock(NOW)))
    faulty.faults += [fault] if fault else []
    with serve(faulty) as url:
        settings = WeatherSettings(
            archive_url=f"{url}/v1/archive",
            forecast_url=f"{url}/v1/forecast",
            air_quality_url=f"{url}/v1/air-quality",
            places={"mina": list(places or [TOKYO])},
        )
        yield WeatherSource(settings, FixedClock(NOW), weather_http()), faulty


def _days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def _json(record: Record) -> Any:
    return json.loads(record.data)


def test_old_days_come_from_the_archive_and_the_last_ones_from_the_forecast() -> None:
    with _weather() as (source, faulty):
        records = list(source.fetch(DAILY, MINA, Window(_days_ago(20), TODAY)))
    endpoints = {record.date: record.metadata["endpoint"] for record in records}
    assert [endpoints[_days_ago(days)] for days in (20, 6, 5, 0)] == ["archive", "archive", "forecast", "forecast"]
    assert faulty.requests == ["/v1/archive", "/v1/forecast"]
    assert "past_days=5&forecast_days=1" in records[-1].metadata["request"]
    assert all(value[0] is not None for record in records for value in _json(record)["daily"].values())


def test_a_record_is_one_day_of_the_parallel_arrays() -> None:
    day = _days_ago(30)
    with _weather() as (source, _):
        (record,) = source.fetch(DAILY, MINA, Window(day, day))
    said, true = _json(record), climate(7, 35.68, 139.77, day)
    assert said["daily"] == {
        "time": [str(day)],
        "temperature_2m_mean": [true.temperature_mean_celsius],
        "temperature_2m_min": [true.temperature_min_celsius],
        "temperature_2m_max": [true.temperature_max_celsius],
        "precipitation_sum": [true.precipitation_mm],
        "daylight_duration": [true.daylight_seconds],
        "relative_humidity_2m_mean": [true.humidity_mean_pct],
        "pressure_msl_mean": [true.pressure_mean_hpa],
    }
    assert said["daily_units"]["temperature_2m_mean"] == "°C"
    assert said["timezone"] == "Asia/Tokyo"
    assert "generationtime_ms" not in said
    assert record.metadata["place"] == "Tokyo"


def test_air_quality_is_hourly() -> None:
    day = _days_ago(3)
    with _weather() as (source, _):
        (record,) = source.fetch(AIR_QUALITY, MINA, Window(day, day))
    hourly = _json(record)["hourly"]
    assert (hourly["time"][0], hourly["time"][-1]) == (f"{_days_ago(4)}T15:00", f"{day}T14:00")  # GMT
    assert _json(record)["timezone"] == "GMT"
    assert tuple(hourly["us_aqi"]) == climate(7, 35.68, 139.77, day).us_aqi_hourly


def test_a_window_is_split_where_the_person_moves() -> None:
    with _weather(TOKYO, LONDON) as (source, faulty):
        records = list(source.fetch(DAILY, MINA, Window(date(2026, 9, 29), date(2026, 10, 2))))
    assert [record.metadata["place"] for record in records] == ["Tokyo", "Tokyo", "London", "London"]
    assert [_json(record)["timezone"] for record in records][1:3] == ["Asia/Tokyo", "Etc/GMT-1"]
    assert [record.metadata["timezone"] for record in records][1:3] == ["Asia/Tokyo", "Europe/London"]
    assert len(faulty.requests) == 2


def test_the_forecast_is_kept_as_issued() -> None:
    with _weather() as (source, faulty):
        (record,) = source.fetch(FORECAST, MINA, Window(TODAY, TODAY))
        again = next(iter(source.fetch(FORECAST, MINA, Window(TODAY, TODAY))))
    daily = _json(record)["daily"]
    assert record.date == TODAY
    assert daily["time"] == [str(TODAY + timedelta(days=ahead)) for ahead in range(8)]
    assert all(value is not None for values in daily.values() for value in values)
    assert again.data == record.data
    assert faulty.requests == ["/v1/forecast", "/v1/forecast"]


def test_days_that_the_archive_is_late_with_come_from_the_forecast() -> None:
    late = {str(_days_ago(days)) for days in (7, 8)}
    with _weather(fault=Fault(path_part="/archive", rewrite=_without(late))) as (source, faulty):
        records = list(source.fetch(DAILY, MINA, Window(_days_ago(10), _days_ago(7))))
    assert {record.date: record.metadata["endpoint"] for record in records} == {
        _days_ago(10): "archive",
        _days_ago(9): "archive",
        _days_ago(8): "forecast",
        _days_ago(7): "forecast",
    }
    assert all(_json(record)["daily"]["temperature_2m_mean"] != [None] for record in records)
    assert faulty.requests == ["/v1/archive", "/v1/forecast"]


def test_a_blank_day_stays_missing_until_it_is_too_old_to_get_a_value() -> None:
    blank = {str(_days_ago(days)) for days in (8, 40)}
    with _weather(fault=Fault(rewrite=_without(blank))) as (source, _):
        recent = list(source.fetch(DAILY, MINA, Window(_days_ago(9), _days_ago(7))))
        (old,) = source.fetch(DAILY, MINA, Window(_days_ago(40), _days_ago(40)))
    assert [record.date for record in recent] == [_days_ago(9), _days_ago(7)]
    assert _json(old)["daily"]["precipitation_sum"] == [None]  # null, never 0


def test_a_day_that_is_left_out_is_said_and_the_others_are_kept() -> None:
    def shorter(body: bytes) -> bytes:
        said = json.loads(body)
        said["daily"] = {name: values[1:] for name, values in said["daily"].items()}
        return json.dumps(said).encode()

    found: list[Record] = []
    with _weather(fault=Fault(rewrite=shorter)) as (source, _), pytest.raises(SchemaChanged) as caught:
        for record in source.fetch(DAILY, MINA, Window(_days_ago(42), _days_ago(40))):
            found.append(record)
    assert [record.date for record in found] == [_days_ago(41), _days_ago(40)]
    assert f"left out 1 of the days asked for, {_days_ago(42)}" in caught.value.message


@pytest.mark.parametrize(("unit", "other"), [("°C", "°F"), ("mm", "inch")])
def test_another_unit_is_a_changed_schema(unit: str, other: str) -> None:
    day = _days_ago(30)
    fault = Fault(rewrite=lambda body: body.replace(f'"{unit}"'.encode(), f'"{other}"'.encode()))
    with _weather(fault=fault) as (source, _):
        for stream, window in ((DAILY, Window(day, day)), (FORECAST, Window(TODAY, TODAY))):
            with pytest.raises(SchemaChanged, match=other):
                list(source.fetch(stream, MINA, window))


def _without(days: set[str]) -> Callable[[bytes], bytes]:
    """Nulls in an answer on some days, as where the archive has not got so far."""

    def rewrite(body: bytes) -> bytes:
        said = json.loads(body)
        blank = [moment in days for moment in said["daily"]["time"]]
        for name, values in said["daily"].items():
            if name != "time":
                nulled = (None if gone else value for gone, value in zip(blank, values, strict=True))
                said["daily"][name] = list(nulled)
        return json.dumps(said).encode()

    return rewrite


def test_days_before_the_first_known_place_are_not_asked_for() -> None:
    with _weather(LONDON) as (source, _):
        records = list(source.fetch(AIR_QUALITY, MINA, Window(date(2026, 9, 28), date(2026, 10, 2))))
    assert [record.date for record in records] == [date(2026, 10, 1), date(2026, 10, 2)]


def test_places_are_sent_only_where_a_person_says_so() -> None:
    at_home = Person("ken", places=[TOKYO])
    closed = build(load_settings(), SystemClock())
    opened = build(load_settings(weather={"use_profile_places": True}), SystemClock())
    assert "no place is known" in (closed.refusal(at_home) or "")
    assert opened.refusal(at_home) is None
    assert opened.refusal(MINA) is not None


def test_coordinates_are_sent_no_finer_than_a_kilometre() -> None:
    with _weather() as (source, _):
        (record,) = source.fetch(AIR_QUALITY, MINA, Window(_days_ago(9), _days_ago(9)))
    assert "latitude=35.68&longitude=139.77&" in record.metadata["request"]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"daily": {}}',
        b'{"daily": {"time": 3}}',
        b'{"daily": {"time": ["soon"]}}',
        b'{"daily": {"time": ["2026-11-01"], "x": [1, 2]}}',
        b'{"daily": {"time": [], "x": []}}',
    ],
)
def test_an_answer_that_does_not_fit_is_a_changed_schema(body: bytes) -> None:
    day = _days_ago(30)
    with _weather(fault=Fault(200, body)) as (source, _), pytest.raises(SchemaChanged):
        list(source.fetch(DAILY, MINA, Window(day, day)))


def test_numbers_are_kept_as_they_were_written() -> None:
    day = _days_ago(30)
    body = b'{"elevation": 38.00, "daily": {"time": ["%s"], "x": [1.10], "y": [1e2]}}' % str(day).encode()
    with _weather(fault=Fault(200, body)) as (source, _):
        (record,) = source.fetch(DAILY, MINA, Window(day, day))
    assert record.data == b'{"elevation":38.00,"daily":{"time":["%s"],"x":[1.10],"y":[1e2]}}' % str(day).encode()


@pytest.mark.parametrize(
    ("path", "change", "reason"),
    [
        (
            "archive",
            {"daily": "warmth"},
            "Cannot initialize ForecastVariableDaily from invalid String value warmth",
        ),
        (
            "archive",
            {"end_date": "2026-11-25"},
            "'end_date' is out of allowed range from 1940-01-01 to 2026-11-23",
        ),
        ("archive", {"start_date": "2026-11-02", "end_date": "2026-11-01"}, "End-date must be larger"),
        ("archive", {"start_date": "soon"}, "Invalid date format"),
        ("archive", {"timezone": ""}, "Timezone is required"),
        ("archive", {"timezone": "Mars/Olympus"}, "Invalid timezone"),
        ("archive", {"latitude": "91"}, "Latitude must be in range"),
        ("archive", {"longitude": "east"}, "required for key 'longitude'"),
        ("forecast", {"start_date": "2026-01-01"}, "'start_date' is out of allowed range from 2026-08-23"),
        ("forecast", {"start_date": None, "end_date": None, "past_days": "93"}, "from 0 to 92"),
        ("air-quality", {"hourly": "ozone_hole"}, "invalid String value ozone_hole"),
    ],
)
def test_the_stand_in_refuses_as_open_meteo_does(path: str, change: dict[str, str | None], reason: str) -> None:
    question: dict[str, str | None] = {
        "latitude": "35.68",
        "longitude": "139.77",
        "timezone": "Asia/Tokyo",
        "start_date": "2026-11-01",
        "end_date": "2026-11-02",
        **change,
    }
    with serve(create_app(1, clock=FixedClock(NOW))) as url:
        params = {name: value for name, value in question.items() if value is not None}
        answer = httpx.get(f"{url}/v1/{path}", params=params)
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert reason in answer.json()["reason"]


def test_the_archive_of_the_stand_in_knows_nothing_of_the_last_days() -> None:
    question = {
        "latitude": "35.68",
        "longitude": "139.77",
        "timezone": "Asia/Tokyo",
        "daily": "precipitation_sum",
        "start_date": str(_days_ago(6)),
        "end_date": str(TODAY),
    }
    with serve(create_app(1, clock=FixedClock(NOW))) as url:
        said = httpx.get(f"{url}/v1/archive", params=question).json()["daily"]["precipitation_sum"]
    assert [value is None for value in said] == [False, False, True, True, True, True, True]
