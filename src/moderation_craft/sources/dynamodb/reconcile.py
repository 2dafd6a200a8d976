"""Keys compared: what the index on updated_at cannot tell - deleted records, late writers, kinds nobody knew.

The table's keys are listed (a scan that returns keys only: the capacity of a full scan, a fraction of its bytes)
and held against the keys that raw holds. Both sides are compared as 64-bit hashes, 32 bytes a record in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moderation_craft.sources.contract import Progress
from moderation_craft.sources.dynamodb.capacity import ReadCapacity
from moderation_craft.sources.dynamodb.client import DynamoDBClient
from moderation_craft.sources.dynamodb.held import HeldKeys
from moderation_craft.sources.dynamodb.parts import SCHEMA, KeyRow, item_table
from moderation_craft.sources.dynamodb.scan import pages, primary_key

_NAMES = {"#pk": "PK", "#sk": "SK", "#type": "entity_type", "#user": "user_id", "#id": "id", "#at": "updated_at"}
_HASHED = pa.schema([*SCHEMA, pa.field("key_hash", pa.int64()), pa.field("version_hash", pa.int64())])


@dataclass(frozen=True)
class Differences:
    """`gone` are tombstones, `unseen` the primary keys (DynamoDB JSON) of records that raw lacks as they are."""

    gone: list[KeyRow]
    unseen: list[dict[str, Any]]
    listed: int


def compare_keys(
    client: DynamoDBClient,
    table: str,
    held: HeldKeys,
    *,
    segments: int,
    capacity: ReadCapacity,
    progress: Progress,
) -> Differences:
    """List the table's keys and hold them against `held`: a record is known where its key and updated_at are."""
    with tempfile.TemporaryDirectory(prefix="mcraft-keys-") as folder:
        listing = _list_keys(client, table, Path(folder) / "keys.arrow", segments, capacity, progress)
        rows = [(_hash(row.pk, row.sk), _hash(row.pk, row.sk, row.updated_at)) for row in held]
        held_keys = pa.array([key for key, _ in rows], pa.int64())
        held_versions = pa.array([version for _, version in rows], pa.int64())
        listed = pa.chunked_array([batch["key_hash"] for batch in _batches(listing)], pa.int64())
        lost = pc.invert(pc.is_in(held_keys, value_set=listed))
        gone_hashes = set(held_keys.filter(lost).to_pylist())
        gone = [row for row in held if _hash(row.pk, row.sk) in gone_hashes] if gone_hashes else []
        unseen = [key for batch in _batches(listing) for key in _unseen(batch, held_versions)]
    return Differences([row._replace(is_delete=True) for row in gone], unseen, len(listed))


def _list_keys(
    client: DynamoDBClient, table: str, path: Path, segments: int, capacity: ReadCapacity, progress: Progress
) -> Path:
    request = {
        "TableName": table,
        "ProjectionExpression": ", ".join(_NAMES),
        "ExpressionAttributeNames": _NAMES,
        "TotalSegments": segments,
    }
    lock, stopping = Lock(), Event()
    done = 0
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, _HASHED) as out:

        def one_segment(number: int) -> None:
            nonlocal done
            for _, page in pages(client, "Scan", {**request, "Segment": number}, capacity, stopping.is_set):
                if page.items:
                    hashed = _hashed(item_table(page.items))
                    with lock:
                        out.write_table(hashed)
                        done += hashed.num_rows
                        progress(done, None, "keys compared")

        with ThreadPoolExecutor(segments) as pool:
            try:
                list(pool.map(one_segment, range(segments)))
            finally:
                stopping.set()
    return path


def _hashed(table: pa.Table) -> pa.Table:
    keys = list(zip(table["pk"].to_pylist(), table["sk"].to_pylist(), strict=True))
    versions = zip(keys, table["updated_at"].to_pylist(), strict=True)
    columns = [
        pa.array([_hash(*key) for key in keys], pa.int64()),
        pa.array([_hash(*key, updated_at) for key, updated_at in versions], pa.int64()),
    ]
    return pa.Table.from_arrays([*table.columns, *columns], schema=_HASHED)


def _hash(*values: str | None) -> int:
    """64 bits, the same within this process."""
    return hash(values)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as listing:
        for number in range(listing.num_record_batches):
            yield listing.get_batch(number)


def _unseen(batch: pa.RecordBatch, held_versions: pa.Array) -> Iterable[dict[str, Any]]:
    new = batch.filter(pc.invert(pc.is_in(batch["version_hash"], value_set=held_versions)))
    for text in new["item"].to_pylist():
        yield primary_key(text)
