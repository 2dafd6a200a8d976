"""Weather from Open-Meteo: one record a civil day at the place where the person was that day."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any, TypeAlias

import msgspec

from moderation_craft.clock import Clock, today_in
from moderation_craft.errors import SchemaChanged
from moderation_craft.settings import Place, Settings, WeatherSettings
from moderation_craft.sources.contract import Person, Record, Stream, Window
from moderation_craft.sources.http import Http, Reply

API_VERSION = "v1"
ARCHIVE_DELAY_DAYS = 5
COORDINATE_DECIMALS = 2  # about a kilometre: finer than the weather models, coarser than an address

DAILY = Stream(
    "daily", max_window_days=366, open_days=7, description="temperature, rain, daylight, humidity, pressure"
)
AIR_QUALITY = Stream("air_quality", max_window_days=92, open_days=7, description="US AQI and PM2.5, hour by hour")
STREAMS: tuple[Stream, ...] = (DAILY, AIR_QUALITY)

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
OF_THE_ANSWER = ("generationtime_ms", "utc_offset_seconds", "timezone_abbreviation")
"""Fields about the answer, not about the day: they differ from call to call and are left out."""

# Open-Meteo counts a request by its days: 14 days (of up to 10 variables) are one call of 600 a minute.
CALLS_PER_MINUTE = 600
DAYS_PER_CALL = 14

Fields: TypeAlias = dict[str, msgspec.Raw]


@dataclass(frozen=True)
class _Question:
    """Days that one request can answer: one place, one endpoint."""

    place: Place
    endpoint: str
    days: Sequence[date]


class WeatherSource:
    """The source; `settings` say whose places may be asked for, and where."""

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
        return None if self._places(person) else "no place is known: set weather.places in mcraft.toml"

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        """One record for every day that has a known place; see contract.Source."""
        for question in self._questions(stream, person, window):
            reply = self._ask(question)
            metadata = {
                "api_version": API_VERSION,
                "request": reply.request,
                "endpoint": question.endpoint,
                "place": question.place.name,
            }
            days = by_day(reply, "hourly" if stream.name == AIR_QUALITY.name else "daily")
            yield from (Record(day, days[day], metadata) for day in question.days if day in days)
            if left_out := [day for day in question.days if day not in days]:
                raise SchemaChanged(
                    f"{reply.service} left out {len(left_out)} of the days asked for, {left_out[0]} among them.",
                    remedy="those days stay open; the next run asks again.",
                )

    def _places(self, person: Person) -> Sequence[Place]:
        """The places that may be sent out: those in the settings, else the profile's where that is allowed."""
        return self._settings.places.get(person.user_id) or (
            person.places if self._settings.use_profile_places else ()
        )

    def _questions(self, stream: Stream, person: Person, window: Window) -> Iterator[_Question]:
        placed = replace(person, places=self._places(person))

        def where_to_ask(day: date) -> tuple[Place | None, str]:
            place = placed.place_on(day)
            if stream.name == AIR_QUALITY.name or place is None:
                return place, "air_quality"
            newest = today_in(self._clock, place.timezone) - timedelta(days=ARCHIVE_DELAY_DAYS)
            return place, "archive" if day < newest else "forecast"

        for (place, endpoint), days in groupby(window.days, where_to_ask):
            if place is not None:
                yield _Question(place, endpoint, list(days))

    def _ask(self, question: _Question) -> Reply:
        place = question.place
        kind = "hourly" if question.endpoint == "air_quality" else "daily"
        params: dict[str, str | int | float] = {
            "latitude": round(place.latitude, COORDINATE_DECIMALS),
            "longitude": round(place.longitude, COORDINATE_DECIMALS),
            kind: ",".join(VARIABLES[kind]),
            "timezone": place.timezone,
        }
        if question.endpoint == "forecast":
            back = (today_in(self._clock, place.timezone) - question.days[0]).days
            params |= {"past_days": max(0, back), "forecast_days": 1}
        else:
            params |= {"start_date": str(question.days[0]), "end_date": str(question.days[-1])}
        cost = math.ceil(len(question.days) / DAYS_PER_CALL)
        return self._http.get(self._urls[question.endpoint], params=params, cost=cost)


def by_day(reply: Reply, kind: str) -> dict[date, bytes]:
    """An answer of parallel arrays, cut by civil day; every value as it was received, unknown fields too."""
    fields = reply.json(Fields)
    try:
        arrays = msgspec.json.decode(fields[kind], type=Fields)
        times = msgspec.json.decode(arrays["time"], type=list[str])
        columns = {name: msgspec.json.decode(raw, type=list[msgspec.Raw]) for name, raw in arrays.items()}
        rows: dict[date, list[int]] = {}
        for row, moment in enumerate(times):
            rows.setdefault(date.fromisoformat(moment[:10]), []).append(row)
        if uneven := [name for name, column in columns.items() if len(column) != len(times)]:
            raise ValueError(f"{uneven[0]!r} is not as long as 'time'")
    except (KeyError, ValueError) as error:
        raise SchemaChanged(
            f"{reply.service} answered {reply.request!r} in a shape that is not known: {error}.",
            remedy="the days stay open; upgrade moderation-craft, or report this if yours is the newest.",
        ) from error
    kept: dict[str, Any] = {name: raw for name, raw in fields.items() if name not in OF_THE_ANSWER}
    return {day: _one_day(kept, kind, columns, chosen) for day, chosen in rows.items()}


def _one_day(
    fields: Mapping[str, Any], kind: str, columns: Mapping[str, list[msgspec.Raw]], rows: Sequence[int]
) -> bytes:
    cut = {name: [column[row] for row in rows] for name, column in columns.items()}
    return msgspec.json.encode({**fields, kind: cut})


def build(settings: Settings, clock: Clock) -> WeatherSource:
    """The source as the settings describe it."""
    return WeatherSource(settings.weather, clock, weather_http())


def weather_http() -> Http:
    """The transport with the limits of Open-Meteo's free service."""
    return Http("Open-Meteo", per_minute=CALLS_PER_MINUTE)
