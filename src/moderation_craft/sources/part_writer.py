"""Records into the lake: envelopes grouped into one part a stream and day, made real by a manifest."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from moderation_craft.clock import iso
from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Entry, Lake, Part, zones
from moderation_craft.sources.contract import Record
from moderation_craft.sources.planning import Held, HeldDay, Task, closes_at
from moderation_craft.sources.results import FetchResult

SERIES_FIELDS = ("series", "calendar")
"""Metadata that tells a person's snapshots of one stream apart."""


@dataclass(frozen=True)
class _Pending:
    line: bytes
    entry: Entry
    series: str | None


class PartWriter:
    """Takes records, leaves out those that say nothing new, and commits the rest."""

    def __init__(self, lake: Lake, source: str, held: Held, result: FetchResult) -> None:
        self.pending_bytes = 0
        self._lake = lake
        self._source = source
        self._held = held
        self._result = result
        self._started_at = iso(lake.clock.now())
        self._pending: dict[tuple[str, date], list[_Pending]] = defaultdict(list)
        self._has_looked = False

    def take(self, task: Task, record: Record) -> None:
        """Keep a record for the next commit; one whose data is held already only counts as looked at."""
        stream, user_id = task.stream.name, task.person.user_id
        data = _on_one_line(record, stream)
        digest = hashlib.sha256(data).hexdigest()
        now = self._lake.clock.now()
        is_daily = task.stream.shape == "daily"
        is_closed = is_daily and now >= closes_at(task.stream, task.person, record.date)
        series = None if is_daily else _series_of(record)
        self._has_looked = True
        if digest == self._held_digest(stream, user_id, record.date, series):
            self._held.note_look(stream, user_id, record.date, at=iso(now), is_closed=is_closed)
            self._result.streams[stream].unchanged += 1
            return
        entry = Entry(user_id, str(record.date), digest, iso(now), is_closed)
        line = self._envelope(stream, entry, data, record.metadata)
        self._pending[stream, record.date].append(_Pending(line, entry, series))
        self.pending_bytes += len(line)
        self._held.hold(stream, user_id, record.date, HeldDay(digest, entry.fetched_at, is_closed))
        if series is not None:
            self._held.series_digests[stream, user_id, series] = digest

    def commit(self) -> None:
        """Write the parts in hand, then one manifest that makes them exist, then the state."""
        if self._pending:
            parts = [self._part(stream, day) for stream, day in sorted(self._pending)]
            manifest = self._lake.commit(
                run_id=self._free_manifest_id(),
                kind="fetch",
                source=self._source,
                started_at=self._started_at,
                parts=parts,
                details={"run_id": self._result.run_id} | self._series(),
            )
            self._held.manifest_ids.add(manifest.id)
            self._result.manifests.append(manifest.id)
            self._pending.clear()
            self.pending_bytes = 0
        if self._has_looked:
            self._held.write_state(self._lake)
            self._has_looked = False

    def _held_digest(self, stream: str, user_id: str, day: date, series: str | None) -> str | None:
        if series is not None:
            return self._held.series_digests.get((stream, user_id, series))
        known = self._held.of(stream, user_id).get(day)
        return known.digest if known else None

    def _envelope(self, stream: str, entry: Entry, data: bytes, metadata: Mapping[str, Any]) -> bytes:
        return msgspec.json.encode(
            {
                "source": self._source,
                "stream": stream,
                "user_id": entry.user_id,
                "date": entry.date,
                "fetched_at": entry.fetched_at,
                "data": msgspec.Raw(data),
                "metadata": metadata,
            }
        )

    def _part(self, stream: str, day: date) -> Part:
        taken = sorted(self._pending[stream, day], key=lambda each: (each.entry.user_id, each.line))
        body = b"".join(each.line + b"\n" for each in taken)
        key = zones.external_part(self._source, stream, day, hashlib.sha256(body).hexdigest())
        entries = [each.entry for each in taken]
        result = self._result.streams[stream]
        result.records += len(taken)
        result.parts += 1
        result.bytes += len(body)
        return self._lake.put_part(key, body, rows=len(taken), stream=stream, dt=str(day), entries=entries)

    def _series(self) -> dict[str, list[dict[str, str]]]:
        """The digests of the snapshots in hand, by series, for the manifest's details."""
        found = [
            {
                "stream": stream,
                "user_id": each.entry.user_id,
                "series": each.series,
                "digest": each.entry.digest,
            }
            for (stream, _), taken in sorted(self._pending.items())
            for each in taken
            if each.series is not None
        ]
        return {"series": found} if found else {}

    def _free_manifest_id(self) -> str:
        number, found = 1, self._result.run_id
        while found in self._held.manifest_ids:
            number += 1
            found = f"{self._result.run_id}-{number:04}"
        return found


def _series_of(record: Record) -> str:
    return next((str(record.metadata[name]) for name in SERIES_FIELDS if name in record.metadata), "")


def _on_one_line(record: Record, stream: str) -> bytes:
    """The data without the space between values; every value stays as it was, byte for byte."""
    try:
        return msgspec.json.format(record.data, indent=-1)
    except msgspec.DecodeError as error:
        raise RecordInvalid(
            f"The {stream} record of {record.date} is not JSON: {error}.",
            remedy="the day stays open; report this: the source must give JSON.",
        ) from error
