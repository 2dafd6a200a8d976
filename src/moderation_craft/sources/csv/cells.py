"""One cell of text as a date or a number."""

from __future__ import annotations

import math
import re
from datetime import date, datetime

from moderation_craft.sources.csv.column_map import CsvMap

YES_NO = {"true": 1.0, "yes": 1.0, "はい": 1.0, "false": 0.0, "no": 0.0, "いいえ": 0.0}
EARLIEST_DAY = date(1990, 1, 1)

_YEAR_FIRST = re.compile(r"(\d{4})[/年.](\d{1,2})[/月.](\d{1,2})日?(?:[T\s].*)?")


def parse_day(text: str, date_format: str | None) -> date | None:
    """The day a cell names: by the map's format, else ISO 8601 or year/month/day; None where none."""
    text = text.strip()
    try:
        if date_format is not None:
            return datetime.strptime(text, date_format).date()  # noqa: DTZ007 - a civil date has no zone
        if year_first := _YEAR_FIRST.fullmatch(text):
            return date(*(int(part) for part in year_first.groups()))
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def parse_number(text: str, plan: CsvMap) -> float | None:
    """A finite number as Python's `float()` reads it, after the map's separators; None where it is none."""
    if plan.thousands:
        text = text.replace(plan.thousands, "")
    if plan.decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def parse_yes_no(text: str) -> float | None:
    """1 for a yes, 0 for a no, None for anything else."""
    return YES_NO.get(text.casefold())
