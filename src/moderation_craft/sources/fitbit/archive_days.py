"""A file's elements by the civil day that each is about; the elements stay as they are, byte for byte."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec

from moderation_craft.sources.fitbit.archive_files import FileRefused
from moderation_craft.sources.fitbit.archive_streams import ArchiveStream
from moderation_craft.sources.fitbit.archive_times import Days, parse_offset, parse_time
from moderation_craft.sources.indexeddb.json_stream import JsonStream, NotJson, TooLong

SMALL_BYTES: Final = 24 * 1024 * 1024
MAX_ELEMENT_BYTES: Final = 16 * 1024 * 1024
MAX_REFUSED: Final = 1000
_BATCH_BYTES: Final = 4 * 1024 * 1024
_HELD_BYTES: Final = 16 * 1024 * 1024

_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])

Refuse = Callable[[str, str], None]
"""Called with an element that cannot be dated, as it was, and the reason."""

DayAndZone = tuple[date, str]


@dataclass(frozen=True)
class DayPiece:
    """What a file says about one civil day, as JSON on one line; of a day too large to hold, or in
    two zones, one piece of it."""

    day: date
    timezone: str
    data: bytes
    elements: int
    number: int = 0


def split(
    stream: ArchiveStream, chunks: Iterable[bytes], size: int, days: Days, refuse: Refuse
) -> Iterator[DayPiece]:
    """A file's days in order; of a JSON file the array of the day's elements, of a CSV file its header and lines.

    FileRefused where the file is broken: pieces that came before it must then be thrown away.
    """
    gathered = _Gathered()
    if stream.kind == "json":
        for key, text, count in _json_groups(stream, chunks, size, days, refuse):
            yield from gathered.add(key, text, count)
    else:
        for key, lines, count in _csv_groups(stream, chunks, days, refuse, gathered):
            yield from gathered.add(key, lines, count)
    yield from gathered.all()


class _Gathered:
    """Elements by day until they are many; what is handed out once more of the same day is a further piece."""

    def __init__(self) -> None:
        self.header: str | None = None
        self._held: dict[DayAndZone, list[Any]] = {}
        self._counts: dict[DayAndZone, int] = {}
        self._numbers: dict[date, int] = {}
        self._bytes = 0

    def add(self, key: DayAndZone, text: Any, count: int) -> Iterator[DayPiece]:
        """Take JSON elements (joined by commas) or a list of CSV lines."""
        self._held.setdefault(key, []).append(text)
        self._counts[key] = self._counts.get(key, 0) + count
        self._bytes += len(text) if isinstance(text, bytes) else sum(map(len, text))
        if self._bytes > _HELD_BYTES:
            yield from self.all()

    def all(self) -> Iterator[DayPiece]:
        for key in sorted(self._held):
            number = self._numbers.get(key[0], 0)
            yield DayPiece(key[0], key[1], self._data(self._held[key]), self._counts[key], number)
            self._numbers[key[0]] = number + 1
        self._held.clear()
        self._counts.clear()
        self._bytes = 0

    def _data(self, texts: list[Any]) -> bytes:
        if self.header is None:
            return b"[%b]" % b",".join(texts)
        lines = [line for text in texts for line in text]
        return msgspec.json.encode({"columns": self.header, "rows": lines})


def _json_groups(
    stream: ArchiveStream, chunks: Iterable[bytes], size: int, days: Days, refuse: Refuse
) -> Iterator[tuple[DayAndZone, bytes, int]]:
    timed = _timed_decoder(stream.time_field)
    for text in _arrays(chunks, size):
        try:
            compact = msgspec.json.format(text, indent=-1)
            raws = _RAWS.decode(compact)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise FileRefused(f"it is no JSON array, or is cut off: {error}") from error
        try:
            times = [element.time for element in timed.decode(compact)]
        except msgspec.ValidationError:
            times = [_time_of(raw, stream.time_field) for raw in raws]
        yield from _runs(raws, times, days, refuse)


def _runs(
    raws: list[msgspec.Raw], times: list[str], days: Days, refuse: Refuse
) -> Iterator[tuple[DayAndZone, bytes, int]]:
    """Neighbours of one day at once."""
    begin = at = 0
    held: DayAndZone | None = None
    for key, count in _minutes(times, days):
        if key is None:
            for raw, time in zip(raws[at : at + count], times[at : at + count], strict=True):
                refuse(bytes(raw).decode(), f"its time {time!r} cannot be read")
        if key != held:
            if held is not None:
                yield held, b",".join(raws[begin:at]), at - begin
            held, begin = key, at
        at += count
    if held is not None:
        yield held, b",".join(raws[begin:]), at - begin


def _minutes(times: list[str], days: Days) -> Iterator[tuple[DayAndZone | None, int]]:
    """Neighbours of one minute at once, which most have: for its day `MM/DD/YY HH:MM` is all that is needed."""
    for minute, run in groupby(times, itemgetter(slice(0, 14))):
        if minute[2:3] == "/":
            yield days.day_of(minute), sum(1 for _ in run)
        else:
            yield from ((days.day_of(time), 1) for time in run)


def _arrays(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The file's array: whole where it is small, else arrays of a few megabytes of its elements."""
    if size <= SMALL_BYTES:
        text = b"".join(chunks)
        if not text.strip():
            raise FileRefused("it is empty")
        yield text.removeprefix(codecs.BOM_UTF8)
        return
    batch: list[bytes] = []
    batch_bytes = 0
    stream = JsonStream(chunks, max_value_bytes=MAX_ELEMENT_BYTES)
    try:
        for value in stream.values():
            batch.append(value)
            batch_bytes += len(value)
            if batch_bytes > _BATCH_BYTES:
                yield b"[%b]" % b",".join(batch)
                batch, batch_bytes = [], 0
        stream.end()
    except (NotJson, TooLong) as error:
        raise FileRefused(f"it is no JSON array, or is cut off: {error}") from error
    if batch:
        yield b"[%b]" % b",".join(batch)


def _timed_decoder(time_field: str) -> msgspec.json.Decoder[Any]:
    shape = msgspec.defstruct("Timed", [("time", str)], rename={"time": time_field})
    return msgspec.json.Decoder(list[shape])  # type: ignore[valid-type]


def _time_of(raw: msgspec.Raw, time_field: str) -> str:
    """An element's time; empty where it has none, or is no object."""
    try:
        found = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return ""
    value = found.get(time_field) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _csv_groups(
    stream: ArchiveStream, chunks: Iterable[bytes], days: Days, refuse: Refuse, gathered: _Gathered
) -> Iterator[tuple[DayAndZone, list[str], int]]:
    key_of: Callable[[str], DayAndZone | None] | None = None
    for lines in _line_batches(chunks):
        if key_of is None:
            gathered.header = lines.pop(0)
            key_of = _row_key(stream, gathered.header, days)
        for key, run in groupby(lines, key_of):
            rows = list(run)
            if key is None:
                for row in rows:
                    refuse(row, f"its {stream.time_field} cannot be read")
            else:
                yield key, rows, len(rows)
    if key_of is None:
        raise FileRefused("it is empty")


def _row_key(stream: ArchiveStream, header: str, days: Days) -> Callable[[str], DayAndZone | None]:
    columns = [name.strip().strip('"').lower() for name in next(csv.reader([header]), [])]
    wanted = [stream.time_field, *([stream.offset_column] if stream.offset_column else [])]
    if missing := [name for name in wanted if name not in columns]:
        raise FileRefused(f"it has no column {missing[0]!r}")
    time_at = columns.index(stream.time_field)
    if stream.offset_column:
        offset_at = columns.index(stream.offset_column)
        return lambda row: _day_by_offset(row, time_at, offset_at, days)
    if time_at == 0:
        return lambda row: days.day_of(row.partition(",")[0].strip('"'))
    return lambda row: days.day_of(_cell(row, time_at))


def _day_by_offset(row: str, time_at: int, offset_at: int, days: Days) -> DayAndZone | None:
    """The civil day by the row's own offset from UTC."""
    cells = next(csv.reader([row]), [])
    moment = parse_time(cells[time_at]) if time_at < len(cells) else None
    offset = parse_offset(cells[offset_at]) if offset_at < len(cells) else None
    if moment is None or offset is None:
        return days.day_of(cells[time_at]) if moment else None
    return (moment.replace(tzinfo=None) + offset).date(), _offset_name(offset)


def _offset_name(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{abs(seconds) // 3600:02}:{abs(seconds) // 60 % 60:02}"


def _cell(row: str, at: int) -> str:
    cells = next(csv.reader([row]), [])
    return cells[at] if at < len(cells) else ""


def _line_batches(chunks: Iterable[bytes]) -> Iterator[list[str]]:
    """Records of a CSV in order, without their line ends; one may hold line ends between quotes."""
    utf8 = codecs.getincrementaldecoder("utf-8-sig")()
    rest = ""
    try:
        for chunk in chunks:
            *lines, rest = (rest + utf8.decode(chunk)).split("\n")
            if len(rest) > MAX_ELEMENT_BYTES:
                raise FileRefused(f"it has a line of more than {MAX_ELEMENT_BYTES:,} bytes")
            if not any('"' in line for line in lines):
                batch = [line.rstrip("\r") for line in lines]
            else:
                batch, unfinished = _joined(lines)
                rest = "\n".join([*unfinished, rest])
            if batch := [line for line in batch if line.strip()]:
                yield batch
        rest += utf8.decode(b"", True)
    except UnicodeDecodeError as error:
        raise FileRefused(f"it is not UTF-8: {error.reason}") from error
    if rest.count('"') % 2:
        raise FileRefused("it ends inside quotes: it is cut off")
    if rest.strip():
        yield [rest.rstrip("\r")]


def _joined(lines: list[str]) -> tuple[list[str], list[str]]:
    """Lines put together until their quotes are closed, and those whose quotes are not."""
    whole, open_lines, is_open = [], [], False
    for line in lines:
        open_lines.append(line)
        is_open ^= line.count('"') % 2 == 1
        if not is_open:
            whole.append("\n".join(open_lines).rstrip("\r"))
            open_lines = []
    return whole, open_lines
