"""The changes since the last export: by the index on updated_at, and by keys for what the index cannot tell."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from moderation_craft.clock import iso, new_run_id
from moderation_craft.lake import Lake, Manifest, Part
from moderation_craft.lake.chain import as_of
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.dynamodb.capacity import ReadCapacity
from moderation_craft.sources.dynamodb.client import (
    AccessDenied,
    DynamoDBClient,
    IndexDescription,
    TableDescription,
)
from moderation_craft.sources.dynamodb.exports import table_chain
from moderation_craft.sources.dynamodb.held import HeldKeys, PrimaryKey, digest, digests_since
from moderation_craft.sources.dynamodb.parts import ExportFormat, KeyRow, key_row, keys_of
from moderation_craft.sources.dynamodb.reconcile import compare_keys
from moderation_craft.sources.dynamodb.scan import Consumed, PartTarget, pages, primary_key

INDEX = "entity-type-index"
ENTITY_TYPES = (
    "big_task",
    "daily_condition",
    "dopamine_entry",
    "mood_entry",
    "project",
    "schedule_memo",
    "sleep_schedule",
    "small_task",
    "time_entries",
    "user",
    "work_session",
)
MOST_CHANGES = 200_000
_BATCH_GET_KEYS = 100


class ChangesUntold(Exception):
    """What changed cannot be told, or is too much; `reason` is a sentence for the person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Changes:
    """The newest version of each changed record, tombstones among them; what raw holds already is left out."""

    def __init__(self, known: dict[PrimaryKey, bytes | None]) -> None:
        self._known = known
        self._found: dict[PrimaryKey, tuple[KeyRow, bytes | None]] = {}

    def take(self, items: Sequence[msgspec.Raw]) -> None:
        for keys, item in zip(keys_of(items), items, strict=True):
            row, data = key_row(keys), bytes(item)
            key = (row.pk, row.sk)
            if key in self._found or self._known.get(key) != digest(data):
                self._found[key] = row, data
        if len(self._found) > MOST_CHANGES:
            raise ChangesUntold(f"more than {MOST_CHANGES:,} records changed")

    def take_gone(self, rows: Sequence[KeyRow]) -> None:
        self._found.update(((row.pk, row.sk), (row, None)) for row in rows)

    @property
    def keys(self) -> list[KeyRow]:
        return [row for row, _ in self._found.values()]

    @property
    def items(self) -> list[msgspec.Raw]:
        return [msgspec.Raw(item) for _, item in self._found.values() if item is not None]

    @property
    def gone(self) -> list[KeyRow]:
        return [row for row, item in self._found.values() if item is None]


def export_changes(
    lake: Lake,
    client: DynamoDBClient,
    table: str,
    *,
    format: ExportFormat = "parquet",
    segments: int = 2,
    max_rcu: float | None = None,
    overlap_hours: float = 24,
    since: datetime | None = None,
    until: datetime | None = None,
    reconcile: bool = False,
    job_id: str | None = None,
    progress: Progress = no_progress,
) -> Manifest:
    """Copy what changed since the last export into raw, as one delta of the table's chain.

    The index is asked for each kind of record from the last export's watermark less `overlap_hours` (devices that
    were offline write late); items that raw holds already, byte for byte, are not written again. `reconcile` also
    compares all keys: deleted records become tombstones, and what came later than the overlap is fetched.
    `since` and `until` ask for another window, which moves no watermark.

    Raises ChangesUntold where the index is not there, not ready or not allowed, or where more changed than
    memory should hold: the caller makes a full scan.
    """
    started = lake.clock.now()
    links = table_chain(lake, table)
    index = _index_of(client.describe(table))
    watermark = max(str(link.details.get("watermark") or as_of(link)) for link in links)
    first = iso(since or datetime.fromisoformat(watermark) - timedelta(hours=overlap_hours))
    capacity = ReadCapacity(max_rcu)
    changes = _Changes(digests_since(lake, links, first))
    read = listed = late = 0
    for entity_type in _entity_types(links):
        for items in _changed(client, table, index, entity_type, (first, until), capacity):
            changes.take(items)
            read += len(items)
            progress(read, None, "changed items")
    index_rcu, by_index = capacity.consumed, len(changes.keys)
    if reconcile:
        held = HeldKeys(lake, links, changes.keys)
        found = compare_keys(client, table, held, segments=segments, capacity=capacity, progress=progress)
        for items in get_items(client, table, found.unseen, capacity):
            changes.take(items)
        listed, late = found.listed, len(changes.keys) - by_index
        changes.take_gone(found.gone)
    return lake.commit(
        run_id=new_run_id(lake.clock),
        kind="dynamodb_export",
        source="dynamodb",
        started_at=iso(started),
        parts=_write(lake, table, started.date(), format, changes),
        details={
            "table_name": table,
            "mode": "incremental",
            "is_delta": True,
            "as_of": iso(started),
            "from": first,
            "until": iso(until) if until else None,
            "watermark": watermark if since or until else iso(started),
            "format": format,
            "region": client.region,
            "job_id": job_id,
            "window": {"first": iso(started), "last": iso(lake.clock.now())},
            "reconciled": reconcile,
            "changed": len(changes.items),
            "late": late,
            "deleted": len(changes.gone),
            "read": {
                "items": read,
                "index_rcu": round(index_rcu, 1),
                "reconciled_keys": listed,
                "reconcile_rcu": round(capacity.consumed - index_rcu, 1),
            },
            "entity_types": sorted({row.entity_type for row in changes.keys if row.entity_type}),
        },
    )


def _write(lake: Lake, table: str, day: date, format: ExportFormat, changes: _Changes) -> list[Part]:
    with tempfile.TemporaryDirectory(prefix="mcraft-export-") as folder:
        target = PartTarget(lake, table, day, format, Path(folder))
        part = target.open()
        try:
            part.add(changes.items)
            part.add_deleted(changes.gone)
            return [target.put(part)] if part.rows else []
        finally:
            part.abandon()


def _index_of(description: TableDescription) -> IndexDescription:
    index = next((index for index in description.indexes if index.name == INDEX), None)
    if index is None:
        raise ChangesUntold(f"the table has no index {INDEX} (entity_type, updated_at)")
    if index.status != "ACTIVE":
        raise ChangesUntold(f"the index {INDEX} is not ready ({index.status})")
    if [key.name for key in index.keys] != ["entity_type", "updated_at"]:
        raise ChangesUntold(f"the index {INDEX} is not on entity_type and updated_at")
    return index


def _entity_types(links: Sequence[Manifest]) -> list[str]:
    """The data model's kinds and every kind that an export has seen; a new one is found by comparing keys."""
    return sorted({*ENTITY_TYPES, *(kind for link in links for kind in link.details.get("entity_types", ()))})


def _changed(
    client: DynamoDBClient,
    table: str,
    index: IndexDescription,
    entity_type: str,
    window: tuple[str, datetime | None],
    capacity: ReadCapacity,
) -> Iterator[Sequence[msgspec.Raw]]:
    first, until = window
    values = {":type": {"S": entity_type}, ":first": {"S": first}}
    condition = "#type = :type AND #at >= :first"
    if until is not None:
        values[":last"] = {"S": iso(until)}
        condition = "#type = :type AND #at BETWEEN :first AND :last"
    request = {
        "TableName": table,
        "IndexName": index.name,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#type": "entity_type", "#at": "updated_at"},
        "ExpressionAttributeValues": values,
    }
    try:
        for _, page in pages(client, "Query", request, capacity):
            if index.projection.kind == "ALL":
                yield page.items
            else:
                keys = [primary_key(item) for item in page.items]
                yield from get_items(client, table, keys, capacity)
    except AccessDenied as error:
        raise ChangesUntold(f"the index {INDEX} may not be read ({error.message})") from error


class _Answers(msgspec.Struct):
    Responses: dict[str, list[msgspec.Raw]] = {}
    UnprocessedKeys: dict[str, _Unprocessed] = {}
    ConsumedCapacity: list[Consumed] = []


class _Unprocessed(msgspec.Struct):
    Keys: list[msgspec.Raw] = []


_answers_decoder = msgspec.json.Decoder(_Answers)


def get_items(
    client: DynamoDBClient, table: str, keys: Sequence[dict[str, Any]], capacity: ReadCapacity
) -> Iterator[list[msgspec.Raw]]:
    """Items by primary key, as DynamoDB sends them; those that are gone meanwhile are left out."""
    waiting: list[Any] = list(keys)
    while waiting:
        asked, waiting = waiting[:_BATCH_GET_KEYS], waiting[_BATCH_GET_KEYS:]
        capacity.wait()
        _, answer = client.answer(
            "BatchGetItem",
            {"RequestItems": {table: {"Keys": asked}}, "ReturnConsumedCapacity": "TOTAL"},
            _answers_decoder,
            capacity.throttled,
        )
        capacity.spend(sum(consumed.units for consumed in answer.ConsumedCapacity))
        left = [key for held in answer.UnprocessedKeys.values() for key in held.Keys]
        if left:
            capacity.throttled()
        waiting = [*left, *waiting]
        yield answer.Responses.get(table, [])
