"""The conformance suite over every source that is asked over HTTP."""

from __future__ import annotations

from datetime import date, timedelta

from moderation_craft.clock import FixedClock
from moderation_craft.settings import Place, WeatherSettings
from moderation_craft.sources.calendar.source import CalendarSource
from moderation_craft.sources.calendar.stand_in import create_app as calendar_app
from moderation_craft.sources.conformance import NEW_FIELD, NOON, Case, SourceConformance
from moderation_craft.sources.contract import Person, Stream
from moderation_craft.sources.fitbit.source import FitbitSource
from moderation_craft.sources.fitbit.stand_in import HealthPerson, seeded_person
from moderation_craft.sources.fitbit.stand_in import create_app as health_app
from moderation_craft.sources.http import Http
from moderation_craft.sources.oauth.tokens import FixedTokens
from moderation_craft.sources.weather.source import WeatherSource
from moderation_craft.sources.weather.stand_in import create_app as weather_app

TOKEN = "ya29.a-secret-of-one-person"
TOKYO = Place(name="Tokyo", latitude=35.68, longitude=139.77, timezone="Asia/Tokyo")
LONDON = Place(name="London", latitude=51.5, longitude=-0.12, timezone="Europe/London", since=date(2026, 10, 20))


def healthy_person() -> HealthPerson:
    return seeded_person("mina", TOKEN, [NOON.date() - timedelta(days=back) for back in range(120)])


def fitbit(base_url: str, http: Http, _: FixedClock) -> FitbitSource:
    return FitbitSource(f"{base_url}/v4", FixedTokens({"mina": TOKEN}), http)


def weather(base_url: str, http: Http, clock: FixedClock) -> WeatherSource:
    settings = WeatherSettings(
        archive_url=f"{base_url}/v1/archive",
        forecast_url=f"{base_url}/v1/forecast",
        air_quality_url=f"{base_url}/v1/air-quality",
        places={"mina": [TOKYO, LONDON]},
    )
    return WeatherSource(settings, clock, http)


CALENDAR_PATH = "/private-0123456789abcdef/basic.ics"
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:made-up\r\nBEGIN:VEVENT\r\nUID:standup\r\n"
    "DTSTART:20261116T010000Z\r\nDTEND:20261116T013000Z\r\nRRULE:FREQ=DAILY;COUNT=5\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def calendar(base_url: str, http: Http, _: FixedClock) -> CalendarSource:
    return CalendarSource({"mina": {"work": f"{base_url}{CALENDAR_PATH}"}}, http)


def fitbit_path(stream: Stream) -> str:
    return f"/dataTypes/{stream.name}/"


def weather_path(stream: Stream) -> str:
    return "/air-quality" if stream.name == "air_quality" else "/archive"


class TestFitbit(SourceConformance):
    case = Case(
        app=lambda: health_app([healthy_person()]),
        build=fitbit,
        person=Person("mina", "Asia/Tokyo"),
        now=NOON,
        paths=fitbit_path,
        other_pagings=[lambda: health_app([healthy_person()], empty_pages=False)],
        with_new_field=lambda body: body.replace(b'Points": [\n    {', b'Points": [\n    {' + NEW_FIELD + b","),
        secrets=(TOKEN,),
    )


class TestWeather(SourceConformance):
    case = Case(
        app=lambda: weather_app(3, clock=FixedClock(NOON)),
        build=weather,
        person=Person("mina", "Asia/Tokyo", [TOKYO, LONDON]),
        now=NOON,
        paths=weather_path,
        with_new_field=lambda body: body.replace(b"{", b"{" + NEW_FIELD + b",", 1),
    )


class TestCalendar(SourceConformance):
    case = Case(
        app=lambda: calendar_app({CALENDAR_PATH: CALENDAR}),
        build=calendar,
        person=Person("mina", "Asia/Tokyo"),
        now=NOON,
        paths=lambda stream: CALENDAR_PATH,
        secrets=(CALENDAR_PATH, "private-0123456789abcdef"),
        garbage_code="E003",
        is_json=False,
    )
