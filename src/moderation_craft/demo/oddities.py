"""The traps that real tables hold: old keys, repeats, text for numbers, broken and deleted records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from moderation_craft.clock import iso
from moderation_craft.demo.attributes import Entity, Item, item_of
from moderation_craft.demo.chance import Chance

LONG_NUMBER = 12345678901234567890123456789012345678
"""38 digits: all that DynamoDB keeps and more than a double can."""
LONG_FRACTION = Decimal("0.12345678901234567890123456789012345678")
UNREADABLE_TIME = "yesterday, about nine"
OLD_SHARE = 0.2
_REPEATED_SHARE = 0.12
_TEXT_FOCUS_SHARE = 0.03
_TEXT_ESTIMATE_SHARE = 0.06


@dataclass
class Table:
    """One person's items; `deleted` are there at the first export only."""

    items: list[Item] = field(default_factory=list)
    deleted: list[Item] = field(default_factory=list)
    odd_ids: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, entity: Mapping[str, object]) -> None:
        self.odd_ids.setdefault(kind, []).append(str(entity.get("id", "")))


def lay_table(
    chance: Chance, entities: Sequence[Entity], first: datetime, last: datetime, *, has_broken: bool
) -> Table:
    """The entities as the app's table holds them, oldest writing habits first; changes `entities` nowhere.

    `has_broken` adds what one person of the demo has: broken records, a running session, a deleted task.
    """
    table = Table()
    old_until = iso(first + (last - first) * OLD_SHARE)
    sessions = [entity for entity in entities if entity["entity_type"] == "work_session"]
    old = [session["id"] for session in sessions if session["start_time"] < old_until]
    repeated = set(chance.some_of(old, _REPEATED_SHARE))
    text_focus = set(chance.some_of([session["id"] for session in sessions], _TEXT_FOCUS_SHARE))
    for entity in entities:
        match entity["entity_type"]:
            case "work_session":
                _add_session(
                    chance,
                    table,
                    entity,
                    is_old=entity["id"] in old,
                    is_repeated=entity["id"] in repeated,
                    has_text_focus=entity["id"] in text_focus,
                )
            case "big_task":
                _add_big_task(table, entity)
            case "small_task" if chance.random() < _TEXT_ESTIMATE_SHARE:
                table.note("text_estimate", entity)
                table.items.append(item_of(entity | {"estimated_minutes": str(entity["estimated_minutes"])}))
            case "user":
                table.items.append(item_of(entity | _grown_schema(has_broken)))
            case _:
                table.items.append(item_of(entity))
    if has_broken:
        _add_broken(chance, table, sessions[len(sessions) // 2])
        _delete_a_task(table, sessions[len(sessions) // 2]["small_task_id"])
    return table


def _add_session(
    chance: Chance, table: Table, session: Entity, *, is_old: bool, is_repeated: bool, has_text_focus: bool
) -> None:
    written = dict(session)
    if has_text_focus and "end_time" in session:
        table.note("text_focus", session)
        written["focus_level"] = str(session["focus_level"])
    if not is_old:
        table.items.append(item_of(written))
        return
    minutes = session["duration_seconds"] / 60
    older = {name: value for name, value in written.items() if name != "duration_seconds"}
    older["duration_minutes"] = int(minutes) if minutes.is_integer() else minutes
    if not is_repeated:
        table.items.append(item_of(older, old_key=True))
        return
    table.note("repeated_session", session)
    focus = session["focus_level"]
    stale = older | {"focus_level": focus - 2 if focus > 2 else focus + 2}
    written["updated_at"] = iso(
        datetime.fromisoformat(session["updated_at"]) + timedelta(minutes=chance.randint(1, 30))
    )
    table.items += [item_of(stale, old_key=True), item_of(written)]


def _add_big_task(table: Table, task: Entity) -> None:
    if task["order"] == 0:
        table.note("repeated_big_task", task)
        stale = task | {"name": f"{task['name']} (old)", "updated_at": task["created_at"]}
        table.items.append(item_of(stale, old_key=True))
    table.items.append(item_of(task))


def _grown_schema(has_all: bool) -> Entity:
    """Attributes that no version of the data model names."""
    if not has_all:
        return {"onboarding_step": 7}
    return {
        "device_serial": LONG_NUMBER,
        "calibration": LONG_FRACTION,
        "feature_flags": frozenset({"kanban", "睡眠", "🌙-mode"}),
        "avatar": bytes(range(32)),
        "nickname": None,
        "experiments": {"layout": {"arm": "b", "weights": [1, Decimal("0.5"), None, True]}},
    }


def _add_broken(chance: Chance, table: Table, beside: Entity) -> None:
    unreadable = beside | {"id": chance.id(), "start_time": UNREADABLE_TIME}
    item = item_of(unreadable)
    item["SK"] = {"S": f"WORKSESSION#{beside['start_time'][:10]}#{unreadable['id']}"}
    table.note("unreadable_start_time", unreadable)
    nameless = {name: value for name, value in beside.items() if name != "id"}
    table.note("without_id", nameless)
    table.items += [item, item_of(nameless)]


def _delete_a_task(table: Table, task_id: str) -> None:
    gone = [
        item for item in table.items if item["entity_type"]["S"] == "small_task" and item["id"]["S"] == task_id
    ]
    table.items = [item for item in table.items if item not in gone]
    table.deleted += gone
    table.note("deleted_task", {"id": task_id})


def stop_clock(entities: Sequence[Entity]) -> list[Entity]:
    """The entities with the last session still running: no end, no length, not yet synchronised."""
    running = max(
        (entity for entity in entities if entity["entity_type"] == "work_session"),
        key=lambda entity: str(entity["start_time"]),
    )
    gone = {"end_time", "duration_seconds", "mood_notes"}
    changed = {name: value for name, value in running.items() if name not in gone}
    changed |= {"updated_at": running["start_time"], "is_synced": False}
    return [changed if entity is running else entity for entity in entities]
