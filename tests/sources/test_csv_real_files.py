"""LifeSnaps and Mobius through import and preparation, against an independent reading of the files."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow.parquet as pq
import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.lake.quarantine import read_all
from moderation_craft.sources.csv.importer import ImportResult, import_csv
from moderation_craft.sources.prepare import prepare_all

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
MAPS = ROOT / "docs" / "examples"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not on this machine")

Values: TypeAlias = dict[tuple[str, str, str], float]
"""(person, ISO date, column) → value."""

WORDS = {"True": 1.0, "False": 0.0}


def numbers_in(path: Path, user: str, day: str, day_format: str) -> Values:
    """Every cell that `float()` reads, or True/False, by python's csv module alone."""
    found: Values = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            date = datetime.strptime(row[day], day_format).date().isoformat()  # noqa: DTZ007
            for column, text in row.items():
                if column not in (user, day) and (value := number_or_none(text)) is not None:
                    found[row[user], date, column] = value
    return found


def number_or_none(text: str) -> float | None:
    if text in WORDS:
        return WORDS[text]
    try:
        return float(text)
    except ValueError:
        return None


def imported(tmp_path: Path, file: str, map_name: str) -> tuple[Lake, ImportResult, list[dict[str, Any]]]:
    lake = Lake.open(str(tmp_path / "lake"), FixedClock(datetime(2026, 11, 23, 5, tzinfo=UTC)))
    result = import_csv(lake, DATA / file, MAPS / map_name)
    (key,) = prepare_all(lake)
    return lake, result, pq.read_table(io.BytesIO(lake.storage.get(key))).to_pylist()


def as_values(rows: list[dict[str, Any]]) -> Values:
    return {(row["user_id"], row["date"].isoformat(), row["measure"]): row["value"] for row in rows}


def test_lifesnaps_agrees_with_the_file_to_the_last_value(tmp_path: Path) -> None:
    lake, result, rows = imported(tmp_path, "lifesnaps/daily.csv", "lifesnaps.toml")
    expected = numbers_in(DATA / "lifesnaps/daily.csv", "id", "date", "%Y-%m-%d")
    assert as_values(rows) == expected
    assert len(rows) == len(expected) == result.values == 92_533
    assert Counter(row["measure"] for row in rows) == Counter(column for _, _, column in expected)
    assert len(result.measures) == len({column for _, _, column in expected}) == 54
    assert (result.rows, len(result.user_ids)) == (3453, 32)
    assert not any(math.isnan(row["value"]) for row in rows)
    assert {left.column for left in result.left_out} == {
        *("badgeType", "activityType", "scl_avg", "age", "gender", "step_goal_label")
    }
    refusals = read_all(lake.storage)
    assert len(refusals) == result.refused_rows == 625
    assert sum(refusal.reason.count(" in the column ") for refusal in refusals) == 544 + 82


def test_lifesnaps_measures_carry_units_and_names(tmp_path: Path) -> None:
    _, result, rows = imported(tmp_path, "lifesnaps/daily.csv", "lifesnaps.toml")
    steps = next(row for row in rows if row["measure"] == "steps")
    assert (steps["unit"], steps["kind"], steps["label_ja"], steps["label_en"], steps["dataset"]) == (
        *("steps", "factor", "歩数", "Steps"),
        "lifesnaps",
    )
    units = {count.measure.name: count.measure.unit for count in result.measures}
    assert units["mindfulness_session"] == units["HAPPY"] == "yes_no"
    assert {row["value"] for row in rows if units[row["measure"]] == "yes_no"} == {0.0, 1.0}


@pytest.mark.parametrize(
    ("file", "map_name", "day", "day_format", "repeated"),
    [
        ("mobius/dailyActivity_merged.csv", "mobius-activity.toml", "ActivityDate", "%m/%d/%Y", 0),
        ("mobius/sleepDay_merged.csv", "mobius-sleep.toml", "SleepDay", "%m/%d/%Y %H:%M", 3),
    ],
)
def test_mobius_agrees_with_the_file(
    tmp_path: Path, file: str, map_name: str, day: str, day_format: str, repeated: int
) -> None:
    _, result, rows = imported(tmp_path, file, map_name)
    expected = numbers_in(DATA / file, "Customer Id", day, day_format)
    assert as_values(rows) == expected
    assert len(rows) == len(expected)
    assert (result.repeated_rows, result.refused_rows) == (repeated, 0)
    assert len(expected) == (result.rows - repeated) * len(result.measures)
