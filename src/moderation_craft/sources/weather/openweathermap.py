"""Weather from OpenWeatherMap with a key: now, the forecast, air pollution by the hour, past days' summaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from threading import Lock
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from pydantic import SecretStr

from moderation_craft.clock import Clock, today_in
from moderation_craft.errors import AuthFailed, RateLimited
from moderation_craft.settings import Place, WeatherSettings
from moderation_craft.sources.contract import Person, Record, Stream, Window
from moderation_craft.sources.http import Forbidden, Http, Reply
from moderation_craft.sources.weather.arrays import Fields, not_known
from moderation_craft.sources.weather.openweathermap_errors import ONE_CALL_REMEDY, explain
from moderation_craft.sources.weather.places import (
    NO_PLACE,
    coordinates,
    day_bounds,
    offset_on,
    with_places_that_may_be_sent,
)

NO_KEY = "weather.provider is openweathermap, but no key is set: give MCRAFT_WEATHER__OPENWEATHERMAP_KEY"
CALLS_PER_MINUTE = 60
AIR_SINCE = datetime(2020, 11, 27, tzinfo=UTC)
HOTTEST_CELSIUS = 100
"""Warmer than any air: such a number is in kelvin or in degrees Fahrenheit."""

CURRENT = Stream(
    "owm_current",
    shape="snapshot",
    description="the weather now, sunrise and sunset",
    path="/data/2.5/weather",
    key="dt",
    cursor="snapshot",
    unit="°C, mm, %, hPa",
    entity="environment",
)
FORECAST = Stream(
    "owm_forecast",
    shape="snapshot",
    description="five days in steps of three hours, as issued",
    path="/data/2.5/forecast",
    key="list.dt",
    cursor="snapshot",
    unit="°C, mm, %, hPa",
    entity="environment",
)
AIR_POLLUTION = Stream(
    "owm_air_pollution",
    max_window_days=92,
    open_days=3,
    description="AQI of OpenWeatherMap (1 to 5) and PM2.5, hour by hour; nothing before 2020-11-27",
    path="/data/2.5/air_pollution/history",
    key="list.dt",
    unit="OpenWeatherMap AQI, μg/m³",
    entity="environment",
)
DAY_SUMMARY = Stream(
    "owm_day_summary",
    max_window_days=1,
    open_days=3,
    description="past days' temperature, rain, humidity, pressure; needs the One Call subscription",
    path="/data/3.0/onecall/day_summary",
    key="date",
    unit="°C, mm, %, hPa",
    entity="environment",
)
STREAMS: tuple[Stream, ...] = (CURRENT, FORECAST, AIR_POLLUTION, DAY_SUMMARY)
"""The streams of every plan come first: a key that is no good is refused there, not by One Call."""


class _Main(msgspec.Struct):
    temp: float


class _Observed(msgspec.Struct):
    dt: int
    main: _Main


class _Forecast(msgspec.Struct):
    steps: list[_Observed] = msgspec.field(name="list")


class _Hour(msgspec.Struct):
    dt: int


class _Summary(msgspec.Struct):
    date: str
    units: str
    temperature: dict[str, float]


class OpenWeatherMapSource:
    """The source over OpenWeatherMap; the key goes into requests and nowhere else."""

    name = "weather"
    streams: Sequence[Stream] = STREAMS

    def __init__(self, settings: WeatherSettings, clock: Clock, http: Http) -> None:
        self._settings = settings
        self._clock = clock
        self._http = http
        self._summaries_asked = Counter[date]()
        self._lock = Lock()

    def refusal(self, person: Person) -> str | None:
        """Why a person cannot be asked for: no key, or no known place."""
        if self._settings.key is None:
            return NO_KEY
        return None if with_places_that_may_be_sent(self._settings, person).places else NO_PLACE

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        """One record for every day that has a known place, or what is said now; see contract.Source."""
        placed = with_places_that_may_be_sent(self._settings, person)
        if stream.shape == "snapshot":
            yield from self._now(stream, placed.place_on(window.last))
            return
        for place, days in groupby(window.days, placed.place_on):
            if place is None:
                continue
            if stream.name == DAY_SUMMARY.name:
                yield from self._summaries(place, days)
            else:
                yield from self._air(place, list(days))

    def _now(self, stream: Stream, place: Place | None) -> Iterator[Record]:
        if place is None:
            return
        reply = self._ask(stream, place, {"units": "metric"})
        steps = [reply.json(_Observed)] if stream.name == CURRENT.name else reply.json(_Forecast).steps
        if any(step.main.temp > HOTTEST_CELSIUS for step in steps):
            raise not_known(reply, "its temperatures are not in degrees Celsius")
        yield Record(today_in(self._clock, place.timezone), reply.body, _metadata(reply, place, "2.5"))

    def _summaries(self, place: Place, days: Iterator[date]) -> Iterator[Record]:
        for day in days:
            self._count_summary()
            question = {"date": str(day), "tz": _offset_text(place.timezone, day), "units": "metric"}
            try:
                reply = self._ask(DAY_SUMMARY, place, question)
            except Forbidden:
                raise
            except AuthFailed as error:
                raise Forbidden(error.message, remedy=ONE_CALL_REMEDY) from error
            summary = reply.json(_Summary)
            if (summary.date, summary.units) != (str(day), "metric"):
                raise not_known(reply, f"it is of {summary.date} in {summary.units} units")
            yield Record(day, reply.body, _metadata(reply, place, "3.0"))

    def _count_summary(self) -> None:
        """RateLimited where one more would not be free: the next run goes on from there."""
        today, most = self._clock.now().date(), self._settings.one_call_most_a_day
        with self._lock:
            self._summaries_asked[today] += 1
            if self._summaries_asked[today] <= most:
                return
        raise RateLimited(
            f"{most:,} day summaries were asked for today, no more are.",
            remedy="run again tomorrow: only what is missing is asked for; or raise weather.one_call_most_a_day, "
            "where your One Call plan may be paid for.",
        )

    def _air(self, place: Place, days: Sequence[date]) -> Iterator[Record]:
        """Every hour to its civil day; a day before the history began is answered with an empty list."""
        never = [day for day in days if day_bounds(place.timezone, day)[1] <= AIR_SINCE]
        for day in never:
            why = f"OpenWeatherMap holds no air pollution before {AIR_SINCE.date()}; it was not asked"
            yield Record(day, b'{"list":[]}', _place_metadata(place, "2.5") | {"no_answer": why})
        asked = days[len(never) :]
        if not asked:
            return
        begins = max(AIR_SINCE, day_bounds(place.timezone, asked[0])[0])
        ends = day_bounds(place.timezone, asked[-1])[1]
        question = {"start": int(begins.timestamp()), "end": int(ends.timestamp()) - 1}
        reply = self._ask(AIR_POLLUTION, place, question)
        fields, hours = _hours_by_day(reply, place.timezone)
        for day in asked:
            data = msgspec.json.encode({**fields, "list": hours.get(day, [])})
            yield Record(day, data, _metadata(reply, place, "2.5"))

    def _ask(self, stream: Stream, place: Place, question: Mapping[str, str | int]) -> Reply:
        """One request; what is kept and said of it is spelled without the key."""
        latitude, longitude = coordinates(place)
        shown = {"lat": latitude, "lon": longitude, **question}
        secret = {"appid": self._settings.key or ""}
        return self._http.get(
            self._settings.openweathermap_url.rstrip("/") + stream.path,
            params={**shown, **secret},
            shown_as=f"GET {stream.path}?{urlencode(shown)}",
        )


def _hours_by_day(reply: Reply, timezone: str) -> tuple[dict[str, Any], dict[date, list[msgspec.Raw]]]:
    fields: dict[str, Any] = dict(reply.json(Fields))
    zone, found = ZoneInfo(timezone), dict[date, list[msgspec.Raw]]()
    try:
        for raw in msgspec.json.decode(fields["list"], type=list[msgspec.Raw]):
            instant = datetime.fromtimestamp(msgspec.json.decode(raw, type=_Hour).dt, zone)
            found.setdefault(instant.date(), []).append(raw)
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise not_known(reply, str(error)) from error
    return fields, found


def _offset_text(timezone: str, day: date) -> str:
    minutes = int(offset_on(timezone, day).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _metadata(reply: Reply, place: Place, api_version: str) -> dict[str, str]:
    return _place_metadata(place, api_version) | {"request": reply.request}


def _place_metadata(place: Place, api_version: str) -> dict[str, str]:
    return {
        "api_version": api_version,
        "provider": "openweathermap",
        "place": place.name,
        "timezone": place.timezone,
    }


def openweathermap_http(key: str | None) -> Http:
    """The transport with the limit of OpenWeatherMap's free plan; `key` never comes out of it again."""
    return Http("OpenWeatherMap", per_minute=CALLS_PER_MINUTE, explain=explain(SecretStr(key or "")))
