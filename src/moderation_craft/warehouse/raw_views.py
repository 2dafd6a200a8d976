"""The schema `raw` of the warehouse file: views over exactly the raw objects that the manifests name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.warehouse import raw_parts
from moderation_craft.warehouse.connection import identifier, quoted
from moderation_craft.warehouse.declared import declared_streams
from moderation_craft.warehouse.raw_parts import RawPart, RawParts

PREPARED_COLUMNS = {
    "calendar_events": "user_id varchar, calendar varchar, uid varchar, recurrence_id varchar, "
    "starts_at timestamp, ends_at timestamp, starts_on date, ends_on date, is_all_day boolean, "
    "is_busy boolean, status varchar, title_sha varchar, fetched_at timestamp",
    "csv_measures": "user_id varchar, date date, measure varchar, value double, unit varchar, kind varchar, "
    "label_ja varchar, label_en varchar, dataset varchar, imported_at timestamp, row_number integer",
}
_MAX_LINE_BYTES = 64 * 1024 * 1024


def register(
    connection: duckdb.DuckDBPyConnection, lake: Lake, settings: Settings, prepared: Mapping[str, list[str]]
) -> RawParts:
    """Make every `raw.*` view of the contract; LakeRefused where an object is missing or cut."""
    raw = raw_parts.find(lake, prepared)
    raw_parts.check(lake, raw)
    connection.execute("create schema if not exists raw")
    _parts_table(connection, lake, raw)
    for name, select in _views(lake, raw).items():
        connection.execute(f"create or replace view raw.{name} as {select}")
    _places_table(connection, settings)
    return raw


def _views(lake: Lake, raw: RawParts) -> dict[str, str]:
    views = {
        "dynamodb_items": _dynamodb_items(lake, raw.of("dynamodb")),
        "indexeddb_rows": _indexeddb_rows(lake, raw.of("indexeddb")),
        "calendar_events": _prepared(lake, "calendar_events", raw.prepared.get("calendar", [])),
        "csv_measures": _prepared(lake, "csv_measures", raw.prepared.get("csv", [])),
    }
    for source, streams in declared_streams().items():
        for stream in sorted({*streams, *raw.streams(source)} - {""}):
            views[_view_name(source, stream)] = _envelopes(lake, raw.of(source, stream))
    return views


def _view_name(source: str, stream: str) -> str:
    return identifier(f"{source}_{stream.replace('-', '_')}")


def _parts_table(connection: duckdb.DuckDBPyConnection, lake: Lake, raw: RawParts) -> None:
    rows = [
        (lake.storage.url(p.key), p.key, p.run_id, p.at.removesuffix("Z"), p.owner, p.is_latest) for p in raw.parts
    ]
    connection.execute(
        "create or replace table raw.parts "
        "(url varchar, part_key varchar, run_id varchar, started_at timestamp, owner varchar, is_latest boolean)"
    )
    _insert(connection, "raw.parts", rows)


def _places_table(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    connection.execute(
        "create or replace table raw.settings_places (user_id varchar, since date, name varchar, "
        "latitude double, longitude double, timezone varchar)"
    )
    rows = [
        (user_id, place.since, place.name, place.latitude, place.longitude, place.timezone)
        for user_id, places in sorted(settings.weather.places.items())
        for place in places
    ]
    _insert(connection, "raw.settings_places", rows)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        values = ", ".join("unnest(?)" for _ in columns)
        connection.execute(f"insert into {table} select {values}", columns)


def _dynamodb_items(lake: Lake, parts: list[RawPart]) -> str:
    lines = [part for part in parts if not part.key.endswith(".parquet")]
    tables = [part for part in parts if part.key.endswith(".parquet")]
    item = "case when json_valid(line) then coalesce((line -> '$.Item')::varchar, line) else line end"
    readers = [f"select {item} as item, filename from {_lines(lake, lines)}"] if lines else []
    if tables:
        readers.append(
            f"select item::varchar as item, filename from read_parquet({_urls(lake, tables)}, filename = true)"
        )
    return (
        "select r.item, p.owner as table_name, p.run_id as export_id, p.started_at as exported_at, "
        "p.is_latest as in_latest_snapshot, p.part_key "
        f"from ({_union(readers, 'item varchar, filename varchar')}) as r "
        "inner join raw.parts as p on r.filename = p.url"
    )


def _indexeddb_rows(lake: Lake, parts: list[RawPart]) -> str:
    reader = f"select line, case when json_valid(line) then line end as valid, filename from {_lines(lake, parts)}"
    rows = _union([reader] if parts else [], "line varchar, valid varchar, filename varchar")
    return (
        "select r.valid ->> '$.table' as table_name, (r.valid ->> '$.inbound') = 'true' as inbound, "
        "coalesce((r.valid -> '$.row')::varchar, r.line) as row_json, p.owner as user_id, "
        "p.run_id as dump_id, p.started_at as dumped_at, p.is_latest as in_latest_dump, p.part_key "
        f"from ({rows}) as r inner join raw.parts as p on r.filename = p.url"
    )


def _envelopes(lake: Lake, parts: list[RawPart]) -> str:
    columns = (
        "source varchar, stream varchar, user_id varchar, date date, fetched_at timestamp, "
        "data varchar, metadata varchar, part_key varchar"
    )
    if not parts:
        return _empty(columns)
    start = len(lake.address) + 2
    return (
        "select json ->> '$.source' as source, json ->> '$.stream' as stream, json ->> '$.user_id' as user_id, "
        "(json ->> '$.date')::date as date, "
        "(json ->> '$.fetched_at')::timestamptz at time zone 'UTC' as fetched_at, "
        "(json -> '$.data')::varchar as data, (json -> '$.metadata')::varchar as metadata, "
        f"substr(filename, {start}) as part_key "
        f"from read_ndjson_objects({_urls(lake, parts)}, filename = true, hive_partitioning = false, "
        f"format = 'newline_delimited', maximum_object_size = {_MAX_LINE_BYTES})"
    )


def _prepared(lake: Lake, name: str, keys: Iterable[str]) -> str:
    columns = PREPARED_COLUMNS[name] + ", part_key varchar"
    urls = [quoted(lake.storage.url(key)) for key in keys]
    if not urls:
        return _empty(columns)
    chosen = ", ".join(
        f"{column}::{kind} as {column}"
        for column, kind in (each.split() for each in PREPARED_COLUMNS[name].split(", "))
    )
    return (
        f"select {chosen}, substr(filename, {len(lake.address) + 2}) as part_key "
        f"from read_parquet([{', '.join(urls)}], filename = true, hive_partitioning = false)"
    )


def _lines(lake: Lake, parts: list[RawPart]) -> str:
    """Whole lines as text, whatever is in them: a control character, never legal in JSON, as the delimiter."""
    return (
        f"read_csv({_urls(lake, parts)}, columns = {{'line': 'varchar'}}, delim = chr(1), quote = '', "
        "escape = '', header = false, auto_detect = false, hive_partitioning = false, "
        f"filename = true, max_line_size = {_MAX_LINE_BYTES})"
    )


def _urls(lake: Lake, parts: list[RawPart]) -> str:
    return "[" + ", ".join(quoted(lake.storage.url(part.key)) for part in parts) + "]"


def _union(selects: list[str], columns: str) -> str:
    return " union all ".join(selects) if selects else _empty(columns)


def _empty(columns: str) -> str:
    nulls = ", ".join(
        f"null::{kind} as {name}" for name, kind in (column.split() for column in columns.split(", "))
    )
    return f"select {nulls} where false"
