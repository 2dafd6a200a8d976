"""The generic engine: asks a source for what the lake lacks; what fails is left out, said, and asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from moderation_craft.errors import AuthFailed, McraftError, RetryError, SkipError
from moderation_craft.lake import Lake
from moderation_craft.logs import get_logger
from moderation_craft.sources.contract import Person, Progress, Source, no_progress
from moderation_craft.sources.http_errors import Forbidden
from moderation_craft.sources.part_writer import PartWriter
from moderation_craft.sources.planning import Held, StreamState, Task, completeness, plan, windows
from moderation_craft.sources.results import FetchResult, Skip, StreamResult

__all__ = ["FetchResult", "Skip", "StreamResult", "StreamState", "completeness", "fetch_source"]

log = get_logger("sources.fetch")

WINDOWS_PER_COMMIT = 30
BYTES_PER_COMMIT = 32 * 1024 * 1024
STREAM_FAILURES_MOST = 3
SOURCE_FAILURES_MOST = 6
EVERYBODY = "*"
EVERY_STREAM = "*"


def fetch_source(
    lake: Lake,
    source: Source,
    people: Sequence[Person],
    *,
    first_day: date,
    last_day: date,
    run_id: str,
    progress: Progress = no_progress,
    refetch_open: bool = True,
) -> FetchResult:
    """Ask a source for every day from first to last that the lake does not hold, or that is still open.

    Newest first, in the largest windows allowed. A stream, person or window that fails is left out and
    listed; the others stand. Nothing new writes no manifest. Raises StopError only (the lake refused).
    """
    held = Held.read(lake, source.name)
    result = FetchResult(source.name, run_id, {each.name: StreamResult(each.name) for each in source.streams})
    writer = PartWriter(lake, source.name, held, result)
    run = _Run(source, writer, result)
    asked = run.without_the_refused(people)
    tasks = plan(lake, source, asked, held, first_day, last_day, with_open=refetch_open)
    days_in_all, days_done = sum(len(task.window.days) for task in tasks), 0
    for number, task in enumerate(tasks, start=1):
        progress(days_done, days_in_all, f"{source.name} {task}")
        run.do(task)
        days_done += len(task.window.days)
        if number % WINDOWS_PER_COMMIT == 0 or writer.pending_bytes > BYTES_PER_COMMIT:
            writer.commit()
    writer.commit()
    progress(days_in_all, days_in_all, source.name)
    return result


class _Run:
    """One run over one source: what it asks, and where it has given up.

    Given up are, until the next run: a person whose credentials are refused; a stream that a person did not
    allow, or that failed three windows in a row for a person; and a source that failed six in a row for all.
    """

    def __init__(self, source: Source, writer: PartWriter, result: FetchResult) -> None:
        self._source = source
        self._writer = writer
        self._result = result
        self._given_up: dict[tuple[str, str], McraftError] = {}
        self._failures: Counter[tuple[str, str]] = Counter()

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

    def do(self, task: Task) -> None:
        """Ask for one window; what it gave before a failure is kept."""
        stream, user_id = task.stream.name, task.person.user_id
        if before := self._gave_up_on(stream, user_id):
            self._leave_out(task, before, "not asked for after: ")
            return
        result = self._result.streams[stream]
        result.days_asked += len(task.window.days)
        unanswered = set(task.window.days)
        try:
            for record in self._source.fetch(task.stream, task.person, task.window):
                self._writer.take(task, record)
                unanswered.discard(record.date)
        except (RetryError, SkipError) as error:
            self._leave_out(task, error)
            log.warning("left out", source=self._source.name, what=str(task), code=error.code, why=error.message)
            self._note_failure(stream, user_id, error)
            return
        self._failures[stream, user_id] = self._failures[EVERY_STREAM, EVERYBODY] = 0
        for window in windows(unanswered, len(task.window.days)):
            result.skipped.append(Skip(stream, user_id, "the source has no answer for these days", window=window))

    def _note_failure(self, stream: str, user_id: str, error: McraftError) -> None:
        if isinstance(error, AuthFailed):
            allowed_elsewhere = isinstance(error, Forbidden)
            self._given_up[stream if allowed_elsewhere else EVERY_STREAM, user_id] = error
            return
        self._failures[stream, user_id] += 1
        if self._failures[stream, user_id] >= STREAM_FAILURES_MOST:
            self._given_up[stream, user_id] = error
        self._failures[EVERY_STREAM, EVERYBODY] += isinstance(error, RetryError)
        if self._failures[EVERY_STREAM, EVERYBODY] >= SOURCE_FAILURES_MOST:
            self._given_up[EVERY_STREAM, EVERYBODY] = error

    def _gave_up_on(self, stream: str, user_id: str) -> McraftError | None:
        keys = ((EVERY_STREAM, EVERYBODY), (EVERY_STREAM, user_id), (stream, user_id))
        return next((self._given_up[key] for key in keys if key in self._given_up), None)

    def _leave_out(self, task: Task, error: McraftError, why: str = "") -> None:
        stream = task.stream.name
        skip = Skip(stream, task.person.user_id, why + error.message, error, task.window)
        self._result.streams[stream].skipped.append(skip)
