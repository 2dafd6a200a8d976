"""One person's nights and days by all three ways in: each alone gives the same rows, all together each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.sources import prepare
from moderation_craft.sources.contract import Person
from moderation_craft.sources.fetch import fetch_source
from moderation_craft.sources.fitbit.archive_stand_in import (
    legacy_answers,
    old_layout,
    write_folder,
    write_zip,
)
from moderation_craft.sources.fitbit.archive_stand_in_csv import new_layout
from moderation_craft.sources.fitbit.legacy import import_legacy
from moderation_craft.sources.fitbit.source import FitbitSource, health_http
from moderation_craft.sources.fitbit.stand_in import HealthDay, HealthPerson, Night, Workout, create_app
from moderation_craft.sources.fitbit.takeout import import_takeout
from moderation_craft.sources.oauth.tokens import FixedTokens
from moderation_craft.sources.stand_in import serve
from moderation_craft.warehouse import runner

BERLIN = "Europe/Berlin"
FIRST, LAST = date(2026, 10, 19), date(2026, 10, 28)  # the clocks go back on the 25th
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SUMMER, WINTER = 2 * HOUR, HOUR
ONLY = {"google": ("google_health",), "archive": ("takeout",), "csv": ("takeout",), "old": ("legacy",)}
PEOPLE = (*ONLY, "all")
SLEEP_COLUMNS = """sleep_id, source_date, log_type, coalesce(is_main_by_source, false), started_at, ended_at,
    started_local, ended_local, start_offset_seconds, end_offset_seconds, minutes_in_bed, minutes_asleep,
    minutes_awake, deep_minutes, light_minutes, rem_minutes, restless_minutes"""


def _night(day: date, number: int) -> Night:
    """The night that ends on a day; the one of the 25th begins in the hour that comes twice, in its first run."""
    end_offset = SUMMER if day < date(2026, 10, 25) else WINTER
    start_offset = SUMMER if day <= date(2026, 10, 25) else WINTER
    if day == date(2026, 10, 25):
        start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    else:
        start = (
            datetime(day.year, day.month, day.day, 22, 10 + number, tzinfo=UTC) - timedelta(days=1) - start_offset
        )
    stages, at = [], start
    for kind, minutes in (("AWAKE", 11), ("LIGHT", 181), ("DEEP", 60 + number), ("REM", 90), ("LIGHT", 45)):
        stages.append((kind, at, at + minutes * MINUTE))
        at = stages[-1][2]
    return Night(f"{30_000_000_000 + number}", start, at, start_offset, end_offset, "STAGES", True, stages)


def _nap() -> Night:
    start = datetime(2026, 10, 22, 12, 0, tzinfo=UTC)
    parts = [("ASLEEP", 40), ("RESTLESS", 6), ("AWAKE", 4)]
    stages, at = [], start
    for kind, minutes in parts:
        stages.append((kind, at, at + minutes * MINUTE))
        at = stages[-1][2]
    return Night("30000000777", start, at, SUMMER, SUMMER, "CLASSIC", False, stages)


def _days() -> dict[date, HealthDay]:
    days = {}
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        days[day] = HealthDay(
            day,
            steps=6000 + 11 * number,
            active_minutes=30 + number,
            calories_kcal=2000.25 + number,
            resting_heart_rate_bpm=58 + number % 3,
            hrv_ms=40.5 + number,
            distance_km=4.25 + number / 100,
            sedentary_minutes=700 + number,
            spo2_pct=96.5,
            breathing_rate_per_minute=14.5,
            skin_temperature_celsius=33.75,
            skin_baseline_celsius=33.5,
            weight_kg=61.25,
            heart_rate_bpm=(50.0, 70.0, 120.0),
            utc_offset=SUMMER if day <= date(2026, 10, 24) else WINTER,
        )
    unworn = date(2026, 10, 21)
    days[unworn] = HealthDay(unworn, utc_offset=SUMMER)
    return days


def _person(user_id: str) -> HealthPerson:
    days = _days()
    nights = [_night(day, number) for number, day in enumerate(sorted(days)) if days[day].steps is not None]
    walk = Workout(
        "41000000001",
        datetime(2026, 10, 23, 15, 0, tzinfo=UTC),
        datetime(2026, 10, 23, 15, 42, tzinfo=UTC),
        SUMMER,
        "WALKING",
        "Walk",
        210.5,
        4300,
        3.1,
        118,
    )
    return HealthPerson(user_id, f"token-{user_id}", days, [*nights, _nap(), nights[1]], workouts=[walk])


Query = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    """A person for each way in alone, and one for all of them; one build."""
    folder = tmp_path_factory.mktemp("overlap")
    lake = Lake.open(str(folder / "lake"), FixedClock(NOW))
    homes = {user_id: Person(user_id, BERLIN) for user_id in PEOPLE}
    with serve(create_app([_person("google"), _person("all")])) as url:
        tokens = FixedTokens({"google": "token-google", "all": "token-all"})
        source = FitbitSource(f"{url}/v4", tokens, health_http())
        who = [homes["google"], homes["all"]]
        fetched = fetch_source(lake, source, who, first_day=FIRST, last_day=LAST, run_id="20261123T0")
        assert fetched.errors == []
    for user_id in ("archive", "all"):
        files = {**dict(old_layout(_person(user_id), BERLIN)), **dict(new_layout(_person(user_id), BERLIN))}
        path = write_zip(folder / f"takeout-20261106T130645Z-{user_id}-001.zip", files)
        assert import_takeout(lake, [path], replace(homes[user_id], timezone="Asia/Tokyo")).refused_files == 0
    path = write_folder(folder / "takeout-20261106T130645Z", new_layout(_person("csv"), BERLIN))
    assert import_takeout(lake, [path], homes["csv"]).refused_files == 0
    for user_id in ("old", "all"):
        answers = write_folder(folder / f"answers-{user_id}", legacy_answers(_person(user_id)))
        assert import_legacy(lake, [answers], homes[user_id]).refused_files == 0
    prepare.prepare_all(lake)
    keys = {kind: prepare.prepared_keys(lake, kind) for kind in prepare.ENTITIES}
    built = runner.build(lake, Settings(lake=str(folder / "lake")), keys)
    with duckdb.connect(str(built.path), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


@pytest.mark.parametrize("user_id", ["archive", "old", "all"])
def test_each_way_alone_and_all_together_give_the_same_nights(query: Query, user_id: str) -> None:
    def nights(of: str) -> list[tuple[object, ...]]:
        return query(
            f"select {SLEEP_COLUMNS} from stg_fitbit__sleep_logs where user_id = '{of}' order by ended_at"
        )

    expected = nights("google")
    assert len(expected) == 10  # nine nights (one day without a device) and a nap
    assert nights(user_id) == expected


def test_the_new_layout_alone_knows_the_same_nights_but_not_which_is_the_main_one(query: Query) -> None:
    columns = SLEEP_COLUMNS.replace("coalesce(is_main_by_source, false), ", "")
    select = f"select {columns} from stg_fitbit__sleep_logs where user_id = '{{}}' order by ended_at"
    assert query(select.format("csv")) == query(select.format("google"))


def test_each_row_says_by_which_way_it_came(query: Query) -> None:
    for user_id, ways in ONLY.items():
        found = query(f"select distinct way_in from stg_fitbit__sleep_logs where user_id = '{user_id}'")
        assert found == [(way,) for way in ways]
    assert query("select distinct way_in from stg_fitbit__sleep_logs where user_id = 'all'") == [
        ("google_health",)
    ]


def test_the_night_in_which_the_clocks_change_keeps_its_length(query: Query) -> None:
    for user_id in PEOPLE:
        found = query(
            "select started_at, ended_at, minutes_in_bed from stg_fitbit__sleep_logs "
            f"where user_id = '{user_id}' and source_date = date '2026-10-25'"
        )
        assert [tuple(map(str, row)) for row in found] == [("2026-10-25 00:30:00", "2026-10-25 07:03:00", "393.0")]


def test_days_agree_where_two_ways_speak(query: Query) -> None:
    shared = ["steps", "distance_km", "energy_kcal"]
    levels = ["light_minutes", "moderate_minutes", "vigorous_minutes", "active_minutes"]
    for user_id, columns in (("archive", shared + levels), ("old", shared), ("csv", shared[:2]), ("all", shared)):
        select = f"select date, {', '.join(columns)} from stg_fitbit__activity"
        select += " where user_id = '{}' and steps > 0 order by date"
        assert query(select.format(user_id)) == query(select.format("google")), user_id


def test_vitals_agree_where_two_ways_speak(query: Query) -> None:
    vitals = ["resting_heart_rate_bpm", "hrv_rmssd_ms"]
    nightly = ["spo2_pct", "breathing_rate_per_minute", "skin_temperature_delta_celsius"]
    for user_id, columns in (
        ("archive", vitals + nightly + ["weight_kg"]),
        ("old", vitals),
        ("csv", vitals + nightly),
    ):
        select = f"select date, {', '.join(columns)} from stg_fitbit__vitals where user_id = '{{}}' order by date"
        found = query(select.format(user_id))
        assert [row for row in found if row[1] is not None] == query(select.format("google")), user_id


def test_a_day_without_a_device_is_unknown_never_zero(query: Query) -> None:
    for user_id in PEOPLE:
        found = query(
            "select steps, distance_km, light_minutes, moderate_minutes, vigorous_minutes, sedentary_minutes "
            f"from stg_fitbit__activity where user_id = '{user_id}' and date = date '2026-10-21'"
        )
        assert set(found) <= {(None,) * 6}, user_id
        resting = query(
            "select resting_heart_rate_bpm from stg_fitbit__vitals "
            f"where user_id = '{user_id}' and date = date '2026-10-21'"
        )
        assert set(resting) <= {(None,)}, user_id


def test_days_to_come_that_an_archive_is_padded_with_are_not_there(query: Query) -> None:
    assert query("select count(*) from stg_fitbit__activity where date > date '2026-11-06'") == [(0,)]


def test_an_exercise_is_one_row_by_all_ways(query: Query) -> None:
    columns = "exercise_id, date, started_at, ended_at, steps, energy_kcal, distance_km, heart_rate_mean_bpm"
    select = f"select {columns} from stg_fitbit__exercises where user_id = '{{}}'"
    expected = query(select.format("google"))
    assert len(expected) == 1
    assert query(select.format("archive")) == expected
    assert query(select.format("all")) == expected
