"""The made-up climate behind both stand-ins: plausible, the same again, and never wiser than a forecast is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from moderation_craft.sources.weather.climate import (
    climate,
    climate_at,
    daylight_seconds,
    forecast_miss,
    foreseen,
    us_aqi,
)


def test_the_climate_has_seasons_rain_and_passing_fronts() -> None:
    year = [date(2025, 1, 1) + timedelta(days=day) for day in range(365)]
    tokyo = [climate(1, 35.68, 139.77, day) for day in year]
    sydney = [climate(1, -33.87, 151.21, day) for day in year]
    january, july = slice(0, 31), slice(181, 212)

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    def warmth(days: list[Any]) -> float:
        return mean([day.temperature_mean_celsius for day in days])

    assert warmth(tokyo[july]) - warmth(tokyo[january]) > 15
    assert warmth(sydney[january]) - warmth(sydney[july]) > 15
    assert 70 < sum(day.precipitation_mm > 0 for day in tokyo) < 200
    assert 600 < sum(day.precipitation_mm for day in tokyo) < 2600
    pressures = [day.pressure_mean_hpa for day in tokyo]
    assert 20 < max(pressures) - min(pressures) < 60
    assert max(abs(a - b) for a, b in pairwise(pressures)) < 15
    for day in tokyo:
        assert day.temperature_min_celsius < day.temperature_mean_celsius < day.temperature_max_celsius
        assert all(0 <= index <= 300 for index in day.us_aqi_hourly)
    assert climate(1, 35.68, 139.77, year[0]) == tokyo[0]
    assert climate(2, 35.68, 139.77, year[0]) != tokyo[0]


def test_daylight_follows_the_sun() -> None:
    june, december = date(2026, 6, 21), date(2026, 12, 21)
    assert daylight_seconds(35.68, june) / 3600 == pytest.approx(14.4, abs=0.3)
    assert daylight_seconds(35.68, december) / 3600 == pytest.approx(9.6, abs=0.3)
    assert daylight_seconds(80, june) == 86_400
    assert daylight_seconds(80, december) == 0


def test_the_index_follows_the_breakpoints() -> None:
    assert [us_aqi(value) for value in (0.0, 9.0, 35.4, 55.4, 400.0)] == [0, 50, 100, 150, 500]


def test_hours_are_those_of_the_day_by_the_sun() -> None:
    day = climate(7, 35.68, 139.77, date(2026, 11, 1))
    midnight = datetime(2026, 10, 31, 15, tzinfo=UTC)
    hours = [climate_at(7, 35.68, 139.77, midnight + timedelta(hours=hour)) for hour in range(24)]
    assert tuple(hour.us_aqi for hour in hours) == day.us_aqi_hourly
    assert min(hour.temperature_celsius for hour in hours) == day.temperature_min_celsius
    assert max(hour.temperature_celsius for hour in hours) == day.temperature_max_celsius
    assert sum(hour.precipitation_mm for hour in hours) == pytest.approx(day.precipitation_mm)


def test_a_forecast_misses_by_more_the_further_it_looks() -> None:
    issues = [date(2026, 1, 1) + timedelta(days=number) for number in range(200)]

    def mean_miss(lead: int) -> float:
        misses = [forecast_miss(7, 35.68, 139.77, issued, issued + timedelta(days=lead)) for issued in issues]
        return sum(abs(miss) for miss in misses) / len(misses)

    assert mean_miss(0) == 0 < mean_miss(1) < mean_miss(3) < mean_miss(7) < 1
    day = date(2026, 3, 1)
    assert foreseen(7, 35.68, 139.77, day, day) == climate(7, 35.68, 139.77, day)
    said = {
        foreseen(7, 35.68, 139.77, day - timedelta(days=lead), day).temperature_mean_celsius
        for lead in range(1, 7)
    }
    assert len(said) > 3  # what was known differs by the day on which it was said
