"""14:00 in Tokyo every day, a missed run caught up once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.pipeline.jobs import JobRecorder, Trigger, new_job
from moderation_craft.pipeline.schedule import DailySchedule, aws_cron, last_due, missed_run, next_run
from moderation_craft.settings import ScheduleSettings

DAILY = ScheduleSettings()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def record_run(lake: Lake, clock: FixedClock, started: str) -> None:
    now, clock.instant = clock.instant, at(started)
    JobRecorder(lake, new_job(clock, started, "run", "cli", [], None), lambda _: None).finish()
    clock.instant = now


def test_fourteen_in_tokyo_is_five_utc() -> None:
    assert aws_cron(DAILY, at("2026-11-23T00:00")) == "0 5 * * ? *"
    assert next_run(DAILY, at("2026-11-23T04:59:59")) == at("2026-11-23T05:00")
    assert next_run(DAILY, at("2026-11-23T05:00")) == at("2026-11-24T05:00")
    assert last_due(DAILY, at("2026-11-23T05:00")) == at("2026-11-23T05:00")
    assert last_due(DAILY, at("2026-11-23T04:59")) == at("2026-11-22T05:00")


@pytest.mark.parametrize(
    ("last_run", "missed"),
    [("2026-11-22T05:00:01", False), ("2026-11-22T04:59:59", True), ("2026-10-01T05:00", True)],
)
def test_a_time_that_passed_without_a_run_is_missed(
    lake: Lake, clock: FixedClock, last_run: str, missed: bool
) -> None:
    clock.instant = at("2026-11-23T04:00")
    record_run(lake, clock, last_run)
    assert missed_run(lake, DAILY) is missed


def test_a_lake_that_never_ran_missed_nothing(lake: Lake) -> None:
    assert not missed_run(lake, DAILY)


def test_a_missed_run_is_caught_up_once(lake: Lake, clock: FixedClock) -> None:
    record_run(lake, clock, "2026-10-01T05:00")
    started: list[Trigger] = []

    def start(trigger: Trigger) -> None:
        started.append(trigger)
        record_run(lake, clock, "2026-11-23T02:59")

    for _ in range(2):
        with DailySchedule(lake, DAILY, start):
            pass
    assert started == ["catch_up"]


def test_switched_off_it_starts_nothing(lake: Lake, clock: FixedClock) -> None:
    record_run(lake, clock, "2026-10-01T05:00")
    started: list[Trigger] = []
    with DailySchedule(lake, ScheduleSettings(enabled=False), started.append):
        pass
    assert started == []
