"""Compressed JSON lines: how raw parts are packed and read, streamed both ways."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import zstandard

_LEVEL = 3
_PIECE_BYTES = 1024 * 1024


class Damaged(Exception):
    """Packed bytes that are cut or broken."""


def packer(level: int = _LEVEL) -> zstandard.ZstdCompressionObj:
    """A stream of Zstandard; the same bytes for the same pieces in the same order."""
    return zstandard.ZstdCompressor(level=level).compressobj()


def compress(data: bytes) -> bytes:
    """Zstandard, level 3, content size in the frame; the same bytes for the same input."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(data)


def decompressed(key: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks as they were before packing, by the key's suffix (.zst, .gz, or plain); Damaged if not whole."""
    if key.endswith(".zst"):
        return _unzstd(chunks)
    return gunzip(chunks) if key.endswith(".gz") else iter(chunks)


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Gzip of one or several members in pieces of at most 1 MB, however tightly packed; Damaged if not whole."""
    unpack = zlib.decompressobj(wbits=31)
    is_fed = False
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                is_fed = True
                if unpack.eof:
                    unpack = zlib.decompressobj(wbits=31)
                piece = unpack.decompress(rest, _PIECE_BYTES)
                if piece:
                    yield piece
                rest = unpack.unconsumed_tail or unpack.unused_data
    except zlib.error as error:
        raise Damaged(f"no gzip file or a broken one: {error}") from error
    if is_fed and not unpack.eof:
        raise Damaged("gzip that is cut short")


def _unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    unpack = zstandard.ZstdDecompressor().decompressobj()
    is_fed = False
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                is_fed = True
                if unpack.eof:
                    unpack = zstandard.ZstdDecompressor().decompressobj()
                yield unpack.decompress(rest)
                rest = unpack.unused_data
    except zstandard.ZstdError as error:
        raise Damaged(f"no Zstandard file or a broken one: {error}") from error
    if is_fed and not unpack.eof:
        raise Damaged("Zstandard that is cut short")


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their newline; empty lines are left out."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)
    if rest:
        yield rest
