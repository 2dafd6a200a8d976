"""The views over raw: every door's format, every view there even in an empty lake."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation_craft.lake import Lake, zones
from moderation_craft.settings import Settings
from moderation_craft.warehouse import raw_views
from tests.warehouse.made_lake import TABLE, app_items, item, put_export

VIEWS = {
    "dynamodb_items",
    "indexeddb_rows",
    "fitbit_sleep",
    "fitbit_steps",
    "fitbit_active_minutes",
    "fitbit_total_calories",
    "fitbit_daily_resting_heart_rate",
    "fitbit_daily_heart_rate_variability",
    "weather_daily",
    "weather_air_quality",
    "calendar_ics",
    "calendar_events",
    "csv_measures",
    "settings_places",
}


@pytest.fixture
def empty_lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake with 'quote'"))


def rows(lake: Lake, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        raw_views.register(connection, lake, Settings(lake=lake.address), {})
        return connection.execute(sql).fetchall()


def test_every_view_is_there_in_an_empty_lake(empty_lake: Lake) -> None:
    found = rows(empty_lake, "select table_name from information_schema.tables where table_schema = 'raw'")
    assert {str(name) for (name,) in found} >= VIEWS
    for view in sorted(VIEWS):
        assert rows(empty_lake, f"select count(*) from raw.{view}") == [(0,)]


def test_one_content_counts_once_and_knows_whether_it_is_newest(empty_lake: Lake) -> None:
    first, second = app_items()[:2], app_items()[1:3]
    put_export(empty_lake, "20260301T000000000Z-0001", first, date(2026, 3, 1))
    put_export(empty_lake, "20260302T000000000Z-0002", first, date(2026, 3, 2))
    put_export(empty_lake, "20260303T000000000Z-0003", second, date(2026, 3, 3))
    found = rows(
        empty_lake,
        "select run_id, chain_position, count(*) from raw.dynamodb_items group by all order by run_id",
    )
    assert found == [("20260301T000000000Z-0001", None, 2), ("20260303T000000000Z-0003", 0, 2)]


def test_a_parquet_export_reads_like_lines(empty_lake: Lake) -> None:
    texts = [json.dumps(item("project", f"p{number}", name="絵")) for number in range(3)]
    out = io.BytesIO()
    pq.write_table(pa.table({"id": ["p0", "p1", "p2"], "item": texts}), out)
    data = out.getvalue()
    key = zones.dynamodb_part(date(2026, 3, 1), TABLE, hashlib.sha256(data).hexdigest(), "parquet")
    part = empty_lake.put_part(key, data, rows=3, stream=TABLE, dt="2026-03-01")
    empty_lake.commit(
        run_id="20260301T000000000Z-0001",
        kind="dynamodb_export",
        source="dynamodb",
        started_at="2026-03-01T00:00:00Z",
        parts=[part],
        details={"table_name": TABLE, "format": "parquet"},
    )
    found = rows(empty_lake, "select item ->> '$.id.S', table_name, part_key from raw.dynamodb_items order by 1")
    assert found == [(f"p{number}", TABLE, key) for number in range(3)]
