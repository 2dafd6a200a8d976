"""The conformance suite over OpenWeatherMap (Open-Meteo's is in test_conformance)."""

from __future__ import annotations

from datetime import date

from pydantic import SecretStr

from moderation_craft.clock import FixedClock
from moderation_craft.settings import Place, WeatherSettings
from moderation_craft.sources.conformance import NEW_FIELD, NOON, Case, SourceConformance
from moderation_craft.sources.contract import Person
from moderation_craft.sources.http import Http
from moderation_craft.sources.weather.openweathermap import OpenWeatherMapSource
from moderation_craft.sources.weather.openweathermap_errors import explain
from moderation_craft.sources.weather.stand_in_openweathermap import create_app

KEY = "0123456789abcdef0123456789abcdef"
TOKYO = Place(name="Tokyo", latitude=35.68, longitude=139.77, timezone="Asia/Tokyo")
LONDON = Place(name="London", latitude=51.5, longitude=-0.12, timezone="Europe/London", since=date(2026, 10, 20))


def openweathermap(base_url: str, http: Http, clock: FixedClock) -> OpenWeatherMapSource:
    settings = WeatherSettings(
        openweathermap_url=base_url, openweathermap_key=SecretStr(KEY), places={"mina": [TOKYO, LONDON]}
    )
    http._explain = explain(SecretStr(KEY))  # as openweathermap_http has it; the suite's own retries and timeout
    return OpenWeatherMapSource(settings, clock, http)


class TestOpenWeatherMap(SourceConformance):
    case = Case(
        app=lambda: create_app(3, clock=FixedClock(NOON), key=KEY),
        build=openweathermap,
        person=Person("mina", "Asia/Tokyo", [TOKYO, LONDON]),
        now=NOON,
        paths=lambda stream: stream.path,
        with_new_field=lambda body: body.replace(b"{", b"{" + NEW_FIELD + b",", 1),
        secrets=(KEY,),
    )
