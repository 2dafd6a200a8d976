"""From the stand-in through the lake and dbt to the marts: no false zero, no night twice, nothing impossible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
import pytest

from moderation_craft.clock import FixedClock, new_run_id
from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.sources.contract import Person
from moderation_craft.sources.fetch import fetch_source
from moderation_craft.sources.fitbit.source import FitbitSource, health_http
from moderation_craft.sources.fitbit.stand_in import HealthDay, HealthPerson, Night, create_app, seeded_person
from moderation_craft.sources.oauth.tokens import FixedTokens
from moderation_craft.sources.stand_in import serve
from moderation_craft.warehouse import runner
from tests.warehouse.made_lake import put_envelopes

TOKEN = "ya29.token-of-mina"
LAST = date(2026, 11, 20)
DAYS = [LAST - timedelta(days=back) for back in reversed(range(40))]
EMPTY, ZERO, ODD, NAP = DAYS[5], DAYS[6], DAYS[7], DAYS[8]
KAI_DAY = date(2026, 11, 3)


def mina() -> HealthPerson:
    made = seeded_person("mina", TOKEN, DAYS)
    days = dict(made.days)
    del days[EMPTY]
    days[ZERO] = HealthDay(
        ZERO, steps=0, active_minutes=0, resting_heart_rate_bpm=0, floors=0, zone_minutes={}, distance_km=0.0
    )
    nan = math.nan
    days[ODD] = HealthDay(
        ODD, steps=999_999, calories_kcal=0, hrv_ms=nan, spo2_pct=12.5, heart_rate_bpm=(nan, 71.5, 140)
    )
    days[DAYS[9]] = replace(days[DAYS[9]], skin_baseline_celsius=None)
    start = datetime.combine(NAP, time(4), UTC)
    stages = [("ASLEEP", start, start + timedelta(minutes=40)), ("RESTLESS", start, start + timedelta(minutes=8))]
    nine = timedelta(hours=9)
    nap = Night("nap", start, start + timedelta(minutes=50), nine, nine, "CLASSIC", False, stages)
    nights = [night for night in made.nights if night.civil_end.date() != EMPTY]
    return replace(made, days=days, nights=[*nights, nap])


def weighed(hour: str, grams: object) -> dict[str, Any]:
    taken = {"physicalTime": f"2026-11-03T{hour}:00:00Z", "utcOffset": "-14400s"}
    return {"weight": {"sampleTime": taken, "weightGrams": grams}}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("fitbit") / "lake"
    clock = FixedClock(datetime(2026, 11, 21, 3, tzinfo=UTC))
    lake = Lake.open(str(folder), clock=clock)
    with serve(create_app([mina()])) as url:
        source = FitbitSource(f"{url}/v4", FixedTokens({"mina": TOKEN}), health_http(), with_intraday=True)
        result = fetch_source(
            lake, source, [Person("mina")], first_day=DAYS[0], last_day=LAST, run_id=new_run_id(clock)
        )
    assert result.errors == []
    answer: dict[str, Any] = {"dataPoints": [weighed("20", 70_500), weighed("11", 71_000), weighed("23", "NaN")]}
    put_envelopes(lake, "20261121T040000000Z-kai1", "fitbit", "weight", {("kai", KAI_DAY): answer})
    settings = Settings(lake=str(folder))
    built = runner.build(lake, settings, {})
    with duckdb.connect(str(built.path), read_only=True) as connection:
        yield connection


def one(warehouse: duckdb.DuckDBPyConnection, what: str, table: str, day: date, user_id: str = "mina") -> Any:
    sql = f"select {what} from {table} where user_id = ? and date = ?"
    rows = warehouse.execute(sql, [user_id, day]).fetchall()
    assert len(rows) <= 1, f"{table} has {day} {len(rows)} times"
    return rows[0] if rows else None


def test_every_measure_reaches_the_mart_as_the_tracker_had_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    day = DAYS[20]
    held = mina().days[day]
    zones = held.zone_minutes or {}
    columns = (
        "steps, distance_km, floors, calories_kcal, active_minutes, lightly_active_minutes, sedentary_minutes, "
        "active_zone_minutes, resting_heart_rate_bpm, hrv_ms, spo2_pct, breathing_rate_per_minute, weight_kg, "
        "heart_rate_min_bpm, heart_rate_mean_bpm, heart_rate_max_bpm"
    )
    found = one(warehouse, columns, "fct_daily_health", day)
    expected = (
        held.steps,
        held.distance_km,
        held.floors,
        held.calories_kcal,
        held.active_minutes,
        (held.steps or 0) // 60,
        held.sedentary_minutes,
        zones["MODERATE"] + 2 * zones["VIGOROUS"],
        held.resting_heart_rate_bpm,
        held.hrv_ms,
        held.spo2_pct,
        held.breathing_rate_per_minute,
        held.weight_kg,
        *(held.heart_rate_bpm or ()),
    )
    assert found == pytest.approx(expected)
    (delta,) = one(warehouse, "skin_temperature_delta_celsius", "fct_daily_health", day)
    assert delta == pytest.approx((held.skin_temperature_celsius or 0) - 33.9)


def test_a_day_without_anything_is_no_row_and_a_worn_day_of_nothing_is_zeros(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert one(warehouse, "*", "int_health_measures", EMPTY) is None
    zeros = "steps, active_minutes, lightly_active_minutes, floors, distance_km, active_zone_minutes"
    assert one(warehouse, zeros, "int_health_measures", ZERO) == (0, 0, 0, 0, 0, 0)
    unknown = "resting_heart_rate_bpm, hrv_ms, calories_kcal, weight_kg, spo2_pct, sedentary_minutes"
    assert one(warehouse, unknown, "int_health_measures", ZERO) == (None,) * 6


def test_what_cannot_be_is_left_out_and_told(warehouse: duckdb.DuckDBPyConnection) -> None:
    odd = "steps, calories_kcal, hrv_ms, spo2_pct, heart_rate_min_bpm, heart_rate_mean_bpm, heart_rate_max_bpm"
    assert one(warehouse, odd, "int_health_measures", ODD) == (None, None, None, None, None, 71.5, 140)
    refused = warehouse.execute(
        "select dt, reason, user_id, record from quarantined_records where source = 'fitbit' order by reason"
    ).fetchall()
    assert [(day, user) for day, _, user, _ in refused] == [(ODD, "mina")] * 2
    assert refused[0][1] == "spo2_pct is 12.5, which is not between 50.0 and 100.0"
    assert refused[1][1] == "steps is 999999.0, which is not between 0.0 and 300000.0"
    assert '"countSum":"999999"' in refused[1][3]


def test_a_night_is_one_log_though_repeated_or_slept_beside_another_device(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    nights = warehouse.execute(
        "select date, count(*), sum(minutes_asleep) from fct_sleep where user_id = 'mina' group by date"
    ).fetchall()
    by_day = {day: (count, minutes) for day, count, minutes in nights}
    assert EMPTY not in by_day
    assert by_day.pop(NAP) == (2, 448 + 40)
    assert set(by_day.values()) == {(1, 448.0)}
    assert len(by_day) == 38


def test_classic_sleep_has_no_stages(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select minutes_asleep, restless_minutes, deep_minutes, light_minutes, rem_minutes from fct_sleep "
        "where not is_main and date = ?",
        [NAP],
    ).fetchall()
    assert found == [(40, 8, None, None, None)]


def test_skin_temperature_without_a_baseline_and_the_days_last_weight(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert one(warehouse, "skin_temperature_delta_celsius", "stg_fitbit__vitals", DAYS[9]) == (None,)
    assert one(warehouse, "weight_kg", "stg_fitbit__vitals", KAI_DAY, "kai") == (70.5,)


def test_exercises_moods_zones_and_hours(warehouse: duckdb.DuckDBPyConnection) -> None:
    exercise = one(
        warehouse,
        "exercise_type, active_minutes, distance_km, steps, energy_kcal, heart_rate_mean_bpm, started_local",
        "stg_fitbit__exercises",
        DAYS[0],
    )
    assert exercise == ("WALKING", 42, 3.1, 4300, 210.5, 118, datetime.combine(DAYS[0], time(18, 5)))
    assert one(warehouse, "exercise_count, exercise_minutes", "fct_daily_health", DAYS[0]) == (1, 42)
    assert one(warehouse, "exercise_count, exercise_minutes", "fct_daily_health", DAYS[1]) == (None, None)
    mood = one(warehouse, "labels, valence, logged_local", "stg_fitbit__moods", DAYS[4])
    assert mood == ("CALM, CONTENT", 1, datetime.combine(DAYS[4], time(21, 30)))
    steps = mina().days[DAYS[20]].steps or 0
    zones = warehouse.execute(
        "select heart_rate_zone, minutes, energy_kcal from stg_fitbit__heart_rate_zones where date = ? order by 1",
        [DAYS[20]],
    ).fetchall()
    assert zones == [
        ("light", steps // 60, 3.5 * (steps // 60)),
        ("moderate", steps // 400, 6.0 * (steps // 400)),
        ("peak", 0, 0),
        ("vigorous", steps // 900, 9.5 * (steps // 900)),
    ]
    hours = warehouse.execute(
        "select count(*), min(measurement_count), max(measurement_count), min(heart_rate_min_bpm) "
        "from stg_fitbit__heart_rate_hours"
    ).fetchall()
    assert hours[0][:3] == (37 * 24, 60, 60), "three of forty days have no measurement"
    assert 40 < hours[0][3] < 70


def test_logs_keep_one_id_whatever_they_are_called(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select count(*), count(distinct sleep_id), count(distinct source_sleep_id), min(length(sleep_id)) "
        "from stg_fitbit__sleep_logs"
    ).fetchall()
    assert found == [(40, 40, 40, 32)]
