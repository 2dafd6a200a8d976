"""Lines packed into raw's parts on a nameless file, until it is known that they may be kept."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from moderation_craft.lake import Lake, Part, zones
from moderation_craft.lake.codec import packer
from moderation_craft.lake.storage import local_disk

PART_BYTES = 32 * 1024 * 1024
"""Lines of one part, unpacked: what is in memory when it is stored is at most this, and DuckDB reads parts side by
side.
"""
_BATCH_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Packed:
    """A part on the spool: the digest of its lines, and where its packed bytes stand."""

    digest: str
    rows: int
    offset: int
    size: int


class PartSpool:
    """Takes lines in order; equal lines give equal parts, however they arrived."""

    def __init__(self, file: BinaryIO, part_bytes: int = PART_BYTES) -> None:
        self.parts: list[Packed] = []
        self._file = file
        self._part_bytes = part_bytes
        self._offset = 0
        self._begin()

    def add(self, line: bytes) -> None:
        if self._rows and self._bytes + len(line) > self._part_bytes:
            self.close()
        self._pending.append(line)
        self._rows += 1
        self._bytes += len(line)
        self._pending_bytes += len(line)
        if self._pending_bytes >= _BATCH_BYTES:
            self._pack()

    def close(self) -> None:
        """End the part at hand, if there is one."""
        if not self._rows:
            return
        self._pack()
        self._file.write(self._packer.flush())
        end = self._file.tell()
        self.parts.append(Packed(self._digest.hexdigest(), self._rows, self._offset, end - self._offset))
        self._offset = end
        self._begin()

    def keys(self, dt: date, user_id: str) -> list[str]:
        """The parts' keys in the lake, by their content."""
        return [zones.dump_part(dt, user_id, each.digest) for each in self.parts]

    def store(self, lake: Lake, *, dt: date, user_id: str, stream: str) -> list[Part]:
        """Put the parts into the lake, one in memory at a time."""
        stored = []
        for key, packed in zip(self.keys(dt, user_id), self.parts, strict=True):
            self._file.seek(packed.offset)
            data = self._file.read(packed.size)
            stored.append(lake.put_part(key, data, rows=packed.rows, stream=stream, dt=str(dt)))
        return stored

    def _begin(self) -> None:
        self._digest = hashlib.sha256()
        self._packer = packer()
        self._pending: list[bytes] = []
        self._rows = self._bytes = self._pending_bytes = 0

    def _pack(self) -> None:
        lines = b"".join(self._pending)
        self._digest.update(lines)
        self._file.write(self._packer.compress(lines))
        self._pending.clear()
        self._pending_bytes = 0


@contextmanager
def nameless_file(folder: Path | None) -> Iterator[BinaryIO]:
    """A file that the system forgets however the process ends; LakeRefused (E004) where it cannot be written."""
    with local_disk(folder or Path(tempfile.gettempdir())), tempfile.TemporaryFile(dir=folder) as file:
        yield file
