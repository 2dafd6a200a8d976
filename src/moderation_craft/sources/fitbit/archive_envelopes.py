"""What raw holds of archives and of the old Web API's answers, read back for staging."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake, Manifest, Part, Refusal
from moderation_craft.sources.fitbit.archive_parts import SOURCE
from moderation_craft.sources.fitbit.archive_streams import Entity
from moderation_craft.sources.fitbit.legacy_answers import archive_or_answer

Order = tuple[str, int]
"""What says which of two envelopes is newer: when the other side gave it, then the order of imports."""


@dataclass(frozen=True)
class HeldPart:
    """A raw part of an archive, and its import's place in the order of imports.

    `restated` are its files that a later import of an archive as new read in other zones: what they say here no
    longer counts, for their minutes may lie on other days now.
    """

    part: Part
    order: int
    entity: Entity
    period: str
    restated: frozenset[str] = frozenset()


class _Metadata(msgspec.Struct):
    api_version: str
    file: str = ""
    timezone: str = "UTC"
    piece: int = 0


class _Line(msgspec.Struct):
    stream: str
    user_id: str
    date: dt.date
    fetched_at: str
    data: msgspec.Raw
    metadata: _Metadata


@dataclass(frozen=True)
class Envelope:
    """What one file said about one civil day, and where that stands."""

    stream: str
    user_id: str
    date: dt.date
    timezone: str
    file: str
    piece: int
    order: Order
    data: msgspec.Raw
    part_key: str

    @property
    def identity(self) -> tuple[str, str, dt.date, str, int]:
        return self.stream, self.user_id, self.date, self.file, self.piece

    @property
    def fetched_at(self) -> str:
        return self.order[0]

    @property
    def is_future(self) -> bool:
        """Whether the day had not begun when the archive was made: archives are padded with days to come."""
        return self.date > dt.datetime.fromisoformat(self.fetched_at).astimezone(dt.UTC).date()

    def refusal(self, reason: str, record: str) -> Refusal:
        return Refusal(SOURCE, self.date, RecordInvalid.code, reason, self.part_key, record)


_LINES: Final = msgspec.json.Decoder(_Line)


def held_parts(lake: Lake) -> list[HeldPart]:
    """Every raw part that came out of an archive or an old answer, oldest import first, each content once."""
    found: dict[str, HeldPart] = {}
    manifests = lake.manifests(SOURCE)
    for order, manifest in enumerate(manifests):
        for part in manifest.parts:
            stream = archive_or_answer(part.stream)
            if stream is not None:
                period = part.dt[:7] if stream.is_dense else part.dt[:4]
                restated = frozenset(_restated(manifest, manifests[order + 1 :]))
                found.pop(part.key, None)
                found[part.key] = HeldPart(part, order, stream.entity, period, restated)
    return list(found.values())


def _restated(manifest: Manifest, later: Iterable[Manifest]) -> Iterator[str]:
    told = manifest.details
    for other in later:
        said = other.details
        if (
            (said.get("stream"), said.get("user_id")) == (told.get("stream"), told.get("user_id"))
            and said.get("zones") != told.get("zones")
            and said.get("as_of", "") >= told.get("as_of", "")
        ):
            yield from said.get("files", ())


def envelopes(lake: Lake, parts: Iterable[HeldPart]) -> Iterator[Envelope]:
    for held in parts:
        for line in lake.lines(held.part.key):
            read = _LINES.decode(line)
            if read.metadata.file in held.restated:
                continue
            yield Envelope(
                read.stream,
                read.user_id,
                read.date,
                read.metadata.timezone,
                read.metadata.file,
                read.metadata.piece,
                (read.fetched_at, held.order),
                read.data,
                held.part.key,
            )


def newest(found: Iterable[Envelope], read: Callable[[Envelope], Any]) -> list[tuple[Envelope, Any]]:
    """Each file's newest word on each day with what `read` makes of it, oldest first; `read` sees each once."""
    kept: dict[tuple[str, str, dt.date, str, int], tuple[Envelope, Any]] = {}
    for envelope in found:
        before = kept.get(envelope.identity)
        if before is None or before[0].order <= envelope.order:
            kept[envelope.identity] = (_without_data(envelope), read(envelope))
    return sorted(kept.values(), key=lambda each: (each[0].order, each[0].identity))


def _without_data(envelope: Envelope) -> Envelope:
    """A month of heartbeats is read day by day, not held."""
    return Envelope(
        envelope.stream,
        envelope.user_id,
        envelope.date,
        envelope.timezone,
        envelope.file,
        envelope.piece,
        envelope.order,
        msgspec.Raw(b"null"),
        envelope.part_key,
    )
