"""What archives and old answers call each figure, in which unit, and between which bounds it can be."""

from __future__ import annotations

import math
from typing import Any, Final

POUND_KG: Final = 0.45359237

SUMMED: Final = {"steps", "distance_km", "floors", "energy_kcal", "active_zone_minutes"} | {
    f"{level}_minutes" for level in ("light", "moderate", "vigorous", "sedentary")
}

MINUTES: Final = {  # measure, factor
    "takeout-steps": ("steps", 1.0),
    "takeout-distance": ("distance_km", 1e-5),
    "takeout-floors": ("floors", 1.0),
    "takeout-calories": ("energy_kcal", 1.0),
    "takeout-sedentary-minutes": ("sedentary_minutes", 1.0),
    "takeout-lightly-active-minutes": ("light_minutes", 1.0),
    "takeout-moderately-active-minutes": ("moderate_minutes", 1.0),
    "takeout-very-active-minutes": ("vigorous_minutes", 1.0),
}
COLUMNS: Final = {  # column → measure, factor
    "takeout-csv-steps": {"steps": ("steps", 1.0)},
    "takeout-csv-distance": {"distance": ("distance_km", 1e-3)},
    "takeout-csv-floors": {"floors": ("floors", 1.0)},
    "takeout-csv-calories": {"calories": ("energy_kcal", 1.0)},
    "takeout-csv-active-minutes": {
        "light": ("light_minutes", 1.0),
        "moderate": ("moderate_minutes", 1.0),
        "very": ("vigorous_minutes", 1.0),
    },
    "takeout-csv-active-zone-minutes": {"total minutes": ("active_zone_minutes", 1.0)},
    "takeout-csv-azm": {"total_minutes": ("active_zone_minutes", 1.0)},
    "takeout-csv-daily-resting-heart-rate": {"beats per minute": ("resting_heart_rate_bpm", 1.0)},
    "takeout-csv-daily-heart-rate-variability": {
        "average heart rate variability milliseconds": ("hrv_rmssd_ms", 1.0)
    },
    "takeout-csv-daily-hrv-summary": {"rmssd": ("hrv_rmssd_ms", 1.0)},
    "takeout-csv-daily-oxygen-saturation": {"average percentage": ("spo2_pct", 1.0)},
    "takeout-csv-daily-spo2": {"average_value": ("spo2_pct", 1.0)},
    "takeout-csv-daily-respiratory-rate": {"breaths per minute": ("breathing_rate_per_minute", 1.0)},
    "takeout-csv-daily-respiratory-rate-summary": {"daily_respiratory_rate": ("breathing_rate_per_minute", 1.0)},
    "takeout-csv-weight": {"weight grams": ("weight_kg", 1e-3)},
}
LEGACY_SERIES: Final = {
    "legacy-activities-steps": "steps",
    "legacy-activities-distance": "distance_km",
    "legacy-activities-floors": "floors",
    "legacy-activities-calories": "energy_kcal",
    "legacy-activities-minutessedentary": "sedentary_minutes",
    "legacy-activities-minuteslightlyactive": "light_minutes",
    "legacy-activities-minutesfairlyactive": "moderate_minutes",
    "legacy-activities-minutesveryactive": "vigorous_minutes",
}
LEGACY_VALUES: Final = {  # member of `value` → measure
    "legacy-activities-active-zone-minutes": ("activeZoneMinutes", "active_zone_minutes"),
    "legacy-activities-heart": ("restingHeartRate", "resting_heart_rate_bpm"),
    "legacy-hrv": ("dailyRmssd", "hrv_rmssd_ms"),
    "legacy-br": ("breathingRate", "breathing_rate_per_minute"),
    "legacy-spo2": ("avg", "spo2_pct"),
    "legacy-temp-skin": ("nightlyRelative", "skin_temperature_delta_celsius"),
}
SUMMARY: Final = {
    "steps": "steps",
    "floors": "floors",
    "caloriesOut": "energy_kcal",
    "sedentaryMinutes": "sedentary_minutes",
    "lightlyActiveMinutes": "light_minutes",
    "fairlyActiveMinutes": "moderate_minutes",
    "veryActiveMinutes": "vigorous_minutes",
    "restingHeartRate": "resting_heart_rate_bpm",
}
BOUNDS: Final = {
    "steps": (0, 300_000),
    "distance_km": (0, 1000),
    "floors": (0, 10_000),
    "energy_kcal": (1, 30_000),
    "light_minutes": (0, 1500),
    "moderate_minutes": (0, 1500),
    "vigorous_minutes": (0, 1500),
    "active_zone_minutes": (0, 9000),
    "sedentary_minutes": (0, 1500),
    "resting_heart_rate_bpm": (20, 200),
    "heart_rate": (20, 300),
    "heart_rate_mean_bpm": (20, 300),
    "heart_rate_min_bpm": (20, 300),
    "heart_rate_max_bpm": (20, 300),
    "hrv_rmssd_ms": (0.1, 500),
    "spo2_pct": (50.1, 100),  # 50.0 is what archives write where nothing could be measured
    "breathing_rate_per_minute": (3, 80),
    "skin_temperature_delta_celsius": (-40, 40),
    "weight_kg": (1, 700),
}
"""What a day's figure can be, as the models' tests have it; what is outside is refused, but for a 0 where 0 is
how archives write that nothing was measured."""


def number_of(value: Any) -> float | None:
    """A finite number as the archives write it (`"12"`, 12, `1,234.5`); None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value.replace(",", "") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def is_nothing(measure: str, value: float) -> bool:
    """Whether a value is how archives write that nothing was measured."""
    return BOUNDS[measure][0] > 0 and value in (0, 50 if measure == "spo2_pct" else 0)


def is_believable(measure: str, value: float) -> bool:
    least, most = BOUNDS[measure]
    return least <= value <= most
