"""Exports that raw holds: listed newest first, each read back as one streamed document."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from moderation_craft.lake import Lake, Manifest
from moderation_craft.lake.chain import as_of, chain, is_delta
from moderation_craft.sources.dynamodb.parts import SCHEMA, read_items, read_tables

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXPORT_VERSION = "1.0"


def list_exports(lake: Lake) -> list[Manifest]:
    """Every committed export, newest first."""
    return lake.manifests("dynamodb")[::-1]


def latest_export(lake: Lake, table: str | None = None, mode: str | None = None) -> Manifest | None:
    """The newest export, of one table and mode if named."""
    for manifest in list_exports(lake):
        if table in (None, manifest.details["table_name"]) and mode in (None, manifest.details["mode"]):
            return manifest
    return None


def table_chain(lake: Lake, table: str) -> list[Manifest]:
    """The exports that add up to a table's present state: the newest full one and the changes after it."""
    return chain(found for found in lake.manifests("dynamodb") if found.details["table_name"] == table)


def item_count(manifest: Manifest) -> int:
    """Records of an export, tombstones left out."""
    return manifest.rows - int(manifest.details.get("deleted", 0))


def reconciled_at(lake: Lake, table: str) -> str | None:
    """When all of a table was last seen, by a full export or by comparing keys; ISO 8601, None where never."""
    seen = [
        as_of(link) for link in table_chain(lake, table) if not is_delta(link) or link.details.get("reconciled")
    ]
    return max(seen, default=None)


def export_sentence(manifest: Manifest, *, is_new: bool) -> str:
    """What an export found, for the log: counts, from when to when, and why if it did not do what was asked."""
    details, count = manifest.details, item_count(manifest)
    window = details["window"]
    if not is_delta(manifest):
        said = f"{count:,} items of {details['table_name']}, as it was from {window['first']} to {window['last']}"
        said += "" if is_new else ": unchanged"
    else:
        deleted = manifest.rows - count
        found = [f"{count:,} changed"] * bool(count) + [f"{deleted:,} deleted"] * bool(deleted)
        said = f"{' and '.join(found) or 'nothing new'} since {details['from']}"
        if not details.get("reconciled", True):
            said += " (deleted records are looked for with --reconcile)"
    if details.get("sessions", 1) > 1:
        said += f", in {details['sessions']} sittings"
    return said + (f" (a full scan, since {details['reason']})" if details.get("reason") else "")


def items(lake: Lake, manifest: Manifest) -> Iterator[bytes]:
    """Each item's DynamoDB JSON, as DynamoDB sent it; tombstones are left out."""
    for part in manifest.parts:
        yield from read_items(lake, part)


def document(lake: Lake, manifest: Manifest) -> Iterator[bytes]:
    """The export as one JSON document `{export_metadata, data: [item, …]}`, in chunks."""
    metadata = {
        "table_name": manifest.details["table_name"],
        "exported_at": manifest.completed_at,
        "export_version": EXPORT_VERSION,
        "export_mode": manifest.details["mode"],
        "record_count": item_count(manifest),
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
    with pq.ParquetWriter(out, SCHEMA, compression="zstd") as writer:
        for part in manifest.parts:
            for table in read_tables(lake, part):
                writer.write_table(table.filter(pc.is_valid(table["item"])))
                yield out.take()
    yield out.take()


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
