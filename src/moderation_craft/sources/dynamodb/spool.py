"""Pages on their way into a part, kept in a local file: a killed export goes on from its last finished page."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_RECORD = struct.Struct("<IIII")  # segment, the page's number in it, bytes, CRC-32


class SpooledPage(NamedTuple):
    segment: int
    number: int
    body: bytes


class PageSpool:
    """An append-only log of pages as DynamoDB sent them; a record that was cut is forgotten."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b", buffering=0)

    def append(self, page: SpooledPage) -> None:
        header = _RECORD.pack(page.segment, page.number, len(page.body), zlib.crc32(page.body))
        self._file.write(header)
        self._file.write(page.body)

    def replay(self) -> Iterator[SpooledPage]:
        """The whole pages in the order in which they came; whatever follows a broken record is cut off."""
        self._file.seek(0)
        whole = 0
        while header := self._file.read(_RECORD.size):
            body = b""
            if len(header) == _RECORD.size:
                segment, number, size, crc = _RECORD.unpack(header)
                body = self._file.read(size) or b""
            if not body or len(body) != size or zlib.crc32(body) != crc:
                self._file.truncate(whole)
                return
            whole = self._file.tell()
            yield SpooledPage(segment, number, body)

    def clear(self) -> None:
        """Forget every page: they are in a part that the lake holds."""
        self._file.truncate(0)

    def close(self) -> None:
        self._file.close()
