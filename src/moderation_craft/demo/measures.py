"""The spreadsheet of own measures: two that do nothing and one that shortens the next night."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from moderation_craft.demo.chance import Chance
from moderation_craft.demo.days import Day

DATASET = "demo-measures"
COLUMNS = ("日付", "person", "coffee_cups", "evening_screen_minutes", "long_bath", "memo")
_BLANK_SHARE = 0.03

MAP_TOML = """\
# How demo-measures.csv is read; docs/custom-measures.md explains the keys.
dataset = "demo-measures"
date = "日付"
user = "person"

[measures.coffee_cups]
unit = "cups"
kind = "factor"
label = { ja = "コーヒー", en = "Coffee" }

[measures.evening_screen_minutes]
unit = "minutes"
kind = "factor"
label = { ja = "夜の画面時間", en = "Evening screen time" }

[measures.long_bath]
kind = "factor"
label = { ja = "長風呂", en = "Long bath" }
"""


def rows(chance: Chance, user_id: str, days: Sequence[Day]) -> list[list[str]]:
    """One row a day, in the order of COLUMNS; a few cells blank, some days with a memo."""
    found = []
    for day in days:
        values = [str(day.coffee_cups), str(day.screen_minutes), "yes" if day.had_long_bath else "no"]
        kept = ["" if chance.random() < _BLANK_SHARE else value for value in values]
        memo = chance.choice(("カフェで作業 ☕", "late film", "雨")) if chance.random() < 0.1 else ""
        found.append([str(day.date), user_id, *kept, memo])
    return found


def csv_text(rows_of_all: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows_of_all)
    return out.getvalue()
