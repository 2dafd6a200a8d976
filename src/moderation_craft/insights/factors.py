"""Which measures may act (factors) and which may be acted on (outcomes), with their units and their kin.

The day's columns that say nothing of their own (parts and sums of others, scores of scores) are left out: every
test more makes a true link harder to find. A person's own measures say in their CSV map what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["factor", "outcome", "both"]


@dataclass(frozen=True)
class Measure:
    """One daily figure; `kin` names what it is computed from or part of: kin are never tested against each other.

    `sql` gives its value from `mart_productivity_daily` where it is not simply the column of that name.
    """

    name: str
    role: Role
    unit: str
    label_en: str
    label_ja: str
    kin: frozenset[str] = frozenset()
    sql: str = ""

    @property
    def is_factor(self) -> bool:
        return self.role != "outcome"

    @property
    def is_outcome(self) -> bool:
        return self.role != "factor"


def _of(*kin: str) -> frozenset[str]:
    return frozenset(kin)


DAILY: Sequence[Measure] = (
    Measure("temperature_mean_celsius", "factor", "°C", "mean temperature", "平均気温"),
    Measure("pressure_hpa", "factor", "hPa", "air pressure", "気圧"),
    Measure("pressure_change_hpa", "factor", "hPa", "change of air pressure", "気圧の変化"),
    Measure("humidity_pct", "factor", "%", "humidity", "湿度"),
    Measure("precipitation_mm", "factor", "mm", "precipitation", "降水量"),
    Measure("daylight_hours", "factor", "h", "daylight", "日照時間"),
    Measure("us_aqi", "factor", "AQI", "air quality index (US)", "大気質指数（US AQI）"),
    Measure(
        "sleep_start_local",
        "factor",
        "h",
        "bedtime",
        "就寝時刻",
        _of("sleep"),
        "epoch(sleep_start_local - date::timestamp) / 3600",
    ),
    Measure("sleep_minutes", "both", "min", "time asleep", "睡眠時間", _of("sleep")),
    Measure("sleep_efficiency_pct", "factor", "%", "sleep efficiency", "睡眠効率", _of("sleep")),
    Measure("deep_minutes", "factor", "min", "deep sleep", "深い睡眠", _of("sleep")),
    Measure("rem_minutes", "factor", "min", "REM sleep", "レム睡眠", _of("sleep")),
    Measure("nap_minutes", "factor", "min", "naps", "昼寝"),
    Measure("resting_heart_rate_bpm", "both", "bpm", "resting heart rate", "安静時心拍数"),
    Measure("hrv_ms", "both", "ms", "heart-rate variability", "心拍変動"),
    Measure("steps", "factor", "steps", "steps", "歩数", _of("moving")),
    Measure("active_minutes", "factor", "min", "active minutes", "活動時間", _of("moving")),
    Measure("meeting_minutes", "factor", "min", "meetings", "会議時間"),
    Measure("work_minutes", "both", "min", "work", "作業時間", _of("work", "productivity")),
    Measure("work_minutes_night", "factor", "min", "work at night", "夜の作業時間", _of("work", "productivity")),
    Measure("focus_level_avg", "both", "of 9", "focus", "集中度", _of("productivity")),
    Measure("mood_level_avg", "both", "of 9", "mood", "気分", _of("productivity")),
    Measure("tasks_completed", "outcome", "tasks", "tasks completed", "完了タスク数", _of("productivity")),
    Measure("productivity_score", "outcome", "of 100", "productivity", "生産性スコア", _of("productivity")),
)
"""What acts stands before what it acts on: a pair that could be told either way on the same day is told this
way."""

COMPOSITES = frozenset({"productivity_score"})
"""Computed from the others of their kin; the parts (focus, mood, work) may still be tested against each other."""


OWN_PREFIX = "own:"
"""Before the name of a person's own measure that is called as a column of the day is."""


def own_measure(
    name: str, kind: str | None, unit: str | None, label_en: str | None, label_ja: str | None
) -> Measure:
    """A person's own measure, under a name that no column of the day has; without a kind it may be both."""
    role: Role = "factor" if kind == "factor" else "outcome" if kind == "outcome" else "both"
    is_taken = any(name == measure.name for measure in DAILY)
    return Measure(
        f"{OWN_PREFIX}{name}" if is_taken else name, role, unit or "", label_en or name, label_ja or name
    )


def may_be_tested(factor: Measure, outcome: Measure, lag: int, *, factor_first: bool) -> bool:
    """Whether a pair is a question worth asking at a lag (days).

    Not a measure against itself, its parts or its sum; and on the same day each pair once: where both could be
    told either way, as the order of the measures has it (`factor_first`: the factor stands before the outcome).
    """
    if factor.name == outcome.name or _are_kin(factor, outcome):
        return False
    either_way = factor.is_outcome and outcome.is_factor
    return lag > 0 or factor_first or not either_way


def _are_kin(one: Measure, other: Measure) -> bool:
    shared = one.kin & other.kin
    if shared == {"productivity"}:
        return bool({one.name, other.name} & COMPOSITES)
    return bool(shared)
