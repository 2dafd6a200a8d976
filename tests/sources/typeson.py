"""Typeson as dexie-export-import 4 writes it and reads it: what JavaScript holds beyond JSON, and back.

dexie_export_import_4_4_0.json is what that program wrote; test_indexeddb_take.py holds this against it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Date:
    milliseconds: int


@dataclass(frozen=True)
class BigInt:
    value: int


@dataclass(frozen=True)
class JsSet:
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Undefined:
    pass


Types: TypeAlias = dict[str, Any]


def encapsulated(value: Any) -> Any:
    """A row as exportDB writes it: types beside the value, or around it where JSON has no room for them."""
    types: Types = {}
    plain = _encapsulate(value, "", types)
    is_plain_object = isinstance(plain, dict) and not isinstance(value, bytes)
    if types:
        if not is_plain_object or "$types" in plain:
            return {"$": plain, "$types": {"$": types}}
        return plain | {"$types": types}
    return {"$": plain, "$types": True} if is_plain_object and "$types" in plain else plain


def revived(row: Any) -> Any:
    """The value that `encapsulated` was given."""
    types: Any = row.get("$types") if isinstance(row, dict) else None
    if types is True:
        return row["$"]
    if isinstance(types, dict) and set(row) == {"$", "$types"} and isinstance(types.get("$"), dict):
        return _revive(row["$"], "", types["$"])
    if isinstance(types, dict):
        return _revive({name: value for name, value in row.items() if name != "$types"}, "", types)
    return row


def _encapsulate(value: Any, path: str, types: Types) -> Any:
    if isinstance(value, dict):
        return {name: _encapsulate(inner, _below(path, name), types) for name, inner in value.items()}
    if isinstance(value, list):
        types[path] = "arrayNonindexKeys"
        return [_encapsulate(inner, _below(path, str(place)), types) for place, inner in enumerate(value)]
    if isinstance(value, JsSet):
        types[path] = "set"
        return [_encapsulate(inner, _below(path, str(place)), types) for place, inner in enumerate(value.values)]
    if isinstance(value, bytes):
        types[path] = "uint8array2"
        types[_below(path, "buffer")] = "arraybuffer"
        return {"buffer": base64.b64encode(value).decode(), "byteOffset": 0, "length": len(value)}
    for kind, name, written in _scalars(value):
        if kind:
            types[path] = name
            return written
    return value


def _scalars(value: Any) -> Iterator[tuple[bool, str, Any]]:
    is_float = isinstance(value, float)
    yield isinstance(value, Date), "date", getattr(value, "milliseconds", None)
    yield isinstance(value, BigInt), "bigint", str(getattr(value, "value", None))
    yield isinstance(value, Undefined), "undef", 0
    yield is_float and math.isnan(value), "nan", "NaN"
    yield is_float and value == math.inf, "infinity", "Infinity"
    yield is_float and value == -math.inf, "negativeInfinity", "-Infinity"


def _revive(value: Any, path: str, types: Types) -> Any:
    kind = types.get(path)
    if kind == "uint8array2":
        return base64.b64decode(value["buffer"])[value["byteOffset"] :][: value["length"]]
    if isinstance(value, dict):
        return {name: _revive(inner, _below(path, name), types) for name, inner in value.items()}
    if isinstance(value, list):
        inner = [_revive(each, _below(path, str(place)), types) for place, each in enumerate(value)]
        return JsSet(tuple(inner)) if kind == "set" else inner
    match kind:
        case "date":
            return Date(value)
        case "bigint":
            return BigInt(int(value))
        case "undef":
            return Undefined()
        case "nan" | "infinity" | "negativeInfinity":
            return float(value)
        case "arraybuffer":
            return base64.b64decode(value)
    return value


def _below(path: str, name: str) -> str:
    escaped = name.replace("~", "~0").replace(".", "~1")
    return f"{path}.{escaped}" if path else escaped
