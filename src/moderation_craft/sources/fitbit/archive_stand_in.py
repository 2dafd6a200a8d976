"""Writes people of the stand-in as Google and Fitbit do: Takeout archives, and the old Web API's answers.

Quirks of the old layout: `MM/DD/YY HH:MM:SS`; steps, distance and heart rate in UTC without saying so, calories by
the wall clock; values as text, weight in pounds; months padded with days to come (resting heart rate 0, all day
sedentary); repeated logs; `2019-11-02 00:09:30` beside `2019-11-02T00:09:30.000`.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from moderation_craft.sources.fitbit.stand_in_people import HealthDay, HealthPerson, Night, Workout

OLD: Final = "Fitbit/Global Export Data"
FILE_DAYS: Final = 30
PADDED_DAYS: Final = 10
POUND_KG: Final = 0.45359237
_STAGES: Final = {
    "AWAKE": "wake",
    "LIGHT": "light",
    "DEEP": "deep",
    "REM": "rem",
    "ASLEEP": "asleep",
    "RESTLESS": "restless",
}


def write_zip(path: Path, files: Iterator[tuple[str, bytes]] | Mapping[str, bytes], top: str = "Takeout") -> Path:
    """The files as a zip below one folder, whose name Google translates."""
    pairs = files.items() if isinstance(files, Mapping) else files
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in pairs:
            archive.writestr(
                zipfile.ZipInfo(f"{top}/{name}", (2026, 10, 6, 13, 6, 44)), content, zipfile.ZIP_DEFLATED
            )
    return path


def write_folder(folder: Path, files: Iterator[tuple[str, bytes]] | Mapping[str, bytes]) -> Path:
    for name, content in files.items() if isinstance(files, Mapping) else files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def profile(timezone: str) -> tuple[str, bytes]:
    columns = ["id", "full_name", "timezone", "weight_unit"]
    return "Fitbit/Your Profile/Profile.csv", csv_bytes(columns, [["ABC123", "Mina", timezone, "METRIC"]])


def old_layout(
    person: HealthPerson, timezone: str, *, beats_every_seconds: int = 60
) -> Iterator[tuple[str, bytes]]:
    """Global Export Data: a JSON file of each kind for 30 days, heart rate by the day."""
    yield profile(timezone)
    yield "Fitbit/Global Export Data README.txt", b"What these files are.\n"
    days = [person.days[day] for day in sorted(person.days)]
    for first, held in files_of(days):
        yield f"{OLD}/steps-{first}.json", json_bytes(minutes_of(held, timezone, "steps", 1))
        yield f"{OLD}/distance-{first}.json", json_bytes(minutes_of(held, timezone, "distance_km", 100_000))
        yield f"{OLD}/calories-{first}.json", json_bytes(_wall_hours(held, timezone))
        for name, number in _LEVELS.items():
            yield (
                f"{OLD}/{name}-{first}.json",
                json_bytes(_padded(held, number, 1440 if "sedentary" in name else 0)),
            )
        weights = [_weight(day) for day in held if day.weight_kg is not None]
        if weights:
            yield f"{OLD}/weight-{first}.json", json_bytes(weights)
        yield f"{OLD}/resting_heart_rate-{first}.json", json_bytes(_resting(held))
    for day in days:
        if day.heart_rate_bpm is not None:
            yield f"{OLD}/heart_rate-{day.date}.json", json_bytes(_beats(day, timezone, beats_every_seconds))
    for first, nights in _nights_by_file(person.nights):
        yield f"{OLD}/sleep-{first}.json", json_bytes([sleep_log(night, takeout=True) for night in nights])
    if person.workouts:
        yield f"{OLD}/exercise-0.json", json_bytes([_exercise(workout) for workout in person.workouts])


def legacy_answers(person: HealthPerson) -> Iterator[tuple[str, bytes]]:
    """What /1.2/user/-/sleep/date/… and its kin answered: a file a kind and month, and a summary for each day."""
    days = [person.days[day] for day in sorted(person.days)]
    for first, nights in _nights_by_file(person.nights):
        last = nights[-1].civil_end.date()
        logs = [sleep_log(night, takeout=False) for night in reversed(nights)]
        yield f"sleep-date-{first}-{last}.json", json_bytes({"sleep": logs})
    for first, held in files_of(days):
        for resource, field in (("steps", "steps"), ("distance", "distance_km"), ("calories", "calories_kcal")):
            told = [
                {"dateTime": str(day.date), "value": str(getattr(day, field))}
                for day in held
                if getattr(day, field) is not None
            ]
            yield f"activities-{resource}-{first}.json", json_bytes({f"activities-{resource}": told})
        resting = [
            {"dateTime": str(day.date), "value": {"restingHeartRate": day.resting_heart_rate_bpm}}
            for day in held
            if day.resting_heart_rate_bpm is not None
        ]
        yield f"heart-{first}.json", json_bytes({"activities-heart": resting})
        hrv = [
            {"dateTime": str(day.date), "value": {"dailyRmssd": day.hrv_ms, "deepRmssd": day.hrv_ms}}
            for day in held
            if day.hrv_ms is not None
        ]
        yield f"hrv-{first}.json", json_bytes({"hrv": hrv})


def sleep_log(night: Night, *, takeout: bool) -> dict[str, Any]:
    """A sleep log by the wall clock, without a zone."""
    minutes: dict[str, int] = {}
    for kind, begun, ended in night.stages:
        minutes[kind] = minutes.get(kind, 0) + int((ended - begun).total_seconds())
    minutes = {kind: seconds // 60 for kind, seconds in minutes.items()}
    offset = night.start_utc_offset
    names = _STAGES if night.log_type == "STAGES" else _STAGES | {"AWAKE": "awake"}
    levels = [
        {
            "dateTime": _wall(begun, offset).isoformat(timespec="milliseconds"),
            "level": names[kind],
            "seconds": int((ended - begun).total_seconds()),
        }
        for kind, begun, ended in night.stages
    ]
    in_bed = int((night.end - night.start).total_seconds()) // 60
    # Old logs put a space where later ones put a T.
    start, end = _wall(night.start, offset), night.civil_end
    return {
        "logId": _log_number(night.log_id),
        "dateOfSleep": str(end.date()),
        "startTime": start.isoformat(timespec="milliseconds") if night.log_type == "STAGES" else f"{start}",
        "endTime": end.isoformat(timespec="milliseconds") if night.log_type == "STAGES" else f"{end}",
        "duration": int((night.end - night.start).total_seconds()) * 1000,
        "minutesAsleep": sum(minutes.get(kind, 0) for kind in ("LIGHT", "DEEP", "REM", "ASLEEP")),
        "minutesAwake": minutes.get("AWAKE", 0),
        "timeInBed": in_bed,
        "type": night.log_type.lower(),
        "mainSleep" if takeout else "isMainSleep": night.is_main,
        "levels": {
            "summary": {names[kind]: {"count": 1, "minutes": count} for kind, count in sorted(minutes.items())},
            "data": levels,
        },
    }


def _log_number(log_id: str) -> int | str:
    return int(log_id) if log_id.isdigit() else log_id


def _wall(moment: datetime, offset: timedelta) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) + offset


def _us(moment: datetime) -> str:
    return f"{moment:%m/%d/%y %H:%M:%S}"


def files_of(days: Sequence[HealthDay]) -> Iterator[tuple[date, list[HealthDay]]]:
    for at in range(0, len(days), FILE_DAYS):
        yield days[at].date, list(days[at : at + FILE_DAYS])


def _nights_by_file(nights: Sequence[Night]) -> Iterator[tuple[date, list[Night]]]:
    ordered = sorted(nights, key=lambda night: night.start)
    for at in range(0, len(ordered), FILE_DAYS):
        yield ordered[at].civil_end.date(), ordered[at : at + FILE_DAYS]


def instants(day: date, timezone: str) -> Iterator[datetime]:
    """Every minute of a civil day, in UTC: 23, 24 or 25 hours of them."""
    there = ZoneInfo(timezone)
    at, end = (datetime.combine(on, time(), there).astimezone(UTC) for on in (day, day + timedelta(days=1)))
    while at < end:
        yield at
        at += timedelta(minutes=1)


def minutes_of(days: Sequence[HealthDay], timezone: str, field: str, factor: float) -> list[dict[str, str]]:
    """A day's total over the minutes of its waking hours, in UTC; whole numbers add up to the total."""
    told = []
    for day in days:
        total = getattr(day, field)
        if total is None:
            continue
        whole_day = list(instants(day.date, timezone))
        chosen = sorted({whole_day[0], *whole_day[len(whole_day) // 3 :: 7], whole_day[-1]})
        whole = round(total * factor)
        share, rest = divmod(whole, len(chosen))
        told += [{"dateTime": _us(at), "value": str(share + (number < rest))} for number, at in enumerate(chosen)]
    return told


def _wall_hours(days: Sequence[HealthDay], timezone: str) -> list[dict[str, str]]:
    """A day's energy by the wall clock: an hour that comes twice stands there twice, a skipped one not at all."""
    told = []
    for day in days:
        if day.calories_kcal is None:
            continue
        hours = list(instants(day.date, timezone))[::60]
        share, rest = divmod(round(day.calories_kcal * 100), len(hours))
        there = ZoneInfo(timezone)
        told += [
            {"dateTime": _us(hour.astimezone(there)), "value": f"{(share + (number < rest)) / 100:.2f}"}
            for number, hour in enumerate(hours)
        ]
    return told


def _level(day: HealthDay, level: str) -> int | None:
    """As the Google Health stand-in splits a day's active minutes."""
    if level == "sedentary":
        return day.sedentary_minutes
    if day.active_minutes is None:
        return None
    vigorous = day.active_minutes // 3
    return {
        "light": (day.steps or 0) // 60,
        "moderate": day.active_minutes - vigorous,
        "vigorous": vigorous,
    }[level]


_LEVELS: Final = {
    "sedentary_minutes": "sedentary",
    "lightly_active_minutes": "light",
    "moderately_active_minutes": "moderate",
    "very_active_minutes": "vigorous",
}


def _padded(days: Sequence[HealthDay], level: str, filler: int) -> list[dict[str, str]]:
    told = [
        {"dateTime": _us(datetime.combine(day.date, time())), "value": str(_level(day, level) or 0)}
        if _level(day, level) is not None
        else {"dateTime": _us(datetime.combine(day.date, time())), "value": str(filler)}
        for day in days
    ]
    end = days[-1].date
    to_come = [datetime.combine(end + timedelta(days=number), time()) for number in range(1, PADDED_DAYS + 1)]
    return told + [{"dateTime": _us(day), "value": str(filler)} for day in to_come]


def _resting(days: Sequence[HealthDay]) -> list[dict[str, Any]]:
    return [
        {
            "dateTime": _us(datetime.combine(day.date, time())),
            "value": {"date": f"{day.date:%m/%d/%y}", "value": float(day.resting_heart_rate_bpm), "error": 6.1}
            if day.resting_heart_rate_bpm is not None
            else {"date": None, "value": 0.0, "error": 0.0},
        }
        for day in days
    ]


def _weight(day: HealthDay) -> dict[str, Any]:
    pounds = (day.weight_kg or 0) / POUND_KG
    return {
        "logId": 1,
        "weight": pounds,
        "bmi": 21.5,
        "date": f"{day.date:%m/%d/%y}",
        "time": "07:05:00",
        "source": "Aria",
    }


def _beats(day: HealthDay, timezone: str, every_seconds: int) -> list[dict[str, Any]]:
    low, _, high = day.heart_rate_bpm or (60, 70, 80)
    told = []
    for number, minute in enumerate(instants(day.date, timezone)):
        for second in range(number * 60 % every_seconds, 60, every_seconds):
            bpm = round(low + (high - low) * ((number * 37 + second) % 101) / 100)
            at = minute + timedelta(seconds=second)
            told.append({"dateTime": _us(at), "value": {"bpm": bpm, "confidence": 2}})
    return told


def _exercise(workout: Workout) -> dict[str, Any]:
    milliseconds = int((workout.end - workout.start).total_seconds()) * 1000
    return {
        "logId": _log_number(workout.exercise_id),
        "activityName": workout.display_name,
        "averageHeartRate": workout.heart_rate_bpm,
        "calories": workout.kcal,
        "duration": milliseconds,
        "activeDuration": milliseconds,
        "steps": workout.steps,
        "logType": "auto_detected",
        "startTime": _us(workout.start.astimezone(UTC)),
        **(
            {"distance": workout.distance_km, "distanceUnit": "Kilometer"}
            if workout.distance_km is not None
            else {}
        ),
    }


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, indent=2, separators=(",", " : ")).encode()


def csv_bytes(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
