"""What raw's present state of a table holds: its keys, and what an overlapping read would bring again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from moderation_craft.lake import Lake, Manifest
from moderation_craft.lake.chain import as_of, is_delta
from moderation_craft.sources.dynamodb.parts import KeyRow, read_keys, read_versions

PrimaryKey: TypeAlias = tuple[str | None, str | None]


def digest(item: bytes) -> bytes:
    """What tells two items apart: 128 bits of BLAKE2b over the bytes that DynamoDB sent."""
    return hashlib.blake2b(item, digest_size=16).digest()


def digests_since(lake: Lake, links: Sequence[Manifest], since: str) -> dict[PrimaryKey, bytes | None]:
    """The present version's digest of each key that a read from `since` on may bring; None for a tombstone.

    Of the full snapshot only what was updated since is read; of the changes after it everything, since a key's
    present version may be an older one that came back.
    """
    return {
        (row.pk, row.sk): None if item is None else digest(item)
        for link in links
        if is_delta(link) or as_of(link) >= since
        for part in link.parts
        for row, item in read_versions(lake, part, "" if is_delta(link) else since)
    }


class HeldKeys:
    """The live records of a chain, key by key: what came later counts, tombstones are gone.

    Memory holds the changes after the full snapshot, not the snapshot. `more` are changes not committed yet.
    """

    def __init__(self, lake: Lake, links: Sequence[Manifest], more: Iterable[KeyRow] = ()) -> None:
        self._lake = lake
        self._bases = [link for link in links if not is_delta(link)]
        self._later: dict[PrimaryKey, KeyRow] = {}
        for link in links:
            if is_delta(link):
                self._lay_over(row for part in link.parts for row in read_keys(lake, part))
        self._lay_over(more)

    def __iter__(self) -> Iterator[KeyRow]:
        for base in self._bases:
            for part in base.parts:
                yield from (row for row in read_keys(self._lake, part) if (row.pk, row.sk) not in self._later)
        yield from (row for row in self._later.values() if not row.is_delete)

    def _lay_over(self, rows: Iterable[KeyRow]) -> None:
        for row in rows:
            self._later[row.pk, row.sk] = row
