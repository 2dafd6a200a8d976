"""Records into the lake: journalled at once, grouped into one part a stream and day, made real by a manifest."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from moderation_craft.clock import iso
from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Entry, Lake, Part, zones
from moderation_craft.sources.contract import Record
from moderation_craft.sources.held import Held, HeldCursor, HeldDay
from moderation_craft.sources.journal import Answer, Cursor, Journal, JournalEntry
from moderation_craft.sources.planning import Task, closes_at
from moderation_craft.sources.results import FetchResult

SERIES_FIELDS = ("series", "calendar")
"""Metadata that tells a person's snapshots, or lists of changes, of one stream apart."""

RESUMED_WITHIN = timedelta(hours=6)
"""How long after a kill the days that were answered before it need not be asked for again, open or not."""


class PartWriter:
    """Takes records, leaves out those that say nothing new, keeps the rest through a kill, and commits them."""

    def __init__(self, lake: Lake, source: str, held: Held, result: FetchResult) -> None:
        self.pending_bytes = 0
        self._lake = lake
        self._source = source
        self._held = held
        self._result = result
        self._started_at = iso(lake.clock.now())
        self._journal = Journal(lake, source)
        self._pending: dict[tuple[str, date], list[Answer]] = defaultdict(list)
        self._pending_cursors: dict[tuple[str, str, str], str] = {}
        self._not_kept: list[Answer] = []
        self._is_state_new = False

    def resume(self) -> None:
        """Take up what fetches that never ended were answered; it is committed with the next group."""
        self._is_state_new = any(self._held.answered.values())
        self._held.forget_answered(before=iso(self._lake.clock.now() - RESUMED_WITHIN))
        committed: set[tuple[str, Entry]] | None = None
        for left in self._journal.left_behind():
            committed = self._committed() if committed is None else committed
            new = [answer for answer in left.answers if (answer.stream, answer.entry) not in committed]
            for answer in new:
                self._add(answer)
            for answer in left.answers:
                self._note_answered(answer)
            for each in left.cursors if new else ():
                self._pending_cursors[each.stream, each.user_id, each.series] = each.cursor

    def take(self, task: Task, record: Record) -> None:
        """Keep a record for the next commit; one whose data is held already only counts as looked at."""
        stream, user_id = task.stream.name, task.person.user_id
        is_daily = task.stream.shape == "daily"
        series = None if is_daily else _series_of(record)
        self._is_state_new = True
        if task.stream.shape == "changes" and "cursor" in record.metadata:
            self._pending_cursors[stream, user_id, series or ""] = str(record.metadata["cursor"])
        if not record.data and task.stream.shape == "changes":
            return
        data = _on_one_line(record, stream)
        digest = hashlib.sha256(data).hexdigest()
        now = self._lake.clock.now()
        is_closed = is_daily and now >= closes_at(task.stream, task.person, record.date)
        if is_daily:
            self._held.note_answer(stream, user_id, record.date, iso(now))
        # A page of changes says something by where it stands: one that equals the page before it is still news.
        is_known = task.stream.shape != "changes" and digest == self._held_digest(
            stream, user_id, record.date, series
        )
        if is_known:
            self._held.note_look(stream, user_id, record.date, at=iso(now), is_closed=is_closed)
            self._result.streams[stream].unchanged += 1
            return
        entry = Entry(user_id, str(record.date), digest, iso(now), is_closed)
        answer = Answer(stream, entry, msgspec.Raw(self._envelope(stream, entry, data, record.metadata)), series)
        self._not_kept.append(answer)
        self._add(answer)

    def keep(self) -> None:
        """Make what was taken since the last call outlive this process."""
        if self._not_kept:
            cursors = [Cursor(*key, cursor) for key, cursor in self._pending_cursors.items()]
            self._journal.write(JournalEntry(self._not_kept, cursors))
            self._not_kept = []

    def note_done(self, task: Task) -> None:
        """A stream without days of its own was answered to the end."""
        if task.stream.shape != "daily":
            at = iso(self._lake.clock.now())
            self._held.note_whole(task.stream.name, task.person.user_id, task.window.last, at)
        self.note_state()

    def note_state(self) -> None:
        """Something changed that only the state file holds."""
        self._is_state_new = True

    def commit(self, *, is_last: bool = False) -> None:
        """Write the parts in hand, then one manifest that makes them exist, then the state; clear the journal."""
        manifest_id = self._commit_parts() if self._pending else ""
        for (stream, user_id, series), token in self._pending_cursors.items():
            before = self._held.cursors.get((stream, user_id, series))
            holds_it = manifest_id and (stream, user_id, series) in self._series_in_hand()
            follows = manifest_id if holds_it else before.manifest_id if before else ""
            self._held.cursors[stream, user_id, series] = HeldCursor(token, follows)
        self._pending.clear()
        self._pending_cursors.clear()
        self._not_kept = []
        self.pending_bytes = 0
        if self._is_state_new:
            self._held.write_state(self._lake)
            self._is_state_new = False
        self._journal.clear()
        if is_last and any(self._held.answered.values()):
            self._held.forget_answered()
            self._held.write_state(self._lake)

    def cursor(self, stream: str, user_id: str, series: str) -> str | None:
        """Where a list of changes goes on; None where all of it must be asked for."""
        held = self._held.cursors.get((stream, user_id, series))
        return self._pending_cursors.get((stream, user_id, series), held.token if held else None)

    def _commit_parts(self) -> str:
        parts = [self._part(stream, day) for stream, day in sorted(self._pending)]
        manifest = self._lake.commit(
            run_id=self._free_manifest_id(),
            kind="fetch",
            source=self._source,
            started_at=self._started_at,
            parts=parts,
            details={"run_id": self._result.run_id} | self._series() | self._cursors(),
        )
        self._held.manifest_ids.add(manifest.id)
        self._result.manifests.append(manifest.id)
        return manifest.id

    def _add(self, answer: Answer) -> None:
        entry = answer.entry
        pending = self._pending[answer.stream, answer.day]
        if answer.series is None:  # a day that a source gave twice in one go is what it gave last
            pending[:] = [each for each in pending if each.entry.user_id != entry.user_id]
        pending.append(answer)
        self.pending_bytes += len(bytes(answer.line))
        held = HeldDay(entry.digest, entry.fetched_at, entry.is_closed)
        self._held.hold(answer.stream, entry.user_id, answer.day, held)
        if answer.series is not None:
            self._held.series_digests[answer.stream, entry.user_id, answer.series] = entry.digest

    def _note_answered(self, answer: Answer) -> None:
        """Only a day's own answer: of other streams, a kill may have come before the end."""
        is_recent = answer.entry.fetched_at >= iso(self._lake.clock.now() - RESUMED_WITHIN)
        if answer.series is None and is_recent:
            self._held.note_answer(answer.stream, answer.entry.user_id, answer.day, answer.entry.fetched_at)
        self._is_state_new = True

    def _committed(self) -> set[tuple[str, Entry]]:
        """Every entry in the manifests: a kill may have come after the commit, before the journal was cleared."""
        parts = [part for manifest in self._lake.manifests(self._source) for part in manifest.parts]
        return {(part.stream, entry) for part in parts for entry in part.entries}

    def _held_digest(self, stream: str, user_id: str, day: date, series: str | None) -> str | None:
        if series is not None:
            return self._held.series_digests.get((stream, user_id, series))
        known = self._held.of(stream, user_id).get(day)
        return known.digest if known else None

    def _envelope(self, stream: str, entry: Entry, data: bytes, metadata: Mapping[str, Any]) -> bytes:
        return msgspec.json.encode(
            {
                "source": self._source,
                "stream": stream,
                "user_id": entry.user_id,
                "date": entry.date,
                "fetched_at": entry.fetched_at,
                "data": msgspec.Raw(data),
                "metadata": metadata,
            }
        )

    def _part(self, stream: str, day: date) -> Part:
        taken = self._pending[stream, day]
        if all(each.series is None for each in taken):
            taken = sorted(taken, key=lambda each: (each.entry.user_id, bytes(each.line)))
        body = b"".join(bytes(each.line) + b"\n" for each in taken)
        key = zones.external_part(self._source, stream, day, hashlib.sha256(body).hexdigest())
        entries = [each.entry for each in taken]
        result = self._result.streams[stream]
        result.records += len(taken)
        result.parts += 1
        result.bytes += len(body)
        return self._lake.put_part(key, body, rows=len(taken), stream=stream, dt=str(day), entries=entries)

    def _series(self) -> dict[str, list[dict[str, str]]]:
        """The digests of the snapshots in hand, by series, for the manifest's details."""
        found = [
            {
                "stream": stream,
                "user_id": each.entry.user_id,
                "series": each.series,
                "digest": each.entry.digest,
            }
            for (stream, _), taken in sorted(self._pending.items())
            for each in taken
            if each.series is not None
        ]
        return {"series": found} if found else {}

    def _cursors(self) -> dict[str, list[dict[str, str]]]:
        """The cursors that follow the changes in hand; one that came without a change is kept in the state."""
        in_hand = self._series_in_hand()
        found = [
            {"stream": stream, "user_id": user_id, "series": series, "cursor": token}
            for (stream, user_id, series), token in sorted(self._pending_cursors.items())
            if (stream, user_id, series) in in_hand
        ]
        return {"cursors": found} if found else {}

    def _series_in_hand(self) -> set[tuple[str, str, str]]:
        answers = [each for taken in self._pending.values() for each in taken]
        return {(each.stream, each.entry.user_id, each.series) for each in answers if each.series is not None}

    def _free_manifest_id(self) -> str:
        number, found = 1, self._result.run_id
        while found in self._held.manifest_ids:
            number += 1
            found = f"{self._result.run_id}-{number:04}"
        return found


def _series_of(record: Record) -> str:
    return next((str(record.metadata[name]) for name in SERIES_FIELDS if name in record.metadata), "")


def _on_one_line(record: Record, stream: str) -> bytes:
    """The data without the space between values; every value stays as it was, byte for byte."""
    try:
        return msgspec.json.format(record.data, indent=-1)
    except msgspec.DecodeError as error:
        raise RecordInvalid(
            f"The {stream} record of {record.date} is not JSON: {error}.",
            remedy="the day stays open; report this: the source must give JSON.",
        ) from error
