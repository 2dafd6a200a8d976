"""Real people's days, imported as README says: gold agrees with the file to the last value."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

from tests.cli.run import mcraft
from tests.conftest import REPOSITORY

KEYS = ("id", "date")


def number(cell: str) -> float | None:
    """A cell as a number, yes and no as 1 and 0; None where it is empty or text."""
    try:
        return {"True": 1.0, "False": 0.0}[cell] if cell in ("True", "False") else float(cell)
    except ValueError:
        return None


def expected(path: Path) -> dict[tuple[str, str, str], float]:
    """Every number of the file by person, date and column, of columns that hold mostly numbers."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {
        (row["id"], row["date"], column): value
        for row in rows
        for column, cell in row.items()
        if column not in KEYS and (value := number(cell)) is not None
    }
    texts = Counter(c for row in rows for c, cell in row.items() if cell and number(cell) is None)
    numbers = Counter(column for _, _, column in found)
    return {key: value for key, value in found.items() if numbers[key[2]] > texts[key[2]]}


def test_gold_agrees_with_the_file_to_the_last_value(shared: Path, tmp_path: Path) -> None:
    data = shared / "data" / "lifesnaps" / "daily.csv"
    example = REPOSITORY / "docs" / "examples" / "lifesnaps.toml"
    imported = mcraft("import", "csv", str(data), "--map", str(example), cwd=tmp_path)
    assert imported.returncode == 0, imported.stderr
    done = mcraft("run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    asked = mcraft("query", "select user_id, date, measure, value from fct_daily_measures", "--json", cwd=tmp_path)
    rows = json.loads(asked.stdout)["rows"]
    held = {(row["user_id"], row["date"], row["measure"]): row["value"] for row in rows}
    assert len(held) == len(rows)
    wanted = expected(data)
    assert Counter(measure for _, _, measure in held) == Counter(measure for _, _, measure in wanted)
    assert held == wanted
    assert len({user for user, _, _ in held}) == 32
