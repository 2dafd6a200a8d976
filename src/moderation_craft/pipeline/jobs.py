"""Jobs and their records: what runs, how far it is, how it ended; kept in the lake, told to listeners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from moderation_craft.clock import Clock, iso
from moderation_craft.errors import McraftError
from moderation_craft.lake import Lake, zones

JobKind = Literal["run", "export", "fetch", "rebuild"]
JobStatus = Literal["initiated", "processing", "completed", "failed"]
StepName = Literal["export", "fetch", "prepare", "transform", "analyse", "publish"]
StepStatus = Literal["waiting", "running", "done", "skipped", "failed"]
Trigger = Literal["manual", "schedule", "catch_up", "cli", "demo"]
ChangeKind = Literal["new_entity", "new_attribute", "new_type", "vanished"]

INTERRUPTED = {
    "code": "E008",
    "name": "TIMEOUT",
    "message": "The process ended before this run did.",
    "remedy": "start the run again: it goes on from what is already there.",
}


class Amount(msgspec.Struct, rename="camel"):
    """How far: `done` of about `total` (unknown: None), in `unit`."""

    done: int
    total: int | None
    unit: str


class Step(msgspec.Struct, rename="camel"):
    """One step; `detail` says in English what came of it, `facts` are its figures for other languages."""

    name: StepName
    status: StepStatus = "waiting"
    detail: str = ""
    facts: dict[str, int] = {}
    duration_seconds: float | None = None
    progress: Amount | None = None


class SchemaChange(msgspec.Struct, rename="camel", frozen=True):
    """What changed in an entity: `items` of its `entity_items` present records (vanished: that held it before)."""

    kind: ChangeKind
    door: str
    entity_type: str
    attribute: str
    old_types: list[str]
    new_types: list[str]
    items: int
    entity_items: int
    is_read: bool


class JobWarning(msgspec.Struct, frozen=True):
    """What somebody should know although the job went on; `change` has its figures for other languages."""

    code: str
    name: str
    message: str
    remedy: str
    change: SchemaChange | None = None


class FetchedSource(msgspec.Struct, rename="camel", frozen=True):
    """What a fetch did for one source: `record_count` records are new in raw; `error` is the first failure.

    `partial`: some days could not be had, the rest stands; `failed`: none could; `skipped`: nobody could be asked.
    """

    source: str
    status: Literal["completed", "partial", "skipped", "failed"]
    record_count: int
    unchanged_count: int
    detail: str
    error: dict[str, str] | None = None


class Job(msgspec.Struct, rename="camel"):
    """One job as the API and the run records show it; times ISO 8601 UTC."""

    job_id: str
    kind: JobKind
    trigger: Trigger
    status: JobStatus
    started_at: str
    steps: list[Step]
    table_name: str | None = None
    completed_at: str | None = None
    duration_seconds: float | None = None
    progress: Amount | None = None
    record_count: int | None = None
    s3_location: str | None = msgspec.field(name="s3Location", default=None)
    error: dict[str, str] | None = None
    warnings: list[JobWarning] = []
    fetched: list[FetchedSource] = []

    @property
    def is_over(self) -> bool:
        return self.status in ("completed", "failed")

    def step(self, name: StepName) -> Step:
        return next(step for step in self.steps if step.name == name)


Listener = Callable[[Job], None]


class JobRecorder:
    """Writes a job's changes into the lake (state changes) and to a listener (every change)."""

    def __init__(self, lake: Lake, job: Job, listener: Listener) -> None:
        self.job = job
        self._lake = lake
        self._listener = listener
        self._started = lake.clock.now()
        self.save()

    def save(self) -> None:
        self._lake.storage.put(zones.run_record(self.job.job_id), msgspec.json.encode(self.job))
        self._listener(self.job)

    def begin(self, name: StepName) -> Step:
        step = self.job.step(name)
        step.status = "running"
        self.job.status = "processing"
        self.save()
        return step

    def advance(self, step: Step, done: int, total: int | None, unit: str) -> None:
        step.progress = self.job.progress = Amount(done, total, unit)
        self._listener(self.job)

    def end(self, step: Step, status: StepStatus, detail: str, facts: dict[str, int], seconds: float) -> None:
        step.status, step.detail, step.facts, step.duration_seconds = status, detail, facts, round(seconds, 2)
        self.save()

    def finish(self, error: McraftError | None = None) -> None:
        self._close(error.as_dict() if error else None)

    def abandon(self, reason: dict[str, str]) -> None:
        """End the job as interrupted (Ctrl-C, a defect in our own code)."""
        self._close(reason)

    def _close(self, error: dict[str, str] | None) -> None:
        now = self._lake.clock.now()
        self.job.duration_seconds = round((now - self._started).total_seconds(), 2)
        close(self.job, iso(now), error)
        self.save()


def close(job: Job, completed_at: str, error: dict[str, str] | None) -> None:
    """Set a job's end: completed, or failed with an error; a step under way failed with it."""
    job.completed_at, job.error = completed_at, error
    job.status = "failed" if error else "completed"
    for step in job.steps:
        if error and step.status == "running":
            step.status, step.detail = "failed", error["message"]


def new_job(
    clock: Clock, job_id: str, kind: JobKind, trigger: Trigger, steps: list[StepName], table: str | None
) -> Job:
    return Job(
        job_id=job_id,
        kind=kind,
        trigger=trigger,
        status="initiated",
        started_at=iso(clock.now()),
        steps=[Step(name) for name in steps],
        table_name=table,
    )


def read_jobs(lake: Lake, limit: int = 50) -> list[Job]:
    """Recorded jobs, newest first."""
    keys = [stored.key for stored in lake.storage.list(zones.RUNS)]
    return [msgspec.json.decode(lake.storage.get(key), type=Job) for key in sorted(keys)[::-1][:limit]]


def read_job(lake: Lake, job_id: str) -> Job | None:
    data = lake.storage.get_or_none(zones.run_record(zones.safe(job_id)))
    return None if data is None else msgspec.json.decode(data, type=Job)


def close_interrupted(lake: Lake) -> list[Job]:
    """Mark jobs that never ended as failed; call only while holding the run lock."""
    interrupted = [job for job in read_jobs(lake) if not job.is_over]
    for job in interrupted:
        close(job, iso(lake.clock.now()), INTERRUPTED)
        lake.storage.put(zones.run_record(job.job_id), msgspec.json.encode(job))
    return interrupted
