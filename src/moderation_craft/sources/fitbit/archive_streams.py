"""Which files of an archive are taken, declared as data: name, kind, what dates an element, whose clock that is.

Files are known by their own name alone: Google translates the folders around them and has renamed them twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from moderation_craft.sources.fitbit.archive_times import Clock

Entity = Literal["sleep", "days", "exercises"]


@dataclass(frozen=True)
class ArchiveStream:
    """One kind of file: `time_field` (a JSON member, a CSV column) dates an element, `clock` is how to read it."""

    name: str
    kind: Literal["json", "csv"]
    time_field: str
    clock: Clock
    entity: Entity
    description: str
    offset_column: str = ""
    is_dense: bool = False  # many elements a day: kept and read by the month, others by the year

    @property
    def way_in(self) -> str:
        return "takeout" if self.kind == "json" else "takeout-csv"

    @property
    def stream(self) -> str:
        """Its name in raw: `takeout-steps`, `takeout-csv-steps`."""
        return f"{self.way_in}-{self.name}"


def _json(
    name: str,
    clock: Clock,
    description: str,
    *,
    time_field: str = "dateTime",
    entity: Entity = "days",
    is_dense: bool = False,
) -> tuple[str, ArchiveStream]:
    named = name.replace("_", "-")
    return name, ArchiveStream(named, "json", time_field, clock, entity, description, is_dense=is_dense)


def _csv(
    file: str,
    clock: Clock,
    description: str,
    *,
    time_field: str = "timestamp",
    entity: Entity = "days",
    offset_column: str = "",
    name: str = "",
    is_dense: bool = False,
) -> tuple[str, ArchiveStream]:
    named = name or file.replace("_", "-")
    return file, ArchiveStream(named, "csv", time_field, clock, entity, description, offset_column, is_dense)


JSON_STREAMS: Final = dict(
    [
        _json("sleep", "wall", "sleep logs with their stages", time_field="dateOfSleep", entity="sleep"),
        _json("steps", "utc", "steps a minute", is_dense=True),
        _json("distance", "utc", "distance a minute, in centimetres", is_dense=True),
        _json("floors", "utc", "floors a minute", is_dense=True),
        _json("calories", "wall", "energy a minute, in kilocalories", is_dense=True),
        _json("heart_rate", "utc", "heart rate every few seconds", is_dense=True),
        _json("resting_heart_rate", "date", "resting heart rate of the day"),
        _json("sedentary_minutes", "date", "minutes without moving"),
        _json("lightly_active_minutes", "date", "minutes of light activity"),
        _json("moderately_active_minutes", "date", "minutes of moderate activity"),
        _json("very_active_minutes", "date", "minutes of vigorous activity"),
        _json("weight", "date", "weight, in pounds", time_field="date"),
        _json("exercise", "utc", "exercises", time_field="startTime", entity="exercises"),
    ]
)

CSV_STREAMS: Final = dict(
    [
        _csv("steps", "utc", "steps a minute, by device", is_dense=True),
        _csv("distance", "utc", "distance a minute, in metres, by device", is_dense=True),
        _csv("floors", "utc", "floors a minute, by device", is_dense=True),
        _csv("calories", "utc", "energy a minute, in kilocalories, by device", is_dense=True),
        _csv("active_minutes", "utc", "minutes of light, moderate and vigorous activity", is_dense=True),
        _csv("active_zone_minutes", "utc", "active zone minutes", is_dense=True),
        _csv("heart_rate", "utc", "heart rate every few seconds, by device", is_dense=True),
        _csv("daily_resting_heart_rate", "date", "resting heart rate of the day"),
        _csv("daily_heart_rate_variability", "date", "heart rate variability of the night"),
        _csv("daily_oxygen_saturation", "date", "blood oxygen of the night"),
        _csv("daily_respiratory_rate", "date", "breathing rate of the night"),
        _csv("daily_sleep_temperature_derivations", "date", "skin temperature of the night and its baseline"),
        _csv("weight", "utc", "weight, in grams"),
        _csv(
            "Daily Heart Rate Variability Summary",
            "date",
            "heart rate variability of the night",
            name="daily-hrv-summary",
        ),
        _csv("Daily SpO2", "date", "blood oxygen of the night", name="daily-spo2"),
        _csv(
            "Daily Respiratory Rate Summary",
            "date",
            "breathing rate of the night",
            name="daily-respiratory-rate-summary",
        ),
        _csv("Active Zone Minutes", "wall", "active zone minutes", time_field="date_time", name="azm"),
        _csv(
            "UserSleeps",
            "utc",
            "sleep logs with their offsets from UTC",
            time_field="sleep_end",
            entity="sleep",
            offset_column="end_utc_offset",
            name="user-sleeps",
        ),
        _csv(
            "UserSleepStages",
            "utc",
            "stages of the sleep logs",
            time_field="sleep_stage_start",
            entity="sleep",
            offset_column="start_utc_offset",
            name="user-sleep-stages",
        ),
        _csv(
            "UserExercises",
            "utc",
            "exercises with their offsets from UTC",
            time_field="exercise_start",
            entity="exercises",
            offset_column="utc_offset",
            name="user-exercises",
        ),
    ]
)

ARCHIVE_STREAMS: Final = {stream.stream: stream for stream in (*JSON_STREAMS.values(), *CSV_STREAMS.values())}

PROFILE: Final = re.compile(r"(?i)(?:^|/)profile\.csv$")
_NAME: Final = re.compile(
    r"(?P<stem>.+?)(?:(?:[-_ ]+(?:- )?)(?P<date>\d{4}-\d\d-(?:\d\d|\(\d\d?\))(?:-\d{4}-\d\d-\d\d)?|\d+))?"
    r"(?: ?\(\d+\))?\.(?P<kind>json|csv)",
    re.IGNORECASE,
)


def stream_of(path: str) -> ArchiveStream | None:
    """The stream that a file feeds, by its name; None for a file that is left out."""
    found = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    if found is None:
        return None
    stem = found["stem"].rstrip("-_ ")
    return (JSON_STREAMS if found["kind"].lower() == "json" else CSV_STREAMS).get(stem)


LEFT_OUT: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"readme|\.txt$|\.html?$|archive_browser", "a text for people"),
        (r"\.(png|jpe?g|pdf|gif|mp4|svg)$", "a picture or document"),
        (r"(^|/)(gps_location|live_pace|coarse physical location)|\.tcx$|userlocation", "where you were"),
        (r"estimated_oxygen_variation", "a ratio of light, no oxygen saturation"),
        (r"computed temperature|device temperature|wrist temperature", "absolute temperatures without a baseline"),
        (
            r"profile|account|social|friend|commerce|notification|security|premium|conversation|journal|menstrual"
            r"|food|water|nutrition|hydration",
            "personal, and no measure of days",
        ),
        (
            r"time_in_heart_rate_zone|calories_in_heart_rate_zone|daily_heart_rate_zones|activity_level|altitude"
            r"|active_energy|sedentary_period|minute spo2|oxygen_saturation"
            r"|heart rate variability (details|histogram)"
            r"|heart_rate_variability|respiratory rate summary|respiratory_rate_sleep_summary|body_temperature",
            "detail of a measure that is taken by the day",
        ),
    )
)


def reason_left_out(path: str) -> str:
    return next(
        (reason for pattern, reason in LEFT_OUT if pattern.search(path)), "not known to hold daily measures"
    )
