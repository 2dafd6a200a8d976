"""`mcraft import dexie`: a dexie-export-import dump of the app's browser database into raw, byte for byte."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from moderation_craft.clock import iso, new_run_id
from moderation_craft.errors import BoundMet, RecordInvalid
from moderation_craft.lake import Lake, Manifest, Refusal, zones
from moderation_craft.lake.codec import compress
from moderation_craft.sources.contract import Progress, no_progress

SOURCE = "indexeddb"
APP_DATABASE = "ModerationCraftDB"
MAX_DUMP_BYTES = 512 * 1024 * 1024

_GZIP_MAGIC = b"\x1f\x8b"
_REMEDY = "export the database again in the app (dexie-export-import's exportDB), then import that file."


class _Table(msgspec.Struct, rename="camel"):
    table_name: str
    rows: list[msgspec.Raw]
    inbound: bool = True


class _Data(msgspec.Struct, rename="camel"):
    database_name: str
    data: list[_Table]


class _Dump(msgspec.Struct, rename="camel"):
    format_name: str
    data: _Data
    format_version: int = 1


@dataclass(frozen=True)
class Dump:
    """A dump read: its rows as the part's lines, what was refused, and everything but the rows."""

    database: str
    header: dict[str, Any]
    lines: list[bytes]
    refused: list[tuple[str, str]]


def import_dexie(lake: Lake, path: Path, user_id: str, progress: Progress = no_progress) -> Manifest:
    """Take a dump (JSON, plain or gzip) into raw; where a person's latest dump says the same, its manifest
    is returned and nothing is written.

    Raises RecordInvalid (E003) for what is no dump of the app's database, BoundMet (E009) above 512 MB.
    """
    started_at = iso(lake.clock.now())
    progress(0, None, f"reading {path.name}")
    dump = read_dump(_bytes_of(path), path.name)
    content = b"".join(dump.lines)
    digest = hashlib.sha256(content).hexdigest()
    dt = lake.clock.now().date()
    key = zones.dump_part(dt, user_id, digest)
    held = _held_already(lake, user_id, key)
    if held is not None:
        progress(held.rows, held.rows, f"rows, held since {held.completed_at}: nothing to do")
        return held
    refusals = [
        Refusal(source=SOURCE, dt=dt, code=RecordInvalid.code, reason=reason, origin=key, record=row)
        for reason, row in dump.refused
    ]
    part = lake.put_part(key, compress(content), rows=len(dump.lines), stream=dump.database, dt=str(dt))
    manifest = lake.commit(
        run_id=new_run_id(lake.clock),
        kind="indexeddb_dump",
        source=SOURCE,
        started_at=started_at,
        parts=[part],
        refusals=refusals,
        details={"user_id": user_id, "database": dump.database, "header": dump.header},
    )
    progress(manifest.rows, manifest.rows, "rows taken")
    return manifest


def read_dump(data: bytes, name: str) -> Dump:
    """The rows of a dump as lines `{"table","inbound","row"}`; RecordInvalid where it is no dump of the app.

    A row keeps its bytes; only line breaks between its tokens (pretty-printed dumps) become spaces.
    """
    try:
        data.decode("utf-8")
        dump = msgspec.json.decode(data, type=_Dump)
        header = msgspec.json.decode(data, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordInvalid(f"{name} is no whole Dexie dump: {error}.", remedy=_REMEDY) from error
    if dump.format_name != "dexie" or dump.format_version != 1:
        raise RecordInvalid(
            f"{name} has the format {dump.format_name!r} version {dump.format_version}, not 'dexie' version 1.",
            remedy=_REMEDY,
        )
    if dump.data.database_name != APP_DATABASE:
        raise RecordInvalid(
            f"{name} is a dump of the database {dump.data.database_name!r}, not of {APP_DATABASE!r}.",
            remedy=_REMEDY,
        )
    lines: list[bytes] = []
    refused: list[tuple[str, str]] = []
    for table, position, row in _rows(dump):
        problem = _problem_of(row, table.inbound)
        if problem is None:
            lines.append(_line(table, row))
        else:
            reason = f"row {position} of the table {table.table_name!r} {problem}"
            refused.append((reason, bytes(row).decode()))
    return Dump(dump.data.database_name, msgspec.to_builtins(header), lines, refused)


class _TableHeader(msgspec.Struct, rename="camel"):
    """A table of the dump without its rows."""

    table_name: str
    inbound: bool = True


class _DataHeader(msgspec.Struct, rename="camel"):
    database_name: str
    database_version: Any = None
    tables: list[dict[str, Any]] = []
    data: list[_TableHeader] = []


class _Header(msgspec.Struct, rename="camel"):
    format_name: str
    format_version: int = 1
    data: _DataHeader | None = None


def _rows(dump: _Dump) -> Iterator[tuple[_Table, int, msgspec.Raw]]:
    for table in dump.data.data:
        for position, row in enumerate(table.rows, start=1):
            yield table, position, row


def _problem_of(row: msgspec.Raw, is_inbound: bool) -> str | None:
    """Why a row cannot be what its table says it holds: an object, or with `inbound: false` [key, value]."""
    start = bytes(row).lstrip()[:1]
    if is_inbound:
        return None if start == b"{" else "is no object"
    if start != b"[" or len(msgspec.json.decode(row, type=list[msgspec.Raw])) != 2:
        return "is no [key, value] pair"
    return None


def _line(table: _Table, row: msgspec.Raw) -> bytes:
    sent = bytes(row)
    if b"\n" in sent or b"\r" in sent:
        sent = sent.replace(b"\r", b" ").replace(b"\n", b" ")
    told = msgspec.json.encode({"table": table.table_name, "inbound": table.inbound, "row": msgspec.Raw(sent)})
    return told + b"\n"


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == _GZIP_MAGIC
        with gzip.open(path, "rb") if is_packed else path.open("rb") as file:
            data = file.read(MAX_DUMP_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RecordInvalid(
            f"{path.name} is a gzip file that is cut short or broken: {error}.", remedy=_REMEDY
        ) from error
    except OSError as error:
        raise RecordInvalid(
            f"The dump {str(path)!r} cannot be read: {error.strerror or error}.",
            remedy="give the path of a dump that exists and that you may read.",
        ) from error
    if len(data) > MAX_DUMP_BYTES:
        raise BoundMet(
            f"{path.name} holds more than {MAX_DUMP_BYTES:,} bytes; a dump is read at once.",
            remedy="export fewer tables at a time (exportDB's filter), then import the pieces.",
        )
    return data


def _held_already(lake: Lake, user_id: str, key: str) -> Manifest | None:
    """The person's latest dump, where it holds the same rows."""
    theirs = [held for held in lake.manifests(SOURCE) if held.details.get("user_id") == user_id]
    name = key.rsplit("/", 1)[-1]
    return theirs[-1] if theirs and theirs[-1].parts[0].key.endswith(f"/{name}") else None
