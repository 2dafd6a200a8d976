"""OpenWeatherMap: what is kept, what each refusal means, days that can never be, a key that never shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from moderation_craft.clock import FixedClock, SystemClock
from moderation_craft.doctor import config_as_toml
from moderation_craft.errors import AuthFailed, SchemaChanged, SetupError
from moderation_craft.lake import Lake
from moderation_craft.settings import Place, WeatherSettings, load_settings
from moderation_craft.sources.contract import Person, Record, Window
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.fetch import FetchResult, completeness, fetch_source
from moderation_craft.sources.http import Forbidden
from moderation_craft.sources.stand_in import serve
from moderation_craft.sources.weather.climate import climate
from moderation_craft.sources.weather.openweathermap import (
    AIR_POLLUTION,
    CURRENT,
    DAY_SUMMARY,
    FORECAST,
    OpenWeatherMapSource,
    openweathermap_http,
)
from moderation_craft.sources.weather.source import WeatherSource, build
from moderation_craft.sources.weather.stand_in_openweathermap import BAD_KEY, NEEDS_ONE_CALL, create_app

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TODAY = NOW.date()
KEY = "0123456789abcdef0123456789abcdef"
TOKYO = Place(name="Tokyo", latitude=35.6812, longitude=139.7671, timezone="Asia/Tokyo")
MINA = Person("mina", "Asia/Tokyo", [TOKYO])


@contextmanager
def _served(
    *faults: Fault, key: str = KEY, has_one_call: bool = True, is_active: bool = True
) -> Iterator[tuple[OpenWeatherMapSource, Faulty]]:
    clock = FixedClock(NOW)
    app = create_app(7, clock=clock, key=KEY, has_one_call=has_one_call, is_active=is_active)
    faulty = Faulty(app)
    faulty.faults += faults
    with serve(faulty) as url:
        settings = WeatherSettings(
            openweathermap_url=url, openweathermap_key=SecretStr(key), places={"mina": [TOKYO]}
        )
        yield OpenWeatherMapSource(settings, clock, openweathermap_http(key)), faulty


def _fetch(
    folder: Path, source: OpenWeatherMapSource, first: date, last: date = TODAY
) -> tuple[Lake, FetchResult]:
    lake = Lake.open(str(folder / "lake"), FixedClock(NOW))
    return lake, fetch_source(lake, source, [MINA], first_day=first, last_day=last, run_id="run")


def _said(record: Record) -> Any:
    return json.loads(record.data)


def test_a_summary_is_kept_byte_for_byte() -> None:
    day = date(2026, 11, 2)
    with _served() as (source, _):
        (record,) = source.fetch(DAY_SUMMARY, MINA, Window(day, day))
    true = climate(7, 35.68, 139.77, day)
    said = _said(record)
    assert (said["date"], said["tz"], said["units"]) == (str(day), "+09:00", "metric")
    assert said["temperature"]["min"] == true.temperature_min_celsius
    assert said["precipitation"]["total"] == true.precipitation_mm
    assert record.metadata == {
        "api_version": "3.0",
        "provider": "openweathermap",
        "place": "Tokyo",
        "timezone": "Asia/Tokyo",
        "request": "GET /data/3.0/onecall/day_summary"
        "?lat=35.68&lon=139.77&date=2026-11-02&tz=%2B09%3A00&units=metric",
    }


def test_now_and_the_forecast_are_in_degrees_celsius() -> None:
    with _served() as (source, _):
        (now,) = source.fetch(CURRENT, MINA, Window(TODAY, TODAY))
        (ahead,) = source.fetch(FORECAST, MINA, Window(TODAY, TODAY))
    assert -20 < _said(now)["main"]["temp"] < 45
    assert _said(now)["sys"]["sunset"] > _said(now)["sys"]["sunrise"]
    assert (len(_said(ahead)["list"]), _said(ahead)["cod"]) == (40, "200")


@pytest.mark.parametrize(
    ("stream", "path"), [(CURRENT, "weather"), (FORECAST, "forecast"), (DAY_SUMMARY, "day_summary")]
)
def test_kelvin_is_a_changed_schema(stream: Any, path: str) -> None:
    """A service, or a proxy before it, that forgets `units=metric`."""
    with serve(create_app(7, clock=FixedClock(NOW), key=KEY)) as url:
        question = {"lat": "35.68", "lon": "139.77", "appid": KEY, "date": str(TODAY), "tz": "+09:00"}
        body = httpx.get(url + stream.path, params=question).content
    with (
        _served(Fault(200, body, path_part=path)) as (source, _),
        pytest.raises(SchemaChanged, match=r"units|Celsius"),
    ):
        list(source.fetch(stream, MINA, Window(TODAY, TODAY)))


def test_a_summary_of_another_day_is_refused() -> None:
    day = date(2026, 11, 2)
    fault = Fault(rewrite=lambda body: body.replace(b"2026-11-02", b"2026-11-03"))
    with _served(fault) as (source, _), pytest.raises(SchemaChanged, match="it is of 2026-11-03"):
        list(source.fetch(DAY_SUMMARY, MINA, Window(day, day)))


def test_air_pollution_before_its_history_is_held_as_an_empty_answer(tmp_path: Path) -> None:
    first, last = date(2020, 11, 20), date(2020, 12, 2)
    with _served() as (source, faulty):
        records = list(source.fetch(AIR_POLLUTION, MINA, Window(first, last)))
        asked = len(faulty.requests)
        lake, result = _fetch(tmp_path, source, first, last)
        (state,) = (
            each for each in completeness(lake, source, [MINA], first, last) if each.stream == AIR_POLLUTION.name
        )
    assert [(record.date, len(_said(record)["list"])) for record in records] == [
        *((first + timedelta(days=number), 0) for number in range(7)),
        (date(2020, 11, 27), 15),  # from 0:00 UTC, which is 9:00 in Tokyo
        *((date(2020, 11, 28) + timedelta(days=number), 24) for number in range(5)),
    ]
    assert asked == 1
    assert "request" not in records[0].metadata
    assert "holds no air pollution before 2020-11-27" in records[0].metadata["no_answer"]
    assert (state.held_days, state.open_days, state.missing_days) == (13, 0, 0)
    assert result.errors == []


def test_hours_that_the_service_lacks_leave_an_empty_day() -> None:
    def without_the_second(body: bytes) -> bytes:
        said = json.loads(body)
        return json.dumps({**said, "list": said["list"][:24] + said["list"][48:]}).encode()

    with _served(Fault(rewrite=without_the_second)) as (source, _):
        records = list(source.fetch(AIR_POLLUTION, MINA, Window(date(2026, 11, 1), date(2026, 11, 3))))
    assert [len(_said(record)["list"]) for record in records] == [24, 0, 24]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (f'{{"cod":401, "message": "{BAD_KEY}"}}', AuthFailed, "wrong, or not active yet"),
        (f'{{"cod":"401", "message": "{BAD_KEY}"}}', AuthFailed, "up to two hours"),
        (f'{{"cod":401, "message": "{NEEDS_ONE_CALL}"}}', Forbidden, "One Call subscription"),
        (f'{{"cod":"401", "message": "{NEEDS_ONE_CALL}"}}', Forbidden, "One Call 4.0"),
    ],
)
def test_each_401_is_explained(body: str, kind: type[AuthFailed], words: str) -> None:
    with _served(Fault(401, body.encode())) as (source, _), pytest.raises(AuthFailed) as caught:
        list(source.fetch(CURRENT, MINA, Window(TODAY, TODAY)))
    assert type(caught.value) is kind
    assert words in caught.value.paragraph()


@pytest.mark.parametrize("message", [NEEDS_ONE_CALL, BAD_KEY, "unauthorised"])
def test_a_refused_one_call_leaves_the_other_streams(tmp_path: Path, message: str) -> None:
    """Whatever words it refuses in: a key that the other streams take is no bad key."""
    fault = Fault(401, json.dumps({"cod": 401, "message": message}).encode(), path_part="onecall")
    with _served(fault) as (source, faulty):
        _, result = _fetch(tmp_path, source, TODAY - timedelta(days=44))
    assert [error.code for error in result.errors] == ["E001"]
    assert "One Call" in result.errors[0].paragraph()
    assert sum("onecall" in path for path in faulty.requests) == 1
    records = {name: stream.records for name, stream in result.streams.items()}
    assert records == {"owm_current": 1, "owm_forecast": 1, "owm_air_pollution": 45, "owm_day_summary": 0}


def test_the_stand_in_refuses_one_call_without_its_subscription(tmp_path: Path) -> None:
    with _served(has_one_call=False) as (source, _):
        _, result = _fetch(tmp_path, source, TODAY - timedelta(days=3))
    assert result.streams["owm_air_pollution"].records == 4
    assert [error.code for error in result.errors] == ["E001"]


def test_no_more_summaries_are_asked_for_than_are_free(tmp_path: Path) -> None:
    with _served() as (source, faulty):
        source._settings = source._settings.model_copy(update={"one_call_most_a_day": 10})
        _, first = _fetch(tmp_path, source, TODAY - timedelta(days=19))
        asked = sum("onecall" in path for path in faulty.requests)
        tomorrow = OpenWeatherMapSource(source._settings, FixedClock(NOW), openweathermap_http(KEY))
        _, second = _fetch(tmp_path, tomorrow, TODAY - timedelta(days=19))
    summaries = [each.streams["owm_day_summary"] for each in (first, second)]
    assert (asked, [each.records for each in summaries]) == (10, [10, 6])  # four days are open still
    assert [error.code for error in first.errors] == ["E002"]
    assert "run again tomorrow" in first.errors[0].remedy


def test_a_key_that_is_not_active_yet_is_asked_with_once(tmp_path: Path) -> None:
    with _served(is_active=False) as (source, faulty):
        _, result = _fetch(tmp_path, source, TODAY - timedelta(days=44))
    assert len(faulty.requests) == 1
    assert {error.code for error in result.errors} == {"E001"}
    assert "up to two hours" in result.errors[0].remedy


@pytest.mark.parametrize("status", [400, 401, 403, 404])
@pytest.mark.parametrize("cut", [len(KEY), 9])
def test_the_key_is_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, cut: int) -> None:
    """Even where the service echoes it, and where its words end within it."""
    echo = "x" * (300 - cut) + KEY
    fault = Fault(status, json.dumps({"cod": str(status), "message": echo}).encode(), times=4)
    with _served(fault) as (source, faulty), caplog.at_level("DEBUG"):
        _, refused = _fetch(tmp_path, source, TODAY - timedelta(days=3))
        faulty.faults.clear()
        lake, result = _fetch(tmp_path, source, TODAY - timedelta(days=3))
        shown = [skip.reason for each in (refused, result) for skip in each.skipped]
        shown += [error.paragraph() for error in refused.errors] + [repr(source._settings), caplog.text]
        stored = b"".join(lake.storage.get(each.key) for each in lake.storage.list("")).decode()
    assert refused.errors and result.records > 0
    assert KEY[:9] not in "".join(shown)
    assert KEY[:9] not in stored and "appid" not in stored


def test_the_key_comes_from_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mcraft.toml").write_text(f'[weather]\nopenweathermap_key = "{KEY}"\n')
    with pytest.raises(SetupError) as caught:
        load_settings()
    assert "MCRAFT_WEATHER__OPENWEATHERMAP_KEY." in caught.value.paragraph()
    assert KEY not in caught.value.paragraph()
    Path("mcraft.toml").unlink()
    monkeypatch.setenv("MCRAFT_WEATHER__OPENWEATHERMAP_KEY", KEY)
    settings = load_settings()
    assert settings.weather.key == KEY
    assert KEY not in config_as_toml(settings) + repr(settings)


def test_who_is_asked() -> None:
    places = {"mina": [TOKYO]}
    key = SecretStr(KEY)
    plain = build(load_settings(weather={"places": places}), SystemClock())
    keyed = build(load_settings(weather={"places": places, "openweathermap_key": key}), SystemClock())
    chosen = build(
        load_settings(weather={"places": places, "openweathermap_key": key, "provider": "open-meteo"}),
        SystemClock(),
    )
    keyless = build(load_settings(weather={"places": places, "provider": "openweathermap"}), SystemClock())
    blank = build(load_settings(weather={"places": places, "openweathermap_key": SecretStr(" ")}), SystemClock())
    assert [type(source) for source in (plain, keyed, chosen, blank)] == [
        WeatherSource,
        OpenWeatherMapSource,
        WeatherSource,
        WeatherSource,
    ]
    assert keyed.refusal(MINA) is None
    assert "no place is known" in (keyed.refusal(Person("ken")) or "")
    assert "MCRAFT_WEATHER__OPENWEATHERMAP_KEY" in (keyless.refusal(MINA) or "")


@pytest.mark.parametrize(
    ("path", "change", "status", "body"),
    [
        ("2.5/weather", {"appid": "nobody's"}, 401, {"cod": 401, "message": BAD_KEY}),
        ("2.5/weather", {"lat": "91"}, 400, {"cod": "400", "message": "wrong latitude"}),
        ("2.5/forecast", {"lon": "east"}, 400, {"cod": "400", "message": "wrong longitude"}),
        ("2.5/air_pollution/history", {"start": "soon"}, 400, {"cod": "400", "message": "wrong start"}),
        (
            "3.0/onecall/day_summary",
            {"lat": "91"},
            400,
            {"cod": 400, "message": "wrong latitude", "parameters": ["lat"]},
        ),
        (
            "3.0/onecall/day_summary",
            {"date": "1979-01-01"},
            400,
            {"cod": 400, "message": "The date is out of allowed range", "parameters": ["date"]},
        ),
    ],
)
def test_the_stand_in_refuses_as_openweathermap_does(
    path: str, change: dict[str, str], status: int, body: dict[str, Any]
) -> None:
    question = {"lat": "35.68", "lon": "139.77", "appid": KEY, "date": "2026-11-01", "start": "0", "end": "1"}
    with serve(create_app(1, clock=FixedClock(NOW), key=KEY)) as url:
        answer = httpx.get(f"{url}/data/{path}", params=question | change)
    assert (answer.status_code, answer.json()) == (status, body)
