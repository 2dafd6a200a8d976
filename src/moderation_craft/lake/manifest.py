"""Manifests: the commit of every run that writes raw. What has no manifest does not exist."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from moderation_craft.errors import LayoutTooNew, RecordInvalid
from moderation_craft.lake.zones import LAYOUT_VERSION


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record of an external part: whose day, and a digest of what was said about it."""

    user_id: str
    date: str
    digest: str
    fetched_at: str
    is_closed: bool = False


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object of raw: key in the lake, bytes as stored, SHA-256 of those bytes, records in it."""

    key: str
    bytes: int
    sha256: str
    rows: int
    stream: str = ""
    dt: str = ""
    entries: list[Entry] = []


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one run put into raw.

    `kind` is dynamodb_export, indexeddb_dump, fetch or csv_import. `content_digest` is equal for two runs
    exactly if they found the same content; `details` holds what only that kind knows (table, mode, map …).
    """

    id: str
    kind: str
    source: str
    started_at: str
    completed_at: str
    parts: list[Part]
    rows: int
    refused: int = 0
    content_digest: str = ""
    details: dict[str, Any] = {}
    layout_version: int = LAYOUT_VERSION

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)


def content_digest(parts: list[Part]) -> str:
    """SHA-256 over the parts' streams and digests, in order of key."""
    lines = sorted(f"{part.stream}\t{part.dt}\t{part.sha256}" for part in parts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def decode(data: bytes, key: str) -> Manifest:
    """A manifest from its bytes; LayoutTooNew or RecordInvalid where it cannot be read."""
    try:
        version = msgspec.json.decode(data, type=_Versioned).layout_version
        check_layout(version, key)
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise RecordInvalid(
            f"The manifest {key!r} cannot be read: {error}.",
            remedy="its run is left out; restore the file from a backup, or run the export or fetch again.",
        ) from error


class _Versioned(msgspec.Struct):
    layout_version: int = LAYOUT_VERSION


def check_layout(version: int, where: str) -> None:
    if version > LAYOUT_VERSION:
        raise LayoutTooNew(
            f"{where!r} was written with lake layout {version}; this mcraft knows up to {LAYOUT_VERSION}.",
            remedy="upgrade moderation-craft (pip install -U), then run the command again; nothing changed.",
        )
