"""Tables of the warehouse as objects in the lake: same rows, same bytes, same name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from moderation_craft.lake import Lake
from moderation_craft.warehouse.connection import identifier, quoted

_PARQUET = "format parquet, compression zstd, compression_level 3, row_group_size 122880, parquet_version v1"


@dataclass
class ObjectWriter:
    """Writes through a folder on this machine; counts what was new."""

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    folder: Path
    held: dict[str, int]
    written: int = 0
    written_bytes: int = 0
    _made: int = field(default=0)

    def parquet(self, select: str, key_of: Callable[[str], str]) -> tuple[str, int, int]:
        """Publish a SELECT with a total order: (key, bytes, rows)."""
        path = self.temporary(".parquet")
        copied = self.connection.execute(f"copy ({select}) to {quoted(str(path))} ({_PARQUET})").fetchone()
        key, size = self.file(path, key_of)
        return key, size, int(copied[0]) if copied else 0

    def file(self, path: Path, key_of: Callable[[str], str]) -> tuple[str, int]:
        """Publish a file under a name made from its SHA-256, then remove it here: (key, bytes)."""
        with path.open("rb") as stream:
            key = key_of(hashlib.file_digest(stream, "sha256").hexdigest())
        size = path.stat().st_size
        if self.held.get(key) != size:
            self.lake.storage.put_file(key, path)
            self.held[key] = size
            self.written += 1
            self.written_bytes += size
        path.unlink()
        return key, size

    def temporary(self, suffix: str) -> Path:
        self._made += 1
        return self.folder / f"object-{self._made}{suffix}"

    def columns(self, table: str) -> list[tuple[str, str]]:
        """Names and DuckDB types, in order."""
        found = self.connection.execute(f"describe {identifier(table)}").fetchall()
        return [(str(row[0]), str(row[1])) for row in found]
