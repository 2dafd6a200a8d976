"""Writes people of the stand-in in Takeout's new layout: CSV samples in UTC by device, sessions with offsets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from moderation_craft.sources.fitbit.archive_stand_in import csv_bytes, files_of, minutes_of, sleep_log
from moderation_craft.sources.fitbit.stand_in_people import HealthDay, HealthPerson, Night

SAMPLES: Final = "Google Health/Physical Activity_GoogleData"
SESSIONS: Final = "Google Health/Health Fitness Data_GoogleData"


def new_layout(person: HealthPerson, timezone: str, *, device: str = "Charge 6") -> Iterator[tuple[str, bytes]]:
    """The CSV files of 2026: samples in UTC by device (a phone's mirror beside it), sessions with offsets."""
    days = [person.days[day] for day in sorted(person.days)]
    for first, held in files_of(days):
        for name, column, field, factor in (
            ("steps", "steps", "steps", 1),
            ("distance", "distance", "distance_km", 1000),
        ):
            rows = [
                [_iso_of(minute["dateTime"]), minute["value"], source]
                for minute in minutes_of(held, timezone, field, factor)
                for source in (device, "Fit Health Connect")
            ]
            yield f"{SAMPLES}/{name}_{first}.csv", csv_bytes(["timestamp", column, "data source"], rows)
    for name, columns, row_of in _DAILIES:
        told: list[list[object]] = [
            [f"{day.date}T00:00:00Z", *values, device] for day in days if (values := row_of(day)) is not None
        ]
        yield f"{SAMPLES}/{name}.csv", csv_bytes(["timestamp", *columns, "data source"], told)
    nights = {night.log_id: night for night in person.nights}
    yield (
        f"{SESSIONS}/UserSleeps_2026-01-01.csv",
        csv_bytes(_SLEEP_COLUMNS, [_sleep_row(n) for n in nights.values()]),
    )
    stages = [row for night in nights.values() for row in _stage_rows(night)]
    yield f"{SESSIONS}/UserSleepStages_2026-01-01.csv", csv_bytes(_STAGE_COLUMNS, stages)


_DAILIES: Final[Sequence[tuple[str, list[str], Callable[[HealthDay], list[object] | None]]]] = (
    (
        "daily_resting_heart_rate",
        ["beats per minute"],
        lambda day: None if day.resting_heart_rate_bpm is None else [day.resting_heart_rate_bpm],
    ),
    (
        "daily_heart_rate_variability",
        ["average heart rate variability milliseconds"],
        lambda day: None if day.hrv_ms is None else [day.hrv_ms],
    ),
    (
        "daily_oxygen_saturation",
        ["average percentage", "lower bound percentage"],
        lambda day: None if day.spo2_pct is None else [day.spo2_pct, day.spo2_pct - 2],
    ),
    (
        "daily_respiratory_rate",
        ["breaths per minute"],
        lambda day: None if day.breathing_rate_per_minute is None else [day.breathing_rate_per_minute],
    ),
    (
        "daily_sleep_temperature_derivations",
        ["nightly temperature celsius", "baseline temperature celsius"],
        lambda day: (
            None
            if day.skin_temperature_celsius is None
            else [
                day.skin_temperature_celsius,
                "" if day.skin_baseline_celsius is None else day.skin_baseline_celsius,
            ]
        ),
    ),
)
_SLEEP_COLUMNS: Final = [
    "sleep_id",
    "sleep_type",
    "minutes_in_sleep_period",
    "minutes_asleep",
    "minutes_awake",
    "start_utc_offset",
    "sleep_start",
    "end_utc_offset",
    "sleep_end",
]
_STAGE_COLUMNS: Final = [
    "sleep_id",
    "sleep_stage_type",
    "start_utc_offset",
    "sleep_stage_start",
    "end_utc_offset",
    "sleep_stage_end",
]


def _sleep_row(night: Night) -> list[object]:
    log = sleep_log(night, takeout=True)
    return [
        f"8{abs(_number_of(night.log_id)):018d}",
        night.log_type,
        log["timeInBed"],
        log["minutesAsleep"],
        log["minutesAwake"],
        _offset(night.start_utc_offset),
        _utc(night.start),
        _offset(night.end_utc_offset),
        _utc(night.end),
    ]


def _stage_rows(night: Night) -> Iterator[list[object]]:
    sleep_id = _sleep_row(night)[0]
    for kind, begun, ended in night.stages:
        offset = _offset(night.start_utc_offset)
        yield [sleep_id, kind, offset, _utc(begun), offset, _utc(ended)]


def _number_of(text: str) -> int:
    """A number of at most 18 digits that is the same in every process."""
    return int.from_bytes(text.encode()[-7:], "big") % 10**18


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _iso_of(us: str) -> str:
    return datetime.strptime(us, "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
