"""Tables of the schema `raw` that no raw object holds: what manifests say of days, what is asked for, holidays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

import duckdb
import holidays

from moderation_craft.warehouse.declared import AskedStream, declared_streams
from moderation_craft.warehouse.raw_parts import RawParts

HOLIDAY_YEARS = range(1990, 2100)


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Append rows of one width."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        values = ", ".join("unnest(?)" for _ in columns)
        connection.execute(f"insert into {table} select {values}", columns)


def fetched_days(connection: duckdb.DuckDBPyConnection, raw: RawParts) -> None:
    """`raw.fetched_days`: every entry of the outside sources' manifests."""
    connection.execute(
        "create or replace table raw.fetched_days (source varchar, stream varchar, user_id varchar, date date, "
        "fetched_at timestamp, is_closed boolean, part_key varchar)"
    )
    rows = [
        (part.source, part.stream, entry.user_id, entry.date, entry.fetched_at, entry.is_closed, part.key)
        for source in declared_streams()
        for part in raw.of(source)
        for entry in part.part.entries
    ]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(
            "insert into raw.fetched_days select unnest(?), unnest(?), unnest(?), unnest(?)::date, "
            "unnest(?)::timestamptz at time zone 'UTC', unnest(?), unnest(?)",
            columns,
        )


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
