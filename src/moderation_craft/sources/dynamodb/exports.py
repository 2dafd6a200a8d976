"""Exports that raw holds: listed newest first, each read back as one streamed document."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import pyarrow.parquet as pq

from moderation_craft.lake import Lake, Manifest
from moderation_craft.sources.dynamodb.export import parquet_bytes

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXPORT_VERSION = "1.0"
_PARQUET_BATCH_ITEMS = 20_000


class _Line(msgspec.Struct):
    Item: msgspec.Raw


def list_exports(lake: Lake) -> list[Manifest]:
    """Every committed export, newest first."""
    return lake.manifests("dynamodb")[::-1]


def latest_export(lake: Lake, table: str | None = None) -> Manifest | None:
    """The newest export, of one table if named."""
    for manifest in list_exports(lake):
        if table in (None, manifest.details["table_name"]):
            return manifest
    return None


def items(lake: Lake, manifest: Manifest) -> Iterator[bytes]:
    """Each item's DynamoDB JSON, as DynamoDB sent it."""
    for part in manifest.parts:
        if part.key.endswith(".parquet"):
            table = pq.read_table(io.BytesIO(lake.storage.get(part.key)), columns=["item"])
            yield from (text.encode() for text in table["item"].to_pylist())
        else:
            for line in lake.lines(part.key):
                yield bytes(msgspec.json.decode(line, type=_Line).Item)


def document(lake: Lake, manifest: Manifest) -> Iterator[bytes]:
    """The export as one JSON document `{export_metadata, data: [item, …]}`, in chunks."""
    metadata = {
        "table_name": manifest.details["table_name"],
        "exported_at": manifest.completed_at,
        "export_version": EXPORT_VERSION,
        "export_mode": manifest.details["mode"],
        "record_count": manifest.rows,
    }
    yield b'{"export_metadata":%b,"data":[' % msgspec.json.encode(metadata)
    separator = b"\n"
    for item in items(lake, manifest):
        yield separator + item
        separator = b",\n"
    yield b"\n]}\n"


def parquet_document(lake: Lake, manifest: Manifest) -> Iterator[bytes]:
    """The export as one Parquet file (key columns and each item's JSON), in chunks."""
    out = _Drain()
    writer: pq.ParquetWriter | None = None
    for batch in _batches(items(lake, manifest)):
        table = pq.read_table(io.BytesIO(parquet_bytes(batch)))
        writer = writer or pq.ParquetWriter(out, table.schema, compression="zstd")
        writer.write_table(table)
        yield out.take()
    if writer is None:
        yield parquet_bytes([])
        return
    writer.close()
    yield out.take()


def _batches(found: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for item in found:
        batch.append(item)
        if len(batch) == _PARQUET_BATCH_ITEMS:
            yield batch
            batch = []
    if batch:
        yield batch


class _Drain(io.RawIOBase):
    """A sink whose bytes are taken away as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: ReadableBuffer) -> int:
        chunk = bytes(data)
        self._waiting += chunk
        self._position += len(chunk)
        return len(chunk)

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken
