"""What the tracker and the scale know, for the Google Health stand-in.

Steps, active minutes, calories, resting heart rate, variability and sleep carry the planted truths (demo/days.py);
what is made here hangs on steps or on nothing but the person, so that it neither adds to them nor takes away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from moderation_craft.demo.chance import Chance, clamp
from moderation_craft.demo.days import Day
from moderation_craft.demo.nights import SleepLog
from moderation_craft.demo.truths import FEVER_STEPS
from moderation_craft.sources.fitbit.stand_in import HealthDay, HealthPerson, LoggedMood, Night, Workout

BASELINE_DAYS = 30
WORKOUT_STEPS, WORKOUT_SHARE = 6000, 0.4
MOOD_SHARE = 0.12
PLEASANT_FROM, UNPLEASANT_BELOW = 6.2, 4.8
FEVER_SKIN_CELSIUS, FEVER_BREATHS = 1.3, 2.5


@dataclass(frozen=True)
class _Kit:
    """What a person owns: not every tracker has every sensor, and not everybody a scale."""

    name: str
    has_floors: bool = True
    has_oxygen: bool = True
    has_skin_temperature: bool = True
    has_scale: bool = False


_KITS = (
    _Kit("Sense 2", has_scale=True),
    _Kit("Charge 6", has_floors=False, has_scale=True),
    _Kit("Inspire 3", has_floors=False, has_skin_temperature=False),
    _Kit("Pixel Watch 3"),
    _Kit("Luxe", has_floors=False, has_oxygen=False, has_skin_temperature=False),
)


@dataclass(frozen=True)
class _Series:
    """A person's slow figures, day by day."""

    heart_rate: list[float]
    oxygen: list[float]
    breathing: list[float]
    skin: list[float]
    weight: list[float]


def health_person(chance: Chance, user_id: str, access_token: str, days: Sequence[Day]) -> HealthPerson:
    """Days and nights on which the device was worn; one night in the middle stands there twice."""
    worn = [day for day in days if day.is_worn]
    nights = [_night(log) for day in worn for log in (day.night, day.nap) if log is not None]
    kit = chance.on("kit").choice(_KITS)
    series = _draw(chance, len(days))
    numbers = {day.date: number for number, day in enumerate(days)}
    return HealthPerson(
        user_id=user_id,
        access_token=access_token,
        days={day.date: _health_day(chance, kit, series, numbers[day.date], day) for day in worn},
        nights=[*nights, _night(repeated_night(days))],
        workouts=[walk for day in worn if (walk := _workout(chance.on("workout", day.date), day))],
        moods=[mood for day in worn if (mood := _mood(chance.on("mood", day.date), day))],
        devices=(kit.name,),
    )


def repeated_night(days: Sequence[Day]) -> SleepLog:
    """The main night that real archives hold twice under one log id."""
    worn = [day for day in days if day.is_worn]
    return worn[len(worn) // 2].night


def _draw(chance: Chance, length: int) -> _Series:
    weight = chance.on("weight").uniform(52, 78)
    breathing = chance.on("breathing").uniform(13.2, 16.4)
    return _Series(
        heart_rate=chance.on("heart rate").ar1(length, 0.3, 2.2),
        oxygen=[96.2 + noise for noise in chance.on("oxygen").ar1(length, 0.2, 0.6)],
        breathing=[breathing + noise for noise in chance.on("breathing").ar1(length, 0.5, 0.35)],
        skin=chance.on("skin").ar1(length, 0.4, 0.25),
        weight=[weight + noise for noise in chance.on("weight").ar1(length, 0.97, 0.8)],
    )


def _health_day(chance: Chance, kit: _Kit, series: _Series, number: int, day: Day) -> HealthDay:
    small = chance.on("day", day.date)
    is_ill = day.steps == FEVER_STEPS
    has_stages = day.night.log_type == "STAGES"
    mean = day.resting_heart_rate_bpm + 13 + series.heart_rate[number]
    skin = 33.8 + series.skin[number] + (FEVER_SKIN_CELSIUS if is_ill else 0)
    breaths = series.breathing[number] + (FEVER_BREATHS if is_ill else 0)
    floors = max(0, round(day.steps / 900 + small.noise(2.5)))
    is_weighed = kit.has_scale and small.random() < 0.55
    return HealthDay(
        date=day.date,
        steps=day.steps,
        active_minutes=day.active_minutes,
        calories_kcal=day.calories_kcal,
        resting_heart_rate_bpm=day.resting_heart_rate_bpm,
        hrv_ms=day.hrv_ms,
        distance_km=round(day.steps * 0.00071, 3),
        floors=floors if kit.has_floors else None,
        sedentary_minutes=round(clamp(900 - day.steps * 0.021 + small.noise(35), 240, 1100)),
        zone_minutes=_zones(day),
        heart_rate_bpm=(
            float(day.resting_heart_rate_bpm - small.randint(3, 8)),
            round(mean, 2),
            round(mean + 35 + day.active_minutes * 0.5 + small.uniform(0, 20)),
        ),
        spo2_pct=round(clamp(series.oxygen[number], 90, 99.5), 1) if kit.has_oxygen and has_stages else None,
        breathing_rate_per_minute=round(breaths, 1) if has_stages else None,
        skin_temperature_celsius=round(skin, 2) if kit.has_skin_temperature and has_stages else None,
        skin_baseline_celsius=33.8 if number >= BASELINE_DAYS else None,
        weight_kg=round(series.weight[number], 1) if is_weighed else None,
        utc_offset=day.night.end_utc_offset,
    )


def _zones(day: Day) -> dict[str, int]:
    """Minutes by heart-rate zone: the active ones, the hard third of them as vigorous."""
    vigorous = day.active_minutes // 3
    return {
        "LIGHT": day.steps // 60,
        "MODERATE": day.active_minutes - vigorous,
        "VIGOROUS": vigorous,
        "PEAK": vigorous // 8,
    }


def _workout(chance: Chance, day: Day) -> Workout | None:
    """A walk after work on some of the days with steps enough for it."""
    if day.steps < WORKOUT_STEPS or chance.random() >= WORKOUT_SHARE:
        return None
    minutes = chance.randint(22, 55)
    offset = day.night.end_utc_offset
    start = datetime.combine(day.date, time(17, 30), UTC) - offset + timedelta(minutes=chance.randint(0, 90))
    steps = min(minutes * 104, day.steps - 1000)
    return Workout(
        exercise_id=str(chance.randrange(30_000_000_000, 60_000_000_000)),
        start=start,
        end=start + timedelta(minutes=minutes),
        utc_offset=offset,
        exercise_type="WALKING",
        display_name="Walk",
        kcal=round(minutes * 5.1, 1),
        steps=steps,
        distance_km=round(steps * 0.00071, 3),
        heart_rate_bpm=round(day.resting_heart_rate_bpm + 45 + chance.noise(4)),
    )


def _mood(chance: Chance, day: Day) -> LoggedMood | None:
    """Once in a while the evening's mood, in the tracker's app: it says what the day's mood was."""
    if chance.random() >= MOOD_SHARE:
        return None
    labels: tuple[str, ...] = ("NEUTRAL",)
    valence = "BASELINE"
    if day.mood >= PLEASANT_FROM:
        labels, valence = ("HAPPY", "CONTENT"), "PLEASANT"
    elif day.mood < UNPLEASANT_BELOW:
        labels, valence = ("DRAINED",), "UNPLEASANT"
    offset = day.night.end_utc_offset
    at = datetime.combine(day.date, time(20, 45), UTC) - offset + timedelta(minutes=chance.randint(0, 60))
    return LoggedMood(at, offset, labels, valence)


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
