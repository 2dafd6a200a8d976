"""The published schema as a page shows it: by entity and attribute, with what is new, mixed, gone or unread."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal

import msgspec

from moderation_craft.pipeline.schema_watch import NULLS, PublishedSchema, Types, by_entity, present

NEW_FOR: Final = timedelta(days=30)


class TypeView(msgspec.Struct, rename="camel"):
    """One type of an attribute: in how many present records, since when; `is_new` in the last 30 days."""

    type: str
    items: int
    since: date
    last_seen: date
    is_new: bool


class AttributeView(msgspec.Struct, rename="camel"):
    """`missing_share` is the share (0 to 1) of present records without it; None where none is present."""

    name: str
    types: list[TypeView]
    items: int
    missing_share: float | None
    since: date
    last_seen: date
    is_new: bool
    is_mixed: bool
    is_gone: bool
    is_read: bool


class EntityView(msgspec.Struct, rename="camel"):
    door: Literal["dynamodb", "indexeddb"]
    entity_type: str
    items: int
    since: date
    is_new: bool
    attributes: list[AttributeView]


def entities(schema: PublishedSchema | None, today: date) -> list[EntityView]:
    """The published schema by entity, for people: DynamoDB before the browsers, names in order."""
    rows = schema.attributes if schema else []
    opened = {door: min(row.first_seen for row in rows if row.door == door) for door in {row.door for row in rows}}
    return [
        _entity_view(door, entity_type, attributes, opened[door], today)
        for (door, entity_type), attributes in sorted(by_entity(rows).items())
    ]


def _entity_view(
    door: str, entity_type: str, attributes: dict[str, Types], opened: date, today: date
) -> EntityView:
    """What came with a door's first records is not new, however young those are; nor of an entity."""
    began = min(row.first_seen for types in attributes.values() for row in types.values())
    views = [_attribute_view(types, began, today) for _, types in sorted(attributes.items())]
    return EntityView(
        door="dynamodb" if door == "dynamodb" else "indexeddb",
        entity_type=entity_type,
        items=present(attributes),
        since=began,
        is_new=_is_new(began, opened, today),
        attributes=views,
    )


def _attribute_view(types: Types, began: date, today: date) -> AttributeView:
    rows = sorted(types.values(), key=lambda row: (row.first_seen, row.type))
    one, items, since = rows[0], sum(row.items for row in rows), rows[0].first_seen
    held = {row.type for row in rows if row.items} - NULLS
    views = [
        TypeView(row.type, row.items, row.first_seen, row.last_seen, _is_new(row.first_seen, began, today))
        for row in rows
    ]
    return AttributeView(
        name=one.attribute,
        types=views,
        items=items,
        missing_share=1 - items / one.entity_items if one.entity_items else None,
        since=since,
        last_seen=max(row.last_seen for row in rows),
        is_new=_is_new(since, began, today),
        is_mixed=len(held) > 1,
        is_gone=items == 0 and one.entity_items > 0,
        is_read=one.is_read,
    )


def _is_new(day: date, began: date, today: date) -> bool:
    return day > began and today - day <= NEW_FOR
