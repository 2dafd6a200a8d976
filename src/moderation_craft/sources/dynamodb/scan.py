"""Segments read side by side, their pages taken in turn into parts, with cursors that outlive the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, Literal, TypeAlias

import msgspec

from moderation_craft.errors import RetryError, SkipError
from moderation_craft.lake import Lake, Part, zones
from moderation_craft.lake.storage import local_disk
from moderation_craft.sources.contract import Progress
from moderation_craft.sources.dynamodb.capacity import ReadCapacity
from moderation_craft.sources.dynamodb.checkpoint import Checkpoint, ExportState
from moderation_craft.sources.dynamodb.client import DynamoDBClient
from moderation_craft.sources.dynamodb.parts import PART_FILES, ExportFormat, PartFile, file_digest
from moderation_craft.sources.dynamodb.spool import PageSpool, SpooledPage

PART_BYTES = 64 * 1024 * 1024
PART_UNPACKED_BYTES = 6 * PART_BYTES

_PAGES_AHEAD = 1
_LOOK_UP_SECONDS = 0.2


class Consumed(msgspec.Struct):
    units: float = msgspec.field(name="CapacityUnits", default=0.0)


class Page(msgspec.Struct):
    """An answer of Scan or Query, its items not parsed."""

    items: list[msgspec.Raw] = msgspec.field(name="Items", default_factory=list)
    next_key: msgspec.Raw = msgspec.field(name="LastEvaluatedKey", default=msgspec.Raw(b""))
    consumed: Consumed = msgspec.field(name="ConsumedCapacity", default_factory=Consumed)

    @property
    def is_last(self) -> bool:
        return not bytes(self.next_key)

    @property
    def cursor(self) -> dict[str, Any] | None:
        return None if self.is_last else msgspec.json.decode(self.next_key)


class _Primary(msgspec.Struct):
    PK: msgspec.Raw
    SK: msgspec.Raw


def primary_key(item: bytes | str | msgspec.Raw) -> dict[str, Any]:
    """An item's primary key, as DynamoDB JSON."""
    primary = msgspec.json.decode(item, type=_Primary)
    return {"PK": primary.PK, "SK": primary.SK}


page_decoder = msgspec.json.Decoder(Page)


@dataclass(frozen=True)
class PartTarget:
    """Where parts go and how: `folder` is local, for the part under way."""

    lake: Lake
    table: str
    day: date
    format: ExportFormat
    folder: Path

    def open(self) -> PartFile:
        with local_disk(self.folder):
            return PART_FILES[self.format](self.folder / "under-way.part")

    def put(self, part: PartFile) -> Part:
        """A finished part's object in the lake, named by its content."""
        with local_disk(self.folder):
            part.finish()
            digest = file_digest(part.path)
        key = zones.dynamodb_part(self.day, self.table, digest, part.suffix)
        return self.lake.put_part_file(key, part.path, sha256=digest, rows=part.rows, stream=self.table)


def pages(
    client: DynamoDBClient,
    operation: Literal["Scan", "Query"],
    request: dict[str, Any],
    capacity: ReadCapacity,
    is_over: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[bytes, Page]]:
    """The pages of a Scan or Query, as they came and split, paced; ends early where `is_over` says so."""
    request = {**request, "ReturnConsumedCapacity": "TOTAL"}
    while not is_over():
        capacity.wait(is_over)
        body, page = client.answer(operation, request, page_decoder, capacity.throttled, is_over)
        capacity.spend(page.consumed.units)
        yield body, page
        if page.is_last:
            return
        request["ExclusiveStartKey"] = page.next_key


class TableScan:
    """Takes the segments' pages in strict turn, so that an unchanged table gives the same parts.

    `state` is what the checkpoint holds at the end of each part; pages after that are in the spool, if any.
    """

    def __init__(
        self,
        state: ExportState,
        *,
        client: DynamoDBClient,
        target: PartTarget,
        checkpoint: Checkpoint,
        capacity: ReadCapacity,
        spool: Path | None,
        progress: Progress,
        about: int | None,
    ) -> None:
        self._state = state
        self._client = client
        self._target = target
        self._checkpoint = checkpoint
        self._capacity = capacity
        self._spool_path = spool
        self._spool: PageSpool | None = None
        self._progress = progress
        self._about = about
        self._part: PartFile | None = None
        self.items = sum(part.rows for part in state.parts)

    def run(self, deadline: Callable[[], bool]) -> bool:
        """To the table's end (true), or until `deadline` turns true: then what was read is a part and the cursors
        are saved. Whatever else ends it, the next run goes on from the spool, or from the last part."""
        with ExitStack() as closing:
            closing.callback(self._abandon_part)
            if self._spool_path is not None:
                with local_disk(self._target.folder):
                    self._spool = PageSpool(self._spool_path)
                closing.callback(self._spool.close)
                self._replay(self._spool)
            try:
                self._read(deadline)
            except (RetryError, SkipError):
                self._close_part()
                raise
            self._close_part()
        return all(segment.is_done for segment in self._state.segments)

    def _replay(self, spool: PageSpool) -> None:
        for spooled in spool.replay():
            if spooled.number == self._state.segments[spooled.segment].pages:
                page = page_decoder.decode(spooled.body)
                self._capacity.count(page.consumed.units)
                self._take(spooled.segment, spooled.body, page)

    def _read(self, deadline: Callable[[], bool]) -> None:
        with self._readers() as ready:
            while (number := self._next_segment()) is not None:
                got = _get(ready[number], deadline)
                if got is None:
                    return
                body, page = got
                if self._spool is not None:
                    with local_disk(self._target.folder):
                        self._spool.append(SpooledPage(number, self._state.segments[number].pages, body))
                self._take(number, body, page)

    def _next_segment(self) -> int | None:
        count = len(self._state.segments)
        turns = ((self._state.turn + step) % count for step in range(count))
        return next((number for number in turns if not self._state.segments[number].is_done), None)

    @contextmanager
    def _readers(self) -> Iterator[dict[int, Queue[_Got]]]:
        """A thread a segment that is not done, each a page ahead; all stopped on exit."""
        waiting = {number: seg for number, seg in enumerate(self._state.segments) if not seg.is_done}
        if not waiting:
            yield {}
            return
        ready: dict[int, Queue[_Got]] = {number: Queue(_PAGES_AHEAD) for number in waiting}
        stopping = threading.Event()
        with ThreadPoolExecutor(len(waiting)) as pool:
            try:
                for number, segment in waiting.items():
                    pool.submit(self._fetch, number, segment.cursor, ready[number], stopping)
                yield ready
            finally:
                stopping.set()

    def _fetch(
        self, number: int, cursor: dict[str, Any] | None, ready: Queue[_Got], stopping: threading.Event
    ) -> None:
        request: dict[str, Any] = {
            "TableName": self._target.table,
            "Segment": number,
            "TotalSegments": len(self._state.segments),
        }
        if cursor is not None:
            request["ExclusiveStartKey"] = cursor
        try:
            for got in pages(self._client, "Scan", request, self._capacity, stopping.is_set):
                _put(ready, got, stopping)
        except BaseException as error:
            _put(ready, error, stopping)

    def _take(self, number: int, body: bytes, page: Page) -> None:
        segment = self._state.segments[number]
        if self._part is None:
            self._part = self._target.open()
        with local_disk(self._target.folder):
            self._part.add(page.items, body)
        segment.pages += 1
        segment.cursor, segment.is_done = page.cursor, page.is_last
        self._state.turn = number + 1
        self.items += len(page.items)
        self._progress(self.items, self._about, "items")
        if self._part.packed_bytes >= PART_BYTES or self._part.taken_bytes >= PART_UNPACKED_BYTES:
            self._close_part()

    def _close_part(self) -> None:
        if self._part is not None and self._part.rows:
            self._state.parts.append(self._target.put(self._part))
            self._state.entity_types = sorted({*self._state.entity_types, *self._part.entity_types})
        self._abandon_part()
        self._state.consumed_rcu = self._capacity.consumed
        self._checkpoint.save(self._state)
        if self._spool is not None:
            with local_disk(self._target.folder):
                self._spool.clear()

    def _abandon_part(self) -> None:
        if self._part is not None:
            self._part.abandon()
            self._part = None


_Got: TypeAlias = "tuple[bytes, Page] | BaseException"


def _get(ready: Queue[_Got], deadline: Callable[[], bool]) -> tuple[bytes, Page] | None:
    """The next page, or None where the deadline came first; a reader's failure is raised here."""
    while not deadline():
        with suppress(Empty):
            got = ready.get(timeout=_LOOK_UP_SECONDS)
            if isinstance(got, BaseException):
                raise got
            return got
    return None


def _put(ready: Queue[_Got], got: _Got, stopping: threading.Event) -> None:
    while not stopping.is_set():
        with suppress(Full):
            ready.put(got, timeout=_LOOK_UP_SECONDS)
            return
