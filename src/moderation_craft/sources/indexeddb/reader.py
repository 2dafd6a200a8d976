"""What stands in a dexie-export-import dump: its rows and deletions as raw's lines, refused rows, and the rest.

Beside its rows a dump holds little: names, versions, the tables' schemas. dexie-export-import writes that before
the rows; where another program wrote it after them, the dump is read again, once what it says is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, NoReturn, TypeAlias, TypeVar

import msgspec

from moderation_craft.errors import BoundMet, RecordInvalid
from moderation_craft.sources.indexeddb.json_stream import JsonStream, NotJson, TooLong, depth_of
from moderation_craft.sources.indexeddb.keys import Fields, is_key, primary_key

APP_DATABASE = "ModerationCraftDB"
MAX_ROW_BYTES = 32 * 1024 * 1024
MAX_HEADER_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 400
REMEDY = "export the database again in the app (dexie-export-import's exportDB), then take that."

T = TypeVar("T")
Chunks: TypeAlias = Iterator[bytes]

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(msgspec.Raw)


_PLACE = msgspec.Meta(ge=0, le=2**31)


class Upload(msgspec.Struct, frozen=True, rename="camel"):
    """What our browser module says of a chunk; `sentAt` is the device's clock, in milliseconds since 1970."""

    upload: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
    sequence: Annotated[int, _PLACE] | Annotated[float, _PLACE, msgspec.Meta(multiple_of=1)]
    last: bool = False
    sent_at: Annotated[float, msgspec.Meta(ge=0, le=8.64e15)] | None = None

    @property
    def number(self) -> int:
        """The chunk's place in the upload; JSON may write it as 1.0."""
        return int(self.sequence)


class Line(msgspec.Struct, frozen=True):
    """A row or a deletion as raw keeps it."""

    text: bytes
    is_deletion: bool = False


class Refused(msgspec.Struct, frozen=True):
    """A row that cannot be what its table says it holds, whole, and why not."""

    reason: str
    record: str


Record: TypeAlias = Line | Refused


@dataclass
class Contents:
    """All of a dump but its rows."""

    format_name: str | None = None
    format_version: Any = 1
    database: str | None = None
    database_version: Any = None
    schemas: list[dict[str, Any]] | None = None
    tables: list[tuple[str, bool]] | None = None
    upload: Upload | None = None

    @property
    def header(self) -> dict[str, Any]:
        """The same in the dump's own shape."""
        tables = [{"tableName": name, "inbound": inbound} for name, inbound in self.tables or []]
        data = {
            "databaseName": self.database,
            "databaseVersion": self.database_version,
            "tables": self.schemas or [],
            "data": tables,
        }
        return {"formatName": self.format_name, "formatVersion": self.format_version, "data": data}

    def schema_of(self, table: str) -> str:
        return next((str(each.get("schema", "")) for each in self.schemas or [] if each.get("name") == table), "")


class DumpReader:
    """One dump; `open_chunks` gives its bytes from the start, each time it is called."""

    def __init__(self, open_chunks: Callable[[], Chunks], name: str) -> None:
        self.contents = Contents()
        self._open_chunks = open_chunks
        self._name = name

    def records(self) -> Iterator[Record]:
        """Rows and deletions in the order of the dump; `contents` is whole after the last.

        Raises RecordInvalid (E003), at the latest after the last record, for what is no whole dump of the app's
        database; BoundMet (E009) where one row, or all but the rows, is too long.
        """
        taken = 0
        try:
            for record in self._walk():
                taken += 1
                yield record
        except _NotYetKnown:
            for _ in self._walk(only_contents=True):
                pass
            yield from islice(self._walk(known=self.contents), taken, None)

    def _walk(self, known: Contents | None = None, *, only_contents: bool = False) -> Iterator[Record]:
        walk = _Walk(JsonStream(self._open_chunks(), max_value_bytes=MAX_ROW_BYTES), self._name)
        walk.known, walk.only_contents = known, only_contents
        self.contents = walk.contents
        try:
            yield from walk.records()
        except NotJson as error:
            raise walk.no_dump(str(error)) from error
        except TooLong as error:
            raise BoundMet(
                f"In {self._name} {error}.", remedy="leave that row out (exportDB's filter), then take the rest."
            ) from error


class _NotYetKnown(Exception):
    """Rows stand before what must be known of their table."""


class _Odd(Exception):
    """A row that is refused, and why."""


class _Walk:
    def __init__(self, stream: JsonStream, name: str) -> None:
        self.contents = Contents()
        self.known: Contents | None = None
        self.only_contents = False
        self._stream = stream
        self._name = name
        self._header_bytes = 0

    def records(self) -> Iterator[Record]:
        found = self.contents
        for member in self._members("the dump"):
            if member == "formatName":
                found.format_name = self._told(str)
                self._check()
            elif member == "formatVersion":
                found.format_version = self._told(object)
                self._check()
            elif member == "data":
                yield from self._data()
            elif member == "mcraft":
                yield from self._mcraft()
            else:
                self._told(msgspec.Raw)
        self._stream.end()
        if found.format_name is None or found.database is None or found.tables is None:
            raise self.no_dump("formatName, data.databaseName or data.data is missing")

    def no_dump(self, why: str) -> RecordInvalid:
        return RecordInvalid(f"{self._name} is no whole Dexie dump: {why}.", remedy=REMEDY)

    def _data(self) -> Iterator[Record]:
        found = self.contents
        for member in self._members("data"):
            if member == "databaseName":
                found.database = self._told(str)
                self._check()
            elif member == "databaseVersion":
                found.database_version = self._told(object)
            elif member == "tables":
                found.schemas = self._told(list[dict[str, Any]])
            elif member == "data":
                found.tables = []
                for _ in self._stream.elements():
                    yield from self._table(found.tables)
            else:
                self._told(msgspec.Raw)

    def _table(self, tables: list[tuple[str, bool]]) -> Iterator[Record]:
        name: str | None = None
        inbound: bool | None = None
        has_rows = False
        for member in self._members("a table"):
            if member == "tableName":
                name = self._told(str)
            elif member == "inbound":
                inbound = self._told(bool)
            elif member == "rows":
                has_rows = True
                if self.only_contents:
                    for _ in self._stream.values():
                        pass
                else:
                    yield from self._rows(self._layout(len(tables), name, inbound))
            else:
                self._told(msgspec.Raw)
        if name is None or not has_rows:
            raise self.no_dump("a table has no tableName or no rows")
        tables.append((name, inbound is not False))
        self._count(64)

    def _layout(self, number: int, name: str | None, inbound: bool | None) -> _Table:
        if self.known is not None and self.known.tables is not None:
            name, inbound = self.known.tables[number]
            return _Table(name, inbound, self.known.schema_of(name))
        if name is None or inbound is None or self.contents.schemas is None:
            raise _NotYetKnown
        return _Table(name, inbound, self.contents.schema_of(name))

    def _rows(self, table: _Table) -> Iterator[Record]:
        for position, text in enumerate(self._stream.values(), start=1):
            try:
                yield table.line(text)
            except _Odd as odd:
                yield Refused(f"row {position} of the table {table.name!r} {odd}", text.decode())

    def _mcraft(self) -> Iterator[Record]:
        told: dict[str, msgspec.Raw] = {}
        for member in self._members("mcraft"):
            if member == "deleted":
                for table in self._members("mcraft.deleted"):
                    yield from self._deletions(table)
            else:
                told[member] = self._told(msgspec.Raw)
        self.contents.upload = self._decoded(msgspec.json.encode(told), Upload)

    def _deletions(self, table: str) -> Iterator[Record]:
        head = b'{"table":' + msgspec.json.encode(table) + b',"key":'
        for position, text in enumerate(self._stream.values(), start=1):
            try:
                _check_key(text)
                yield Line(_on_one_line(head + text + b',"deleted":true}'), is_deletion=True)
            except _Odd as odd:
                yield Refused(f"deletion {position} in the table {table!r} {odd}", text.decode())

    def _members(self, where: str) -> Iterator[str]:
        seen = set()
        for name in self._stream.members():
            if name in seen:
                raise self.no_dump(f"{where} says {name!r} twice")
            seen.add(name)
            self._count(len(name))
            yield name

    def _told(self, kind: type[T]) -> T:
        """The value that stands here, which is no row."""
        text = self._stream.value()
        self._count(len(text))
        return self._decoded(text, kind)

    def _decoded(self, text: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(text, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise self.no_dump(str(error)) from error

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise BoundMet(
                f"{self._name} holds more than {MAX_HEADER_BYTES:,} bytes beside its rows.", remedy=REMEDY
            )

    def _check(self) -> None:
        found = self.contents
        if found.format_name not in (None, "dexie") or found.format_version is True or found.format_version != 1:
            raise RecordInvalid(
                f"{self._name} has the format {found.format_name!r} version {found.format_version}, "
                "not 'dexie' version 1.",
                remedy=REMEDY,
            )
        if found.database not in (None, APP_DATABASE):
            raise RecordInvalid(
                f"{self._name} is a dump of the database {found.database!r}, not of {APP_DATABASE!r}.",
                remedy=REMEDY,
            )


class _Table:
    """A table's rows as raw's lines: `{"table","inbound","row"}`, and `"key"` where the row tells it."""

    def __init__(self, name: str, inbound: bool, schema: str) -> None:
        self.name = name
        self._inbound = inbound
        self._key = primary_key(schema) if inbound else None
        told = msgspec.json.encode({"table": name, "inbound": inbound})
        self._head = told[:-1] + b',"row":'

    def line(self, text: bytes) -> Line:
        """Raises _Odd for what is no row of this table, NotJson for what is no JSON."""
        if _is_too_deep(text):
            raise _Odd(f"is nested more than {MAX_DEPTH} levels deep")
        try:
            key = self._key_of(text)
        except msgspec.DecodeError as error:
            _blame(text, error)
        line = self._head + text + (b',"key":' + key if key else b"") + b"}"
        return Line(_on_one_line(line))

    def _key_of(self, text: bytes) -> bytes | None:
        if text.startswith(b"{"):
            fields: Fields | None = _OBJECT.decode(text)
            pair = None
        elif text.startswith(b"["):
            fields, pair = None, _LIST.decode(text)
        else:
            _ANY.decode(text)
            fields = pair = None
        if fields and _is_wrapper(fields):
            inner = bytes(fields["$"])
            fields = _OBJECT.decode(inner) if inner.startswith(b"{") else None
            pair = _LIST.decode(inner) if inner.startswith(b"[") else None
        if self._inbound:
            if fields is None:
                raise _Odd("is no object")
            return self._key.of(fields) if self._key else None
        if pair is None or len(pair) != 2:
            raise _Odd("is no [key, value] pair")
        key = bytes(pair[0])
        return key if is_key(key) else None


def _is_wrapper(fields: Fields) -> bool:
    """Whether an object is Typeson's, around a value that can hold no types itself: a pair, or an object with a
    `$types` of its own. An app's object may have a `$` too; its types then stand under `$types` directly.
    """
    types = bytes(fields.get("$types", b"")) if "$" in fields else b""
    return types == b"true" or (
        types.startswith(b"{") and bytes(_OBJECT.decode(types).get("$", b"")).startswith(b"{")
    )


def _check_key(text: bytes) -> None:
    """Raises _Odd for what is no key, NotJson for what is no JSON."""
    try:
        _ANY.decode(text)
    except msgspec.DecodeError as error:
        _blame(text, error)
    if not is_key(text) or _is_too_deep(text):
        raise _Odd("is no key")


def _blame(text: bytes, error: msgspec.DecodeError) -> NoReturn:
    """What msgspec refuses for half a character alone (JavaScript's text cut inside an emoji) is one odd row;
    anything else means that the dump is no JSON.
    """
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_json)
    except ValueError:
        raise NotJson(str(error)) from error
    raise _Odd("holds half a character (a lone surrogate), which is no text") from error


def _no_json(constant: str) -> NoReturn:
    raise ValueError(constant)


def _is_too_deep(text: bytes) -> bool:
    return (
        len(text) > 2 * MAX_DEPTH
        and text.count(b"[") + text.count(b"{") > MAX_DEPTH
        and depth_of(text) > MAX_DEPTH
    )


def _on_one_line(text: bytes) -> bytes:
    """A line of raw: line breaks between tokens (pretty-printed dumps) as spaces; inside strings JSON has none."""
    if b"\n" in text or b"\r" in text:
        text = text.replace(b"\r", b" ").replace(b"\n", b" ")
    return text + b"\n"
