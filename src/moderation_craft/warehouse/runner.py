"""Builds the warehouse file: raw views, then dbt in this process. A cache; it starts anew each time."""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb

from moderation_craft.errors import LakeRefused, TransformFailed
from moderation_craft.lake import Lake, zones
from moderation_craft.settings import Settings
from moderation_craft.warehouse import raw_views
from moderation_craft.warehouse.connection import enable_lake
from moderation_craft.warehouse.declared import AskedStream
from moderation_craft.warehouse.fingerprint import PROJECT
from moderation_craft.warehouse.fingerprint import fingerprint as fingerprint

Progress = Callable[[int, int | None, str], None]

_ONE_BUILD_A_PROCESS = Lock()  # dbt keeps its flags and connections in module state


@dataclass(frozen=True)
class BuildResult:
    """A finished build: the warehouse file, what it was made from, and how much was done."""

    path: Path
    fingerprint: str
    models: int
    tests: int
    warnings: list[str]
    seconds: float

    def sentence(self) -> str:
        warned = f", {len(self.warnings)} warnings" if self.warnings else ""
        return f"{self.models} models built, {self.tests} tests passed{warned} in {self.seconds:.1f} s"


def cache_folder(lake: Lake, settings: Settings) -> Path:
    """Where this machine keeps what may be deleted at any time; made where it does not exist."""
    if settings.cache is not None:
        folder = settings.cache.expanduser().absolute()
    elif lake.storage.is_folder:
        folder = lake.storage.folder / zones.CACHE
    else:
        digest = hashlib.sha256(lake.address.encode()).hexdigest()[:16]
        folder = Path.home() / ".cache" / "moderation-craft" / digest
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LakeRefused(
            f"The cache folder {str(folder)!r} cannot be made: {error.strerror}.",
            remedy="set `cache` in mcraft.toml (MCRAFT_CACHE) to a folder that can be written.",
        ) from error
    return folder


def warehouse_path(lake: Lake, settings: Settings) -> Path:
    return cache_folder(lake, settings) / "warehouse.duckdb"


def build(
    lake: Lake,
    settings: Settings,
    prepared: Mapping[str, list[str]],
    progress: Progress = lambda done, total, doing: None,
    *,
    asked: Sequence[AskedStream] = (),
    unit_tests: bool = False,
) -> BuildResult:
    """Build and test every model; TransformFailed names the model or test that failed.

    `asked` are the streams that completeness is measured against.
    """
    started = time.monotonic()
    made_from = fingerprint(lake, settings, prepared, asked)
    path = warehouse_path(lake, settings)
    with _ONE_BUILD_A_PROCESS:
        _start_anew(path)
        _register_raw(path, lake, settings, prepared, asked)
        counts = _run_dbt(path, lake, settings, progress, unit_tests=unit_tests)
    result = BuildResult(path, made_from, *counts, seconds=time.monotonic() - started)
    _write_receipt(result)
    return result


def last_build(lake: Lake, settings: Settings) -> tuple[Path, str] | None:
    """The newest finished warehouse file and its fingerprint; None where there is none."""
    path = warehouse_path(lake, settings)
    try:
        receipt = json.loads(_receipt(path).read_text())
        return (path, str(receipt["fingerprint"])) if path.is_file() else None
    except (OSError, ValueError, KeyError):
        return None


def _receipt(path: Path) -> Path:
    return path.with_suffix(".built.json")


def _write_receipt(result: BuildResult) -> None:
    partial = _receipt(result.path).with_suffix(".part")
    partial.write_text(json.dumps({"fingerprint": result.fingerprint, "duckdb": duckdb.__version__}))
    partial.replace(_receipt(result.path))


def _start_anew(path: Path) -> None:
    """No build reads what another left: an older DuckDB's file, a cut one or a stale log cannot matter."""
    for leftover in (_receipt(path), path, Path(f"{path}.wal")):
        leftover.unlink(missing_ok=True)


def _register_raw(
    path: Path,
    lake: Lake,
    settings: Settings,
    prepared: Mapping[str, list[str]],
    asked: Sequence[AskedStream],
) -> None:
    try:
        with duckdb.connect(str(path)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            enable_lake(connection, lake.address)
            raw_views.register(connection, lake, settings, prepared, asked)
    except duckdb.Error as error:
        raise TransformFailed(
            f"The raw objects cannot be opened: {_first_line(str(error))}",
            remedy="check the object that the message names; the last good gold stays in place.",
        ) from error


def _run_dbt(
    path: Path, lake: Lake, settings: Settings, progress: Progress, *, unit_tests: bool
) -> tuple[int, int, list[str]]:
    os.environ.setdefault("DO_NOT_TRACK", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dbt's dependencies, not ours
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        try:
            runner = dbtRunner(callbacks=[_reporter(progress)])
            outcome = runner.invoke(_arguments(path, lake, settings, unit_tests=unit_tests))
        finally:
            _close_connections(DuckDBConnectionManager)
    results = list(getattr(outcome.result, "results", None) or [])
    failed = [result for result in results if str(result.status) in {"error", "fail"}]
    if failed or outcome.exception or not outcome.success:
        raise _failure(failed, outcome.exception)
    tests = [result for result in results if result.node.resource_type in {"test", "unit_test"}]
    warned = [f"{r.node.name}: {_first_line(r.message)}" for r in tests if str(r.status) == "warn"]
    return len(results) - len(tests), len(tests), warned


def _close_connections(manager: Any) -> None:
    """Let go of the file: dbt-duckdb keeps its connection for the next invocation."""
    if manager._ENV is not None:
        manager._ENV.close()
    manager.close_all_connections()


def _arguments(path: Path, lake: Lake, settings: Settings, *, unit_tests: bool) -> list[str]:
    variables = {
        "warehouse_path": str(path),
        "lake_address": lake.address,
        "default_timezone": settings.timezone,
        "day_turns_at_hour": settings.day_turns_at_hour,
    }
    work = path.parent / "dbt"
    skipped = [] if unit_tests else ["--exclude-resource-type", "unit_test"]
    return [
        "--quiet",
        "--log-level=none",
        "--log-level-file=none",
        f"--log-path={work / 'logs'}",
        "--no-send-anonymous-usage-stats",
        "--no-use-colors",
        "--partial-parse",
        "build",
        *skipped,
        f"--project-dir={PROJECT}",
        f"--profiles-dir={PROJECT}",
        f"--target-path={work / 'target'}",
        "--threads=2",
        f"--vars={json.dumps(variables)}",
    ]


def _reporter(progress: Progress) -> Callable[[Any], None]:
    def report(event: Any) -> None:
        if event.info.name == "LogStartLine":
            progress(event.data.index - 1, event.data.total, "models and tests")
        elif event.info.name == "EndOfRunSummary":
            progress(event.data.num_errors, None, "models and tests")

    return report


def _failure(failed: list[Any], exception: BaseException | None) -> TransformFailed:
    if not failed:
        text = _first_line(str(exception)) if exception else "dbt stopped without saying why"
        return TransformFailed(
            f"The models could not be run: {text}",
            remedy="the last good gold stays; `mcraft doctor` checks the installation.",
        )
    first = failed[0]
    kind = {"test": "test", "unit_test": "unit test"}.get(str(first.node.resource_type), "model")
    rows = f" ({first.failures:,} rows)" if kind == "test" and first.failures else ""
    more = f" {len(failed) - 1} more failed." if len(failed) > 1 else ""
    return TransformFailed(
        f"The {kind} {first.node.name!r} failed{rows}: {_first_line(first.message)}{more}",
        remedy="the last good gold stays in place; mend the data or the model, then run `mcraft run` again.",
    )


def _first_line(text: str | None) -> str:
    lines = [line.strip() for line in (text or "no message").splitlines() if line.strip()]
    return " ".join(lines[:3])[:600]
