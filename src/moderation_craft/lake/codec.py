"""Compressed JSON lines: how raw parts are packed and read, streamed both ways."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

import zstandard

_LEVEL = 3


def packer(level: int = _LEVEL) -> zstandard.ZstdCompressionObj:
    """A stream of Zstandard; the same bytes for the same pieces in the same order."""
    return zstandard.ZstdCompressor(level=level).compressobj()


def compress(data: bytes) -> bytes:
    """Zstandard, level 3, content size in the frame; the same bytes for the same input."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(data)


def decompressed(key: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks as they were before packing, by the key's suffix (.zst, .gz, or plain)."""
    unpack: Callable[[bytes], bytes]
    if key.endswith(".zst"):
        unpack = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True).decompress
    elif key.endswith(".gz"):
        unpack = zlib.decompressobj(wbits=31).decompress
    else:
        yield from chunks
        return
    for chunk in chunks:
        yield unpack(chunk)


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their newline; empty lines are left out."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)
    if rest:
        yield rest
