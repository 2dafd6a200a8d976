"""Tables of the schema `raw` that no raw object holds: what manifests say of days, what is asked for, holidays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache

import duckdb
import holidays
import pyarrow as pa

from moderation_craft.warehouse.declared import AskedStream, declared_streams
from moderation_craft.warehouse.raw_parts import RawParts

HOLIDAY_YEARS = range(1990, 2100)


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Append rows of one width, by Arrow: DuckDB looks for a pandas that is not there at each value of a list."""
    if rows:
        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        connection.register("rows", pa.Table.from_arrays(columns, [f"c{n}" for n in range(len(columns))]))
        connection.execute(f"insert into {table} select * from rows")
        connection.unregister("rows")


def fetched_days(connection: duckdb.DuckDBPyConnection, raw: RawParts) -> None:
    """`raw.fetched_days`: every entry of the outside sources' manifests."""
    connection.execute(
        "create or replace table raw.fetched_days (source varchar, stream varchar, user_id varchar, date date, "
        "fetched_at timestamp, is_closed boolean, part_key varchar)"
    )
    rows = [
        (part.source, part.stream, entry.user_id, entry.date, _utc(entry.fetched_at), entry.is_closed, part.key)
        for source in declared_streams()
        for part in raw.of(source)
        for entry in part.part.entries
    ]
    insert(connection, "raw.fetched_days", rows)


def _utc(instant: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(UTC).replace(tzinfo=None)


def source_streams(connection: duckdb.DuckDBPyConnection, asked: Sequence[AskedStream]) -> None:
    """`raw.source_streams`: the streams that are asked for."""
    connection.execute(
        "create or replace table raw.source_streams "
        "(source varchar, stream varchar, shape varchar, is_optional boolean)"
    )
    rows = [(each.source, each.stream, each.shape, each.is_optional) for each in asked]
    insert(connection, "raw.source_streams", rows)


def public_holidays(connection: duckdb.DuckDBPyConnection) -> None:
    """`raw.public_holidays`: Japan's, substitute and bridge days included, with their names."""
    connection.execute("create or replace table raw.public_holidays (date date, name_ja varchar, name_en varchar)")
    insert(connection, "raw.public_holidays", _japans_holidays())


@cache
def _japans_holidays() -> list[tuple[date, str, str]]:
    japanese = holidays.country_holidays("JP", years=HOLIDAY_YEARS, language="ja")
    english = holidays.country_holidays("JP", years=HOLIDAY_YEARS, language="en_US")
    return [(day, japanese[day], english[day]) for day in sorted(japanese)]
