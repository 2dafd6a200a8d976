"""The schema `raw` of the warehouse file: views over exactly the raw objects that the manifests name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import duckdb

from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.warehouse import raw_parts, raw_tables
from moderation_craft.warehouse.connection import identifier, quoted
from moderation_craft.warehouse.declared import AskedStream, declared_streams
from moderation_craft.warehouse.raw_parts import RawPart, RawParts

PREPARED_COLUMNS = {
    "calendar_events": "user_id varchar, way_in varchar, calendar varchar, uid varchar, recurrence_id varchar, "
    "starts_at timestamp, ends_at timestamp, starts_on date, ends_on date, is_all_day boolean, "
    "is_busy boolean, is_declined boolean, status varchar, title varchar, fetched_at timestamp",
    "csv_measures": "user_id varchar, date date, measure varchar, value double, unit varchar, kind varchar, "
    "label_ja varchar, label_en varchar, dataset varchar, imported_at timestamp, row_number integer",
    "fitbit_archive_days": "user_id varchar, date date, way_in varchar, measure varchar, value double, "
    "rank integer",
    "fitbit_archive_sleep": "user_id varchar, way_in varchar, log_id varchar, date date, log_type varchar, "
    "is_main boolean, started_at timestamp, ended_at timestamp, start_offset_seconds double, "
    "end_offset_seconds double, minutes_in_bed double, minutes_asleep double, minutes_awake double, "
    "deep_minutes double, light_minutes double, rem_minutes double, restless_minutes double",
    "fitbit_archive_exercises": "user_id varchar, way_in varchar, log_id varchar, date date, "
    "activity_name varchar, started_at timestamp, ended_at timestamp, start_offset_seconds double, "
    "end_offset_seconds double, active_minutes double, steps double, distance_km double, energy_kcal double, "
    "heart_rate_mean_bpm double",
}
_READ_WHEN_PREPARED = ("takeout-", "legacy-")
"""Streams of archives, years of heartbeats: no model reads them but as sources/prepare.py wrote them down."""
_MAX_LINE_BYTES = 64 * 1024 * 1024
_KEY_COLUMNS = {
    "pk": "PK",
    "sk": "SK",
    "entity_type": "entity_type",
    "user_id": "user_id",
    "id": "id",
    "updated_at": "updated_at",
}
_TEXT_OR_NUMBER = {"S": "VARCHAR", "N": "VARCHAR"}
_PART_COLUMNS = "p.run_id, p.chain_position, p.gone_at, p.part_key, p.part_number"


def register(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    settings: Settings,
    prepared: Mapping[str, list[str]],
    asked: Sequence[AskedStream] = (),
) -> RawParts:
    """Make every `raw.*` view of the contract; LakeRefused where an object is missing or cut."""
    raw = raw_parts.find(lake, prepared)
    raw_parts.check(lake, raw)
    _make(connection, lake, raw.parts, _views(lake, raw))
    _places_table(connection, settings)
    raw_tables.fetched_days(connection, raw)
    raw_tables.source_streams(connection, asked)
    raw_tables.public_holidays(connection)
    return raw


def register_exports(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Make the views over the app's table alone."""
    parts = raw_parts.exported(lake)
    _make(connection, lake, parts, _dynamodb_views(lake, parts))


def _make(
    connection: duckdb.DuckDBPyConnection, lake: Lake, parts: list[RawPart], views: Mapping[str, str]
) -> None:
    connection.execute("create schema if not exists raw")
    _parts_table(connection, lake, parts)
    for name, select in views.items():
        connection.execute(f"create or replace view raw.{name} as {select}")


def _views(lake: Lake, raw: RawParts) -> dict[str, str]:
    views = {
        **_dynamodb_views(lake, raw.of("dynamodb")),
        "indexeddb_rows": _indexeddb_rows(lake, raw.of("indexeddb")),
        "calendar_events": _prepared(lake, "calendar_events", raw.prepared.get("calendar", [])),
        "csv_measures": _prepared(lake, "csv_measures", raw.prepared.get("csv", [])),
        **{
            name: _prepared(lake, name, raw.prepared.get(name, []))
            for name in PREPARED_COLUMNS
            if name.startswith("fitbit_archive_")
        },
    }
    for source, streams in declared_streams().items():
        for stream in sorted({*streams, *raw.streams(source)} - {""}):
            if not stream.startswith(_READ_WHEN_PREPARED):
                views[_view_name(source, stream)] = _envelopes(lake, raw.of(source, stream))
    answers = [part for source in declared_streams() for part in raw.of(source)]
    views["envelopes"] = _envelopes(
        lake, [part for part in answers if not part.stream.startswith(_READ_WHEN_PREPARED)]
    )
    return views


def _view_name(source: str, stream: str) -> str:
    return identifier(f"{source}_{stream.replace('-', '_')}")


def _parts_table(connection: duckdb.DuckDBPyConnection, lake: Lake, parts: list[RawPart]) -> None:
    snapshots = {(p.owner, p.run_id) for p in parts if p.source == "dynamodb" and not p.is_delta}
    snapshots_of = Counter(owner for owner, _ in snapshots)
    rows = [
        (
            number,
            lake.storage.url(p.key),
            p.key,
            p.run_id,
            p.owner,
            p.device_id,
            p.chain_position,
            p.is_delta or snapshots_of[p.owner] > 1,
            *(at and at.removesuffix("Z") for at in (p.at, p.last_at or p.at, p.gone_at)),
        )
        for number, p in enumerate(sorted(parts, key=lambda part: part.key))
    ]
    connection.execute(
        "create or replace table raw.parts (part_number integer, url varchar, part_key varchar, "
        "run_id varchar, owner varchar, device_id varchar, chain_position integer, may_repeat boolean, "
        "observed_at timestamp, last_seen_at timestamp, gone_at timestamp)"
    )
    raw_tables.insert(connection, "raw.parts", rows)


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
    raw_tables.insert(connection, "raw.settings_places", rows)


def _dynamodb_views(lake: Lake, parts: list[RawPart]) -> dict[str, str]:
    """`dynamodb_items`: all that exports hold; `may_repeat` of changes, and where there are several snapshots.
    `dynamodb_changes`: of each key that changes speak of, the last word in the chain (NULL where it has none), and
    when it was last deleted."""
    changes = [part for part in parts if part.is_delta]
    # Of two words in one run, the deletion came last: deletions are looked for after the changes.
    word = "struct_pack(chain_position := p.chain_position, is_delete := r.is_delete)"
    return {
        "dynamodb_items": (
            f"select r.* exclude (filename, written_at), {_PART_COLUMNS}, p.may_repeat, p.owner as table_name, "
            "p.observed_at, "
            "case when r.is_delete then coalesce(r.written_at, p.observed_at) "
            "else p.last_seen_at end as last_seen_at "
            f"from ({_dynamodb_rows(lake, parts)}) as r inner join raw.parts as p on r.filename = p.url"
        ),
        "dynamodb_changes": (
            "select table_name, pk, sk, word.chain_position, word.is_delete, deleted_at from ("
            "select p.owner as table_name, r.pk, r.sk, "
            f"max({word}) filter (where p.chain_position is not null) as word, "
            "max(coalesce(r.written_at, p.observed_at)) filter (where r.is_delete) as deleted_at "
            f"from ({_dynamodb_rows(lake, changes)}) as r inner join raw.parts as p on r.filename = p.url "
            "where r.pk is not null group by all)"
        ),
    }


def _dynamodb_rows(lake: Lake, parts: list[RawPart]) -> str:
    lines = [part for part in parts if not part.key.endswith(".parquet")]
    tables = [part for part in parts if part.key.endswith(".parquet")]
    columns = ", ".join(f"{name} varchar" for name in _KEY_COLUMNS)
    columns += ", item varchar, is_delete boolean, written_at timestamp, filename varchar"
    selects = [_item_lines(lake, lines)] if lines else []
    selects += [_item_tables(lake, tables)] if tables else []
    return _union(selects, columns)


def _item_lines(lake: Lake, parts: list[RawPart]) -> str:
    """Lines of ours and of AWS's native exports. A line that is none of these is its own item, for quarantine."""
    keys = json.dumps({attribute: _TEXT_OR_NUMBER for attribute in _KEY_COLUMNS.values()})
    shape = (
        f'{{"Item": {keys}, "NewImage": {keys}, "OldImage": {keys}, "Deleted": {keys}, "Keys": {keys}, '
        '"Metadata": {"WriteTimestampMicros": {"N": "BIGINT"}}}'
    )
    image = "coalesce(said.Item, said.NewImage, said.OldImage, said.Deleted, said.Keys)"
    named = ", ".join(
        f"{_text(f'image.{attribute}')} as {name}"
        if name not in ("pk", "sk")
        else f"coalesce({_text(f'image.{attribute}')}, {_text(f'said.Keys.{attribute}')}) as {name}"
        for name, attribute in _KEY_COLUMNS.items()
    )
    is_gone = "said.Item is null and said.NewImage is null and coalesce(said.Deleted, said.Keys) is not null"
    return (
        f"select {named}, case "
        """when line like '{"Item":{%}}' then line[9:-2] """
        "when said.Item is not null then (line -> '$.Item')::varchar "
        "when said.NewImage is not null then (line -> '$.NewImage')::varchar "
        "when said.OldImage is not null then (line -> '$.OldImage')::varchar "
        f"when not ({is_gone}) or said is null then line end as item, "
        f"coalesce({is_gone}, false) as is_delete, "
        "make_timestamp(said.Metadata.WriteTimestampMicros.N) as written_at, filename "
        f"from (select line, said, {image} as image, filename from "
        f"(select line, try(from_json(line, {quoted(shape)})) as said, filename from {_lines(lake, parts)}))"
    )


def _item_tables(lake: Lake, parts: list[RawPart]) -> str:
    """Parquet parts; a key that has no column, or none of a part's rows, is read from the item."""
    named = ", ".join(
        f"coalesce({name}, try(item ->> '$.{attribute}.S'), try(item ->> '$.{attribute}.N')) as {name}"
        for name, attribute in _KEY_COLUMNS.items()
    )
    columns = ", ".join(f"null::varchar as {name}" for name in (*_KEY_COLUMNS, "item", "filename"))
    return (
        f"select {named}, item, item is null as is_delete, null::timestamp as written_at, filename "
        f"from (select {columns} where false union all by name select * from "
        f"read_parquet({_urls(lake, parts)}, filename = true, union_by_name = true, hive_partitioning = false))"
    )


def _text(attribute: str) -> str:
    return f"coalesce({attribute}.S, {attribute}.N)"


def _indexeddb_rows(lake: Lake, parts: list[RawPart]) -> str:
    reader = f"select line, case when json_valid(line) then line end as valid, filename from {_lines(lake, parts)}"
    rows = _union([reader] if parts else [], "line varchar, valid varchar, filename varchar")
    is_delete = "coalesce((r.valid ->> '$.deleted') = 'true', false)"
    return (
        "select r.valid ->> '$.table' as table_name, (r.valid ->> '$.inbound') = 'true' as inbound, "
        f"case when not {is_delete} then coalesce((r.valid -> '$.row')::varchar, r.line) end as row_json, "
        f"(r.valid -> '$.key')::varchar as key_json, {is_delete} as is_delete, {_PART_COLUMNS}, "
        "p.owner as user_id, p.device_id, p.observed_at as dumped_at, p.last_seen_at "
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
    urls = sorted({lake.storage.url(part.key) for part in parts})
    return "[" + ", ".join(quoted(url) for url in urls) + "]"


def _union(selects: list[str], columns: str) -> str:
    return " union all ".join(selects) if selects else _empty(columns)


def _empty(columns: str) -> str:
    nulls = ", ".join(
        f"null::{kind} as {name}" for name, kind in (column.split() for column in columns.split(", "))
    )
    return f"select {nulls} where false"
