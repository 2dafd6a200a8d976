"""Prepared objects: a pure function of raw, in the shapes that the warehouse reads."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.lake.quarantine import read_all
from moderation_craft.sources.calendar.import_ics import import_ics
from moderation_craft.sources.csv.importer import import_csv
from moderation_craft.sources.prepare import SCHEMAS, prepare_all, prepared_keys

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
TEXT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
    "BEGIN:VEVENT\r\nUID:b\r\nSUMMARY:Standup\r\nDTSTART;TZID=Asia/Tokyo:20261120T090000\r\n"
    "DTEND;TZID=Asia/Tokyo:20261120T091500\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:20261121\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:broken\r\nDTSTART:never\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with one calendar of two readable events and one CSV of three values and a bad date."""
    lake = Lake.open(str(tmp_path / "lake"), FixedClock(NOW))
    (tmp_path / "work.ics").write_text(TEXT, encoding="utf-8", newline="")
    (tmp_path / "diary.csv").write_text("date,x,y\n2026-11-02,1,2\n2026-11-01,0.5,\nsoon,1,1\n", encoding="utf-8")
    import_ics(lake, tmp_path / "work.ics", "u1")
    import_csv(lake, tmp_path / "diary.csv", None, "u1")
    return lake


def staging(lake: Lake) -> dict[str, bytes]:
    return {stored.key: lake.storage.get(stored.key) for stored in lake.storage.list("staging/")}


def test_everything_is_prepared_once(lake: Lake) -> None:
    written = prepare_all(lake)
    assert written == [*prepared_keys(lake, "calendar"), *prepared_keys(lake, "csv")]
    assert [key.rsplit("/", 1)[0] for key in written] == ["staging/calendar/events", "staging/csv/measures"]
    assert prepare_all(lake) == []


def test_deleted_and_prepared_again_the_bytes_are_equal(lake: Lake) -> None:
    prepare_all(lake)
    before, refused = staging(lake), read_all(lake.storage)
    lake.storage.delete([*before, *(stored.key for stored in lake.storage.list("quarantine/"))])
    lake.storage.delete(["_state/calendar-snapshots.json"])
    lake.clock = FixedClock(NOW + timedelta(days=40))
    prepare_all(lake)
    assert staging(lake) == before
    assert read_all(lake.storage) == refused


def test_the_shapes_are_what_the_warehouse_reads(lake: Lake) -> None:
    prepare_all(lake)
    for source in ("calendar", "csv"):  # Fitbit's archives: test_takeout.py
        (key,) = prepared_keys(lake, source)
        data = lake.storage.get(key)
        assert pq.read_schema(io.BytesIO(data)).equals(SCHEMAS[source], check_metadata=True)
        kinds = dict(zip(*_described(lake.storage.url(key)), strict=True))
        assert set(kinds.values()) <= {*("VARCHAR", "TIMESTAMP", "DATE", "BOOLEAN", "DOUBLE", "INTEGER")}


def _described(path: str) -> tuple[list[str], list[str]]:
    relation = duckdb.read_parquet(path)
    return relation.columns, [str(kind) for kind in relation.types]


def test_the_events(lake: Lake) -> None:
    prepare_all(lake)
    (key,) = prepared_keys(lake, "calendar")
    day, standup = pq.read_table(io.BytesIO(lake.storage.get(key))).to_pylist()
    assert (day["uid"], day["starts_on"], day["ends_on"], day["starts_at"]) == (
        *("a", date(2026, 11, 21), date(2026, 11, 21)),
        None,
    )
    assert standup["starts_at"] == datetime(2026, 11, 20)  # noqa: DTZ001
    assert (standup["ends_at"] - standup["starts_at"]).total_seconds() == 900
    assert (standup["user_id"], standup["calendar"], standup["is_busy"]) == ("u1", "file-work", True)
    assert b"Standup" not in lake.storage.get(key)


def test_the_measures_are_sorted_and_complete(lake: Lake) -> None:
    prepare_all(lake)
    (key,) = prepared_keys(lake, "csv")
    rows = pq.read_table(io.BytesIO(lake.storage.get(key))).to_pylist()
    assert [(str(row["date"]), row["measure"], row["value"], row["row_number"]) for row in rows] == [
        ("2026-11-01", "x", 0.5, 3),
        ("2026-11-02", "x", 1.0, 2),
        ("2026-11-02", "y", 2.0, 2),
    ]
    assert {(row["user_id"], row["dataset"], row["kind"]) for row in rows} == {("u1", "diary", "both")}
    assert {row["imported_at"] for row in rows} == {NOW.replace(tzinfo=None)}


def test_what_cannot_be_read_is_in_quarantine_whole(lake: Lake) -> None:
    prepare_all(lake)
    by_source = {refusal.source: refusal for refusal in read_all(lake.storage)}
    assert "UID:broken" in by_source["calendar"].record
    assert json.loads(by_source["csv"].record) == {"date": "soon", "x": "1", "y": "1"}


def test_an_empty_lake_has_nothing_to_prepare(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "empty"), FixedClock(NOW))
    assert prepare_all(lake) == []
    assert prepared_keys(lake, "csv") == prepared_keys(lake, "calendar") == []


def test_a_calendar_that_became_empty_leaves_an_empty_object(lake: Lake, tmp_path: Path) -> None:
    prepare_all(lake)
    lake.clock = FixedClock(NOW + timedelta(days=1))
    (tmp_path / "work.ics").write_text("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", encoding="utf-8", newline="")
    import_ics(lake, tmp_path / "work.ics", "u1")
    prepare_all(lake)
    (key,) = prepared_keys(lake, "calendar")
    assert pq.read_table(io.BytesIO(lake.storage.get(key))).num_rows == 0
