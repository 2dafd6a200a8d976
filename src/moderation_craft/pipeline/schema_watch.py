"""Watches what the app's records are made of: says once what changed since gold was last published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from moderation_craft.errors import SchemaChanged
from moderation_craft.lake import Lake, zones
from moderation_craft.pipeline.jobs import ChangeKind, JobWarning, SchemaChange
from moderation_craft.settings import Settings
from moderation_craft.warehouse import app_schema
from moderation_craft.warehouse.app_schema import AttributeType

MOST_WARNINGS: Final = 20
_STATE: Final = zones.state("app_schema.json")
NULLS: Final = frozenset({"NULL", "null"})
_SCALARS: Final = frozenset({"S", "N", "BOOL", "string", "number", "boolean"})
_DOORS: Final = {"dynamodb": "DynamoDB", "indexeddb": "the browsers"}

Types: TypeAlias = dict[str, AttributeType]
Entities: TypeAlias = dict[tuple[str, str], dict[str, Types]]


class PublishedSchema(msgspec.Struct):
    """The schema that was published together with a version of gold."""

    version: str
    attributes: list[AttributeType]


def published(lake: Lake) -> PublishedSchema | None:
    """The schema of the last publication; None before the first."""
    data = lake.storage.get_or_none(_STATE)
    return None if data is None else msgspec.json.decode(data, type=PublishedSchema)


def publish(lake: Lake, settings: Settings, version: str) -> None:
    """Keep the last build's schema to compare with; it stands beside gold, for it names days of runs."""
    found = app_schema.read(lake, settings)
    schema = PublishedSchema(version, found or [])
    if found is not None and published(lake) != schema:
        lake.storage.put(_STATE, msgspec.json.encode(schema) + b"\n")


def look(lake: Lake, settings: Settings) -> list[JobWarning]:
    """What the last build found changed since the last publication."""
    before, now = published(lake), app_schema.read(lake, settings)
    if before is None or now is None:
        return []
    return warnings(changes(before.attributes, now))


def warnings(found: Sequence[SchemaChange]) -> list[JobWarning]:
    """Changes in words; beyond `MOST_WARNINGS` of them, how many more there are."""
    said = [_as_warning(*_words(change), change) for change in found[:MOST_WARNINGS]]
    if len(found) > MOST_WARNINGS:
        more = f"{len(found) - MOST_WARNINGS} more changes of the app's records are not listed here."
        said.append(_as_warning(more, "the Schema tab of /debug/pipeline shows every attribute.", None))
    return said


def changes(before: Iterable[AttributeType], now: Iterable[AttributeType]) -> list[SchemaChange]:
    """New entities, new attributes, new types and vanished attributes, in order of door, entity and attribute.

    A door or a known entity that is used for the first time is no change, nor is a null.
    """
    known, found = by_entity(before), by_entity(now)
    doors = {door for door, _ in known}
    said: list[SchemaChange] = []
    for (door, entity_type), attributes in sorted(found.items()):
        if door not in doors or not present(attributes):
            continue
        old = known.get((door, entity_type))
        if old is not None:
            for name in sorted(attributes):
                said += _attribute_changes(old.get(name), attributes[name], present(attributes))
        elif not any(row.is_read for types in attributes.values() for row in types.values()):
            said.append(_new_entity(door, entity_type, attributes))
    return said


def by_entity(rows: Iterable[AttributeType]) -> Entities:
    """Rows by (door, entity), attribute and type."""
    found: Entities = {}
    for row in rows:
        found.setdefault((row.door, row.entity_type), {}).setdefault(row.attribute, {})[row.type] = row
    return found


def present(attributes: dict[str, Types]) -> int:
    """How many records of an entity are present."""
    return max((row.entity_items for types in attributes.values() for row in types.values()), default=0)


def _items(types: Types | None) -> int:
    return sum(row.items for row in types.values()) if types else 0


def _attribute_changes(old: Types | None, now: Types, entity_items: int) -> list[SchemaChange]:
    held = [name for name, row in now.items() if row.items]
    if old is None:
        return [_change("new_attribute", now, [], held, _items(now), entity_items)] if held else []
    if _items(old) and not held:
        types = [name for name, row in old.items() if row.items]
        return [_change("vanished", now, types, [], _items(old), entity_items)]
    types = [name for name in old if name not in NULLS]
    new = [name for name in held if name not in old and name not in NULLS]
    if not types or not new:
        return []
    return [_change("new_type", now, types, new, sum(now[name].items for name in new), entity_items)]


def _change(
    kind: ChangeKind, types: Types, old: list[str], new: list[str], items: int, entity_items: int
) -> SchemaChange:
    one = next(iter(types.values()))
    return SchemaChange(kind, one.door, one.entity_type, one.attribute, old, new, items, entity_items, one.is_read)


def _new_entity(door: str, entity_type: str, attributes: dict[str, Types]) -> SchemaChange:
    items = present(attributes)
    return SchemaChange("new_entity", door, entity_type, "", [], [], items, items, is_read=False)


def _words(change: SchemaChange) -> tuple[str, str]:
    """What changed and what becomes of it, and what to do."""
    name = f"{change.entity_type or 'a record without entity_type'}.{change.attribute}"
    old, new = ", ".join(change.old_types), ", ".join(change.new_types)
    door = _DOORS.get(change.door, change.door)
    count = f"in {change.items:,} of {change.entity_items:,} records in {door}"
    match change.kind:
        case "new_entity":
            return (
                f"{change.entity_type!r} is a new entity: {change.items:,} records in {door}. "
                "Raw keeps them whole; no model reads them yet.",
                "nothing is lost; docs/schema-watch.md says how to read a new entity.",
            )
        case "vanished":
            return (
                f"{name} ({old}) is gone: none of {change.entity_items:,} records in {door} holds it, "
                f"{change.items:,} did. Raw keeps what it was.",
                "if the app renamed it, let staging read the new name too; if it was dropped, nothing is to do.",
            )
        case "new_attribute" if not change.is_read:
            return (
                f"{name} is new ({new}), {count}. Raw keeps it; no model reads it yet.",
                "nothing is lost; to use it, read it in the entity's staging model (docs/schema-watch.md).",
            )
        case "new_attribute":
            return (
                f"{name} is new ({new}), {count}. Raw keeps it and staging reads it. {_fate(change)}",
                "nothing is to do if the app meant it; else mend the app.",
            )
        case "new_type":
            fate = _fate(change) if change.is_read else "No model reads it."
            return (
                f"{name} was {old} and is now also {new}, {count}. Raw keeps both. {fate}",
                "nothing is to do if the app meant it; else mend the app (quarantine/ has what is unreadable).",
            )


def _fate(change: SchemaChange) -> str:
    if set(change.new_types) <= _SCALARS:
        return "Staging reads text, number and true/false alike; a record that cannot be read goes to quarantine."
    return (
        "Staging reads no such type: the value counts as missing, and a record that needs it goes to quarantine."
    )


def _as_warning(message: str, remedy: str, change: SchemaChange | None) -> JobWarning:
    error = SchemaChanged(message, remedy=remedy)
    return JobWarning(error.code, error.name, error.message, error.remedy, change)
