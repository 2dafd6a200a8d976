"""People's nights and days in the Google Health API's own shapes: int64 as text, offsets as `32400s`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal


@dataclass(frozen=True)
class HealthDay:
    """What a tracker knows of one civil day; None where it knows nothing."""

    date: date
    steps: int | None = None
    active_minutes: int | None = None
    calories_kcal: float | None = None
    resting_heart_rate_bpm: int | None = None
    hrv_ms: float | None = None


@dataclass(frozen=True)
class Night:
    """One sleep log. Instants are UTC; `stages` are (type, start, end) and cover it without a gap."""

    log_id: str
    start: datetime
    end: datetime
    start_utc_offset: timedelta
    end_utc_offset: timedelta
    log_type: Literal["STAGES", "CLASSIC"]
    is_main: bool
    stages: Sequence[tuple[str, datetime, datetime]] = ()

    @property
    def civil_end(self) -> datetime:
        """When it ended by the clock on the wall (without a zone)."""
        return self.end.astimezone(UTC).replace(tzinfo=None) + self.end_utc_offset


@dataclass(frozen=True)
class HealthPerson:
    """A person of the stand-in, known by a bearer token. A night given twice is served twice."""

    user_id: str
    access_token: str
    days: Mapping[date, HealthDay]
    nights: Sequence[Night]


SOURCE = {"platform": "FITBIT", "recordingMethod": "DERIVED", "device": {}}


def sleep_point(night: Night) -> dict[str, Any]:
    sleep: dict[str, Any] = {
        "interval": _interval(night.start, night.end, night.start_utc_offset, night.end_utc_offset),
        "type": night.log_type,
        "metadata": _sleep_metadata(night),
        "stages": _stages(night),
        "summary": _sleep_summary(night),
        "createTime": _instant(night.end + timedelta(minutes=10)),
        "updateTime": _instant(night.end + timedelta(minutes=17)),
    }
    return {"name": f"users/me/dataTypes/sleep/dataPoints/{night.log_id}", "dataSource": SOURCE, "sleep": sleep}


def _sleep_metadata(night: Night) -> dict[str, Any]:
    """Flags that are false are left out, as proto JSON leaves them out."""
    found: dict[str, Any] = {"mainSleep": True} if night.is_main else {}
    found["processed"] = True
    if night.log_type == "STAGES":
        found["stagesStatus"] = "SUCCEEDED"
    elif not night.is_main:
        found |= {"nap": True, "stagesStatus": "REJECTED_NAP"}
    return found


def _stages(night: Night) -> list[dict[str, Any]]:
    offsets = [(night.start_utc_offset, night.start_utc_offset)] * len(night.stages)
    if offsets:
        offsets[-1] = (night.start_utc_offset, night.end_utc_offset)
    return [
        {"type": kind, **_interval(start, end, *offset)}
        for (kind, start, end), offset in zip(night.stages, offsets, strict=True)
    ]


def _sleep_summary(night: Night) -> dict[str, Any]:
    minutes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for kind, start, end in night.stages:
        minutes[kind] = minutes.get(kind, 0) + int((end - start).total_seconds())
        counts[kind] = counts.get(kind, 0) + 1
    minutes = {kind: seconds // 60 for kind, seconds in minutes.items()}
    asleep = sum(minutes.get(kind, 0) for kind in ("LIGHT", "DEEP", "REM", "ASLEEP"))
    leading = night.stages[0] if night.stages and night.stages[0][0] == "AWAKE" else None
    to_fall_asleep = int((leading[2] - leading[1]).total_seconds()) // 60 if leading else 0
    return {
        "minutesInSleepPeriod": str(int((night.end - night.start).total_seconds()) // 60),
        "minutesAsleep": str(asleep),
        "minutesAwake": str(minutes.get("AWAKE", 0)),
        "minutesToFallAsleep": str(to_fall_asleep),
        "minutesAfterWakeUp": "0",
        "stagesSummary": [
            {"type": kind, "minutes": str(minutes[kind]), "count": str(counts[kind])} for kind in sorted(minutes)
        ],
    }


def steps_value(day: HealthDay) -> dict[str, Any] | None:
    return None if day.steps is None else {"steps": {"countSum": str(day.steps)}}


def active_minutes_value(day: HealthDay) -> dict[str, Any] | None:
    """`active_minutes` is what Fitbit calls active: moderate and vigorous. Light minutes come on top."""
    if day.active_minutes is None:
        return None
    vigorous = day.active_minutes // 3
    levels = {"LIGHT": (day.steps or 0) // 60, "MODERATE": day.active_minutes - vigorous, "VIGOROUS": vigorous}
    return {
        "activeMinutes": {
            "activeMinutesRollupByActivityLevel": [
                {"activityLevel": level, "activeMinutesSum": str(minutes)} for level, minutes in levels.items()
            ]
        }
    }


def calories_value(day: HealthDay) -> dict[str, Any] | None:
    return None if day.calories_kcal is None else {"totalCalories": {"kcalSum": day.calories_kcal}}


def resting_heart_rate_point(day: HealthDay) -> dict[str, Any] | None:
    if day.resting_heart_rate_bpm is None:
        return None
    value = {
        "date": ymd(day.date),
        "beatsPerMinute": str(day.resting_heart_rate_bpm),
        "dailyRestingHeartRateMetadata": {"calculationMethod": "WITH_SLEEP"},
    }
    return {"dataSource": SOURCE, "dailyRestingHeartRate": value}


def heart_rate_variability_point(day: HealthDay) -> dict[str, Any] | None:
    if day.hrv_ms is None:
        return None
    value: dict[str, Any] = {
        "date": ymd(day.date),
        "averageHeartRateVariabilityMilliseconds": day.hrv_ms,
        "deepSleepRootMeanSquareOfSuccessiveDifferencesMilliseconds": round(day.hrv_ms * 0.9, 1),
    }
    if day.resting_heart_rate_bpm:
        value["nonRemHeartRateBeatsPerMinute"] = str(day.resting_heart_rate_bpm - 2)
    return {"dataSource": SOURCE, "dailyHeartRateVariability": value}


def rolled_up(day: date, value: dict[str, Any]) -> dict[str, Any]:
    """A day's roll-up; midnight is `"time": {}`."""
    following = day + timedelta(days=1)
    return {
        "civilStartTime": {"date": ymd(day), "time": {}},
        "civilEndTime": {"date": ymd(following), "time": {}},
        **value,
    }


def ymd(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _interval(start: datetime, end: datetime, start_offset: timedelta, end_offset: timedelta) -> dict[str, str]:
    return {
        "startTime": _instant(start),
        "startUtcOffset": f"{int(start_offset.total_seconds())}s",
        "endTime": _instant(end),
        "endUtcOffset": f"{int(end_offset.total_seconds())}s",
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="auto") + "Z"
