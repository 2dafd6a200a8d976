"""Where an export under way stands: parts finished and the cursor of each segment, kept in the lake's state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from moderation_craft.clock import iso, new_run_id
from moderation_craft.lake import Lake, Part, zones
from moderation_craft.logs import get_logger

log = get_logger("export")

OLDEST_TO_RESUME = timedelta(hours=24)


class ExportPaused(Exception):
    """The deadline came first; the cursor is saved and the same call goes on. `items` so far."""

    def __init__(self, items: int) -> None:
        super().__init__(f"paused after {items} items")
        self.items = items


class SegmentState(msgspec.Struct):
    """One segment of a scan: `pages` were taken, `cursor` is where the next begins (None: the start)."""

    pages: int = 0
    cursor: dict[str, Any] | None = None
    is_done: bool = False


class ExportState(msgspec.Struct):
    """A scan under way: its parts so far and where each segment stands; `turn` is whose page comes next."""

    export_id: str
    started_at: str
    endpoint: str
    format: str
    segments: list[SegmentState]
    turn: int = 0
    parts: list[Part] = []
    entity_types: list[str] = []
    consumed_rcu: float = 0
    sessions: int = 1


class Checkpoint:
    """Reads and writes one table's ExportState; every write is atomic."""

    def __init__(self, lake: Lake, table: str) -> None:
        self._lake = lake
        self._key = zones.export_state(table)

    def begin(self, *, endpoint: str, format: str, segments: int, newest: str) -> ExportState:
        """The scan to go on with, if one was cut off within a day and is the same; else a new one, saved.

        `newest` is what the table's newest export shows: a scan that began before it would be laid under it.
        """
        held = self._read()
        if (
            held is not None
            and (held.endpoint, held.format) == (endpoint, format)
            and held.started_at > newest
            and self._is_young(held)
            and not self._lake.storage.exists(zones.manifest("dynamodb", held.export_id))
        ):
            held.sessions += 1
            self.save(held)
            return held
        now = self._lake.clock.now()
        state = ExportState(
            export_id=new_run_id(self._lake.clock),
            started_at=iso(now),
            endpoint=endpoint,
            format=format,
            segments=[SegmentState() for _ in range(segments)],
        )
        self.save(state)
        return state

    def save(self, state: ExportState) -> None:
        self._lake.storage.put(self._key, msgspec.json.encode(state))

    def clear(self) -> None:
        """The export is committed, or is not to go on."""
        self._lake.storage.delete([self._key])

    def _read(self) -> ExportState | None:
        data = self._lake.storage.get_or_none(self._key)
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=ExportState)
        except msgspec.DecodeError as error:
            log.warning("an export's state cannot be read; it starts anew", key=self._key, reason=str(error))
            return None

    def _is_young(self, state: ExportState) -> bool:
        return self._lake.clock.now() - datetime.fromisoformat(state.started_at) < OLDEST_TO_RESUME
