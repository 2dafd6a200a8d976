"""Refused records, kept whole with the reason; writing the same refusal twice leaves one object."""

from __future__ import annotations

import hashlib
from datetime import date

import msgspec

from moderation_craft.lake import zones
from moderation_craft.lake.storage import Storage


class Refusal(msgspec.Struct, frozen=True):
    """A record that could not be taken: where it came from, why not, and the record as it was."""

    source: str
    dt: date
    code: str
    reason: str
    origin: str
    record: str


def quarantine(storage: Storage, refusal: Refusal) -> str:
    """Keep a refused record; returns its key."""
    body = msgspec.json.encode(refusal)
    key = zones.quarantined(refusal.source, refusal.dt, hashlib.sha256(body).hexdigest())
    storage.put_new(key, body)
    return key


def read_all(storage: Storage) -> list[Refusal]:
    return [msgspec.json.decode(storage.get(found.key), type=Refusal) for found in storage.list(zones.QUARANTINE)]
