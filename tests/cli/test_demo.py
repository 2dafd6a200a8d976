"""The main job as README gives it: demo, status, query, run again, rebuild, kill and go on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import mcraft
from tests.conftest import DEMO, SmallDisk, wait_until


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(folder: Path, sql: str) -> list[dict[str, Any]]:
    done = mcraft("query", sql, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def test_every_person_has_every_day(demo_folder: Path) -> None:
    assert list(rows(demo_folder, "select count(*) from mart_productivity_daily")[0].values()) == [120]
    spans = rows(
        demo_folder,
        "select user_id, count(*) as days, max(date) - min(date) + 1 as span "
        "from mart_productivity_daily group by user_id",
    )
    assert [(found["days"], found["span"]) for found in spans] == [(60, 60), (60, 60)]


def test_status_tells_each_layer(demo_folder: Path) -> None:
    found = json.loads(mcraft("status", "--json", cwd=demo_folder).stdout)
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert list(layers) == ["sources", "raw", "staging", "gold", "pages"]
    for layer in layers.values():
        assert layer["state"] == "fresh" and layer["objects"] > 0 and layer["freshAt"]
    assert all(layers[name]["rows"] > 0 for name in ("raw", "staging", "gold"))
    assert found["demo"]["users"] == 2
    assert found["quarantined"] > 0


def test_a_second_run_changes_no_byte_of_gold_and_says_what_it_skipped(own_demo_folder: Path) -> None:
    before = tree(own_demo_folder / "lake" / "gold")
    done = mcraft("run", cwd=own_demo_folder)
    assert done.returncode == 0, done.stderr
    assert tree(own_demo_folder / "lake" / "gold") == before
    assert "nothing new since" in done.stderr
    for step in ("export", "prepare", "transform", "analyse", "publish"):
        assert any(line.split()[1:2] == [step] and "skipped" in line for line in done.stderr.splitlines())


def test_rebuilding_from_raw_alone_gives_the_same_bytes(own_demo_folder: Path) -> None:
    lake = own_demo_folder / "lake"
    before = tree(lake / "gold")
    for below in lake.iterdir():
        if below.name != "raw":
            shutil.rmtree(below)
    done = mcraft("rebuild", cwd=own_demo_folder)
    assert done.returncode == 0, done.stderr
    assert tree(lake / "gold") == before


def test_another_demo_sets_the_first_aside(own_demo_folder: Path) -> None:
    done = mcraft("demo", "--no-serve", "--days", "7", "--users", "1", cwd=own_demo_folder)
    assert done.returncode == 0, done.stderr
    assert rows(own_demo_folder, "select count(*) as n from mart_productivity_daily") == [{"n": 7}]
    aside = [path for path in own_demo_folder.iterdir() if path.name.startswith("lake.before-")]
    assert len(aside) == 1 and (aside[0] / "gold" / "current.json").exists()


def test_the_demo_does_not_mix_with_own_data(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("date,coffee\n2026-11-01,2\n")
    assert mcraft("import", "csv", "days.csv", "--user", "me", cwd=tmp_path).returncode == 0
    done = mcraft("demo", "--no-serve", "--days", "7", "--users", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert "E011" in done.stderr and "--lake" in done.stderr


@pytest.mark.parametrize(
    ("how", "stage"),
    [
        (signal.SIGKILL, "raw/external/fitbit/_manifests"),
        (signal.SIGKILL, "gold"),
        (signal.SIGINT, "staging"),
        pytest.param(signal.SIGKILL, "raw/internal", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, "staging", marks=pytest.mark.slow),
    ],
)
def test_stopped_anywhere_the_next_run_ends_the_same(
    demo_folder: Path, tmp_path: Path, how: signal.Signals, stage: str
) -> None:
    demo = [sys.executable, "-c", "from moderation_craft.cli import main; main()", "demo", "--no-serve", *DEMO]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MCRAFT_"))}
    reached = tmp_path / "lake" / stage
    with subprocess.Popen(
        demo, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        wait_until(lambda: reached.exists() or run.poll() is not None, f"{stage} was never reached", 120)
        run.send_signal(how)
        run.wait(60)
    done = mcraft("demo", "--no-serve", *DEMO, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "lake" / "gold") == tree(demo_folder / "lake" / "gold")


@pytest.mark.parametrize("size", ["3m", pytest.param("6m", marks=pytest.mark.slow), "24m"])
def test_a_disk_that_fills_during_the_job_is_one_paragraph_and_no_loss(
    demo_folder: Path, small_disk: SmallDisk, size: str
) -> None:
    small_disk.resize(size)
    done = mcraft("demo", "--no-serve", *DEMO, cwd=small_disk.folder)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("E004 S3_ACCESS:")
    assert "Traceback" not in done.stderr and "Logging error" not in done.stderr
    assert not (small_disk.folder / "lake" / "gold" / "current.json").exists()
    small_disk.resize("500m")
    again = mcraft("demo", "--no-serve", *DEMO, cwd=small_disk.folder)
    assert again.returncode == 0, again.stderr
    assert tree(small_disk.folder / "lake" / "gold") == tree(demo_folder / "lake" / "gold")
