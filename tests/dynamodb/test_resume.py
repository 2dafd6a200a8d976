"""An export that is cut off goes on from its last finished page; raw ends up as if it had never been cut off."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.errors import Unavailable
from moderation_craft.lake import Lake
from moderation_craft.sources.dynamodb.checkpoint import Checkpoint
from moderation_craft.sources.dynamodb.export import ExportPaused, export_table
from moderation_craft.sources.dynamodb.exports import items
from tests.conftest import REPOSITORY
from tests.dynamodb.faults import FaultProxy, doing, gone, refused
from tests.dynamodb.servers import delete_items, make_app_table, put_items
from tests.dynamodb.tables import item
from tests.dynamodb.test_export import exporter
from tests.dynamodb.test_roundtrip import read_back, scanned

KILLS = 20
SEGMENTS = 4
PART_BYTES = 12_000
"""Unpacked: six to ten parts of a small table, so that kills fall on the ends of parts too."""
PAGE_SHARES = (-1.0, 0.0, 0.5, 1.0)


class ExportServer:
    """Starts exports in processes of their own, one at a time (tests/dynamodb/export_once.py)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self, said: dict[str, Any] | None = None) -> int:
        """After a request: the process id of what it started. Without: how that ended."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if said is not None:
            self._process.stdin.write(json.dumps(said) + "\n")
            self._process.stdin.flush()
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def export_server() -> Iterator[ExportServer]:
    command = [sys.executable, "-m", "tests.dynamodb.export_once"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield ExportServer(process)
        assert process.stdin is not None
        process.stdin.close()


class Exporter:
    """An export in a process of its own, and what ends it."""

    def __init__(
        self,
        server: ExportServer,
        proxy: FaultProxy,
        table: str,
        home: Path,
        format: str,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self.lake_folder = home / "lake"
        self.scratch = home / "scratch"
        self._server = server
        self._said = {
            "lake": str(self.lake_folder),
            "scratch": str(self.scratch),
            "endpoint": proxy.endpoint,
            "table": table,
            "format": format,
            "segments": SEGMENTS,
            "part_bytes": part_bytes,
        }
        self._process_id = 0
        self._is_started = threading.Event()
        self._is_over = False

    def run(self) -> bool:
        """True where it finished, False where it was killed."""
        self._is_over = False
        self._process_id = self._server.line(self._said)
        self._is_started.set()
        status = self._server.line()
        self._is_over = True
        self._is_started.clear()
        assert status in (0, -signal.SIGKILL), "see stderr"
        return status == 0

    def kill(self) -> None:
        """End it, once it has begun and if it is not over."""
        while not self._is_over:
            if self._is_started.wait(0.01):
                os.kill(self._process_id, signal.SIGKILL)
                return

    @property
    def is_committed(self) -> bool:
        # A file that was being written when the exporter was killed is there too, as `….json#1`; nobody reads it.
        return any(path.parent.name == "_manifests" and path.suffix == ".json" for path in self.files())

    def files(self) -> set[Path]:
        # os.walk passes over a folder that the exporter removes meanwhile; rglob raises FileNotFoundError there.
        walks = (os.walk(folder) for folder in (self.lake_folder, self.scratch))
        return {Path(folder, name) for walk in walks for folder, _, names in walk for name in names}

    @contextmanager
    def killed_at_file(self, count: int) -> Iterator[None]:
        """Kill it as soon as this many files are there that were not there before."""
        before = self.files()
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                if len(self.files() - before) >= count:
                    self.kill()
                    return
                time.sleep(0.001)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


@pytest.mark.parametrize("format", ["parquet", "json"])
def test_killed_at_random_moments_raw_is_as_if_it_never_was(
    export_server: ExportServer, proxy: FaultProxy, tmp_path: Path, format: str
) -> None:
    """Killed at a page asked for, half sent or sent, or when a file appears: up to four times in one export."""
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)  # noqa: T201
    dice = random.Random(seed)  # noqa: S311
    table = make_app_table(proxy.upstream, [item(number) for number in range(400)])
    there = scanned(proxy.upstream, table)
    uninterrupted = Exporter(export_server, proxy, table, tmp_path / "uninterrupted", format)
    assert uninterrupted.run()
    assert read_back(_held(uninterrupted)) == there
    assert sum(path.name.startswith("part-") for path in uninterrupted.files()) > 4
    pages = len(proxy.of("Scan"))

    kills = 0
    while kills < KILLS:
        attempt = Exporter(export_server, proxy, table, tmp_path / f"after-{kills}", format)
        proxy.forget()
        killed_here = 0
        while not attempt.is_committed:
            proxy.heal()
            if killed_here < 4:
                killed_here += not _run_and_kill(attempt, proxy, pages, dice)
            else:
                assert attempt.run()
        kills += killed_here
        _plant_an_orphan(attempt)
        assert read_back(_held(attempt)) == there, f"seed {seed}"
        # What was on its way to a segment, or waited beside it, when it was killed is asked for again; no more.
        assert len(proxy.of("Scan")) <= pages + 2 * SEGMENTS * killed_here, f"seed {seed}"


def _run_and_kill(attempt: Exporter, proxy: FaultProxy, pages: int, dice: random.Random) -> bool:
    if dice.random() < 0.7:
        proxy.inject(doing(attempt.kill, dice.choice(PAGE_SHARES)), skip=dice.randrange(pages // 2))
        return attempt.run()
    with attempt.killed_at_file(dice.randrange(1, 9)):
        return attempt.run()


def _held(attempt: Exporter) -> Iterator[bytes]:
    """What the one manifest names."""
    lake = Lake.open(str(attempt.lake_folder))
    (manifest,) = lake.manifests("dynamodb")
    assert manifest.rows == 400
    return items(lake, manifest)


def _plant_an_orphan(attempt: Exporter) -> None:
    """A whole part beside the others that no manifest names, as a kill leaves them."""
    part = next(path for path in attempt.files() if path.name.startswith("part-") and "#" not in path.name)
    (part.parent / f"part-0123456789abcdef.{part.name.split('.', 1)[1]}").write_bytes(part.read_bytes())


def test_the_command_goes_on_after_a_kill(proxy: FaultProxy, tmp_path: Path) -> None:
    table = make_app_table(proxy.upstream, [item(number) for number in range(300)])
    environment = {
        "PATH": str(Path(sys.executable).parent),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_ENDPOINT_URL_DYNAMODB": proxy.endpoint,
        "AWS_REGION": "ap-northeast-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    command = [sys.executable, "-c", "from moderation_craft.cli import main; main()", "export", "--table", table]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*command, "--mode", "full"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    first = start()
    proxy.inject(doing(first.kill, 0.5), skip=15)
    first.communicate()
    assert first.returncode == -9
    second = start()
    said, complaint = second.communicate()
    assert second.returncode == 0, (said + complaint).decode()
    assert "300" in (said + complaint).decode()
    lake = Lake.open(str(tmp_path / "lake"))
    (manifest,) = lake.manifests("dynamodb")
    assert read_back(items(lake, manifest)) == scanned(proxy.upstream, table)
    assert sum(call.items for call in proxy.of("Scan")) <= 300 + 10 * 2 * manifest.details["segments"]


def after_pages(proxy: FaultProxy, pages: int) -> Callable[[], bool]:
    """A deadline that comes once so many pages were answered."""
    start = len(proxy.of("Scan"))
    return lambda: len(proxy.of("Scan")) - start >= pages


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_a_deadline_pauses_and_the_same_call_goes_on(any_lake: Lake, proxy: FaultProxy, format: Any) -> None:
    """As in a Lambda: no scratch folder, a few pages at a time; nothing is read twice."""
    table = make_app_table(proxy.upstream, [item(number) for number in range(200)])
    so_far = [0]
    with exporter(proxy.endpoint) as dynamodb:
        for _ in range(100):
            try:
                manifest = export_table(
                    any_lake, dynamodb, table, format=format, segments=2, deadline=after_pages(proxy, 5)
                )
                break
            except ExportPaused as paused:
                assert any_lake.manifests("dynamodb") == []
                so_far.append(paused.items)
    assert len(so_far) > 3
    assert so_far == sorted(so_far)
    assert manifest.details["sessions"] == len(so_far)
    assert read_back(items(any_lake, manifest)) == scanned(proxy.upstream, table)
    # The pages that stood ready when a deadline came are asked for again: one or two a segment.
    assert len(proxy.of("Scan")) <= 24 + len(so_far) * 2 * 2


def test_a_deadline_is_kept_while_the_table_is_throttled(lake: Lake, proxy: FaultProxy) -> None:
    table = make_app_table(proxy.upstream, [item(number) for number in range(100)])
    proxy.inject(refused("ThrottlingException"), skip=4, times=None)
    with exporter(proxy.endpoint, attempts=60, patience_seconds=20) as dynamodb, pytest.raises(ExportPaused):
        export_table(lake, dynamodb, table, segments=2, deadline=after_pages(proxy, 6))
    assert len(proxy.of("Scan")) <= 6 + 2


def cut_off(lake: Lake, proxy: FaultProxy, table: str, scratch: Path | None, **more: Any) -> None:
    """Leave an export of the table unfinished."""
    proxy.inject(gone, skip=5)
    with exporter(proxy.endpoint, attempts=1) as dynamodb, pytest.raises(Unavailable):
        export_table(lake, dynamodb, table, segments=2, scratch=scratch, **more)
    proxy.arrive()


@pytest.mark.parametrize("has_scratch", [True, False])
@pytest.mark.parametrize("how", ["other-format", "other-segments", "a-day-later", "other-table", "broken-state"])
def test_only_the_same_export_goes_on(
    lake: Lake, clock: FixedClock, proxy: FaultProxy, tmp_path: Path, how: str, has_scratch: bool
) -> None:
    scratch = tmp_path / "scratch" if has_scratch else None
    before = [item(number) for number in range(100)]
    table = make_app_table(proxy.upstream, before)
    cut_off(lake, proxy, table, scratch, format="json")
    more: dict[str, Any] = {"format": "parquet" if how == "other-format" else "json"}
    more["segments"] = 3 if how == "other-segments" else 2
    if how != "other-segments":  # that one goes on, with the segments it began with
        put_items(proxy.upstream, table, [item(number, new={"BOOL": True}) for number in range(50, 150)])
        delete_items(proxy.upstream, table, before[:50])
    if how == "a-day-later":
        clock.instant += timedelta(days=1, minutes=1)
    if how == "other-table":
        table = make_app_table(proxy.upstream, [item(number, other={"BOOL": True}) for number in range(30)])
    if how == "broken-state":
        for state in [stored.key for stored in lake.storage.list("_state/exports/")]:
            lake.storage.put(state, b'{"cut o')
    with exporter(proxy.endpoint) as dynamodb:
        manifest = export_table(lake, dynamodb, table, scratch=scratch, **more)
    assert read_back(items(lake, manifest)) == scanned(proxy.upstream, table)


def test_an_export_that_is_committed_is_not_gone_on_with(
    lake: Lake, clock: FixedClock, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between its manifest and the end: the next export reads the table as it is then."""
    table = make_app_table(proxy.upstream, [item(number) for number in range(30)])
    with exporter(proxy.endpoint) as dynamodb:
        with monkeypatch.context() as killed:
            killed.setattr(Checkpoint, "clear", lambda _: None)
            export_table(lake, dynamodb, table, scratch=tmp_path)
        clock.instant += timedelta(minutes=5)
        put_items(proxy.upstream, table, [item(100)])
        manifest = export_table(lake, dynamodb, table, scratch=tmp_path)
    assert read_back(items(lake, manifest)) == scanned(proxy.upstream, table)
    assert len(lake.manifests("dynamodb")) == 2
    assert lake.manifests("dynamodb")[-1] == manifest


def test_a_spool_that_was_cut_or_damaged_costs_pages_and_nothing_else(
    export_server: ExportServer, proxy: FaultProxy, tmp_path: Path
) -> None:
    table = make_app_table(proxy.upstream, [item(number) for number in range(200)])
    process = Exporter(export_server, proxy, table, tmp_path, "json", part_bytes=10**9)
    proxy.inject(doing(process.kill, 1.0), skip=12)
    assert not process.run()
    (spool,) = process.scratch.rglob("*.spool")
    whole = spool.read_bytes()
    middle = len(whole) // 2
    spool.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 : -7])
    assert process.run()
    reopened = Lake.open(str(process.lake_folder))
    (manifest,) = reopened.manifests("dynamodb")
    assert read_back(items(reopened, manifest)) == scanned(proxy.upstream, table)
