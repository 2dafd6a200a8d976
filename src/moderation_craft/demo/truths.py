"""What is true in the demo data, as figures: a statistical test may check what it finds against this module.

docs/demo.md says the same in words; tests/demo/test_docs.py keeps the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

Known = Literal["effect", "nothing"]


@dataclass(frozen=True)
class Relation:
    """What one more `factor_unit` of the factor does to the outcome, `lag_days` later; 0 where nothing.

    Sleep of a night belongs to the day of waking, so last night against today is lag 0.
    `through` names the measure that passes an indirect effect on.
    """

    factor: str
    outcome: str
    lag_days: int
    size: float
    factor_unit: str
    through: str | None = None

    @property
    def known(self) -> Known:
        return "effect" if self.size else "nothing"


FOCUS_MEAN = 5.4
FOCUS_PER_SLEEP_HOUR_LAG0 = 0.9
FOCUS_PER_SLEEP_HOUR_LAG1 = 0.35
FOCUS_AR1_PHI, FOCUS_AR1_SD = 0.4, 0.6
FOCUS_SESSION_SD = 0.7

SLEEP_WEEKEND_MINUTES = 30.0
SLEEP_AR1_PHI, SLEEP_AR1_SD = 0.3, 42.0
SLEEP_PER_SCREEN_MINUTE_LAG1 = -0.4
SCREEN_MEAN_MINUTES, SCREEN_AR1_PHI, SCREEN_AR1_SD = 80.0, 0.3, 35.0

WORK_AR1_PHI, WORK_AR1_SD = 0.3, 40.0

MOOD_MEAN = 5.6
MOOD_PER_FOCUS = 0.45
MOOD_PER_1000_STEPS = 0.15
MOOD_AR1_PHI, MOOD_AR1_SD = 0.5, 0.6

STEPS_AR1_PHI, STEPS_AR1_SD = 0.25, 1700.0
STEPS_WEEKDAY = (0.0, 0.0, 0.0, 0.0, 0.0, 2200.0, 1200.0)

RHR_PER_SLEEP_HOUR, RHR_AR1_PHI, RHR_AR1_SD = -0.8, 0.6, 1.2
HRV_PER_SLEEP_HOUR, HRV_AR1_PHI, HRV_AR1_SD = 2.0, 0.5, 3.5

COFFEE_WORKDAY_CUPS, COFFEE_WEEKEND_CUPS, COFFEE_AR1_PHI, COFFEE_AR1_SD = 2.6, 1.4, 0.5, 0.9
LONG_BATH_SHARE = 0.4

BEDTIME_AR1_PHI, BEDTIME_AR1_SD = 0.3, 22.0
PLANE_NIGHT_MINUTES = 260
HABIT_SHIFT_MINUTES = -50
DEADLINE_EXTRA_MINUTES = 300
FEVER_EXTRA_RHR_BPM = 15
FEVER_HRV_FACTOR = 0.55
FEVER_STEPS = 700

DEVICE_NOT_WORN_SHARE = 0.04
APP_NOT_OPENED_SHARE = 0.05
NAP_SHARE = 0.08
CLASSIC_SHARE = 0.07
MIDNIGHT_WORK_SHARE = 0.08

RELATIONS: Sequence[Relation] = (
    Relation("sleep_minutes", "focus_level_avg", 0, FOCUS_PER_SLEEP_HOUR_LAG0, "hour asleep"),
    Relation("sleep_minutes", "focus_level_avg", 1, FOCUS_PER_SLEEP_HOUR_LAG1, "hour asleep"),
    Relation("focus_level_avg", "mood_level_avg", 0, MOOD_PER_FOCUS, "focus point"),
    Relation("steps", "mood_level_avg", 0, MOOD_PER_1000_STEPS, "1,000 steps"),
    Relation("sleep_minutes", "resting_heart_rate_bpm", 0, RHR_PER_SLEEP_HOUR, "hour asleep"),
    Relation("sleep_minutes", "hrv_ms", 0, HRV_PER_SLEEP_HOUR, "hour asleep"),
    Relation("evening_screen_minutes", "sleep_minutes", 1, SLEEP_PER_SCREEN_MINUTE_LAG1, "minute"),
    Relation(
        "evening_screen_minutes",
        "focus_level_avg",
        1,
        SLEEP_PER_SCREEN_MINUTE_LAG1 / 60 * FOCUS_PER_SLEEP_HOUR_LAG0,
        "minute",
        through="sleep_minutes",
    ),
    Relation("coffee_cups", "focus_level_avg", 0, 0.0, "cup"),
    Relation("coffee_cups", "mood_level_avg", 0, 0.0, "cup"),
    Relation("long_bath", "sleep_minutes", 1, 0.0, "bath"),
    Relation("pressure_hpa", "mood_level_avg", 0, 0.0, "hPa"),
    Relation("pressure_hpa", "focus_level_avg", 0, 0.0, "hPa"),
)
"""The relations put in. A factor of NULL_FACTORS does nothing to anything at any lag."""

NULL_FACTORS: Sequence[str] = (
    "coffee_cups",
    "long_bath",
    "pressure_hpa",
    "temperature_mean_celsius",
    "humidity_pct",
    "precipitation_mm",
    "daylight_hours",
    "us_aqi",
)


@dataclass(frozen=True)
class Anomaly:
    """One day that stands out: the value put in and what the person's usual day of that weekday would be."""

    date: date
    measure: str
    usual: float
    put_in: float
    cause: str


@dataclass(frozen=True)
class DstChange:
    """The civil day on which the clocks change, and by how much they go forward (negative: back)."""

    date: date
    timezone: str
    forward: timedelta


@dataclass(frozen=True)
class PersonTruths:
    """One person's own truths; dates are civil days in the person's zone."""

    user_id: str
    first_day: date
    last_day: date
    work_weekday_minutes: Sequence[float]
    habit_changed_on: date
    habit_shift_minutes: int
    anomalies: Sequence[Anomaly]
    device_not_worn: frozenset[date]
    app_not_opened: frozenset[date]
    nap_days: frozenset[date]
    classic_nights: frozenset[date]
    midnight_work_days: frozenset[date]
    trip_first: date | None = None
    trip_last: date | None = None
    trip_timezone: str | None = None
    dst_changes: Sequence[DstChange] = ()
    odd_ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Ids of the odd records by kind; see oddities.py."""
