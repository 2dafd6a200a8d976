"""Rules of repetition whose days never come: searching for the first one would take minutes, or never end."""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

DAYS_LOOKED_AT = 29 * 366
"""After 28 years, weekdays and dates of the year meet again as before."""

_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY_FILTERS = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYDAY")
_NOT_BY_DAY = ("BYSETPOS", "BYWEEKNO")


def frequency(rule: Mapping[str, list[Any]]) -> str:
    return str(rule.get("FREQ", [""])[0]).upper()


def never_happens(rule: Mapping[str, list[Any]], start: date) -> bool:
    """Whether a rule names only days that do not exist, such as 30 February, or, of a rule by the day or hour,
    days that it never reaches."""
    months = [int(month) for month in rule.get("BYMONTH", [])] or list(range(1, 13))
    days = [abs(int(day)) for day in rule.get("BYMONTHDAY", [])]
    if days and not any(day <= _LONGEST[month - 1] for day in days for month in months if 1 <= month <= 12):
        return True
    if frequency(rule) not in ("DAILY", "HOURLY"):
        return False
    if any(name in rule for name in _NOT_BY_DAY):
        return True
    if not any(name in rule for name in _DAY_FILTERS):
        return False
    step = int(rule.get("INTERVAL", [1])[0]) if frequency(rule) == "DAILY" else 1
    first = date(max(1, min(start.year, 9000)), start.month, start.day if start.month != 2 else min(start.day, 28))
    reached = (first + timedelta(days=offset) for offset in range(0, DAYS_LOOKED_AT, step))
    return not any(_is_named(rule, day) for day in reached)


def _is_named(rule: Mapping[str, list[Any]], day: date) -> bool:
    in_month, in_year = monthrange(day.year, day.month)[1], 366 if isleap(day.year) else 365
    year_day = day.timetuple().tm_yday
    weekday = _WEEKDAYS[day.weekday()]
    return (
        _holds(rule, "BYMONTH", day.month)
        and _holds(rule, "BYMONTHDAY", day.day, day.day - in_month - 1)
        and _holds(rule, "BYYEARDAY", year_day, year_day - in_year - 1)
        and ("BYDAY" not in rule or weekday in [str(value)[-2:].upper() for value in rule["BYDAY"]])
    )


def _holds(rule: Mapping[str, list[Any]], name: str, *numbers: int) -> bool:
    return name not in rule or any(int(value) in numbers for value in rule[name])
