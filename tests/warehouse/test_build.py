"""What the models make of the made lake."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time

import pytest

from moderation_craft.lake.quarantine import read_all
from moderation_craft.warehouse.gold import Gold
from tests.warehouse.conftest import Built
from tests.warehouse.made_lake import AOI, BROKEN, REN


@pytest.fixture(scope="module")
def gold(built: Built) -> Gold:
    return Gold.open(built.lake)


def one(gold: Gold, sql: str) -> tuple[object, ...]:
    (row,) = gold.query(sql).rows
    return row


def test_unit_tests_ran(built: Built) -> None:
    assert built.result.tests > 60
    assert built.result.warnings == []


def test_broken_records_are_kept_whole_with_the_reason(built: Built) -> None:
    refusals = read_all(built.lake.storage)
    assert len(refusals) == built.publication.quarantined == len(BROKEN) + 1
    reasons = sorted(refusal.reason for refusal in refusals)
    assert reasons == sorted(
        [
            "it has no entity_type",
            "it has no id",
            'start_time "yesterday" is not a time (ISO 8601, 1990 to 2099)',
            "focus_level 12 is outside 1 to 9",
            'mood_level "great" is not a number',
            'start_time "9026-03-02T01:00:00Z" is not a time (ISO 8601, 1990 to 2099)',
            "it is not a JSON object",
            "sleep.interval.startTime is missing or not a time",
        ]
    )
    (cut,) = [refusal for refusal in refusals if refusal.reason == "it is not a JSON object"]
    assert cut.record == BROKEN[-1]
    assert (cut.source, cut.code, cut.dt) == ("dynamodb", "E003", date(2026, 3, 7))
    assert cut.origin.startswith("raw/internal/dynamodb-exports/dt=2026-03-07/")


def test_sessions_of_both_doors(gold: Gold) -> None:
    found = gold.query(
        "select session_id, date, time_slot, duration_minutes, focus_level, session_kind, project_name, task_name "
        f"from fct_work_sessions where user_id = '{AOI}' order by session_id"
    ).rows
    assert found == [
        ("s1", date(2026, 3, 1), "late_morning", 25.0, 8.0, "pomodoro", None, None),
        ("s2", date(2026, 3, 1), "night", 40.0, 6.0, "fair", None, None),
        ("s3", date(2026, 3, 3), "afternoon", 50.0, 6.0, "other", None, None),
    ]


def test_zero_minutes_and_unknown_minutes(gold: Gold) -> None:
    found = gold.query(
        "select date, work_minutes, is_empty, has_work from mart_productivity_daily "
        f"where user_id = '{AOI}' order by date"
    ).rows
    assert found == [
        (date(2026, 3, 1), 65.0, False, True),
        (date(2026, 3, 2), None, False, False),  # health only
        (date(2026, 3, 3), 50.0, False, True),
        (date(2026, 3, 4), 0.0, False, True),  # a running session and an offline mood
        (date(2026, 3, 5), None, False, False),  # a measure of their own
    ]


def test_days_are_the_persons_own(gold: Gold) -> None:
    assert one(
        gold, f"select min(date), max(date), count(*) from mart_productivity_daily where user_id = '{REN}'"
    ) == (
        date(2026, 3, 2),
        date(2026, 3, 2),
        1,
    )
    assert one(gold, f"select count(*) from fct_daily_environment where user_id = '{REN}'") == (6,)


def test_deleted_are_marked_or_left_out(gold: Gold) -> None:
    assert gold.query("select task_id, is_deleted, project_id from dim_task order by task_id").rows == [
        ("t-gone", True, None),
        ("t1", False, "p1"),
    ]
    assert one(gold, "select count(*) from fct_work_sessions where session_id = 's-gone'") == (0,)


def test_sleep_repeats_and_days(gold: Gold) -> None:
    found = gold.query(
        "select date, sleep_id, is_main, ended_local, minutes_asleep, efficiency_pct, sleep_quality "
        "from fct_sleep order by date"
    ).rows
    assert [row[0] for row in found] == [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)]
    night_id = hashlib.md5(b"2026-02-28T23:00:00/2026-03-01T07:00:00", usedforsecurity=False).hexdigest()
    assert found[0][1:] == (night_id, True, datetime.combine(date(2026, 3, 1), time(7)), 450.0, 93.75, "good")


def test_unknown_zone_is_the_default(gold: Gold) -> None:
    assert one(gold, f"select name, timezone from dim_user where user_id = '{REN}'") == ("Ren", "Asia/Tokyo")


def test_camel_case_rows_of_the_browser_are_read(gold: Gold) -> None:
    assert one(gold, "select user_id, date, mood_level from fct_mood_entries where mood_id = 'm-off'") == (
        AOI,
        date(2026, 3, 4),
        9.0,
    )


def test_no_types_that_the_browser_cannot_read(gold: Gold) -> None:
    kinds = {column.type for mart in gold.marts.values() for column in mart.columns}
    assert kinds <= {"VARCHAR", "DOUBLE", "BIGINT", "INTEGER", "BOOLEAN", "DATE", "TIMESTAMP"}
