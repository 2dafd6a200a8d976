"""Full export of the app's table: parallel segments, items kept as the bytes that DynamoDB sent."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from moderation_craft.clock import iso, new_run_id
from moderation_craft.lake import Lake, Manifest, Part, zones
from moderation_craft.lake.codec import packer
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.dynamodb.client import DynamoDBClient

ExportFormat = Literal["json", "parquet"]

_PART_BYTES = 64 * 1024 * 1024


class _ScanPage(msgspec.Struct):
    Items: list[msgspec.Raw] = []
    LastEvaluatedKey: msgspec.Raw = msgspec.Raw(b"")


@dataclass
class _Counter:
    """Items so far, over all segments."""

    total: int | None
    progress: Progress
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, items: int) -> None:
        with self.lock:
            self.done += items
            self.progress(self.done, self.total, "items")


def export_table(
    lake: Lake,
    client: DynamoDBClient,
    table: str,
    *,
    format: ExportFormat = "json",
    segments: int = 2,
    job_id: str | None = None,
    progress: Progress = no_progress,
) -> Manifest:
    """Copy every item of a table into raw and commit it with one manifest.

    Items are what the scan saw between `details.window.first` and `.last`; a table that changes meanwhile may
    show some changes and not others (DynamoDB's scan gives no snapshot). SetupError where there is no table.
    """
    started_at = lake.clock.now()
    counter = _Counter(client.about_how_many(table), progress)
    day = started_at.date()

    def one_segment(number: int) -> list[Part]:
        pages = _pages(client, table, number, segments)
        return list(_write_parts(lake, table, day, format, pages, counter))

    with ThreadPoolExecutor(segments) as pool:
        parts = [part for parts in pool.map(one_segment, range(segments)) for part in parts]
    return lake.commit(
        run_id=new_run_id(lake.clock),
        kind="dynamodb_export",
        source="dynamodb",
        started_at=iso(started_at),
        parts=parts,
        details={
            "table_name": table,
            "mode": "full",
            "format": format,
            "region": client.region,
            "job_id": job_id,
            "window": {"first": iso(started_at), "last": iso(lake.clock.now())},
        },
    )


def _pages(client: DynamoDBClient, table: str, segment: int, segments: int) -> Iterator[list[msgspec.Raw]]:
    request: dict[str, Any] = {"TableName": table, "Segment": segment, "TotalSegments": segments}
    while True:
        page = msgspec.json.decode(client.call("Scan", request), type=_ScanPage)
        yield page.Items
        if not bytes(page.LastEvaluatedKey):
            return
        request["ExclusiveStartKey"] = page.LastEvaluatedKey


def _write_parts(
    lake: Lake,
    table: str,
    day: date,
    format: ExportFormat,
    pages: Iterable[list[msgspec.Raw]],
    counter: _Counter,
) -> Iterator[Part]:
    pack = _PACKS[format]
    waiting = pack()
    for items in pages:
        counter.add(len(items))
        # JSON holds no bare line feed inside a string: a page set in many lines loses only its layout.
        waiting.add([bytes(item).replace(b"\n", b" ") for item in items])
        if waiting.taken_bytes >= _PART_BYTES:
            yield _write_part(lake, table, day, waiting)
            waiting = pack()
    if waiting.rows:
        yield _write_part(lake, table, day, waiting)


def _write_part(lake: Lake, table: str, day: date, pack: _Lines | _Columns) -> Part:
    data = pack.finish()
    key = zones.dynamodb_part(day, table, hashlib.sha256(data).hexdigest(), pack.suffix)
    return lake.put_part(key, data, rows=pack.rows, stream=table)


class _Lines:
    """A part of `{"Item":…}` lines, compressed as its pages come, so that memory holds it packed only."""

    suffix = "jsonl.zst"

    def __init__(self) -> None:
        self.rows = self.taken_bytes = 0
        self._packer = packer()
        self._packed: list[bytes] = []

    def add(self, items: list[bytes]) -> None:
        lines = b"".join([b'{"Item":%b}\n' % item for item in items])
        self.rows += len(items)
        self.taken_bytes += len(lines)
        self._packed.append(self._packer.compress(lines))

    def finish(self) -> bytes:
        return b"".join([*self._packed, self._packer.flush()])


class _Columns:
    """A part in Parquet."""

    suffix = "parquet"

    def __init__(self) -> None:
        self.taken_bytes = 0
        self._items: list[bytes] = []

    @property
    def rows(self) -> int:
        return len(self._items)

    def add(self, items: list[bytes]) -> None:
        self._items += items
        self.taken_bytes += sum(map(len, items))

    def finish(self) -> bytes:
        return parquet_bytes(self._items)


_PACKS: dict[ExportFormat, type[_Lines] | type[_Columns]] = {"json": _Lines, "parquet": _Columns}


class _Text(msgspec.Struct, frozen=True):
    S: str | None = None
    N: str | None = None

    @property
    def value(self) -> str | None:
        return self.S if self.S is not None else self.N


class _Keys(msgspec.Struct):
    entity_type: _Text = _Text()
    user_id: _Text = _Text()
    id: _Text = _Text()
    updated_at: _Text = _Text()


_PARQUET_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("entity_type", "user_id", "id", "updated_at", "item")]
)


def parquet_bytes(items: list[bytes]) -> bytes:
    """Items as Parquet: the key columns that readers prune by, beside each item's JSON, exact."""
    keys = [msgspec.json.decode(item, type=_Keys) for item in items]
    columns = {name: [getattr(key, name).value for key in keys] for name in _Keys.__struct_fields__}
    table = pa.table({**columns, "item": [item.decode() for item in items]}, schema=_PARQUET_SCHEMA)
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()
