"""People of the stand-in: what their trackers, scales and diaries hold, and a seeded one who has everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Literal

TOKYO = timedelta(hours=9)


@dataclass(frozen=True)
class HealthDay:
    """What a tracker knows of one civil day; None where it knows nothing.

    `zone_minutes` are minutes in each heart-rate zone (LIGHT, MODERATE, VIGOROUS, PEAK), `heart_rate_bpm` lowest,
    mean and highest; `utc_offset` is where the person was that day. A float may be NaN, as on the wire.
    """

    date: date
    steps: int | None = None
    active_minutes: int | None = None
    calories_kcal: float | None = None
    resting_heart_rate_bpm: int | None = None
    hrv_ms: float | None = None
    distance_km: float | None = None
    floors: int | None = None
    sedentary_minutes: int | None = None
    zone_minutes: Mapping[str, int] | None = None
    heart_rate_bpm: tuple[float, float, float] | None = None
    spo2_pct: float | None = None
    breathing_rate_per_minute: float | None = None
    skin_temperature_celsius: float | None = None
    skin_baseline_celsius: float | None = None
    weight_kg: float | None = None
    utc_offset: timedelta = TOKYO


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
    device: str = ""

    @property
    def civil_end(self) -> datetime:
        """When it ended by the clock on the wall (without a zone)."""
        return self.end.astimezone(UTC).replace(tzinfo=None) + self.end_utc_offset


@dataclass(frozen=True)
class Workout:
    """An exercise: instants in UTC, and where the person was."""

    exercise_id: str
    start: datetime
    end: datetime
    utc_offset: timedelta
    exercise_type: str
    display_name: str
    kcal: float
    steps: int
    distance_km: float | None = None
    heart_rate_bpm: int | None = None


@dataclass(frozen=True)
class LoggedMood:
    """A mood that the person logged, and whether it was PLEASANT, BASELINE or UNPLEASANT."""

    at: datetime
    utc_offset: timedelta
    labels: Sequence[str]
    valence: str


@dataclass(frozen=True)
class HealthPerson:
    """A person of the stand-in, known by a bearer token. A night given twice is served twice.

    With several `devices` a list gives each daily and sampled point once a device; reconcile gives it once.
    """

    user_id: str
    access_token: str
    days: Mapping[date, HealthDay]
    nights: Sequence[Night]
    workouts: Sequence[Workout] = ()
    moods: Sequence[LoggedMood] = ()
    devices: Sequence[str] = field(default=("Charge 6",))


def seeded_person(
    user_id: str, access_token: str, dates: Iterable[date], *, seed: int = 1, offset: timedelta = TOKYO
) -> HealthPerson:
    """A person who has something of everything on each of the days; equal arguments give equal people.

    One night in the middle stands there twice, and a second device slept beside on another.
    """
    held = sorted(dates)
    days = {day: _day(Random(f"{seed}/{user_id}/{day}"), day, offset) for day in held}  # noqa: S311
    nights = [_night(day, offset) for day in held]
    middle = len(nights) // 2
    beside = _night(held[middle - 1], offset, device="Pixel Watch", late=timedelta(minutes=20))
    return HealthPerson(
        user_id,
        access_token,
        days,
        [*nights, nights[middle], beside],
        workouts=[_workout(day, offset) for day in held[::3]],
        moods=[_mood(day, offset) for day in held[::4]],
        devices=("Charge 6", "Pixel Watch"),
    )


def _day(draw: Random, day: date, offset: timedelta) -> HealthDay:
    steps = draw.randint(2500, 14000)
    mean = draw.uniform(66, 80)
    return HealthDay(
        day,
        steps,
        active_minutes=steps // 200,
        calories_kcal=round(1500 + steps * 0.045, 2),
        resting_heart_rate_bpm=draw.randint(55, 66),
        hrv_ms=round(draw.uniform(30, 60), 1),
        distance_km=round(steps * 0.00071, 3),
        floors=draw.randint(0, 20),
        sedentary_minutes=draw.randint(500, 760),
        zone_minutes={"LIGHT": steps // 60, "MODERATE": steps // 400, "VIGOROUS": steps // 900, "PEAK": 0},
        heart_rate_bpm=(round(mean - 20, 1), round(mean, 2), round(mean + 60, 1)),
        spo2_pct=round(draw.uniform(94, 98), 1),
        breathing_rate_per_minute=round(draw.uniform(13, 17), 1),
        skin_temperature_celsius=round(draw.uniform(33.4, 34.4), 2),
        skin_baseline_celsius=33.9,
        weight_kg=round(draw.uniform(61, 62), 1),
        utc_offset=offset,
    )


def _night(day: date, offset: timedelta, *, device: str = "", late: timedelta = timedelta(0)) -> Night:
    """Sleep from 23:10 to 6:50 by the wall clock, an hour and a half of each kind."""
    start = datetime.combine(day, time(6, 50), UTC) - offset - timedelta(hours=7, minutes=40) + late
    stages, at = [], start
    for kind, minutes in (("AWAKE", 12), ("LIGHT", 200), ("DEEP", 90), ("REM", 95), ("LIGHT", 63)):
        stages.append((kind, at, at + timedelta(minutes=minutes)))
        at = stages[-1][2]
    name = f"night-{day}" + (f"-{device.replace(' ', '-').lower()}" if device else "")
    return Night(name, start, at, offset, offset, "STAGES", True, stages, device)


def _workout(day: date, offset: timedelta) -> Workout:
    start = datetime.combine(day, time(18, 5), UTC) - offset
    end = start + timedelta(minutes=42)
    return Workout(f"walk-{day}", start, end, offset, "WALKING", "Walk", 210.5, 4300, 3.1, 118)


def _mood(day: date, offset: timedelta) -> LoggedMood:
    return LoggedMood(datetime.combine(day, time(21, 30), UTC) - offset, offset, ("CALM", "CONTENT"), "PLEASANT")
