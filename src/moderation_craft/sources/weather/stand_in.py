"""A faithful local server of Open-Meteo, as far as the weather source asks it: archive, forecast, air quality."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moderation_craft.clock import Clock, SystemClock, today_in
from moderation_craft.sources.weather.climate import HOURS, WeatherDay, WeatherHour, climate, climate_at, foreseen

__all__ = ["WeatherDay", "climate", "create_app"]

DAILY: Mapping[str, tuple[str, Callable[[WeatherDay], Any]]] = {
    "temperature_2m_mean": ("°C", lambda day: day.temperature_mean_celsius),
    "temperature_2m_min": ("°C", lambda day: day.temperature_min_celsius),
    "temperature_2m_max": ("°C", lambda day: day.temperature_max_celsius),
    "precipitation_sum": ("mm", lambda day: day.precipitation_mm),
    "daylight_duration": ("s", lambda day: day.daylight_seconds),
    "relative_humidity_2m_mean": ("%", lambda day: day.humidity_mean_pct),
    "pressure_msl_mean": ("hPa", lambda day: day.pressure_mean_hpa),
}
HOURLY: Mapping[str, tuple[str, Callable[[WeatherHour], Any]]] = {
    "us_aqi": ("USAQI", lambda hour: hour.us_aqi),
    "pm2_5": ("μg/m³", lambda hour: hour.pm2_5),
}
PAST_DAYS_MOST = 92
FORECAST_DAYS_MOST = 16
ARCHIVE_DELAY_DAYS = 5


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class _Endpoint:
    """What one address serves: its variables, and the days it reaches (counted from today)."""

    kind: str
    variables: Mapping[str, tuple[str, Callable[[Any], Any]]]
    swift_type: str
    first: Callable[[date], date]
    ahead_days: int
    known_until_days: int = 0


ENDPOINTS: Mapping[str, _Endpoint] = {
    "/v1/archive": _Endpoint(
        "daily", DAILY, "ForecastVariableDaily", lambda _: date(1940, 1, 1), 0, -ARCHIVE_DELAY_DAYS
    ),
    "/v1/forecast": _Endpoint(
        "daily",
        DAILY,
        "ForecastVariableDaily",
        lambda today: today - timedelta(days=PAST_DAYS_MOST),
        FORECAST_DAYS_MOST - 1,
        FORECAST_DAYS_MOST - 1,
    ),
    "/v1/air-quality": _Endpoint("hourly", HOURLY, "VariableOrDerived", lambda _: date(2013, 1, 1), 6, 4),
}


def create_app(seed: int = 0, *, clock: Clock | None = None) -> Starlette:
    """The server; its weather comes from `climate(seed, …)`, its today from the clock."""
    server = _Server(seed, clock or SystemClock())
    return Starlette(
        routes=[Route(path, server.answer, methods=["GET"]) for path in ENDPOINTS],
        exception_handlers={_Refused: _refuse},
    )


async def _refuse(_: Request, error: Exception) -> Response:
    return _json({"error": True, "reason": str(error)}, 400)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json; charset=utf-8")


class _Server:
    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self._calls = itertools.count(1)

    async def answer(self, request: Request) -> Response:
        endpoint = ENDPOINTS[request.url.path]
        question = request.query_params
        latitude = _coordinate(question.get("latitude"), "latitude", 90)
        longitude = _coordinate(question.get("longitude"), "longitude", 180)
        timezone = _timezone(question.get("timezone"))
        names = _variables(endpoint, question.get(endpoint.kind, ""))
        today = today_in(self._clock, timezone.key)
        days = _days(endpoint, question, today)
        known_until = today + timedelta(days=endpoint.known_until_days)
        units = {"time": "iso8601"} | {name: endpoint.variables[name][0] for name in names}
        return _json(
            {
                "latitude": round(latitude * 16) / 16,
                "longitude": round(longitude * 16) / 16,
                "generationtime_ms": next(self._calls) / 64,
                "utc_offset_seconds": _offset_seconds(self._clock, timezone),
                "timezone": timezone.key,
                "timezone_abbreviation": self._clock.now().astimezone(timezone).strftime("GMT%:z"),
                "elevation": 38.0,
                f"{endpoint.kind}_units": units,
                endpoint.kind: (
                    self._daily(latitude, longitude, names, days, today, known_until)
                    if endpoint.kind == "daily"
                    else self._hourly(latitude, longitude, names, days, timezone, known_until)
                ),
            }
        )

    def _daily(
        self,
        latitude: float,
        longitude: float,
        names: Sequence[str],
        days: Sequence[date],
        today: date,
        known_until: date,
    ) -> dict[str, list[Any]]:
        weather = [
            foreseen(self._seed, latitude, longitude, min(today, day), day) if day <= known_until else None
            for day in days
        ]
        arrays: dict[str, list[Any]] = {"time": [str(day) for day in days]}
        for name in names:
            arrays[name] = [None if day is None else DAILY[name][1](day) for day in weather]
        return arrays

    def _hourly(
        self,
        latitude: float,
        longitude: float,
        names: Sequence[str],
        days: Sequence[date],
        timezone: ZoneInfo,
        known_until: date,
    ) -> dict[str, list[Any]]:
        """Twenty-four hours a day, by the offset that the zone has now: Open-Meteo knows no change of clocks."""
        offset = timedelta(seconds=_offset_seconds(self._clock, timezone))
        walls = [datetime.combine(day, time(hour), UTC) for day in days for hour in HOURS]
        weather = [
            climate_at(self._seed, latitude, longitude, wall - offset) if wall.date() <= known_until else None
            for wall in walls
        ]
        arrays: dict[str, list[Any]] = {"time": [f"{wall:%Y-%m-%dT%H:%M}" for wall in walls]}
        for name in names:
            arrays[name] = [None if hour is None else HOURLY[name][1](hour) for hour in weather]
        return arrays


def _days(endpoint: _Endpoint, question: Mapping[str, str], today: date) -> list[date]:
    if "start_date" in question or "end_date" in question or "past_days" not in question:
        reach = (endpoint.first(today), today + timedelta(days=endpoint.ahead_days))
        first = _date(question, "start_date", *reach)
        last = _date(question, "end_date", *reach)
        if last < first:
            raise _Refused("End-date must be larger or equals than start-date")
    else:
        past = _count(question, "past_days", 0, PAST_DAYS_MOST)
        ahead = _count(question, "forecast_days", 7, FORECAST_DAYS_MOST)
        first, last = today - timedelta(days=past), today + timedelta(days=ahead - 1)
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _date(question: Mapping[str, str], name: str, first: date, last: date) -> date:
    try:
        found = date.fromisoformat(question.get(name, ""))
    except ValueError:
        raise _Refused(f"Invalid date format. Make sure to use 'YYYY-MM-DD' for {name}") from None
    if not first <= found <= last:
        raise _Refused(f"Parameter '{name}' is out of allowed range from {first} to {last}")
    return found


def _count(question: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = question.get(name, str(default))
    if not text.isdigit() or int(text) > most:
        raise _Refused(f"Parameter '{name}' is out of allowed range from 0 to {most}")
    return int(text)


def _coordinate(text: str | None, name: str, most: int) -> float:
    try:
        found = float(text or "")
    except ValueError:
        raise _Refused(f"Value of type 'Float' required for key '{name}'.") from None
    if not -most <= found <= most:
        raise _Refused(f"{name.capitalize()} must be in range of -{most} to {most}°. Given: {found}.")
    return found


def _timezone(name: str | None) -> ZoneInfo:
    if not name:
        raise _Refused("Timezone is required")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _Refused("Invalid timezone") from None


def _variables(endpoint: _Endpoint, asked: str) -> list[str]:
    names = [name for name in asked.split(",") if name]
    for name in names:
        if name not in endpoint.variables:
            raise _Refused(
                f"Data corrupted at path ''. Cannot initialize {endpoint.swift_type} "
                f"from invalid String value {name}."
            )
    return names


def _offset_seconds(clock: Clock, timezone: ZoneInfo) -> int:
    offset = clock.now().astimezone(timezone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
