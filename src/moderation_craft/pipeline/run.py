"""Running a job: one lock, one record, its steps in order, an error where it belongs."""

from __future__ import annotations

import time
from collections.abc import Callable

from moderation_craft.clock import new_run_id
from moderation_craft.errors import McraftError, StopError
from moderation_craft.pipeline.jobs import (
    INTERRUPTED,
    Job,
    JobKind,
    JobRecorder,
    Listener,
    Step,
    StepName,
    close_interrupted,
    new_job,
)
from moderation_craft.pipeline.lock import run_lock
from moderation_craft.pipeline.steps import ACTIONS, Context, Outcome, Request
from moderation_craft.settings import DEFAULT_TABLE

STEPS: dict[JobKind, list[StepName]] = {
    "run": ["export", "fetch", "prepare", "transform", "analyse", "publish"],
    "export": ["export"],
    "fetch": ["fetch"],
    "rebuild": ["prepare", "transform", "analyse", "publish"],
}


def run_job(
    context: Context,
    request: Request,
    *,
    listener: Listener = lambda _: None,
    wait_seconds: float = 0,
    on_wait: Callable[[], None] = lambda: None,
) -> Job:
    """Run a job to its end and return its record; RunLockHeld where another run does not finish in time.

    Where the other side fails one step, the later steps work on what there is and the job ends as failed,
    with the first error. A StopError ends it at once. The record is in the lake in every case.
    """
    lake = context.lake
    with run_lock(lake, wait_seconds=wait_seconds, on_wait=on_wait):
        close_interrupted(lake)
        job_id = request.job_id or new_run_id(lake.clock)
        table = request.table or context.settings.dynamodb.table or DEFAULT_TABLE
        job = new_job(lake.clock, job_id, request.kind, request.trigger, STEPS[request.kind], table)
        recorder = JobRecorder(lake, job, listener)
        try:
            recorder.finish(_run_steps(context, request, recorder))
        except McraftError as error:
            recorder.finish(error)
        except BaseException:
            recorder.abandon(INTERRUPTED)
            raise
        return job


def _run_steps(context: Context, request: Request, recorder: JobRecorder) -> McraftError | None:
    first_error: McraftError | None = None
    for name in STEPS[request.kind]:
        step = recorder.begin(name)
        started = time.monotonic()
        outcome = _attempt(context, request, recorder, step)
        recorder.end(step, outcome.status, outcome.detail, dict(outcome.facts), time.monotonic() - started)
        first_error = first_error or outcome.error
    return first_error


def _attempt(context: Context, request: Request, recorder: JobRecorder, step: Step) -> Outcome:
    def progress(done: int, total: int | None, unit: str) -> None:
        recorder.advance(step, done, total, unit)

    try:
        return ACTIONS[step.name](context, request, recorder.job, progress)
    except StopError:
        raise
    except McraftError as error:
        return Outcome("failed", error.message, error)
