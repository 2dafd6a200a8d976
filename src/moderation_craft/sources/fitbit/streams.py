"""The data types of the Google Health API v4 that are asked for: path, method, filter, limits, unit, scope.

Paths, members and limits are those of the discovery document (health.v4.json, checked by tests). Where several
devices hold the same hour twice, `reconcile` and `dailyRollUp` give what the app shows; `moods` are only listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from moderation_craft.sources.contract import Stream

Method = Literal["list", "reconcile", "dailyRollUp"]

SCOPES = "https://www.googleapis.com/auth/googlehealth."
ACTIVITY = SCOPES + "activity_and_fitness.readonly"
METRICS = SCOPES + "health_metrics_and_measurements.readonly"
SLEEP = SCOPES + "sleep.readonly"
MINDFULNESS = SCOPES + "mindfulness.readonly"
ALL_SCOPES = (SLEEP, ACTIVITY, METRICS, MINDFULNESS)

YEAR_DAYS = 366
LONG_ROLL_UP_DAYS, SHORT_ROLL_UP_DAYS = 90, 14
POINTS_MOST, SESSIONS_MOST = 10_000, 25
INTRADAY_DAYS = 7
INTRADAY = "heart-rate-intraday"


@dataclass(frozen=True)
class HealthStream(Stream):
    """A data type, how it is asked for, and under which scope it is given.

    A list or reconcile has no documented window: a year at once, page by page. It is filtered by `filter_member`;
    a dailyRollUp takes a range instead. `field` is the point's own name in an answer.
    """

    method: Method = "reconcile"
    filter_member: str = ""
    scope: str = ""
    open_days: int = 7  # a tracker that was out of reach brings its days late

    @property
    def field(self) -> str:
        first, *rest = self.path.split("-")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def list_name(self) -> str:
        return "rollupDataPoints" if self.method == "dailyRollUp" else "dataPoints"


def _total(name: str, days: int, unit: str, description: str, *, entity: str = "activity") -> HealthStream:
    """A day's total over all devices."""
    return HealthStream(
        name,
        days,
        description=description,
        path=name,
        key="civilStartTime",
        page_size=days,
        unit=unit,
        entity=entity,
        method="dailyRollUp",
        scope=METRICS if entity == "vitals" else ACTIVITY,
    )


def _vital(name: str, unit: str, description: str) -> HealthStream:
    """One point a day, made from the night."""
    return HealthStream(
        name,
        YEAR_DAYS,
        description=description,
        path=name,
        page_size=POINTS_MOST,
        unit=unit,
        entity="vitals",
        filter_member=f"{name.replace('-', '_')}.date",
        scope=METRICS,
    )


STREAMS: tuple[HealthStream, ...] = (
    HealthStream(
        "sleep",
        YEAR_DAYS,
        description="sleep logs (main sleep and naps) that ended that day, with their stages",
        path="sleep",
        key="interval",
        page_size=SESSIONS_MOST,
        unit="minutes",
        entity="sleep",
        filter_member="sleep.interval.civil_end_time",
        scope=SLEEP,
    ),
    _total("steps", LONG_ROLL_UP_DAYS, "steps", "steps of the day"),
    _total("distance", LONG_ROLL_UP_DAYS, "mm", "distance of the day, in millimetres"),
    _total("floors", LONG_ROLL_UP_DAYS, "floors", "floors climbed"),
    _total("total-calories", SHORT_ROLL_UP_DAYS, "kcal", "energy used, in kilocalories"),
    _total("active-minutes", SHORT_ROLL_UP_DAYS, "minutes", "minutes of light, moderate and vigorous activity"),
    _total("active-zone-minutes", LONG_ROLL_UP_DAYS, "minutes", "active zone minutes by heart-rate zone"),
    _total("sedentary-period", LONG_ROLL_UP_DAYS, "seconds", "time worn without moving"),
    _total("time-in-heart-rate-zone", LONG_ROLL_UP_DAYS, "seconds", "time in each heart-rate zone"),
    _total("calories-in-heart-rate-zone", SHORT_ROLL_UP_DAYS, "kcal", "energy used in each heart-rate zone"),
    _total("heart-rate", SHORT_ROLL_UP_DAYS, "beats/min", "lowest, mean and highest heart rate", entity="vitals"),
    _vital("daily-resting-heart-rate", "beats/min", "resting heart rate, in beats per minute"),
    _vital("daily-heart-rate-variability", "ms", "heart rate variability (RMSSD), in milliseconds"),
    _vital("daily-oxygen-saturation", "%", "blood oxygen saturation in sleep, in percent"),
    _vital("daily-respiratory-rate", "breaths/min", "breathing rate in the main sleep, in breaths per minute"),
    _vital("daily-sleep-temperature-derivations", "°C", "skin temperature in sleep and its baseline"),
    HealthStream(
        "weight",
        YEAR_DAYS,
        description="body weight as measured, in grams",
        path="weight",
        key="sampleTime",
        page_size=POINTS_MOST,
        unit="g",
        entity="vitals",
        filter_member="weight.sample_time.civil_time",
        scope=METRICS,
    ),
    HealthStream(
        "exercise",
        YEAR_DAYS,
        description="exercises that began that day",
        path="exercise",
        key="interval",
        page_size=SESSIONS_MOST,
        entity="activity",
        filter_member="exercise.interval.civil_start_time",
        scope=ACTIVITY,
    ),
    HealthStream(
        "moods",
        YEAR_DAYS,
        description="moods that the person logged: labels and whether they are pleasant",
        path="moods",
        key="sampleTime",
        page_size=POINTS_MOST,
        entity="mood",
        method="list",
        filter_member="moods.sample_time.civil_time",
        scope=MINDFULNESS,
    ),
)

OPTIONAL_STREAMS: tuple[HealthStream, ...] = (
    HealthStream(
        INTRADAY,
        INTRADAY_DAYS,
        description="every heart-rate measurement of the day; large: some ten thousand a day",
        path="heart-rate",
        key="sampleTime",
        page_size=POINTS_MOST,
        unit="beats/min",
        entity="vitals",
        is_optional=True,
        filter_member="heart_rate.sample_time.civil_time",
        scope=METRICS,
    ),
)
