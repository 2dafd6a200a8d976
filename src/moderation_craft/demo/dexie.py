"""One person's browser database as dexie-export-import dumps it; parts are newer than the table, or only here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from moderation_craft.demo.attributes import Entity
from moderation_craft.demo.chance import Chance

DATABASE = "ModerationCraftDB"
TABLES: Mapping[str, str] = {
    "user": "users",
    "project": "projects",
    "big_task": "big_tasks",
    "small_task": "small_tasks",
    "work_session": "work_sessions",
    "time_entries": "time_entries",
    "mood_entry": "mood_entries",
    "dopamine_entry": "dopamine_entries",
    "daily_condition": "daily_conditions",
    "schedule_memo": "schedule_memos",
    "sleep_schedule": "sleep_schedules",
}
_DATES: Mapping[str, Sequence[str]] = {
    "work_session": ("start_time", "end_time"),
    "mood_entry": ("timestamp",),
}
"""Fields that the app keeps as JavaScript Dates; the rest are ISO text."""
_COLORS = {"ja": {"企画": "hsl(162, 46%, 42%)", "制作": "hsl(24, 72%, 55%)"}}


@dataclass
class Dump:
    """The dump as JSON text, with the ids of what differs from the table."""

    text: str = ""
    newer_ids: list[str] = field(default_factory=list)
    pending_ids: list[str] = field(default_factory=list)
    only_here_ids: list[str] = field(default_factory=list)


def make_dump(chance: Chance, entities: Sequence[Entity], last_instant: datetime) -> Dump:
    """The person's plans and last days as the browser holds them at `last_instant`.

    Two ended sessions and a task were edited after the last synchronisation (one edit still waits in
    sync_queue); a mood entry and a task were made offline.
    """
    dump = Dump()
    since = _text(last_instant - timedelta(days=14))
    kept = [
        dict(e)
        for e in entities
        if e["entity_type"] in ("user", "project", "big_task") or e["created_at"] >= since
    ]
    edited_at = _text(last_instant - timedelta(minutes=30))
    sessions = [entity for entity in kept if entity["entity_type"] == "work_session" and "end_time" in entity]
    for session in sessions[-2:]:
        session |= {"focus_level": min(9, session["focus_level"] + 1), "updated_at": edited_at}
        session["work_notes"] = "オフラインで追記 ✏"
        dump.newer_ids.append(session["id"])
    queue = [_pending(sessions[-1], "work_session", last_instant)]
    dump.pending_ids.append(sessions[-1]["id"])
    task = next(entity for entity in reversed(kept) if entity["entity_type"] == "small_task")
    mood = next(entity for entity in reversed(kept) if entity["entity_type"] == "mood_entry")
    for made in (
        task
        | {
            "id": chance.id(),
            "name": "オフラインで思いついた下描き 💡",
            "created_at": edited_at,
            "updated_at": edited_at,
        },
        mood | {"id": chance.id(), "timestamp": edited_at, "created_at": edited_at, "updated_at": edited_at},
    ):
        kept.append(made)
        queue.append(_pending(made, made["entity_type"], last_instant, operation="create"))
        dump.only_here_ids.append(made["id"])
    dump.text = json.dumps(_document(kept, queue), ensure_ascii=False, separators=(",", ":"))
    return dump


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(iso_text: str) -> int:
    return round(datetime.fromisoformat(iso_text).timestamp() * 1000)


def _pending(entity: Entity, kind: str, at: datetime, operation: str = "update") -> dict[str, Any]:
    """A row of sync_queue; its `data` is the entity as it will be sent."""
    return {
        "id": f"sync-{entity['id']}",
        "entity_type": kind,
        "entity_id": entity["id"],
        "user_id": entity["user_id"],
        "operation": operation,
        "data": {name: value for name, value in entity.items() if name != "entity_type"},
        "status": "pending",
        "attempts": 0,
        "timestamp": round((at - timedelta(minutes=30)).timestamp() * 1000),
        "$types": {"timestamp": "date"},
    }


def _row(entity: Entity) -> dict[str, Any]:
    kind = entity["entity_type"]
    row = {name: value for name, value in entity.items() if name != "entity_type"}
    dates = [name for name in _DATES.get(kind, ()) if name in row]
    for name in dates:
        row[name] = _milliseconds(row[name])
    return row | ({"$types": dict.fromkeys(dates, "date")} if dates else {})


def _document(entities: Sequence[Entity], queue: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows: dict[str, list[Any]] = {table: [] for table in TABLES.values()}
    for entity in entities:
        rows[TABLES[entity["entity_type"]]].append(_row(entity))
    # Keys kept outside the rows: such a table is dumped as [key, value] pairs.
    rows["category_colors"] = [[name, {"color": color}] for name, color in _COLORS["ja"].items()]
    rows["sync_queue"] = list(queue)
    outbound = {"category_colors"}
    return {
        "formatName": "dexie",
        "formatVersion": 1,
        "data": {
            "databaseName": DATABASE,
            "databaseVersion": 12,
            "tables": [
                {
                    "name": name,
                    "schema": "" if name in outbound else "id,user_id,updated_at",
                    "rowCount": len(held),
                }
                for name, held in rows.items()
            ],
            "data": [
                {"tableName": name, "inbound": name not in outbound, "rows": held} for name, held in rows.items()
            ],
        },
    }
