"""Primary keys as Dexie's schema strings name them: `id, name`, `++id`, `&id`, `[a+b]`, `a.id`, or none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

Fields: TypeAlias = Mapping[str, msgspec.Raw]

_MARKS = re.compile(r"[&*@]|\+\+")
_KEY_STARTS = b'"[-0123456789'
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class PrimaryKey:
    """Where a row keeps its key: one path, or the paths of a compound key."""

    paths: tuple[tuple[str, ...], ...]
    is_compound: bool

    def of(self, fields: Fields) -> bytes | None:
        """The key of a row as JSON; None where the row lacks it."""
        if not self.is_compound:
            return _at(fields, self.paths[0])
        found = [_at(fields, path) for path in self.paths]
        known = [text for text in found if text is not None]
        return b"[" + b",".join(known) + b"]" if len(known) == len(found) else None


def primary_key(schema: str) -> PrimaryKey | None:
    """The key that a table's schema names first; None for tables that keep their keys outside the rows."""
    first = schema.split(",", 1)[0].split(":", 1)[0].strip()
    name = _MARKS.sub("", first)
    is_compound = name.startswith("[") and name.endswith("]")
    names = name[1:-1].split("+") if is_compound else [name]
    paths = tuple(tuple(each.strip().split(".")) for each in names)
    return PrimaryKey(paths, is_compound) if all(all(path) for path in paths) else None


def is_key(text: bytes) -> bool:
    """Whether JSON can stand for an IndexedDB key: text, a number, or an array of such."""
    return text[0] in _KEY_STARTS


def _at(fields: Fields, path: tuple[str, ...]) -> bytes | None:
    found = fields.get(path[0])
    if found is None:
        return None
    text = bytes(found)
    if len(path) > 1:
        return _at(_OBJECT.decode(text), path[1:]) if text.startswith(b"{") else None
    return text if is_key(text) else None
