"""The generic engine: asks a source for what the lake lacks; what fails is left out, said, and asked again."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import date

from moderation_craft.clock import iso
from moderation_craft.errors import LakeRefused, McraftError, RecordInvalid, RetryError, SkipError
from moderation_craft.lake import Lake
from moderation_craft.logs import get_logger
from moderation_craft.sources.contract import (
    ChangesSource,
    CursorLost,
    Person,
    Progress,
    Record,
    Source,
    no_progress,
)
from moderation_craft.sources.giving_up import GivingUp
from moderation_craft.sources.part_writer import PartWriter
from moderation_craft.sources.planning import Held, StreamState, Task, Unanswered, completeness, plan, windows
from moderation_craft.sources.results import FetchResult, Skip, StreamResult
from moderation_craft.sources.throttle import METER, Meter, in_words
from moderation_craft.sources.turns import Came, Ended, Quiet, Turns

__all__ = ["FetchResult", "Skip", "StreamResult", "StreamState", "completeness", "fetch_source"]

log = get_logger("sources.fetch")

WINDOWS_PER_COMMIT = 120
BYTES_PER_COMMIT = 32 * 1024 * 1024
NO_ANSWER = "the source has no answer for these days"


def fetch_source(
    lake: Lake,
    source: Source,
    people: Sequence[Person],
    *,
    first_day: date,
    last_day: date,
    run_id: str,
    only_users: Collection[str] | None = None,
    progress: Progress = no_progress,
    refetch_open: bool = True,
) -> FetchResult:
    """Ask a source for every day from first to last that the lake does not hold, or that is still open.

    Newest first, in the largest windows allowed, `only_users` of the people (None: all). What an earlier fetch
    was answered before it was killed is committed, not asked for again. A stream, person or window that fails
    is left out and listed; the others stand. Nothing new writes no manifest. Raises StopError only (the lake
    refused).
    """
    held = Held.read(lake, source.name)
    result = FetchResult(source.name, run_id, {each.name: StreamResult(each.name) for each in source.streams})
    writer = PartWriter(lake, source.name, held, result)
    writer.resume()
    run = _Run(lake, source, held, writer, result)
    chosen = [person for person in people if only_users is None or person.user_id in only_users]
    asked = run.without_the_refused(chosen)
    tasks = plan(lake, source, asked, held, first_day, last_day, with_open=refetch_open)
    metering = METER.set(Meter())
    try:
        run.do(tasks, progress)
    except BaseException:
        with suppress(LakeRefused):
            writer.keep()
        raise
    finally:
        METER.reset(metering)
    writer.commit(is_last=True)
    return result


class _Run:
    """One run over one source: what it asks, what came, and where it has given up."""

    def __init__(self, lake: Lake, source: Source, held: Held, writer: PartWriter, result: FetchResult) -> None:
        self._clock = lake.clock
        self._source = source
        self._held = held
        self._writer = writer
        self._result = result
        self._giving_up = GivingUp()
        self._started: dict[Task, float] = {}
        self._unanswered: dict[Task, set[date]] = {}
        self._broken: dict[Task, McraftError] = {}

    def without_the_refused(self, people: Sequence[Person]) -> list[Person]:
        """The people who can be asked for; why the others cannot goes into the result."""
        asked = []
        for person in people:
            reason = self._source.refusal(person)
            if reason is None:
                asked.append(person)
                continue
            for name, stream in self._result.streams.items():
                stream.skipped.append(Skip(name, person.user_id, reason))
        return asked

    def do(self, tasks: Sequence[Task], progress: Progress) -> None:
        """Ask for every window, people in turn; what a window gave before it failed is kept."""
        days_in_all, days_done, windows_done = sum(len(task.window.days) for task in tasks), 0, 0
        progress(0, days_in_all, self._source.name)
        for event in Turns(tasks, self._ask, lambda: self._giving_up.tries_left):
            if isinstance(event, Came):
                self._take(event)
                continue
            if isinstance(event, Ended):
                self._end(event)
            self._writer.keep()
            if isinstance(event, Quiet):
                continue
            days_done, windows_done = days_done + len(event.task.window.days), windows_done + 1
            progress(days_done, days_in_all, self._said(event.task, windows_done, len(tasks)))
            if windows_done % WINDOWS_PER_COMMIT == 0 or self._writer.pending_bytes > BYTES_PER_COMMIT:
                self._writer.commit()
        progress(days_in_all, days_in_all, self._source.name)

    def _said(self, task: Task, windows_done: int, windows_in_all: int) -> str:
        meter = METER.get()
        left = windows_in_all - windows_done
        seconds = meter.seconds_left(windows_done, left) if meter and left else None
        said = f"{self._source.name} {task}"
        return said if seconds is None else f"{said}, {in_words(seconds)}"

    def _ask(self, task: Task) -> Iterator[Record]:
        """What a window holds; in the thread of its person."""
        if self._giving_up.on(task.stream.name, task.person.user_id):
            return
        self._started[task] = time.monotonic()
        if task.stream.shape == "changes":
            yield from self._changes(task)
        else:
            yield from self._source.fetch(task.stream, task.person, task.window)

    def _changes(self, task: Task) -> Iterator[Record]:
        """Every list of changes from its cursor; one that fails does not keep the others out."""
        if not isinstance(self._source, ChangesSource):
            raise TypeError(f"{self._source.name} has no `changes` for its stream {task.stream.name}")
        failure: McraftError | None = None
        for series in self._source.series_of(task.stream, task.person):
            cursor = self._writer.cursor(task.stream.name, task.person.user_id, series)
            try:
                yield from self._since(self._source, task, series, cursor)
            except (RetryError, SkipError) as error:
                failure = failure or error
        if failure:
            raise failure

    def _since(self, source: ChangesSource, task: Task, series: str, cursor: str | None) -> Iterator[Record]:
        try:
            yield from source.changes(task.stream, task.person, series, cursor)
        except CursorLost:
            if cursor is None:
                raise
            log.info("full sync", source=source.name, what=str(task), series=series)
            yield from source.changes(task.stream, task.person, series, None)

    def _take(self, came: Came) -> None:
        task = came.task
        if task in self._broken:
            return
        try:
            self._writer.take(task, came.record)
        except RecordInvalid as error:
            self._broken[task] = error
            return
        self._unanswered.setdefault(task, set(task.window.days)).discard(came.record.date)

    def _end(self, ended: Ended) -> None:
        task, error = ended.task, ended.error
        stream, user_id = task.stream.name, task.person.user_id
        unanswered = self._unanswered.pop(task, set(task.window.days))
        if task not in self._started:
            if before := self._giving_up.on(stream, user_id):
                self._leave_out(task, unanswered, "not asked for after: " + before.message, before)
            return
        result = self._result.streams[stream]
        result.days_asked += len(task.window.days)
        failure = self._broken.pop(task, None) or error
        if failure is None:
            self._giving_up.note_answer(stream, user_id)
            self._writer.note_done(task)
            if task.stream.shape == "daily":
                for window in windows(unanswered, len(task.window.days)):
                    result.skipped.append(Skip(stream, user_id, NO_ANSWER, window=window))
                self._note(task, unanswered, NO_ANSWER, None)
        elif isinstance(failure, RetryError | SkipError):
            self._leave_out(task, unanswered, failure.message, failure)
            said = {"what": str(task), "code": failure.code, "why": failure.message}
            log.warning("left out", source=self._source.name, **said)
            self._giving_up.note_failure(stream, user_id, failure, self._started[task])
        else:
            raise failure

    def _leave_out(self, task: Task, unanswered: Collection[date], why: str, error: McraftError) -> None:
        skip = Skip(task.stream.name, task.person.user_id, why, error, task.window)
        self._result.streams[task.stream.name].skipped.append(skip)
        self._note(task, unanswered, why, error)

    def _note(self, task: Task, days: Collection[date], why: str, error: McraftError | None) -> None:
        said = Unanswered.of(error, why, iso(self._clock.now()))
        self._held.note_refusal(task.stream.name, task.person.user_id, days, said)
        self._writer.note_state()
