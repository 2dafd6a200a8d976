"""What commands say while they work, on stderr: a progress bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn

from moderation_craft.pipeline.jobs import Job, Step

_SECONDS_BETWEEN_LINES = 10.0
_MARKS = {"done": "[green]✓[/]", "skipped": "[dim]–[/]", "failed": "[red]✗[/]"}


class Talk:
    """Says each step as it goes and ends; give `job` as a listener and `advance` as a Progress."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._told: set[str] = set()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> Talk:
        if self.console.is_terminal:
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                console=self.console,
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if kind is KeyboardInterrupt:
            self.say("Stopped. Nothing is half-written; the same command goes on from here.")

    def say(self, text: str) -> None:
        """One line, above the bar if there is one."""
        self.console.print(text, soft_wrap=True)

    def advance(self, done: int, total: int | None, doing: str) -> None:
        """Show how far a long piece of work is."""
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task(doing, total=total)
            self._bar.update(self._task, completed=done, total=total, description=doing)
        elif time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self.say(f"    {done:,}{f' of about {total:,}' if total else ''} {doing}")

    def job(self, job: Job) -> None:
        """Say a job's steps as they end; move the bar with the step under way."""
        for step in job.steps:
            if step.status == "running" and step.progress is not None:
                self.advance(step.progress.done, step.progress.total, f"{step.name}: {step.progress.unit}")
            elif step.status in _MARKS and (told := f"{job.job_id}/{step.name}") not in self._told:
                self._told.add(told)
                self._end_step(step)
        if job.is_over and job.job_id not in self._told:
            self._told.add(job.job_id)
            self._end_job(job)

    def _end_step(self, step: Step) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        seconds = f" [dim]({step.duration_seconds:.1f} s)[/]" if step.duration_seconds else ""
        word = "skipped, " if step.status == "skipped" else ""
        self.say(f"  {_MARKS[step.status]} {step.name:<9} {word}{step.detail}{seconds}")

    def _end_job(self, job: Job) -> None:
        for warning in job.warnings:
            self.say(f"  [yellow]![/] {escape(f'{warning.code} {warning.message} Next: {warning.remedy}')}")
        word = "done" if job.status == "completed" else "[red]failed[/]"
        self.say(f"  {job.kind} {word} in {job.duration_seconds or 0:.1f} s")
