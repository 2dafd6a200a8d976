"""A person's days as they were: sleep, focus, mood, body and the minutes meant for work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from moderation_craft.demo import truths
from moderation_craft.demo.chance import Chance, clamp
from moderation_craft.demo.marks import Marks
from moderation_craft.demo.nights import LogType, SleepLog, lay_stages
from moderation_craft.demo.personas import Persona
from moderation_craft.demo.trips import Trip, utc_offset, wall

_LEAST_WORK_MINUTES = 20


@dataclass(frozen=True)
class Day:
    """One civil day in its zone. `night` is the sleep from which the person woke that day.

    `focus` and `mood` are what entries scatter around; `work_minutes` is what the day's sessions add up to
    unless bedtime comes first. A day not worn or not opened was lived all the same.
    """

    date: date
    timezone: str
    night: SleepLog
    nap: SleepLog | None
    is_worn: bool
    is_app_open: bool
    focus: float
    mood: float
    work_minutes: int
    work_start_minute: int
    midnight_work_minutes: int
    steps: int
    active_minutes: int
    calories_kcal: float
    resting_heart_rate_bpm: int
    hrv_ms: float
    coffee_cups: int
    screen_minutes: int
    had_long_bath: bool


@dataclass(frozen=True)
class _Series:
    """Day by day; `asleep` and `screen` start the day before the first, which lags reach back to."""

    asleep: list[int]
    screen: list[int]
    focus: list[float]
    mood: list[float]
    work: list[float]
    steps: list[float]
    resting_heart_rate: list[float]
    hrv: list[float]
    coffee: list[float]
    bedtime: list[float]


def live(
    chance: Chance, persona: Persona, days: Sequence[date], zones: Sequence[str], marks: Marks, trip: Trip | None
) -> list[Day]:
    """Every day of the window, in order."""
    series = _draw_series(chance, persona, days, trip)
    return [_day(chance, persona, days, zones, marks, trip, series, index) for index in range(len(days))]


def _day(
    chance: Chance,
    persona: Persona,
    days: Sequence[date],
    zones: Sequence[str],
    marks: Marks,
    trip: Trip | None,
    series: _Series,
    index: int,
) -> Day:
    day, zone, small = days[index], zones[index], chance.on("small", index)
    shift = truths.HABIT_SHIFT_MINUTES if day >= marks.habit_changed_on else 0
    midnight_work = small.randint(35, 60) if day in marks.midnight_work else 0
    night = _night(
        chance.on("night", index),
        persona.bedtime_minute + shift + series.bedtime[index],
        series.asleep[index + 1],
        day,
        (zones[max(0, index - 1)], zone),
        trip,
        log_type="CLASSIC" if day in marks.classic else "STAGES",
        not_before_minute=10 + midnight_work + 25 if midnight_work else -720,
    )
    steps = _steps(persona, day, series.steps[index], is_ill=day == marks.fever)
    focus = _focus(persona, series, index)
    rhr, hrv = _heart(persona, series, index, is_ill=day == marks.fever)
    is_edge = index in (0, len(days) - 1)
    cups = truths.COFFEE_WEEKEND_CUPS if day.weekday() >= 5 else truths.COFFEE_WORKDAY_CUPS
    return Day(
        date=day,
        timezone=zone,
        night=night,
        nap=_nap(chance.on("nap", index), day, zone) if day in marks.naps else None,
        is_worn=day not in marks.device_not_worn,
        is_app_open=day not in marks.app_not_opened,
        focus=focus,
        mood=truths.MOOD_MEAN
        + truths.MOOD_PER_FOCUS * (focus - truths.FOCUS_MEAN)
        + truths.MOOD_PER_1000_STEPS * (steps - persona.steps) / 1000
        + series.mood[index],
        work_minutes=_work_minutes(persona, day, series.work[index], marks, trip, must_work=is_edge),
        work_start_minute=round(persona.work_start_minute + shift + small.noise(12)),
        midnight_work_minutes=midnight_work,
        steps=steps,
        active_minutes=max(0, round(steps * 0.0045 + small.noise(6))),
        calories_kcal=round(1450 + steps * 0.045 + small.noise(60), 1),
        resting_heart_rate_bpm=rhr,
        hrv_ms=hrv,
        coffee_cups=max(0, round(cups + series.coffee[index])),
        screen_minutes=series.screen[index + 1],
        had_long_bath=small.random() < truths.LONG_BATH_SHARE,
    )


def _focus(persona: Persona, series: _Series, index: int) -> float:
    """The day's focus from last night and the night before."""
    hours_over = (series.asleep[index + 1] - persona.sleep_minutes) / 60
    hours_over_before = (series.asleep[index] - persona.sleep_minutes) / 60
    return (
        truths.FOCUS_MEAN
        + truths.FOCUS_PER_SLEEP_HOUR_LAG0 * hours_over
        + truths.FOCUS_PER_SLEEP_HOUR_LAG1 * hours_over_before
        + series.focus[index]
    )


def _steps(persona: Persona, day: date, noise: float, *, is_ill: bool) -> int:
    if is_ill:
        return truths.FEVER_STEPS
    return round(max(400.0, persona.steps + truths.STEPS_WEEKDAY[day.weekday()] + noise))


def _heart(persona: Persona, series: _Series, index: int, *, is_ill: bool) -> tuple[int, float]:
    """Resting heart rate (bpm) and heart-rate variability (ms)."""
    hours_over = (series.asleep[index + 1] - persona.sleep_minutes) / 60
    rate = persona.resting_heart_rate_bpm + truths.RHR_PER_SLEEP_HOUR * hours_over
    variability = max(8.0, persona.hrv_ms + truths.HRV_PER_SLEEP_HOUR * hours_over + series.hrv[index])
    if is_ill:
        rate, variability = rate + truths.FEVER_EXTRA_RHR_BPM, variability * truths.FEVER_HRV_FACTOR
    return round(rate + series.resting_heart_rate[index]), round(variability, 1)


def _draw_series(chance: Chance, persona: Persona, days: Sequence[date], trip: Trip | None) -> _Series:
    def draw(topic: str, phi: float, sd: float, extra_days: int = 0) -> list[float]:
        return chance.on(topic).ar1(len(days) + extra_days, phi, sd)

    screen_noise = draw("screen", truths.SCREEN_AR1_PHI, truths.SCREEN_AR1_SD, 1)
    screen = [max(0, round(truths.SCREEN_MEAN_MINUTES + noise)) for noise in screen_noise]
    sleep_noise = draw("sleep", truths.SLEEP_AR1_PHI, truths.SLEEP_AR1_SD, 1)
    return _Series(
        asleep=_asleep(persona, days, trip, sleep_noise, screen),
        screen=screen,
        focus=draw("focus", truths.FOCUS_AR1_PHI, truths.FOCUS_AR1_SD),
        mood=draw("mood", truths.MOOD_AR1_PHI, truths.MOOD_AR1_SD),
        work=draw("work", truths.WORK_AR1_PHI, truths.WORK_AR1_SD),
        steps=draw("steps", truths.STEPS_AR1_PHI, truths.STEPS_AR1_SD),
        resting_heart_rate=draw("rhr", truths.RHR_AR1_PHI, truths.RHR_AR1_SD),
        hrv=draw("hrv", truths.HRV_AR1_PHI, truths.HRV_AR1_SD),
        coffee=draw("coffee", truths.COFFEE_AR1_PHI, truths.COFFEE_AR1_SD),
        bedtime=draw("bedtime", truths.BEDTIME_AR1_PHI, truths.BEDTIME_AR1_SD),
    )


def _asleep(
    persona: Persona, days: Sequence[date], trip: Trip | None, noise: Sequence[float], screen: Sequence[int]
) -> list[int]:
    """Minutes asleep by day of waking, from the day before the first on."""
    asleep = []
    for index in range(len(days) + 1):
        day = days[0] + timedelta(days=index - 1)
        minutes = persona.sleep_minutes + noise[index]
        minutes += truths.SLEEP_WEEKEND_MINUTES if day.weekday() >= 5 else 0
        if index:
            over = screen[index - 1] - truths.SCREEN_MEAN_MINUTES
            minutes += truths.SLEEP_PER_SCREEN_MINUTE_LAG1 * over
        if trip and day == trip.returns_on:
            minutes = truths.PLANE_NIGHT_MINUTES
        asleep.append(round(clamp(minutes, 210, 600)))
    return asleep


def _work_minutes(
    persona: Persona, day: date, noise: float, marks: Marks, trip: Trip | None, *, must_work: bool
) -> int:
    if day == marks.fever:
        return 0
    minutes = persona.work_weekday_minutes[day.weekday()] + noise
    if day == marks.deadline:
        minutes = persona.work_weekday_minutes[day.weekday()] + truths.DEADLINE_EXTRA_MINUTES
    if trip and day in trip.travel_days:
        minutes = min(minutes, 75)
    if must_work:
        minutes = max(minutes, 90)
    return round(minutes) if minutes >= _LEAST_WORK_MINUTES else 0


def _night(
    chance: Chance,
    bed_minute: float,
    asleep: int,
    day: date,
    zones: tuple[str, str],
    trip: Trip | None,
    *,
    log_type: LogType,
    not_before_minute: int,
) -> SleepLog:
    """The main sleep that ends on `day`; zones are where it began and where it ended."""
    awake = max(8, round(asleep * chance.uniform(0.06, 0.15)))
    began_in, ended_in = zones
    length = timedelta(minutes=asleep + awake)
    if trip and day == trip.returns_on:
        is_far_west = utc_offset(wall(day, 0, began_in), began_in) < timedelta(hours=-2)
        end = wall(day, 13 * 60 if is_far_west else 7 * 60, ended_in)
        start, log_type = end - length, "CLASSIC"
    else:
        # The morning of departure still happens at home.
        ended_in = began_in if trip and day == trip.leaves_on else ended_in
        earliest_end = wall(day, 4 * 60, ended_in)
        start = wall(day, max(bed_minute, not_before_minute), ended_in)
        start = max(start, earliest_end - length)
        if trip and day == trip.last_day_away:
            # Up early for the flight: at 10:00 in New York the next day begins at home.
            start = min(start, wall(day, 7 * 60, ended_in) - length)
        began_in = ended_in
    return SleepLog(
        log_id=str(chance.randrange(30_000_000_000, 60_000_000_000)),
        start=start,
        end=start + length,
        start_utc_offset=utc_offset(start, began_in),
        end_utc_offset=utc_offset(start + length, ended_in),
        log_type=log_type,
        is_main=True,
        minutes_asleep=asleep,
        stages=lay_stages(chance, start, asleep, awake, log_type),
    )


def _nap(chance: Chance, day: date, timezone: str) -> SleepLog:
    asleep, awake = chance.randint(15, 45), chance.randint(1, 6)
    start = wall(day, chance.randint(13 * 60 + 30, 15 * 60), timezone)
    end = start + timedelta(minutes=asleep + awake)
    return SleepLog(
        log_id=str(chance.randrange(30_000_000_000, 60_000_000_000)),
        start=start,
        end=end,
        start_utc_offset=utc_offset(start, timezone),
        end_utc_offset=utc_offset(end, timezone),
        log_type="CLASSIC",
        is_main=False,
        minutes_asleep=asleep,
        stages=lay_stages(chance, start, asleep, awake, "CLASSIC"),
    )
