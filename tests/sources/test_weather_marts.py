"""Both providers fetched into one lake and built: one normal form, labelled scales, forecasts as issued."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from pydantic import SecretStr

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.settings import Place, Settings, WeatherSettings
from moderation_craft.sources.contract import Person, Source
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.fetch import fetch_source
from moderation_craft.sources.stand_in import serve
from moderation_craft.sources.weather import stand_in, stand_in_openweathermap
from moderation_craft.sources.weather.climate import climate, climate_at, forecast_miss, foreseen
from moderation_craft.sources.weather.openweathermap import OpenWeatherMapSource, openweathermap_http
from moderation_craft.sources.weather.source import WeatherSource, weather_http
from moderation_craft.warehouse import runner

KEY = "0123456789abcdef0123456789abcdef"
SEED = 7
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 10:00 in Tokyo
TODAY = MONDAY.date()
TOKYO = Place(name="Tokyo", latitude=35.68, longitude=139.77, timezone="Asia/Tokyo")
OSLO = Place(name="Oslo", latitude=59.91, longitude=10.75, timezone="Europe/Oslo", since=date(2026, 11, 10))
PLACES = {
    "mina": [TOKYO, OSLO.model_copy(), TOKYO.model_copy(update={"since": date(2026, 11, 14)})],
    "ken": [TOKYO],
}
BOTH_FROM = date(2026, 11, 20)
HOT_DAY = date(2026, 11, 18)


def _hotter(body: bytes) -> bytes:
    """One day in kelvin among good ones, labelled as Celsius: nothing but its value tells."""
    said = json.loads(body)
    if said.get("date") == str(HOT_DAY):
        said["temperature"] = {part: value + 273.15 for part, value in said["temperature"].items()}
    return json.dumps(said).encode()


@dataclass(frozen=True)
class Made:
    """Mina by Open-Meteo and, from BOTH_FROM on, by both; Ken by OpenWeatherMap alone."""

    query: Callable[[str], list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("weather") / "lake"
    clock = FixedClock(MONDAY)
    lake = Lake.open(str(folder), clock)
    open_meteo = stand_in.create_app(SEED, clock=clock)
    owm = Faulty(stand_in_openweathermap.create_app(SEED, clock=clock, key=KEY))
    owm.faults.append(Fault(path_part="day_summary", rewrite=_hotter))
    with serve(open_meteo) as url, serve(owm) as owm_url:
        settings = WeatherSettings(
            archive_url=f"{url}/v1/archive",
            forecast_url=f"{url}/v1/forecast",
            air_quality_url=f"{url}/v1/air-quality",
            openweathermap_url=owm_url,
            openweathermap_key=SecretStr(KEY),
            places=PLACES,
        )
        free, keyed = (
            WeatherSource(settings, clock, weather_http()),
            OpenWeatherMapSource(settings, clock, openweathermap_http(KEY)),
        )
        runs: list[tuple[Source, str, date]] = [
            (free, "mina", TODAY - timedelta(days=20)),
            (keyed, "mina", BOTH_FROM),
            (keyed, "ken", TODAY - timedelta(days=20)),
        ]
        for number, (source, user_id, first) in enumerate(runs):
            person = Person(user_id, "Asia/Tokyo", PLACES[user_id])
            clock.instant = MONDAY + timedelta(minutes=number)
            result = fetch_source(
                lake, source, [person], first_day=first, last_day=TODAY, run_id=f"20261123T0{number}"
            )
            assert result.errors == []
        _second_thoughts(lake, free, clock)
    built = runner.build(lake, Settings(lake=str(folder), weather=settings), {"calendar": [], "csv": []})
    with duckdb.connect(str(built.path), read_only=True) as connection:
        yield Made(lambda sql: connection.execute(sql).fetchall())


def _second_thoughts(lake: Lake, source: WeatherSource, clock: FixedClock) -> None:
    """The forecast of the same day once more, and otherwise: a person whom the service now tells of snow."""
    other = stand_in.create_app(SEED + 1, clock=clock)
    with serve(other) as url:
        source._urls["forecast"] = f"{url}/v1/forecast"
        clock.instant = MONDAY + timedelta(hours=3)
        person = Person("mina", "Asia/Tokyo", PLACES["mina"])
        result = fetch_source(lake, source, [person], first_day=TODAY, last_day=TODAY, run_id="20261123T09")
    assert result.streams["forecast"].records == 1


def test_both_providers_give_one_normal_form(made: Made) -> None:
    day = date(2026, 11, 9)
    true = climate(SEED, 35.68, 139.77, day)
    found = made.query(
        "select user_id, provider, temperature_min_celsius, temperature_max_celsius, precipitation_mm, "
        "air_provider, aqi_scale, us_aqi is not null, round(pm2_5_ugm3, 1) "
        f"from fct_daily_environment where date = '{day}' order by 1"
    )
    pm2_5 = round(sum(true.pm2_5_hourly) / 24, 1)
    shared = (true.temperature_min_celsius, true.temperature_max_celsius, true.precipitation_mm)
    assert found == [
        ("ken", "openweathermap", *shared, "openweathermap", "openweathermap", False, pm2_5),
        ("mina", "open-meteo", *shared, "open-meteo", "us_aqi", True, pm2_5),
    ]


def test_the_mean_of_four_readings_is_the_days(made: Made) -> None:
    days = [date(2026, 11, 4) + timedelta(days=number) for number in range(5)]
    found = made.query(
        "select date, temperature_mean_celsius from fct_daily_environment "
        f"where user_id = 'ken' and date between '{days[0]}' and '{days[-1]}' order by date"
    )
    assert [day for day, _ in found] == days
    for day, mean in found:
        assert isinstance(day, date)
        assert mean == pytest.approx(climate(SEED, 35.68, 139.77, day).temperature_mean_celsius, abs=0.02)


def test_an_index_is_never_in_the_other_ones_scale(made: Made) -> None:
    found = made.query(
        "select aqi_scale, min(aqi), max(aqi), count(us_aqi), count(*), count(aqi_category) "
        "from fct_daily_environment where aqi is not null group by aqi_scale order by aqi_scale"
    )
    (owm, *low), (us, *high) = found
    assert (owm, us) == ("openweathermap", "us_aqi")
    assert 1 <= low[0] <= low[1] <= 5 and low[2] == 0 and low[3] == low[4]  # type: ignore[operator]
    assert high[1] > 5 and high[2] == high[3] == high[4]  # type: ignore[operator]
    categories = made.query(
        "select distinct aqi_category from fct_daily_environment where aqi_scale = 'openweathermap'"
    )
    assert {name for (name,) in categories} <= {"good", "fair", "moderate", "poor", "very_poor"}


def test_a_dry_day_is_zero_and_an_unknown_one_is_null(made: Made) -> None:
    ((dry, unknown, days),) = made.query(
        "select count(*) filter (precipitation_mm = 0), count(*) filter (precipitation_mm is null), count(*) "
        "from fct_daily_environment where user_id = 'ken'"
    )
    true = sum(
        climate(SEED, 35.68, 139.77, TODAY - timedelta(days=back)).precipitation_mm == 0 for back in range(21)
    )
    dry_and_refused = climate(SEED, 35.68, 139.77, HOT_DAY).precipitation_mm == 0
    assert (dry, unknown, days) == (true - dry_and_refused, 1, 21)


def test_an_impossible_answer_is_quarantined_whole(made: Made) -> None:
    ((reason, record),) = made.query("select reason, record from quarantined_records where source = 'weather'")
    assert str(reason).startswith("temperature_mean_celsius 2") and "outside -90 to 70" in str(reason)
    assert json.loads(str(record))["date"] == str(HOT_DAY)
    ((mean, index),) = made.query(
        "select temperature_mean_celsius, aqi from fct_daily_environment "
        f"where user_id = 'ken' and date = '{HOT_DAY}'"
    )
    assert mean is None and index is not None


def test_daylight_is_known_where_the_weather_was_asked_for_that_day(made: Made) -> None:
    ((hours,),) = made.query(
        f"select daylight_hours from fct_daily_environment where user_id = 'ken' and date = '{TODAY}'"
    )
    assert hours == pytest.approx(climate(SEED, 35.68, 139.77, TODAY).daylight_seconds / 3600, abs=0.01)


def test_days_of_a_trip_are_those_of_the_place(made: Made) -> None:
    found = made.query(
        "select date, place, temperature_min_celsius from fct_daily_environment "
        "where user_id = 'mina' and date between '2026-11-09' and '2026-11-14' order by date"
    )
    assert [place for _, place, _ in found] == ["Tokyo", "Oslo", "Oslo", "Oslo", "Oslo", "Tokyo"]
    assert found[1][2] == climate(SEED, 59.91, 10.75, date(2026, 11, 10)).temperature_min_celsius
    stays = made.query(
        "select timezone, from_date from int_user_zones "
        "where user_id = 'mina' and from_date > '2000-01-01' order by 2"
    )
    assert stays == [("Europe/Oslo", date(2026, 11, 10)), ("Asia/Tokyo", date(2026, 11, 14))]


def test_of_two_providers_the_fuller_answer_stands(made: Made) -> None:
    found = made.query(
        "select distinct provider, air_provider from fct_daily_environment "
        f"where user_id = 'mina' and date >= '{BOTH_FROM}'"
    )
    assert found == [("open-meteo", "open-meteo")]
    ((answers,),) = made.query(
        f"select count(*) from base_weather__daily_answers where user_id = 'mina' and date >= '{BOTH_FROM}'"
    )
    assert answers == 8


def test_a_forecast_is_what_was_said_first_that_day(made: Made) -> None:
    found = made.query(
        "select issued_on, target_date, lead_days, provider, forecast_temperature_max_celsius "
        "from fct_daily_forecast where user_id = 'mina' order by target_date"
    )
    days = [TODAY + timedelta(days=ahead) for ahead in range(8)]
    assert found == [
        (TODAY, day, ahead, "open-meteo", foreseen(SEED, 35.68, 139.77, TODAY, day).temperature_max_celsius)
        for ahead, day in enumerate(days)
    ]
    ((envelopes,),) = made.query("select count(*) from raw.weather_forecast where user_id = 'mina'")
    assert envelopes == 2


def test_a_forecast_in_steps_is_summed_up_by_the_places_days(made: Made) -> None:
    """Five days of steps from 12:00 in Tokyo: today's rest is no day, and the last one is cut too."""
    found = made.query(
        "select target_date, forecast_temperature_mean_celsius, forecast_temperature_max_celsius, "
        "forecast_precipitation_mm from fct_daily_forecast where user_id = 'ken' order by target_date"
    )
    assert [day for day, *_ in found] == [TODAY + timedelta(days=ahead) for ahead in (1, 2, 3, 4)]
    for day, mean, most, rain in found:
        assert isinstance(day, date)
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=9)
        moments = [midnight + timedelta(hours=3 * step) for step in range(9)]
        steps = [climate_at(SEED, 35.68, 139.77, moment) for moment in moments]
        misses = [forecast_miss(SEED, 35.68, 139.77, TODAY, moment.date()) for moment in moments]
        warmth = [
            round(step.temperature_celsius + 4 * miss, 2) for step, miss in zip(steps[:8], misses[:8], strict=True)
        ]
        fallen = [3 * step.precipitation_mm * (1 + miss) for step, miss in zip(steps[1:], misses[1:], strict=True)]
        assert mean == pytest.approx(sum(warmth) / 8, abs=0.001)
        assert most == max(warmth)
        assert rain == pytest.approx(sum(round(each, 2) for each in fallen), abs=0.001)
