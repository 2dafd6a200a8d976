"""An archive's days into raw: envelopes of one stream, packed by period, made real by one manifest a stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import msgspec

from moderation_craft.lake import Entry, Lake, Manifest, Part, Refusal, zones
from moderation_craft.lake.codec import compress
from moderation_craft.lake.quarantine import quarantine
from moderation_craft.sources.fitbit.archive_days import DayPiece

SOURCE: Final = "fitbit"
KIND: Final = "archive_import"
PART_BYTES: Final = 16 * 1024 * 1024
HELD_BYTES: Final = 48 * 1024 * 1024
"""Lines of one part and of all parts under way, unpacked."""


@dataclass(frozen=True)
class WayIn:
    """Whose data it is, by which way it came, and when the other side gave it."""

    user_id: str
    api_version: str
    stream: str
    fetched_at: str
    is_dense: bool = False

    def period(self, day: str) -> str:
        """The part of time that one part may hold: a month where there is much a day, else a year."""
        return day[:7] if self.is_dense else day[:4]


@dataclass
class _Period:
    lines: list[bytes] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    bytes: int = 0


@dataclass
class Written:
    """What one stream came to: days said anew, days held already."""

    parts: list[Part] = field(default_factory=list)
    new_days: int = 0
    held_days: int = 0
    first_day: date | None = None
    last_day: date | None = None

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)

    def note(self, day: date) -> None:
        self.first_day = min(day, self.first_day or day)
        self.last_day = max(day, self.last_day or day)


class StreamWriter:
    """Takes the days of one stream in the order of its files; the same days give the same parts.

    A part holds days of one period: whoever reads a period reads its parts alone. What is held already, said in
    the same words in the same zone, is not written again.
    """

    def __init__(self, lake: Lake, way: WayIn, started_at: str, held_bytes: int = HELD_BYTES) -> None:
        self._held_bytes = held_bytes
        self.written = Written()
        self._lake = lake
        self._way = way
        self._started_at = started_at
        self._held = set(held_digests(lake, way.stream, way.user_id))
        self._periods: dict[str, _Period] = {}
        self._bytes = 0

    def take(
        self, file: str, piece: DayPiece, fetched_at: str | None = None, *, is_restated: bool = False
    ) -> None:
        """`fetched_at` where the file is of another time than the rest; `is_restated` writes what is held too."""
        day, fetched_at = str(piece.day), fetched_at or self._way.fetched_at
        self.written.note(piece.day)
        digest = hashlib.sha256(b"%b|%b" % (piece.timezone.encode(), piece.data)).hexdigest()
        if (day, digest) in self._held and not is_restated:
            self.written.held_days += 1
            return
        self._held.add((day, digest))
        self.written.new_days += 1
        entry = Entry(self._way.user_id, day, digest, fetched_at, True)
        self._add(self._way.period(day), self._envelope(file, piece, fetched_at), entry)

    def commit(self, run_id: str, details: Mapping[str, Any], refusals: list[Refusal]) -> Manifest | None:
        """Store what is left, then the manifest; None where there was nothing new."""
        for name in sorted(self._periods):
            self._store(name)
        if not self.written.parts:
            for refusal in refusals:
                quarantine(self._lake.storage, refusal)
            return None
        return self._lake.commit(
            run_id=run_id,
            kind=KIND,
            source=SOURCE,
            started_at=self._started_at,
            parts=self.written.parts,
            refusals=refusals,
            details=details,
        )

    def _envelope(self, file: str, piece: DayPiece, fetched_at: str) -> bytes:
        metadata: dict[str, Any] = {
            "api_version": self._way.api_version,
            "file": file,
            "timezone": piece.timezone,
            "elements": piece.elements,
        }
        if piece.number:
            metadata["piece"] = piece.number
        return msgspec.json.encode(
            {
                "source": SOURCE,
                "stream": self._way.stream,
                "user_id": self._way.user_id,
                "date": str(piece.day),
                "fetched_at": fetched_at,
                "data": msgspec.Raw(piece.data),
                "metadata": metadata,
            }
        )

    def _add(self, name: str, line: bytes, entry: Entry) -> None:
        period = self._periods.setdefault(name, _Period())
        period.lines.append(line)
        period.entries.append(entry)
        period.bytes += len(line)
        self._bytes += len(line)
        if period.bytes >= PART_BYTES:
            self._store(name)
        elif self._bytes >= self._held_bytes:
            self._store(min(self._periods))

    def _store(self, name: str) -> None:
        period = self._periods.pop(name)
        self._bytes -= period.bytes
        body = b"\n".join([*period.lines, b""])
        first = date.fromisoformat(min(entry.date for entry in period.entries))
        digest = hashlib.sha256(body).hexdigest()
        key = zones.external_part(SOURCE, self._way.stream, first, digest, "jsonl.zst")
        part = self._lake.put_part(
            key,
            compress(body),
            rows=len(period.lines),
            stream=self._way.stream,
            dt=str(first),
            entries=period.entries,
        )
        self.written.parts.append(part)


def held_digests(lake: Lake, stream: str, user_id: str) -> Iterator[tuple[str, str]]:
    """Day and digest of everything that a person's stream holds."""
    for manifest in lake.manifests(SOURCE):
        for part in manifest.parts:
            if part.stream == stream:
                yield from ((entry.date, entry.digest) for entry in part.entries if entry.user_id == user_id)


def read_files(lake: Lake, stream: str, user_id: str) -> dict[str, tuple[str, str]]:
    """Each file of a person's stream that is held: its mark, and a digest of the zones it was last read in."""
    found: dict[str, tuple[str, str]] = {}
    for manifest in lake.manifests(SOURCE):
        details = manifest.details
        if manifest.kind == KIND and (details.get("stream"), details.get("user_id")) == (stream, user_id):
            found |= {file: (mark, details["zones"]) for file, mark in details["files"].items()}
    return found
