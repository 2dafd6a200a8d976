"""One DuckDB file a person for the browser, the same bytes for the same rows.

DuckDB draws a random identifier for each database and writes uninitialised memory into the unused ends of
its blocks. So the files are written by a child process whose allocators hand out zeroed memory, and the
identifier is replaced by one derived from the content, with the headers' checksums made right again.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from moderation_craft.errors import TransformFailed

ZEROED: Final = {
    "DUCKDB_JE_MALLOC_CONF": "zero:true",  # DuckDB's own jemalloc: block buffers, vectors
    "MALLOC_PERTURB_": "255",  # glibc fills new memory with the complement, 0
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",  # cached chunks would skip the fill
}
_WRITER = Path(__file__).with_name("browser_writer.py")
_HEADER_OFFSETS = (0, 4096, 8192)
_HEADER_BYTES = 4096
_CHECKSUM = slice(0, 8)
_IDENTIFIER = slice(124, 140)


@dataclass(frozen=True)
class BrowserDatabase:
    """A file to write: for each table a SELECT from the warehouse (attached as `w`) with a total order."""

    path: Path
    tables: Mapping[str, str]


def write_browser_databases(warehouse: Path, databases: Sequence[BrowserDatabase]) -> None:
    """Write every file anew; TransformFailed where DuckDB cannot."""
    if not databases:
        return
    for database in databases:
        database.path.unlink(missing_ok=True)
    job = {
        "warehouse": str(warehouse),
        "databases": [{"path": str(each.path), "tables": dict(each.tables)} for each in databases],
    }
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", str(_WRITER)],
        input=json.dumps(job).encode(),
        env={**os.environ, **ZEROED},
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise TransformFailed(
            f"The browser files could not be written: {said[-1] if said else done.returncode}",
            remedy="check free space and the cache folder; the last good gold stays in place.",
        )
    for database in databases:
        stamp_identifier(database.path)


def stamp_identifier(path: Path) -> None:
    """Replace a database's random identifier by one derived from the rest of its bytes."""
    with path.open("r+b") as file:
        headers = {offset: _read_header(file, offset, path) for offset in _HEADER_OFFSETS}
        if not any(headers[0][_IDENTIFIER]) or headers[0][_IDENTIFIER] != headers[8192][_IDENTIFIER]:
            raise _layout_changed(path)
        _write_headers(file, headers, b"\1" * 16)
        file.seek(0)
        _write_headers(file, headers, hashlib.file_digest(file, "sha256").digest()[:16])


def _read_header(file: BinaryIO, offset: int, path: Path) -> bytearray:
    file.seek(offset)
    header = bytearray(file.read(_HEADER_BYTES))
    if header[_CHECKSUM] != _checksum(header[8:]):
        raise _layout_changed(path)
    return header


def _write_headers(file: BinaryIO, headers: Mapping[int, bytearray], identifier: bytes) -> None:
    for offset, header in headers.items():
        if any(header[_IDENTIFIER]):
            header[_IDENTIFIER] = identifier
            header[_CHECKSUM] = _checksum(header[8:])
        file.seek(offset)
        file.write(header)


def _checksum(data: bytes | bytearray) -> bytes:
    """DuckDB's block checksum: each 64-bit word times a constant, folded by XOR."""
    result = 5381
    for word in array("Q", bytes(data)):
        result ^= word * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return result.to_bytes(8, "little")


def _layout_changed(path: Path) -> TransformFailed:
    return TransformFailed(
        f"{path.name} has headers that this version does not know, so its bytes cannot be made repeatable.",
        remedy="use the DuckDB version that moderation-craft pins (pip install -U moderation-craft).",
    )
