"""Real people's days (LifeSnaps, Mobius) through the archive ways in: no false zero, no day lost."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import Person
from moderation_craft.sources.fitbit.archive_measures import BOUNDS, is_nothing
from moderation_craft.sources.fitbit.legacy import import_legacy
from moderation_craft.sources.fitbit.takeout import import_takeout
from moderation_craft.sources.prepare import prepare_all, prepared_keys

Figures = dict[tuple[str, str, str], float]
"""By person, day and measure."""

PEOPLE = 12
LIFESNAPS = {  # measure: column, endpoint, what stands at a day
    "steps": ("steps", "activities-steps", lambda value: value),
    "energy_kcal": ("calories", "activities-calories", lambda value: value),
    "light_minutes": ("lightly_active_minutes", "activities-minutesLightlyActive", lambda value: value),
    "sedentary_minutes": ("sedentary_minutes", "activities-minutesSedentary", lambda value: value),
    "resting_heart_rate_bpm": ("resting_hr", "activities-heart", lambda value: {"restingHeartRate": float(value)}),
    "hrv_rmssd_ms": ("rmssd", "hrv", lambda value: {"dailyRmssd": float(value)}),
    "spo2_pct": ("spo2", "spo2", lambda value: {"avg": float(value)}),
    "breathing_rate_per_minute": (
        "full_sleep_breathing_rate",
        "br",
        lambda value: {"breathingRate": float(value)},
    ),
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"), FixedClock(datetime(2026, 11, 23, tzinfo=UTC)))


def _people(path: Path, column: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    held: dict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            held[row[column]].append(row)
    yield from sorted(held.items())[:PEOPLE]


def _staged(lake: Lake) -> Figures:
    prepare_all(lake)
    found: Figures = {}
    for key in prepared_keys(lake, "fitbit_archive_days"):
        with lake.local_copy(key) as path:
            for row in pq.read_table(path).to_pylist():
                found[row["user_id"], str(row["date"]), row["measure"]] = row["value"]
    return found


def _told(rows: list[dict[str, str]], column: str, as_value: Callable[[str], Any]) -> list[dict[str, Any]]:
    return [{"dateTime": row["date"], "value": as_value(row[column])} for row in rows if row[column]]


def test_lifesnaps_days_come_through_the_old_api_as_they_were(lake: Lake, shared: Path, tmp_path: Path) -> None:
    expected: Figures = {}
    for user_id, rows in _people(shared / "data" / "lifesnaps" / "daily.csv", "id"):
        folder = tmp_path / user_id
        folder.mkdir()
        for measure, (column, endpoint, as_value) in LIFESNAPS.items():
            (folder / f"{measure}.json").write_text(json.dumps({endpoint: _told(rows, column, as_value)}))
            for row in rows:
                if row[column] and not is_nothing(measure, float(row[column])):
                    expected[user_id, row["date"], measure] = round(float(row[column]), 6)
        assert import_legacy(lake, [folder], Person(user_id, "Europe/Athens")).refused_files == 0
    inside = {key: value for key, value in expected.items() if BOUNDS[key[2]][0] <= value <= BOUNDS[key[2]][1]}
    assert len(inside) > 1000
    assert _staged(lake) == inside
    assert any(value == 0 for value in inside.values())  # a zero that was measured stays one


def test_mobius_days_come_through_an_archive_as_they_were(lake: Lake, shared: Path, tmp_path: Path) -> None:
    expected: Figures = {}
    columns = {
        "sedentary_minutes": "SedentaryMinutes",
        "lightly_active_minutes": "LightlyActiveMinutes",
        "moderately_active_minutes": "FairlyActiveMinutes",
        "very_active_minutes": "VeryActiveMinutes",
    }
    measures = dict(zip(columns, ("sedentary", "light", "moderate", "vigorous"), strict=True))
    for user_id, rows in _people(shared / "data" / "mobius" / "dailyActivity_merged.csv", "Customer Id"):
        folder = tmp_path / user_id / "Global Export Data"
        folder.mkdir(parents=True)
        for name, column in columns.items():
            days = [(datetime.strptime(row["ActivityDate"], "%m/%d/%Y").replace(tzinfo=UTC), row) for row in rows]
            told = [{"dateTime": f"{day:%m/%d/%y} 00:00:00", "value": row[column]} for day, row in days]
            (folder / f"{name}-2016-04-12.json").write_text(json.dumps(told, indent=2))
            expected |= {
                (user_id, str(day.date()), f"{measures[name]}_minutes"): float(row[column]) for day, row in days
            }
        assert import_takeout(lake, [folder.parent], Person(user_id, "America/New_York")).refused_files == 0
    assert len(expected) > 1000
    assert _staged(lake) == expected
