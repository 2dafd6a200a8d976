"""The calendar snapshots that raw holds, and which of them count now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from moderation_craft.lake import Lake, Part
from moderation_craft.sources.calendar.source import ICS, SOURCE

_INDEX = "calendar-snapshots.json"


class _Envelope(msgspec.Struct):
    user_id: str
    date: str
    fetched_at: str
    data: msgspec.Raw
    metadata: dict[str, Any]


class Held(msgspec.Struct, frozen=True):
    """Where the latest snapshot of one calendar lies."""

    user_id: str
    calendar: str
    part_key: str
    part_sha256: str


class Snapshot(msgspec.Struct, frozen=True):
    """One calendar of one person as it was at a fetch; `data` is its text as a JSON string."""

    user_id: str
    calendar: str
    series: str
    day: date
    fetched_at: str
    timezone: str | None
    window_first: date
    window_last: date
    data: bytes
    part_key: str

    @property
    def text(self) -> str:
        return msgspec.json.decode(self.data, type=str)


def current_snapshots(lake: Lake) -> list[Held]:
    """Where the latest snapshot of every person's every calendar lies, in order of person and calendar."""
    index = lake.read_state(_INDEX) or {}
    latest: dict[tuple[str, str], Held] = {}
    is_grown = False
    for part in _parts(lake):
        if part.key not in index:
            index[part.key] = sorted({(found.user_id, found.calendar) for found in _snapshots(lake, part.key)})
            is_grown = True
        for user_id, calendar in index[part.key]:
            latest[user_id, calendar] = Held(user_id, calendar, part.key, part.sha256)
    if is_grown:
        lake.write_state(_INDEX, index)
    return [latest[key] for key in sorted(latest)]


def load(lake: Lake, held: Held) -> Snapshot:
    """The snapshot itself; the last one where a part holds the calendar twice."""
    *_, last = (
        found
        for found in _snapshots(lake, held.part_key)
        if (found.user_id, found.calendar) == (held.user_id, held.calendar)
    )
    return last


def _parts(lake: Lake) -> Iterator[Part]:
    for manifest in lake.manifests(SOURCE):
        yield from (part for part in manifest.parts if part.stream == ICS.name)


def _snapshots(lake: Lake, part_key: str) -> Iterator[Snapshot]:
    for line in lake.lines(part_key):
        envelope = msgspec.json.decode(line, type=_Envelope)
        said = envelope.metadata
        yield Snapshot(
            user_id=envelope.user_id,
            calendar=str(said["calendar"]),
            series=str(said.get("series", "")),
            day=date.fromisoformat(envelope.date),
            fetched_at=envelope.fetched_at,
            timezone=said.get("timezone"),
            window_first=date.fromisoformat(said["window_first"]),
            window_last=date.fromisoformat(said["window_last"]),
            data=bytes(envelope.data),
            part_key=part_key,
        )
