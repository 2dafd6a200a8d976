"""Dexie dumps for tests: made up, or written by dexie-export-import itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from moderation_craft.lake import Lake, Manifest

BY_THE_PROGRAM = [
    Path(__file__).with_name("dexie_export_import_4_4_0.json"),
    Path(__file__).with_name("dexie_export_import_4_4_0_pretty.json"),
]


class RawLine(msgspec.Struct):
    """A line of raw, with the texts that must keep their bytes."""

    table: str
    inbound: bool = True
    row: msgspec.Raw = msgspec.Raw(b"")
    key: msgspec.Raw = msgspec.Raw(b"")
    deleted: bool = False

    @property
    def value(self) -> Any:
        return json.loads(bytes(self.row))

    @property
    def key_value(self) -> Any:
        return json.loads(bytes(self.key)) if bytes(self.key) else None


def table(name: str, rows: Sequence[Any], schema: str = "id", *, inbound: bool = True) -> dict[str, Any]:
    return {"tableName": name, "inbound": inbound, "rows": list(rows), "schema": schema}


def dump(*tables: Mapping[str, Any], database: str = "ModerationCraftDB", **more: Any) -> dict[str, Any]:
    """A dump as exportDB orders it; `more` goes to the top level."""
    return {
        "formatName": "dexie",
        "formatVersion": 1,
        "data": {
            "databaseName": database,
            "databaseVersion": 4,
            "tables": [
                {"name": each["tableName"], "schema": each["schema"], "rowCount": len(each["rows"])}
                for each in tables
            ],
            "data": [{name: each[name] for name in ("tableName", "inbound", "rows")} for each in tables],
        },
        **more,
    }


def chunk(
    *tables: Mapping[str, Any],
    upload: str = "9f2c7c1e",
    sequence: int = 1,
    deleted: Mapping[str, Sequence[Any]] | None = None,
    sent_at: float | None = None,
    last: bool = False,
) -> dict[str, Any]:
    """A chunk of changes as the browser module sends it."""
    told: dict[str, Any] = {"upload": upload, "sequence": sequence, "last": last, "deleted": deleted or {}}
    return dump(*tables, mcraft=told | ({"sentAt": sent_at} if sent_at is not None else {}))


def spelled(content: Any, **how: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, **how).encode()


def raw_lines(lake: Lake, manifest: Manifest) -> list[RawLine]:
    """Every line of a manifest's parts, in order."""
    return [msgspec.json.decode(line, type=RawLine) for part in manifest.parts for line in lake.lines(part.key)]


def raw_state(lake: Lake) -> dict[str, bytes]:
    """What raw says, apart from when: the lines of every part that a manifest names."""
    return {
        part.key: b"\n".join(lake.lines(part.key)) for each in lake.manifests("indexeddb") for part in each.parts
    }
