"""Parts of an export: items as they came, into Parquet with key columns or JSON lines, and read back."""

from __future__ import annotations

import hashlib
import io
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, islice
from pathlib import Path
from typing import IO, Literal, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from moderation_craft.lake import Lake, Part
from moderation_craft.lake.codec import packer
from moderation_craft.logs import get_logger

ExportFormat = Literal["json", "parquet"]

_ROW_GROUP_BYTES = 4 * 1024 * 1024
_ROWS_AT_ONCE = 20_000
_ZSTD_LEVEL = 1


class KeyText(msgspec.Struct, frozen=True, gc=False):
    """A text or number attribute; any other kind has neither."""

    S: str | None = None
    N: str | None = None


class ItemKeys(msgspec.Struct, frozen=True, gc=False):
    """The attributes that stand beside each item as columns, so that readers prune and compare without parsing."""

    pk: KeyText = msgspec.field(name="PK", default=KeyText())
    sk: KeyText = msgspec.field(name="SK", default=KeyText())
    entity_type: KeyText = KeyText()
    user_id: KeyText = KeyText()
    id: KeyText = KeyText()
    updated_at: KeyText = KeyText()


class KeyRow(NamedTuple):
    """One record's key columns; `is_delete` where the record is a tombstone."""

    pk: str | None
    sk: str | None
    entity_type: str | None = None
    user_id: str | None = None
    id: str | None = None
    updated_at: str | None = None
    is_delete: bool = False


KEY_COLUMNS = ItemKeys.__struct_fields__
SCHEMA = pa.schema([(name, pa.string()) for name in (*KEY_COLUMNS, "item")])
log = get_logger("export")
_keys_decoder = msgspec.json.Decoder(list[ItemKeys])


class _PageKeys(msgspec.Struct, gc=False):
    Items: list[ItemKeys] = []


class _Line(msgspec.Struct, gc=False):
    """A line of ours (Item, Deleted) or of AWS's native export (Item; in a window Keys, NewImage)."""

    Item: msgspec.Raw = msgspec.Raw(b"")
    NewImage: msgspec.Raw = msgspec.Raw(b"")
    Deleted: msgspec.Raw = msgspec.Raw(b"")
    Keys: msgspec.Raw = msgspec.Raw(b"")

    @property
    def item(self) -> bytes:
        return bytes(self.Item) or bytes(self.NewImage)

    @property
    def gone(self) -> bytes:
        return bytes(self.Deleted) or (b"" if self.item else bytes(self.Keys))


_page_keys_decoder = msgspec.json.Decoder(_PageKeys)
_line_decoder = msgspec.json.Decoder(_Line)


def keys_of(items: Sequence[msgspec.Raw]) -> list[ItemKeys]:
    """The key attributes of items, all decoded in one call."""
    return _keys_decoder.decode(b"[" + b",".join(items) + b"]")


class PartFile(ABC):
    """A part under way in a local file; `add` pages, `finish`, then `commit` it to the lake."""

    suffix: str

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = self.deleted = self.taken_bytes = 0
        self.entity_types: set[str] = set()
        self._file: IO[bytes] = path.open("wb")

    @property
    def packed_bytes(self) -> int:
        return self._file.tell()

    @abstractmethod
    def add(self, items: Sequence[msgspec.Raw], page: bytes | None = None) -> None:
        """Take items as DynamoDB sent them; `page` is the answer that they stand in, if they are all of one."""

    @abstractmethod
    def add_deleted(self, rows: Sequence[KeyRow]) -> None:
        """Take tombstones: keys that are gone from the table."""

    def finish(self) -> None:
        self._file.close()

    def abandon(self) -> None:
        """Forget what was taken; the file is removed."""
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


class LinesPart(PartFile):
    """`{"Item":…}` lines, the lines of AWS's native export, compressed as they come."""

    suffix = "jsonl.zst"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._packer = packer(_ZSTD_LEVEL)

    def add(self, items: Sequence[msgspec.Raw], page: bytes | None = None) -> None:
        if not items:
            return
        lines = b'{"Item":' + b'}\n{"Item":'.join(items) + b"}\n"
        if lines.count(b"\n") != len(items):
            # JSON holds no bare line feed inside a string: a page set in many lines loses only its layout.
            lines = b"".join([b'{"Item":%b}\n' % bytes(item).replace(b"\n", b" ") for item in items])
        self._take(lines, len(items))

    def add_deleted(self, rows: Sequence[KeyRow]) -> None:
        self.deleted += len(rows)
        self._take(b"".join(_deleted_line(row) for row in rows), len(rows))

    def finish(self) -> None:
        self._file.write(self._packer.flush())
        super().finish()

    def _take(self, lines: bytes, rows: int) -> None:
        self.rows += rows
        self.taken_bytes += len(lines)
        self._file.write(self._packer.compress(lines))


class ParquetPart(PartFile):
    """The key columns beside each item's JSON, exact; a row without item is a tombstone."""

    suffix = "parquet"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._writer = pq.ParquetWriter(
            self._file,
            SCHEMA,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            use_dictionary=["entity_type", "user_id"],
            write_statistics=["entity_type", "user_id", "updated_at"],
        )
        self._waiting: list[pa.Table] = []
        self._waiting_bytes = 0

    def add(self, items: Sequence[msgspec.Raw], page: bytes | None = None) -> None:
        if items:
            keys = keys_of(items) if page is None else _page_keys_decoder.decode(page).Items
            self._take(_item_table(items, keys))

    def add_deleted(self, rows: Sequence[KeyRow]) -> None:
        if rows:
            self.deleted += len(rows)
            self._take(_deleted_table(rows))

    def finish(self) -> None:
        self._write()
        self._writer.close()
        super().finish()

    def abandon(self) -> None:
        with suppress(OSError, ValueError):
            self._writer.close()
        super().abandon()

    def _take(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self.taken_bytes += table.nbytes
        self._waiting_bytes += table.nbytes
        self._waiting.append(table)
        if self._waiting_bytes >= _ROW_GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        if self._waiting:
            table = pa.concat_tables(self._waiting)
            self.entity_types |= {value for value in table["entity_type"].unique().to_pylist() if value}
            self._writer.write_table(table, row_group_size=table.num_rows)
            self._waiting, self._waiting_bytes = [], 0


PART_FILES: dict[ExportFormat, type[PartFile]] = {"json": LinesPart, "parquet": ParquetPart}


def item_table(items: Sequence[msgspec.Raw]) -> pa.Table:
    """Items as a table of `SCHEMA`; each item's text is the bytes that came."""
    return _item_table(items, keys_of(items)) if items else SCHEMA.empty_table()


def _item_table(items: Sequence[msgspec.Raw], keys: Sequence[ItemKeys]) -> pa.Table:
    columns = [
        pa.array([text.S if text.S is not None else text.N for text in texts], pa.string())
        for texts in zip(
            *[(key.pk, key.sk, key.entity_type, key.user_id, key.id, key.updated_at) for key in keys], strict=True
        )
    ]
    data = b"".join(items)
    ends = array("i", accumulate((len(memoryview(item)) for item in items), initial=0))
    texts = pa.StringArray.from_buffers(len(items), pa.py_buffer(ends), pa.py_buffer(data))
    texts.validate(full=True)
    return pa.Table.from_arrays([*columns, texts], schema=SCHEMA)


def _deleted_table(rows: Sequence[KeyRow]) -> pa.Table:
    columns = [pa.array([getattr(row, name) for row in rows], pa.string()) for name in KEY_COLUMNS]
    return pa.Table.from_arrays([*columns, pa.nulls(len(rows), pa.string())], schema=SCHEMA)


def parquet_bytes(items: list[bytes]) -> bytes:
    """Items as one Parquet file: the key columns that readers prune by, beside each item's JSON, exact."""
    table = item_table([msgspec.Raw(item) for item in items])
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_items(lake: Lake, part: Part) -> Iterator[bytes]:
    """Each item of a part as DynamoDB sent it, tombstones left out; memory constant in the part's size."""
    if part.key.endswith(".parquet"):
        with lake.local_copy(part.key) as path, pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=["item"]):
                yield from (text.encode() for text in batch.column(0).to_pylist() if text is not None)
    else:
        yield from (line.item for line in _lines(lake, part) if line.item)


def read_tables(lake: Lake, part: Part, since: str = "") -> Iterator[pa.Table]:
    """A part's records as tables of `SCHEMA`, tombstones among them; memory constant in the part's size.

    With `since` those whose updated_at, as text, is that or later; row groups that can hold none are not read.
    """
    for table in _parquet_tables(lake, part, since) if part.key.endswith(".parquet") else _line_tables(lake, part):
        yield table.filter(pc.greater_equal(table["updated_at"], since)) if since else table


def read_versions(lake: Lake, part: Part, since: str = "") -> Iterator[tuple[KeyRow, bytes | None]]:
    """As `read_tables`, record by record: keys and item (None: a tombstone)."""
    for table in read_tables(lake, part, since):
        for *keys, text in zip(*(column.to_pylist() for column in table.columns), strict=True):
            yield KeyRow._make([*keys, text is None]), None if text is None else text.encode()


def read_keys(lake: Lake, part: Part) -> Iterator[KeyRow]:
    """The key columns of a part's records, tombstones included."""
    for table in read_tables(lake, part):
        gone = table["item"].is_null().to_pylist()
        yield from map(KeyRow, *(table[name].to_pylist() for name in KEY_COLUMNS), gone)


def _parquet_tables(lake: Lake, part: Part, since: str) -> Iterator[pa.Table]:
    with lake.local_copy(part.key) as path, pq.ParquetFile(path) as file:
        if file.schema_arrow.names == SCHEMA.names:
            groups = [n for n in range(file.num_row_groups) if _may_hold(file.metadata.row_group(n), since)]
            for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=groups):
                yield pa.Table.from_batches([batch])
        else:  # written before the primary key stood beside the item
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=["item"]):
                yield item_table([msgspec.Raw(text.encode()) for text in batch.column(0).to_pylist()])


def _line_tables(lake: Lake, part: Part) -> Iterator[pa.Table]:
    lines = _lines(lake, part)
    while some := list(islice(lines, _ROWS_AT_ONCE)):
        items = [msgspec.Raw(line.item) for line in some if line.item]
        gone = [key_row(msgspec.json.decode(line.gone, type=ItemKeys)) for line in some if line.gone]
        yield pa.concat_tables([item_table(items), _deleted_table(gone)])


def _may_hold(group: pq.RowGroupMetaData, since: str) -> bool:
    statistics = group.column(KEY_COLUMNS.index("updated_at")).statistics
    return statistics is None or not statistics.has_min_max or statistics.max >= since


def _lines(lake: Lake, part: Part) -> Iterator[_Line]:
    """Lines that can be read; the others are in the raw object, and staging puts them into quarantine."""
    for line in lake.lines(part.key):
        try:
            found = _line_decoder.decode(line)
        except msgspec.DecodeError as error:
            log.warning("a line of an export cannot be read", key=part.key, reason=str(error))
            continue
        if (found.item or found.gone).startswith(b"{"):
            yield found
        else:
            log.warning("a line of an export holds no record", key=part.key)


def key_row(keys: ItemKeys) -> KeyRow:
    """Key attributes as the texts that stand in the columns."""
    texts = (getattr(keys, name) for name in KEY_COLUMNS)
    return KeyRow(*(text.S if text.S is not None else text.N for text in texts))


def _deleted_line(row: KeyRow) -> bytes:
    names = {"pk": "PK", "sk": "SK"}
    known = {names.get(name, name): {"S": getattr(row, name)} for name in KEY_COLUMNS if getattr(row, name)}
    return msgspec.json.encode({"Deleted": known}) + b"\n"
