"""The journal of a fetch under way: every answer is durable at once, the lake's parts are written in groups.

An entry is one object, `sha256 of the rest` and a line break before its JSON: one that was cut short does not
match, and is left out. Committed entries are removed; those a kill left behind are replayed by the next fetch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date

import msgspec

from moderation_craft.lake import Entry, Lake, zones
from moderation_craft.logs import get_logger

log = get_logger("sources.journal")


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record as it will stand in a part: its stream, its line (the envelope), what the manifest says of it.

    `series` only where the stream has no days of its own.
    """

    stream: str
    entry: Entry
    line: msgspec.Raw
    series: str | None = None

    @property
    def day(self) -> date:
        return date.fromisoformat(self.entry.date)


class Cursor(msgspec.Struct, frozen=True):
    """The token from which one of a person's lists of changes goes on."""

    stream: str
    user_id: str
    series: str
    cursor: str


class JournalEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came in between two moments: records, and the cursors to go on from after them."""

    answers: list[Answer]
    cursors: list[Cursor] = []


class Journal:
    """One source's journal in a lake, a folder or S3; one fetch at a time writes it."""

    def __init__(self, lake: Lake, source: str) -> None:
        self._storage = lake.storage
        self._source = source
        self._keys: list[str] = []
        self._next_number = 1

    def left_behind(self) -> Iterator[JournalEntry]:
        """What fetches that never ended were answered, oldest first; entries that are not whole are left out."""
        for stored in self._storage.list(zones.fetch_journal(self._source)):
            self._keys.append(stored.key)
            entry = _decoded(self._storage.get(stored.key))
            if entry is None:
                log.warning("a journal entry that is not whole is left out", key=stored.key)
            else:
                yield entry
        self._next_number = len(self._keys) + 1

    def write(self, entry: JournalEntry) -> None:
        """Make an entry durable; it is whole or it is not there."""
        body = msgspec.json.encode(entry)
        data = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
        while not self._storage.put_new(self._key(), data):
            self._next_number += 1
        self._keys.append(self._key())
        self._next_number += 1

    def clear(self) -> None:
        """Remove what has been committed: all that was read or written so far."""
        self._storage.delete(self._keys)
        self._keys.clear()

    def _key(self) -> str:
        return zones.fetch_journal_entry(self._source, self._next_number)


def _decoded(data: bytes) -> JournalEntry | None:
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    try:
        return msgspec.json.decode(body, type=JournalEntry)
    except msgspec.DecodeError:
        return None
