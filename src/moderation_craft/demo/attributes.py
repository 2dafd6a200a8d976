"""Python values as DynamoDB's JSON, and the keys under which the app keeps its entities."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Entity = dict[str, Any]
"""One entity as plain values, `entity_type` included; what both DynamoDB and the browser hold."""

Item = dict[str, Any]
"""The same as DynamoDB's attribute values: `{"id": {"S": "…"}, …}`."""


def attribute_value(value: Any) -> dict[str, Any]:
    """One value in DynamoDB's JSON; numbers as their decimal text. ValueError for a type it does not have."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float() | Decimal():
            return {"N": _number(value)}
        case bytes():
            return {"B": base64.b64encode(value).decode()}
        case frozenset():
            return {"SS": sorted(value)}
        case Mapping():
            return {"M": {name: attribute_value(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [attribute_value(inner) for inner in value]}
    raise ValueError(f"DynamoDB has no type for {type(value).__name__}")


def _number(value: int | float | Decimal) -> str:
    """As DynamoDB spells it: all digits, no exponent, no trailing zeros."""
    if isinstance(value, int):
        return str(value)
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def item_of(entity: Entity, *, old_key: bool = False) -> Item:
    """The item that the app writes for an entity; `old_key` as its first versions did."""
    hash_key, range_key = _old_keys(entity) if old_key else _keys(entity)
    user_id = entity["user_id"]
    when = entity.get("start_time") or entity.get("timestamp") or entity["created_at"]
    values = {
        "PK": hash_key,
        "SK": range_key,
        "user_time_pk": f"USER#{user_id}",
        "user_time_sk": f"{entity['entity_type']}#{when}",
        **entity,
    }
    return {name: attribute_value(value) for name, value in values.items()}


def _keys(entity: Entity) -> tuple[str, str]:
    kind, id_ = entity["entity_type"], entity.get("id", "")
    range_key = {
        "user": "PROFILE",
        "project": f"PROJECT#{id_}",
        "big_task": f"BIGTASK#{id_}",
        "small_task": f"SMALLTASK#{id_}",
        "work_session": f"WORKSESSION#{str(entity.get('start_time', ''))[:10]}#{id_}",
        "time_entries": f"TIME_ENTRY#{id_}",
        "mood_entry": f"MOOD#{id_}",
        "dopamine_entry": f"DOPAMINE#{id_}",
        "daily_condition": f"CONDITION#{entity.get('date')}",
        "schedule_memo": f"SCHEDULEMEMO#{entity.get('week_start_date')}",
        "sleep_schedule": f"SLEEP#{entity.get('date_of_sleep')}#{id_}",
    }[kind]
    return f"USER#{entity['user_id']}", range_key


def _old_keys(entity: Entity) -> tuple[str, str]:
    match entity["entity_type"]:
        case "work_session":
            return f"USER#{entity['user_id']}#DATE#{entity['start_time'][:10]}", f"SESSION#{entity['id']}"
        case "big_task":
            return f"PROJECT#{entity['project_id']}", f"BIGTASK#{entity['id']}"
    raise ValueError(f"{entity['entity_type']} never had another key")
