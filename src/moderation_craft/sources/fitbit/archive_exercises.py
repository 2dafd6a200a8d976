"""Exercises out of archives and old answers, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from moderation_craft.lake import Refusal
from moderation_craft.sources.fitbit.archive_envelopes import Envelope
from moderation_craft.sources.fitbit.archive_readers import Rows
from moderation_craft.sources.fitbit.archive_times import parse_offset, parse_time

KM: Final = {"kilometer": 1.0, "kilometers": 1.0, "km": 1.0, "mile": 1.609344, "miles": 1.609344, "meter": 0.001}


@dataclass(frozen=True)
class ExerciseRow:
    """An exercise in the normal form; instants are UTC without a zone."""

    user_id: str
    way_in: str
    log_id: str
    date: date
    activity_name: str | None
    started_at: datetime
    ended_at: datetime
    start_offset_seconds: float
    end_offset_seconds: float
    active_minutes: float | None
    steps: float | None
    distance_km: float | None
    energy_kcal: float | None
    heart_rate_mean_bpm: float | None


class _Exercise(msgspec.Struct):
    startTime: str
    duration: float
    logId: int | str | None = None
    activityName: str | None = None
    activeDuration: float | None = None
    steps: float | None = None
    distance: float | None = None
    distanceUnit: str = "Kilometer"
    calories: float | None = None
    averageHeartRate: float | None = None


class _Answer(msgspec.Struct):
    activities: list[msgspec.Raw] = []


Found = list[tuple[Envelope, list[Any]]]


def read_exercises(envelope: Envelope) -> list[Any]:
    if envelope.stream.startswith("takeout-csv-"):
        return list(msgspec.json.decode(envelope.data, type=Rows).records())
    if envelope.stream.startswith("legacy-"):
        return [bytes(raw) for raw in msgspec.json.decode(envelope.data, type=_Answer).activities]
    return [bytes(raw) for raw in msgspec.json.decode(envelope.data, type=list[msgspec.Raw])]


def exercise_rows(found: Found) -> tuple[list[ExerciseRow], list[Refusal]]:
    """The exercises of each way in, each once: of the same start, the old layout's."""
    refusals: list[Refusal] = []
    rows: dict[tuple[str, str, datetime], ExerciseRow] = {}
    for envelope, records in sorted(found, key=lambda each: not each[0].stream.startswith("takeout-csv-")):
        for record in records:
            row = _row(envelope, record)
            if isinstance(row, str):
                text = record.decode() if isinstance(record, bytes) else str(dict(record))
                refusals.append(envelope.refusal(row, text))
            else:
                rows[row.user_id, row.way_in, row.started_at] = row
    return sorted(rows.values(), key=lambda row: (row.user_id, row.way_in, row.started_at)), refusals


def _row(envelope: Envelope, record: Any) -> ExerciseRow | str:
    if isinstance(record, bytes):
        return _of_json(envelope, record)
    return _of_csv(envelope, record)


def _of_json(envelope: Envelope, record: bytes) -> ExerciseRow | str:
    try:
        said = msgspec.json.decode(record, type=_Exercise, strict=False)
    except msgspec.ValidationError as error:
        return f"an exercise cannot be read: {error}"
    is_legacy = envelope.stream.startswith("legacy-")
    start = parse_time(said.startTime)
    if start is None:
        return "an exercise's startTime is no time"
    if start.tzinfo is None and is_legacy:
        start = start.replace(tzinfo=ZoneInfo(envelope.timezone)).astimezone(UTC)
    started_at = start.replace(tzinfo=None)
    ended_at = started_at + timedelta(milliseconds=said.duration)
    factor = KM.get(said.distanceUnit.lower())
    return ExerciseRow(
        user_id=envelope.user_id,
        way_in="legacy" if is_legacy else "takeout",
        log_id=str(said.logId) if said.logId is not None else said.startTime,
        date=envelope.date,
        activity_name=said.activityName,
        started_at=started_at,
        ended_at=ended_at,
        start_offset_seconds=_offset(started_at, envelope.timezone),
        end_offset_seconds=_offset(ended_at, envelope.timezone),
        active_minutes=None if said.activeDuration is None else said.activeDuration / 60_000,
        steps=said.steps,
        distance_km=said.distance * factor if said.distance is not None and factor is not None else None,
        energy_kcal=said.calories,
        heart_rate_mean_bpm=said.averageHeartRate or None,
    )


def _offset(instant: datetime, zone: str) -> float:
    offset = parse_offset(zone)
    if offset is None:
        offset = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return offset.total_seconds()


def _of_csv(envelope: Envelope, record: Mapping[str, str]) -> ExerciseRow | str:
    start, end = parse_time(record.get("exercise_start", "")), parse_time(record.get("exercise_end", ""))
    if start is None or end is None or end < start:
        return "an exercise's exercise_start or exercise_end is no time, or it ends before it starts"
    offset = (parse_offset(record.get("utc_offset")) or timedelta()).total_seconds()
    millimetres = _number(record, "tracker_total_distance_mm", "manually_logged_total_distance_mm")
    return ExerciseRow(
        user_id=envelope.user_id,
        way_in="takeout",
        log_id=record.get("exercise_id", ""),
        date=envelope.date,
        activity_name=record.get("activity_name") or None,
        started_at=start.replace(tzinfo=None),
        ended_at=end.replace(tzinfo=None),
        start_offset_seconds=offset,
        end_offset_seconds=offset,
        active_minutes=None,
        steps=_number(record, "tracker_total_steps", "manually_logged_total_steps"),
        distance_km=None if millimetres is None else millimetres / 1e6,
        energy_kcal=_number(record, "tracker_total_calories", "manually_logged_total_calories"),
        heart_rate_mean_bpm=_number(record, "tracker_avg_heart_rate") or None,
    )


def _number(record: Mapping[str, str], *columns: str) -> float | None:
    for column in columns:
        text = record.get(column, "")
        try:
            if text:
                return float(text)
        except ValueError:
            continue
    return None


def as_tuple(row: ExerciseRow) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in row.__dataclass_fields__)
