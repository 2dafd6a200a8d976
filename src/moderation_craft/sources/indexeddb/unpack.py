"""A dump's bytes, plain or gzip, in chunks, within bounds of size and of how much gzip may grow."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from moderation_craft.errors import BoundMet, RecordInvalid

CHUNK_BYTES = 1024 * 1024
MAX_RATIO = 200
"""JSON packs to a fifth or a thirtieth; only a file made to grow packs to a two-hundredth."""
FREE_BYTES = 16 * 1024 * 1024
"""Below this, growth does no harm."""

_GZIP_MAGIC = b"\x1f\x8b"


def is_gzip(file: BinaryIO) -> bool:
    """Whether a file begins as gzip does; leaves it at its start."""
    file.seek(0)
    start = file.read(2)
    file.seek(0)
    return start == _GZIP_MAGIC


def unpacked(file: BinaryIO, name: str, *, max_bytes: int, remedy: str) -> Iterator[bytes]:
    """The content from its start.

    RecordInvalid (E003) where gzip is broken, BoundMet (E009) above `max_bytes` or where gzip grows past measure.
    """
    is_packed = is_gzip(file)
    reader = gzip.GzipFile(fileobj=file) if is_packed else file
    total = 0
    while True:
        try:
            chunk = reader.read(CHUNK_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RecordInvalid(
                f"{name} is a gzip file that is cut short or broken: {error}.", remedy=remedy
            ) from error
        except OSError as error:
            raise RecordInvalid(
                f"{name} cannot be read: {error.strerror or error}.",
                remedy="mend the disk or the copy of the file.",
            ) from error
        if not chunk:
            return
        total += len(chunk)
        if total > max_bytes:
            raise BoundMet(
                f"{name} holds more than {max_bytes:,} bytes.",
                remedy="export fewer tables at a time (exportDB's filter), or raise ingest.max_bytes.",
            )
        if is_packed and total > max(FREE_BYTES, file.tell() * MAX_RATIO):
            raise BoundMet(
                f"{name} unpacks to more than {MAX_RATIO} times its size, as no dump does.",
                remedy="check where the file comes from; unpack it yourself if you trust it.",
            )
        yield chunk
