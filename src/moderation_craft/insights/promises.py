"""What the analysis promises, as figures; texts, tests and docs quote them from here."""

from __future__ import annotations

from typing import Final

TABLE: Final = "mart_wellness_correlation"

LAGS: Final = 8
"""Lags 0 to 7: how many days after the factor's day the outcome's day is."""
MIN_EFFECTIVE_DAYS: Final = 14
FALSE_DISCOVERY_RATE: Final = 0.05
"""Of the links told to a person, about this share may be chance."""
CONFIDENCE: Final = 0.95
REFERENCE_LINK: Final = 0.35
REFERENCE_POWER: Final = 0.8
"""`days_needed` asks when a link of |r| = REFERENCE_LINK would be found with this probability."""
