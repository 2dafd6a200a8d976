"""A plausible climate, made from a seed alone: seasons by latitude, fronts that pass, rain, dust in the air.

Pure: the same seed, place and day give the same weather, in any order. The numbers are invented.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

HOURS = range(24)
# US EPA (2024): PM2.5 in micrograms per cubic metre against the index, linear between.
PM2_5_TO_AQI = ((0.0, 0), (9.0, 50), (35.4, 100), (55.4, 150), (125.4, 200), (225.4, 300), (325.4, 500))


@dataclass(frozen=True)
class WeatherDay:
    """One civil day's weather at one place."""

    temperature_mean_celsius: float
    temperature_min_celsius: float
    temperature_max_celsius: float
    precipitation_mm: float
    daylight_seconds: float
    humidity_mean_pct: int
    pressure_mean_hpa: float
    pm2_5_hourly: tuple[float, ...]
    us_aqi_hourly: tuple[int, ...]


@dataclass(frozen=True)
class WeatherHour:
    """One hour's weather at one place."""

    temperature_celsius: float
    precipitation_mm: float
    humidity_pct: int
    pressure_hpa: float
    pm2_5: float
    us_aqi: int


def climate(seed: int, latitude: float, longitude: float, day: date) -> WeatherDay:
    """The weather of a civil day at a place."""
    noise = _Noise(f"{seed}:{latitude:.1f}:{longitude:.1f}", day.toordinal())
    summer = _summer(latitude, day)
    front = 0.7 * noise("front", 6) + 0.3 * noise("ripple", 2.5)
    wetness = -front + 0.5 * noise("moisture", 9) + 0.25 * summer
    rain_mm = round(max(0.0, wetness - 0.12) ** 1.6 * 48, 1)
    mean = 27 - 0.32 * abs(latitude) + 0.3 * abs(latitude) * summer + 3.5 * noise("air mass", 5) - 0.05 * rain_mm
    spread = (9.5 - min(5.0, rain_mm / 4) + noise("sky", 1.5)) / 2
    dust = max(1.5, 13 + 7 * noise("dust", 4) + 4 * front - 2.5 * summer - 0.25 * rain_mm)
    hourly = tuple(round(dust * _rush(hour) * (1 + 0.12 * noise(f"h{hour}", 1)), 1) for hour in HOURS)
    return WeatherDay(
        temperature_mean_celsius=round(mean, 1),
        temperature_min_celsius=round(mean - spread, 1),
        temperature_max_celsius=round(mean + spread, 1),
        precipitation_mm=rain_mm,
        daylight_seconds=daylight_seconds(latitude, day),
        humidity_mean_pct=round(min(98.0, max(18.0, 61 + 10 * summer + 16 * wetness))),
        pressure_mean_hpa=round(1013.5 - 4.5 * summer + 11 * front, 1),
        pm2_5_hourly=hourly,
        us_aqi_hourly=tuple(us_aqi(value) for value in hourly),
    )


def foreseen(seed: int, latitude: float, longitude: float, issued: date, day: date) -> WeatherDay:
    """What a forecast issued on one day says of another: the further ahead, the further from what comes."""
    true = climate(seed, latitude, longitude, day)
    miss = forecast_miss(seed, latitude, longitude, issued, day)
    return replace(
        true,
        temperature_mean_celsius=round(true.temperature_mean_celsius + 4 * miss, 1),
        temperature_min_celsius=round(true.temperature_min_celsius + 4 * miss, 1),
        temperature_max_celsius=round(true.temperature_max_celsius + 4 * miss, 1),
        precipitation_mm=round(true.precipitation_mm * (1 + miss), 1),
        pressure_mean_hpa=round(true.pressure_mean_hpa - 8 * miss, 1),
    )


def forecast_miss(seed: int, latitude: float, longitude: float, issued: date, day: date) -> float:
    """How wrong a forecast is, -1 to 1: 0 for the day of issue, at most 1 a week ahead."""
    lead = min(7, max(0, (day - issued).days))
    return lead / 7 * _Noise(f"{seed}:{latitude:.1f}:{longitude:.1f}:{issued}", day.toordinal())("forecast", 3)


def climate_at(seed: int, latitude: float, longitude: float, instant: datetime) -> WeatherHour:
    """The weather of an hour at a place; the hour is the sun's there, so that every zone sees the same weather."""
    solar = instant.astimezone(UTC) + timedelta(hours=round(longitude / 15))
    day = climate(seed, latitude, longitude, solar.date())
    swing = (day.temperature_max_celsius - day.temperature_min_celsius) / 2
    warmest_at = 14
    return WeatherHour(
        temperature_celsius=round(
            day.temperature_mean_celsius + swing * math.cos(2 * math.pi * (solar.hour - warmest_at) / 24), 2
        ),
        precipitation_mm=day.precipitation_mm / 24,
        humidity_pct=day.humidity_mean_pct,
        pressure_hpa=day.pressure_mean_hpa,
        pm2_5=day.pm2_5_hourly[solar.hour],
        us_aqi=day.us_aqi_hourly[solar.hour],
    )


def daylight_seconds(latitude: float, day: date) -> float:
    """Seconds from sunrise to sunset, from the sun's declination."""
    tilt = math.radians(-23.44) * math.cos(2 * math.pi * (day.timetuple().tm_yday + 10) / 365.25)
    at_horizon = -math.tan(math.radians(max(-89.9, min(89.9, latitude)))) * math.tan(tilt)
    return round(86_400 * math.acos(max(-1.0, min(1.0, at_horizon))) / math.pi, 2)


def us_aqi(pm2_5: float) -> int:
    """The US index of a PM2.5 concentration (EPA breakpoints of 2024)."""
    for (low, index_low), (high, index_high) in pairwise(PM2_5_TO_AQI):
        if pm2_5 <= high:
            return round(index_low + (pm2_5 - low) / (high - low) * (index_high - index_low))
    return 500


def _summer(latitude: float, day: date) -> float:
    """1 at the height of summer, -1 in the depth of winter; late July in the north."""
    wave = math.cos(2 * math.pi * (day.timetuple().tm_yday - 208) / 365.25)
    return wave if latitude >= 0 else -wave


def _rush(hour: int) -> float:
    """How dusty an hour is against the day's mean: two peaks, morning and evening."""
    return 0.88 + 0.35 * (math.exp(-(((hour - 8) / 2) ** 2)) + math.exp(-(((hour - 19) / 2.5) ** 2)))


@dataclass(frozen=True)
class _Noise:
    """Smooth noise in -1..1 over days, by name and period (in days)."""

    place: str
    ordinal: int

    def __call__(self, name: str, period_days: float) -> float:
        position = self.ordinal / period_days
        step = math.floor(position)
        blend = (1 - math.cos(math.pi * (position - step))) / 2
        return self._at(name, step) * (1 - blend) + self._at(name, step + 1) * blend

    def _at(self, name: str, step: int) -> float:
        digest = hashlib.blake2b(f"{self.place}:{name}:{step}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**63 - 1
