"""Jobs started by the API and the schedule: one at a time, in a thread, told to everyone who listens."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import msgspec

from moderation_craft.clock import new_run_id
from moderation_craft.errors import McraftError
from moderation_craft.logs import get_logger
from moderation_craft.pipeline.jobs import Job, Trigger, read_job
from moderation_craft.pipeline.lock import under_way
from moderation_craft.pipeline.run import run_job
from moderation_craft.pipeline.steps import Context, Request

log = get_logger("jobs")

_STARTED_WITHIN_SECONDS = 30.0
_WAITS_FOR_OTHERS_SECONDS = 600.0
_LEAST_SECONDS_BETWEEN_EVENTS = 0.1


@dataclass(eq=False)
class _Subscriber:
    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event


class JobService:
    """Runs at most one job of this process; a request while one runs joins it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._latest: bytes | None = None
        self._refused: McraftError | None = None
        self._recorded = threading.Event()
        self._subscribers: set[_Subscriber] = set()

    def start(self, request: Request) -> Job:
        """Start a job, or join the one under way; the McraftError where it could not begin."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._begin(replace(request, job_id=request.job_id or new_run_id(self._context.lake.clock)))
        self._recorded.wait(_STARTED_WITHIN_SECONDS)
        if self._refused is not None:
            raise self._refused
        job = self.current()
        if job is None:
            raise RuntimeError("the job did not begin")
        return job

    def run(self, request: Request) -> Job:
        """Run a job of its own to its end, after the one under way if there is one; its record.

        RunLockHeld where another is under way for too long, or another process holds the lake.
        """
        asked = replace(request, job_id=request.job_id or new_run_id(self._context.lake.clock))
        thread = self._begin_alone(asked)
        thread.join()
        job = read_job(self._context.lake, asked.job_id or "")
        if job is None:
            raise self._refused or under_way(self._context.lake)
        return job

    def start_daily(self, trigger: Trigger) -> None:
        """The schedule's call: start the whole job; a refusal is logged, not raised."""
        try:
            self.start(Request(kind="run", trigger=trigger))
        except McraftError as error:
            log.warning("the daily job did not start", reason=error.paragraph())

    def current(self) -> Job | None:
        """The job under way or the last one of this process, as it was told last."""
        return None if self._latest is None else msgspec.json.decode(self._latest, type=Job)

    def wait(self) -> None:
        """Until the job under way is over."""
        if self._thread is not None:
            self._thread.join()

    @property
    def is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    async def events(self) -> AsyncIterator[bytes]:
        """The job's JSON at once if one is under way, then after each change, never too often."""
        subscriber = _Subscriber(asyncio.get_running_loop(), asyncio.Event())
        self._subscribers.add(subscriber)
        try:
            if self.is_busy and self._latest is not None:
                yield self._latest
            while True:
                await subscriber.changed.wait()
                subscriber.changed.clear()
                if self._latest is not None:
                    yield self._latest
                await asyncio.sleep(_LEAST_SECONDS_BETWEEN_EVENTS)
        finally:
            self._subscribers.discard(subscriber)

    def _begin_alone(self, request: Request) -> threading.Thread:
        deadline = time.monotonic() + _WAITS_FOR_OTHERS_SECONDS
        while True:
            with self._lock:
                other = self._thread
                if other is None or not other.is_alive():
                    return self._begin(request)
            other.join(max(0.0, deadline - time.monotonic()))
            if time.monotonic() >= deadline:
                raise under_way(self._context.lake)

    def _begin(self, request: Request) -> threading.Thread:
        self._recorded.clear()
        self._refused = None
        self._thread = threading.Thread(target=self._work, args=[request], name=f"job-{request.job_id}")
        self._thread.start()
        return self._thread

    def _work(self, request: Request) -> None:
        try:
            run_job(self._context, request, listener=self._tell)
        except McraftError as error:
            self._refused = error
        except Exception as error:
            log.error("a job ended unexpectedly", job_id=request.job_id, error=repr(error))
        finally:
            self._recorded.set()

    def _tell(self, job: Job) -> None:
        self._latest = msgspec.json.encode(job)
        self._recorded.set()
        for subscriber in tuple(self._subscribers):
            subscriber.loop.call_soon_threadsafe(subscriber.changed.set)
