"""The Mobius export of 2016, imported as it is: gold has its every value, no false zero, nothing twice."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.run import mcraft
from tests.conftest import REPOSITORY

EXAMPLES = REPOSITORY / "docs" / "examples"
WEIGHT_MAP = """
dataset = "mobius-weight"
date = "Date"
date_format = "%m/%d/%Y %H:%M"
user = "Customer Id"
[measures.WeightKg]
unit = "kg"
[measures.Fat]
unit = "%"
[measures.BMI]
"""
FILES = {
    "dailyActivity_merged.csv": ("ActivityDate", "%m/%d/%Y"),
    "sleepDay_merged.csv": ("SleepDay", "%m/%d/%Y %H:%M"),
    "weightLogInfo_merged.csv": ("Date", "%m/%d/%Y %H:%M"),
}
Values = dict[tuple[str, str, str], float]


def said_by(path: Path, wanted: set[str]) -> Values:
    """The file's numbers by person, day and column; an empty cell is none, a repeated row counts once."""
    column, date_format = FILES[path.name]
    found: Values = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            day = datetime.strptime(row[column], date_format).replace(tzinfo=UTC).date()
            for name in wanted & row.keys():
                if row[name] != "":
                    key = (row["Customer Id"], str(day), name)
                    assert found.get(key, float(row[name])) == float(row[name]), key
                    found[key] = float(row[name])
    return found


@pytest.fixture(scope="module")
def gold(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Values]:
    """The three files after `import csv` and `run`: the folder, and the values by person, day and measure."""
    folder = tmp_path_factory.mktemp("mobius")
    (folder / "weight.toml").write_text(WEIGHT_MAP)
    maps = (EXAMPLES / "mobius-activity.toml", EXAMPLES / "mobius-sleep.toml", folder / "weight.toml")
    for name, map_path in zip(FILES, maps, strict=True):
        path = shared / "data" / "mobius" / name
        done = mcraft("import", "csv", str(path), "--map", str(map_path), cwd=folder)
        assert done.returncode == 0, done.stderr
    assert mcraft("run", cwd=folder).returncode == 0
    asked = mcraft("query", "select user_id, date, measure, value from fct_daily_measures", "--json", cwd=folder)
    rows = json.loads(asked.stdout)["rows"]
    held = {(row["user_id"], row["date"], row["measure"]): row["value"] for row in rows}
    assert len(held) == len(rows)
    return folder, held


@pytest.mark.parametrize("name", FILES)
def test_gold_has_the_files_values_and_no_other(name: str, gold: tuple[Path, Values], shared: Path) -> None:
    _, held = gold
    with (shared / "data" / "mobius" / name).open(newline="", encoding="utf-8-sig") as file:
        columns = set(next(csv.reader(file)))
    wanted = said_by(shared / "data" / "mobius" / name, columns & {measure for _, _, measure in held})
    found = {key: value for key, value in held.items() if key[2] in columns}
    assert wanted
    assert Counter(measure for _, _, measure in found) == Counter(measure for _, _, measure in wanted)
    assert found == wanted
    assert sum(value == 0 for value in found.values()) == sum(value == 0 for value in wanted.values())


def test_what_was_not_measured_is_null_in_a_days_row(gold: tuple[Path, Values], shared: Path) -> None:
    folder, held = gold
    fat = said_by(shared / "data" / "mobius" / "weightLogInfo_merged.csv", {"Fat"})
    weight = said_by(shared / "data" / "mobius" / "weightLogInfo_merged.csv", {"WeightKg"})
    assert 0 < len(fat) < len(weight)
    assert {key for key in held if key[2] == "Fat"} == set(fat)
    asked = mcraft(
        "query",
        "select count(*) as days, count(sleep_minutes) as nights, count(steps) as steps "
        "from mart_productivity_daily",
        "--json",
        cwd=folder,
    )
    (row,) = json.loads(asked.stdout)["rows"]
    assert row["days"] > 0 and (row["nights"], row["steps"]) == (0, 0), "a measure of one's own is no tracker's"
