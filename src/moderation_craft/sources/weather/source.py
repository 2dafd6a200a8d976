"""Weather where the person was that day: from Open-Meteo, or from OpenWeatherMap where a key is set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby

import msgspec

from moderation_craft.clock import Clock, today_in
from moderation_craft.errors import SchemaChanged
from moderation_craft.settings import Place, Settings, WeatherSettings
from moderation_craft.sources.contract import Person, Record, Source, Stream, Window
from moderation_craft.sources.http import Http, Reply
from moderation_craft.sources.weather.arrays import Cut, Fields, by_day, said
from moderation_craft.sources.weather.openweathermap import OpenWeatherMapSource, openweathermap_http
from moderation_craft.sources.weather.places import (
    NO_PLACE,
    coordinates,
    day_bounds,
    fixed_zone,
    with_places_that_may_be_sent,
)

API_VERSION = "v1"
ARCHIVE_DELAY_DAYS = 5
FORECAST_REACHES_BACK_DAYS = 92
BLANK_LOOKED_FOR_DAYS = 30
"""A day without a value is asked for again this long; after that the blank is taken for the answer."""

DAILY = Stream(
    "daily",
    max_window_days=366,
    open_days=7,
    description="temperature, rain, daylight, humidity, pressure",
    path="/v1/archive",
    key="daily.time",
    unit="°C, mm, s, %, hPa",
    entity="environment",
)
AIR_QUALITY = Stream(
    "air_quality",
    max_window_days=92,
    open_days=7,
    description="US AQI and PM2.5, hour by hour",
    path="/v1/air-quality",
    key="hourly.time",
    unit="US AQI, μg/m³",
    entity="environment",
)
FORECAST = Stream(
    "forecast",
    shape="snapshot",
    description="today and the next seven days, as issued",
    path="/v1/forecast",
    key="daily.time",
    cursor="snapshot",
    unit="°C, mm, %, hPa",
    entity="environment",
)
STREAMS: tuple[Stream, ...] = (DAILY, AIR_QUALITY, FORECAST)
FORECAST_DAYS = 8

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "daily": (
        "temperature_2m_mean",
        "temperature_2m_min",
        "temperature_2m_max",
        "precipitation_sum",
        "daylight_duration",
        "relative_humidity_2m_mean",
        "pressure_msl_mean",
    ),
    "hourly": ("us_aqi", "pm2_5"),
}

# Open-Meteo counts a request by its days: 14 days (of up to 10 variables) are one call of 600 a minute.
CALLS_PER_MINUTE = 600
DAYS_PER_CALL = 14

NO_SUCH_ZONE = "Invalid timezone"
"""How a server that knows no fixed zones refuses one: it is asked again with the place's own, an hour off."""

Params = dict[str, str | int | float]


@dataclass(frozen=True)
class _Question:
    """Days that one request can answer: one place, one endpoint, one offset from UTC."""

    place: Place
    endpoint: str
    zone: str
    days: Sequence[date]

    @property
    def kind(self) -> str:
        return "hourly" if self.endpoint == "air_quality" else "daily"


class WeatherSource:
    """The source over Open-Meteo; `settings` say whose places may be asked for, and where."""

    name = "weather"
    streams: Sequence[Stream] = STREAMS

    def __init__(self, settings: WeatherSettings, clock: Clock, http: Http) -> None:
        self._settings = settings
        self._clock = clock
        self._http = http
        self._urls = {
            "archive": settings.archive_url,
            "forecast": settings.forecast_url,
            "air_quality": settings.air_quality_url,
        }

    def refusal(self, person: Person) -> str | None:
        """Why a person cannot be asked for: no known place."""
        return None if with_places_that_may_be_sent(self._settings, person).places else NO_PLACE

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        """One record for every day that has a known place, or today's forecast; see contract.Source."""
        placed = with_places_that_may_be_sent(self._settings, person)
        if stream.name == FORECAST.name:
            yield from self._forecast(placed.place_on(window.last))
            return
        for question in self._questions(stream, placed, window):
            yield from self._answers(question)

    def _answers(self, question: _Question) -> Iterator[Record]:
        try:
            reply, days = self._ask(question)
        except SchemaChanged as error:
            if NO_SUCH_ZONE not in error.message or question.zone == question.place.timezone:
                raise
            question = replace(question, zone=question.place.timezone)
            reply, days = self._ask(question)
        yield from self._records(question, reply, days)
        if question.endpoint == "archive" and (late := self._not_in_the_archive_yet(question, days)):
            yield from self._answers(replace(question, endpoint="forecast", days=late))
        if left_out := [day for day in question.days if day not in days]:
            raise SchemaChanged(
                f"{reply.service} left out {len(left_out)} of the days asked for, {left_out[0]} among them.",
                remedy="those days stay open; the next run asks again.",
            )

    def _records(self, question: _Question, reply: Reply, days: Mapping[date, Cut]) -> Iterator[Record]:
        """Days that have a value, and blank ones that are too old to get any."""
        metadata = _metadata(reply, question.place) | {"endpoint": question.endpoint}
        for day in question.days:
            if day in days and not (days[day].is_blank and self._age_days(question, day) < BLANK_LOOKED_FOR_DAYS):
                yield Record(day, days[day].data, metadata)

    def _not_in_the_archive_yet(self, question: _Question, days: Mapping[date, Cut]) -> list[date]:
        blank = [day for day in question.days if day in days and days[day].is_blank]
        return [day for day in blank if self._age_days(question, day) < BLANK_LOOKED_FOR_DAYS]

    def _age_days(self, question: _Question, day: date) -> int:
        return (today_in(self._clock, question.place.timezone) - day).days

    def _questions(self, stream: Stream, placed: Person, window: Window) -> Iterator[_Question]:
        def where_to_ask(day: date) -> tuple[Place | None, str, str]:
            place = placed.place_on(day)
            if stream.name == AIR_QUALITY.name or place is None:
                return place, "air_quality", "GMT"
            newest = today_in(self._clock, place.timezone) - timedelta(days=ARCHIVE_DELAY_DAYS)
            zone = fixed_zone(place.timezone, day, self._clock)
            return place, "archive" if day < newest else "forecast", zone

        for (place, endpoint, zone), days in groupby(window.days, where_to_ask):
            if place is not None:
                yield _Question(place, endpoint, zone, list(days))

    def _ask(self, question: _Question) -> tuple[Reply, dict[date, Cut]]:
        params = _params(question.place, question.kind, question.zone)
        first, last = question.days[0], question.days[-1]
        if question.endpoint == "forecast":
            back = (today_in(self._clock, question.zone) - first).days
            params |= {"past_days": min(max(0, back), FORECAST_REACHES_BACK_DAYS), "forecast_days": 1}
        elif question.endpoint == "air_quality":
            begins, _ = day_bounds(question.place.timezone, first)
            _, ends = day_bounds(question.place.timezone, last)
            last_hour = ends - timedelta(hours=1)
            params |= {"start_date": str(begins.date()), "end_date": str(last_hour.date())}
        else:
            params |= {"start_date": str(first), "end_date": str(last)}
        cost = math.ceil(len(question.days) / DAYS_PER_CALL)
        reply = self._http.get(self._urls[question.endpoint], params=params, cost=cost)
        zone = question.place.timezone if question.kind == "hourly" else None
        return reply, by_day(reply, question.kind, zone)

    def _forecast(self, place: Place | None) -> Iterator[Record]:
        if place is None:
            return
        params = _params(place, "daily", place.timezone) | {"past_days": 0, "forecast_days": FORECAST_DAYS}
        reply = self._http.get(self._urls["forecast"], params=params)
        by_day(reply, "daily")
        data = msgspec.json.encode(said(reply.json(Fields)))
        yield Record(today_in(self._clock, place.timezone), data, _metadata(reply, place))


def _params(place: Place, kind: str, zone: str) -> Params:
    latitude, longitude = coordinates(place)
    return {
        "latitude": latitude,
        "longitude": longitude,
        kind: ",".join(VARIABLES[kind]),
        "timezone": zone,
    }


def _metadata(reply: Reply, place: Place) -> dict[str, str]:
    return {
        "api_version": API_VERSION,
        "request": reply.request,
        "provider": "open-meteo",
        "place": place.name,
        "timezone": place.timezone,
    }


def build(settings: Settings, clock: Clock) -> Source:
    """The source as the settings describe it."""
    weather = settings.weather
    if weather.chosen_provider == "openweathermap":
        return OpenWeatherMapSource(weather, clock, openweathermap_http(weather.key))
    return WeatherSource(weather, clock, weather_http())


def weather_http() -> Http:
    """The transport with the limits of Open-Meteo's free service."""
    return Http("Open-Meteo", per_minute=CALLS_PER_MINUTE)
