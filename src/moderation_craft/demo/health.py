"""What the tracker knows, for the Google Health stand-in."""

from __future__ import annotations

from collections.abc import Sequence

from moderation_craft.demo.days import Day
from moderation_craft.demo.nights import SleepLog
from moderation_craft.sources.fitbit.stand_in import HealthDay, HealthPerson, Night


def health_person(user_id: str, access_token: str, days: Sequence[Day]) -> HealthPerson:
    """Days and nights on which the device was worn; one night in the middle stands there twice."""
    worn = [day for day in days if day.is_worn]
    nights = [_night(log) for day in worn for log in (day.night, day.nap) if log is not None]
    return HealthPerson(
        user_id=user_id,
        access_token=access_token,
        days={day.date: _health_day(day) for day in worn},
        nights=[*nights, _night(repeated_night(days))],
    )


def repeated_night(days: Sequence[Day]) -> SleepLog:
    """The main night that real archives hold twice under one log id."""
    worn = [day for day in days if day.is_worn]
    return worn[len(worn) // 2].night


def _health_day(day: Day) -> HealthDay:
    return HealthDay(
        date=day.date,
        steps=day.steps,
        active_minutes=day.active_minutes,
        calories_kcal=day.calories_kcal,
        resting_heart_rate_bpm=day.resting_heart_rate_bpm,
        hrv_ms=day.hrv_ms,
    )


def _night(log: SleepLog) -> Night:
    return Night(
        log_id=log.log_id,
        start=log.start,
        end=log.end,
        start_utc_offset=log.start_utc_offset,
        end_utc_offset=log.end_utc_offset,
        log_type=log.log_type,
        is_main=log.is_main,
        stages=log.stages,
    )
