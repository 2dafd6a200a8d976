"""People's nights and days in the Google Health API's shapes: int64 as text, offsets as `32400s`, NaN as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from moderation_craft.sources.fitbit.stand_in_people import HealthDay, LoggedMood, Night, Workout

Value = dict[str, Any]
ZONES = ("LIGHT", "MODERATE", "VIGOROUS", "PEAK")


def source(device: str = "") -> Value:
    return {
        "platform": "FITBIT",
        "recordingMethod": "DERIVED",
        "device": {"displayName": device} if device else {},
    }


def sleep_value(night: Night) -> Value:
    return {
        "interval": interval(night.start, night.end, night.start_utc_offset, night.end_utc_offset),
        "type": night.log_type,
        "metadata": _sleep_metadata(night),
        "stages": _stages(night),
        "summary": _sleep_summary(night),
        "createTime": instant(night.end + timedelta(minutes=10)),
        "updateTime": instant(night.end + timedelta(minutes=17)),
    }


def _sleep_metadata(night: Night) -> Value:
    """Flags that are false are left out, as proto JSON leaves them out."""
    found: Value = {"mainSleep": True} if night.is_main else {}
    found["processed"] = True
    if night.log_type == "STAGES":
        found["stagesStatus"] = "SUCCEEDED"
    elif not night.is_main:
        found |= {"nap": True, "stagesStatus": "REJECTED_NAP"}
    return found


def _stages(night: Night) -> list[Value]:
    offsets = [(night.start_utc_offset, night.start_utc_offset)] * len(night.stages)
    if offsets:
        offsets[-1] = (night.start_utc_offset, night.end_utc_offset)
    return [
        {"type": kind, **interval(start, end, *offset)}
        for (kind, start, end), offset in zip(night.stages, offsets, strict=True)
    ]


def _sleep_summary(night: Night) -> Value:
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


def exercise_value(workout: Workout) -> Value:
    metrics: Value = {"caloriesKcal": number(workout.kcal), "steps": str(workout.steps)}
    if workout.distance_km is not None:
        metrics["distanceMillimeters"] = number(workout.distance_km * 1_000_000)
    if workout.heart_rate_bpm is not None:
        metrics["averageHeartRateBeatsPerMinute"] = str(workout.heart_rate_bpm)
    return {
        "interval": interval(workout.start, workout.end, workout.utc_offset, workout.utc_offset),
        "exerciseType": workout.exercise_type,
        "displayName": workout.display_name,
        "activeDuration": duration(workout.end - workout.start),
        "metricsSummary": metrics,
        "exerciseMetadata": {},
        "createTime": instant(workout.end),
        "updateTime": instant(workout.end),
    }


def mood_value(mood: LoggedMood) -> Value:
    return {
        "sampleTime": sample_time(mood.at, mood.utc_offset),
        "moods": list(mood.labels),
        "valences": [mood.valence],
    }


def weight_value(at: datetime, day: HealthDay) -> Value:
    return {"sampleTime": sample_time(at, day.utc_offset), "weightGrams": number((day.weight_kg or 0) * 1000)}


def heart_rate_value(at: datetime, day: HealthDay, beats: int) -> Value:
    sampled = sample_time(at, day.utc_offset)
    return {"sampleTime": sampled, "beatsPerMinute": str(beats), "metadata": {"sensorLocation": "WRIST"}}


def _active_minutes(day: HealthDay) -> Value | None:
    """`active_minutes` is what Fitbit calls active: moderate and vigorous. Light minutes come on top."""
    if day.active_minutes is None:
        return None
    vigorous = day.active_minutes // 3
    levels = {"LIGHT": (day.steps or 0) // 60, "MODERATE": day.active_minutes - vigorous, "VIGOROUS": vigorous}
    rolled = [{"activityLevel": level, "activeMinutesSum": str(minutes)} for level, minutes in levels.items()]
    return {"activeMinutesRollupByActivityLevel": rolled}


def _zone_minutes(day: HealthDay) -> Value | None:
    """Active zone minutes: vigorous and peak ones count double."""
    if day.zone_minutes is None:
        return None
    return {
        "sumInFatBurnHeartZone": str(day.zone_minutes.get("MODERATE", 0)),
        "sumInCardioHeartZone": str(2 * day.zone_minutes.get("VIGOROUS", 0)),
        "sumInPeakHeartZone": str(2 * day.zone_minutes.get("PEAK", 0)),
    }


def _time_in_zones(day: HealthDay) -> Value | None:
    if day.zone_minutes is None:
        return None
    times = [
        {"heartRateZone": zone, "duration": duration(timedelta(minutes=day.zone_minutes.get(zone, 0)))}
        for zone in ZONES
    ]
    return {"timeInHeartRateZones": times}


def _calories_in_zones(day: HealthDay) -> Value | None:
    if day.zone_minutes is None:
        return None
    kcal = {"LIGHT": 3.5, "MODERATE": 6.0, "VIGOROUS": 9.5, "PEAK": 12.0}
    burned = [
        {"heartRateZone": zone, "kcal": number(kcal[zone] * day.zone_minutes.get(zone, 0))} for zone in ZONES
    ]
    return {"caloriesInHeartRateZones": burned}


def _heart_rate(day: HealthDay) -> Value | None:
    if day.heart_rate_bpm is None:
        return None
    low, mean, high = map(number, day.heart_rate_bpm)
    return {"beatsPerMinuteMin": low, "beatsPerMinuteAvg": mean, "beatsPerMinuteMax": high}


def _of(name: str, found: float | None, spell: Callable[[float], Any]) -> Value | None:
    return None if found is None else {name: spell(found)}


ROLL_UPS: Mapping[str, Callable[[HealthDay], Value | None]] = {
    "steps": lambda day: _of("countSum", day.steps, whole),
    "distance": lambda day: _of("millimetersSum", day.distance_km, lambda km: whole(km * 1_000_000)),
    "floors": lambda day: _of("countSum", day.floors, whole),
    "total-calories": lambda day: _of("kcalSum", day.calories_kcal, number),
    "active-minutes": _active_minutes,
    "active-zone-minutes": _zone_minutes,
    "sedentary-period": lambda day: _of("durationSum", day.sedentary_minutes, lambda m: f"{round(m * 60)}s"),
    "time-in-heart-rate-zone": _time_in_zones,
    "calories-in-heart-rate-zone": _calories_in_zones,
    "heart-rate": _heart_rate,
}
"""A day's total by data type, without the data type's own name; None where the tracker knows none."""


def _resting_heart_rate(day: HealthDay) -> Value | None:
    if day.resting_heart_rate_bpm is None:
        return None
    how = {"dailyRestingHeartRateMetadata": {"calculationMethod": "WITH_SLEEP"}}
    return {"beatsPerMinute": whole(day.resting_heart_rate_bpm), **how}


def _variability(day: HealthDay) -> Value | None:
    if day.hrv_ms is None:
        return None
    found: Value = {
        "averageHeartRateVariabilityMilliseconds": number(day.hrv_ms),
        "deepSleepRootMeanSquareOfSuccessiveDifferencesMilliseconds": number(round(day.hrv_ms * 0.9, 1)),
    }
    if day.resting_heart_rate_bpm:
        found["nonRemHeartRateBeatsPerMinute"] = whole(day.resting_heart_rate_bpm - 2)
    return found


def _oxygen(day: HealthDay) -> Value | None:
    if day.spo2_pct is None:
        return None
    return {
        "averagePercentage": number(day.spo2_pct),
        "lowerBoundPercentage": number(day.spo2_pct - 2),
        "upperBoundPercentage": number(min(100.0, day.spo2_pct + 1.5)),
    }


def _skin_temperature(day: HealthDay) -> Value | None:
    """The first month has no baseline yet."""
    if day.skin_temperature_celsius is None:
        return None
    baseline = _of("baselineTemperatureCelsius", day.skin_baseline_celsius, number) or {}
    return {"nightlyTemperatureCelsius": number(day.skin_temperature_celsius), **baseline}


DAILIES: Mapping[str, Callable[[HealthDay], Value | None]] = {
    "daily-resting-heart-rate": _resting_heart_rate,
    "daily-heart-rate-variability": _variability,
    "daily-oxygen-saturation": _oxygen,
    "daily-respiratory-rate": lambda day: _of("breathsPerMinute", day.breathing_rate_per_minute, number),
    "daily-sleep-temperature-derivations": _skin_temperature,
}
"""A day's summary by data type, without its date; None where the tracker knows none."""


def rolled_up(day: date, field: str, value: Value) -> Value:
    """A day's roll-up; midnight is `"time": {}`."""
    following = day + timedelta(days=1)
    return {
        "civilStartTime": {"date": ymd(day), "time": {}},
        "civilEndTime": {"date": ymd(following), "time": {}},
        field: value,
    }


def ymd(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def whole(value: float) -> str:
    """An int64: text."""
    return str(round(value))


def number(value: float) -> float | str:
    """A double; what is none is text."""
    return value if math.isfinite(value) else "NaN"


def duration(length: timedelta) -> str:
    return f"{int(length.total_seconds())}s"


def interval(start: datetime, end: datetime, start_offset: timedelta, end_offset: timedelta) -> dict[str, str]:
    return {
        "startTime": instant(start),
        "startUtcOffset": duration(start_offset),
        "endTime": instant(end),
        "endUtcOffset": duration(end_offset),
    }


def sample_time(at: datetime, offset: timedelta) -> dict[str, str]:
    return {"physicalTime": instant(at), "utcOffset": duration(offset)}


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="auto") + "Z"
