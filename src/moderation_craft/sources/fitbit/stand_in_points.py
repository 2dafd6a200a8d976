"""A person's points of one data type: what a list gives, device by device, and what reconcile makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from moderation_craft.sources.fitbit import stand_in_shapes as shapes
from moderation_craft.sources.fitbit.stand_in_people import HealthDay, HealthPerson, Night

SAMPLE_MINUTES = 1
"""How far apart heart-rate samples are: 1,440 a day, a seventh of a page of 10,000."""


@dataclass(frozen=True)
class Point:
    """A point and what it may be filtered by (members without the data type; no zones)."""

    times: Mapping[str, datetime]
    value: dict[str, Any]
    name: str = ""
    device: str = ""

    def listed(self, field: str, data_type: str) -> dict[str, Any]:
        return {**self._named("name", data_type), "dataSource": shapes.source(self.device), field: self.value}

    def reconciled(self, field: str, data_type: str) -> dict[str, Any]:
        return {**self._named("dataPointName", data_type), field: self.value}

    def _named(self, name: str, data_type: str) -> dict[str, str]:
        return {name: f"users/me/dataTypes/{data_type}/dataPoints/{self.name}"} if self.name else {}


def _sleeps(person: HealthPerson, _: Sequence[HealthDay]) -> Iterator[Point]:
    for night in sorted(person.nights, key=lambda night: night.start, reverse=True):
        yield _sleep(night)


def _sleep(night: Night) -> Point:
    ends = {"interval.end_time": _utc(night.end), "interval.civil_end_time": night.civil_end}
    return Point(ends, shapes.sleep_value(night), night.log_id, night.device)


def _reconciled_sleeps(person: HealthPerson, _: Sequence[HealthDay]) -> Iterator[Point]:
    """One device's log of a night: of two that overlap, the longer. A stages summary may come twice over."""
    for night in sorted(person.nights, key=lambda night: night.start, reverse=True):
        if not any(_is_preferred(other, night) for other in person.nights):
            point = _sleep(night)
            summary = point.value["summary"]
            if len(night.stages) % 2:
                summary["stagesSummary"] = summary["stagesSummary"] * 2
            yield point


def _is_preferred(other: Night, night: Night) -> bool:
    overlaps = other.start < night.end and night.start < other.end and other.device != night.device
    return overlaps and (other.end - other.start, night.device) > (night.end - night.start, other.device)


def _exercises(person: HealthPerson, _: Sequence[HealthDay]) -> Iterator[Point]:
    for workout in sorted(person.workouts, key=lambda workout: workout.start, reverse=True):
        begun = {"interval.civil_start_time": _utc(workout.start) + workout.utc_offset}
        yield Point(begun, shapes.exercise_value(workout), workout.exercise_id)


def _moods(person: HealthPerson, _: Sequence[HealthDay]) -> Iterator[Point]:
    for mood in sorted(person.moods, key=lambda mood: mood.at, reverse=True):
        yield Point(_sampled(mood.at, mood.utc_offset), shapes.mood_value(mood))


def _weights(_: HealthPerson, days: Sequence[HealthDay]) -> Iterator[Point]:
    for day in days:
        if day.weight_kg is not None:
            at = _at(day, timedelta(hours=7, minutes=5))
            yield Point(_sampled(at, day.utc_offset), shapes.weight_value(at, day), device="Aria Air")


def _heart_rates(_: HealthPerson, days: Sequence[HealthDay]) -> Iterator[Point]:
    """A slow wave between the day's lowest and highest rate."""
    for day in days:
        if day.heart_rate_bpm is None or not all(map(math.isfinite, day.heart_rate_bpm)):
            continue
        low, _mean, high = day.heart_rate_bpm
        for minute in range(24 * 60 - SAMPLE_MINUTES, -1, -SAMPLE_MINUTES):
            at = _at(day, timedelta(minutes=minute))
            beats = round(low + (high - low) * (1 - abs(minute - 720) / 720) ** 2)
            yield Point(_sampled(at, day.utc_offset), shapes.heart_rate_value(at, day, beats))


def _daily(value_of: Callable[[HealthDay], dict[str, Any] | None]) -> _Maker:
    def points(_: HealthPerson, days: Sequence[HealthDay]) -> Iterator[Point]:
        for day in days:
            if (value := value_of(day)) is not None:
                yield Point({"date": datetime.combine(day.date, time())}, {"date": shapes.ymd(day.date), **value})

    return points


_Maker = Callable[[HealthPerson, Sequence[HealthDay]], Iterator[Point]]
_SAMPLED = ("sample_time.physical_time", "sample_time.civil_time")

LISTED: Mapping[str, tuple[Sequence[str], _Maker]] = {
    "sleep": (("interval.end_time", "interval.civil_end_time"), _sleeps),
    "exercise": (("interval.civil_start_time",), _exercises),
    "moods": (_SAMPLED, _moods),
    "weight": (_SAMPLED, _weights),
    "heart-rate": (_SAMPLED, _heart_rates),
    **{name: (("date",), _daily(value_of)) for name, value_of in shapes.DAILIES.items()},
}
"""By data type: the members that a list may be filtered by, and its points, newest first."""

NOT_RECONCILED = ("moods",)
ON_EVERY_DEVICE = tuple(shapes.DAILIES)


def listed(person: HealthPerson, data_type: str, first: date, last: date) -> Iterator[Point]:
    """Every device's points; days of samples from first to last only."""
    _, points_of = LISTED[data_type]
    for point in points_of(person, _days(person, first, last)):
        if data_type not in ON_EVERY_DEVICE:
            yield point
            continue
        for device in person.devices:
            yield Point(point.times, point.value, point.name, device)


def reconciled(person: HealthPerson, data_type: str, first: date, last: date) -> Iterator[Point]:
    """What the app shows: each hour, night and day once."""
    points_of = _reconciled_sleeps if data_type == "sleep" else LISTED[data_type][1]
    return points_of(person, _days(person, first, last))


def _days(person: HealthPerson, first: date, last: date) -> list[HealthDay]:
    return [person.days[day] for day in sorted(person.days, reverse=True) if first <= day <= last]


def _sampled(at: datetime, offset: timedelta) -> dict[str, datetime]:
    return {"sample_time.physical_time": _utc(at), "sample_time.civil_time": _utc(at) + offset}


def _at(day: HealthDay, since_midnight: timedelta) -> datetime:
    return datetime.combine(day.date, time(), UTC) - day.utc_offset + since_midnight


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
