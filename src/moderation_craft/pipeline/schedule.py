"""The daily schedule inside `mcraft serve`: a fixed time of day, a missed run caught up once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from moderation_craft.lake import Lake
from moderation_craft.pipeline.jobs import Trigger, read_jobs
from moderation_craft.settings import ScheduleSettings


def aws_cron(schedule: ScheduleSettings, at: datetime) -> str:
    """The schedule as EventBridge writes it, in UTC: `0 5 * * ? *` for 14:00 in Tokyo."""
    local = at.astimezone(ZoneInfo(schedule.timezone)).replace(hour=schedule.hour, minute=schedule.minute)
    utc = local.astimezone(ZoneInfo("UTC"))
    return f"{utc.minute} {utc.hour} * * ? *"


def next_run(schedule: ScheduleSettings, after: datetime) -> datetime:
    """The first scheduled instant after a given one."""
    found: datetime = _trigger(schedule).get_next_fire_time(None, after + timedelta(microseconds=1))
    return found.astimezone(ZoneInfo("UTC"))


def last_due(schedule: ScheduleSettings, now: datetime) -> datetime:
    """The latest scheduled instant that has come."""
    due = next_run(schedule, now - timedelta(days=2))
    while (following := next_run(schedule, due)) <= now:
        due = following
    return due


def missed_run(lake: Lake, schedule: ScheduleSettings) -> bool:
    """Whether a scheduled time passed since the last whole run; a lake that never ran missed nothing."""
    started = [datetime.fromisoformat(job.started_at) for job in read_jobs(lake) if job.kind == "run"]
    return bool(started) and max(started) < last_due(schedule, lake.clock.now())


class DailySchedule:
    """Starts the daily job at its time; `start` is called with the trigger and must not block."""

    def __init__(self, lake: Lake, schedule: ScheduleSettings, start: Callable[[Trigger], object]) -> None:
        self._lake = lake
        self._schedule = schedule
        self._start = start
        self._scheduler = BackgroundScheduler(timezone=schedule.timezone)

    def __enter__(self) -> DailySchedule:
        if not self._schedule.enabled:
            return self
        self._scheduler.add_job(
            self._start,
            _trigger(self._schedule),
            args=["schedule"],
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.start()
        if missed_run(self._lake, self._schedule):
            self._start("catch_up")
        return self

    def __exit__(self, *_: object) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


def _trigger(schedule: ScheduleSettings) -> CronTrigger:
    return CronTrigger(hour=schedule.hour, minute=schedule.minute, timezone=schedule.timezone)
