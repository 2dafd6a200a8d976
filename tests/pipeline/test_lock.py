"""One run at a time on a lake, in a folder and in S3; a dead holder never blocks for ever."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import msgspec
import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake, zones
from moderation_craft.pipeline.lock import RunLockHeld, is_locked, run_lock
from tests.conftest import wait_until

HOLDER = """
import sys
from moderation_craft.lake import Lake
from moderation_craft.pipeline.lock import run_lock
with run_lock(Lake.open(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_while_one_holds(any_lake: Lake) -> None:
    with run_lock(any_lake):
        assert is_locked(any_lake)
        with pytest.raises(RunLockHeld, match="under way"), run_lock(any_lake):
            pass
    assert not is_locked(any_lake)


def test_a_killed_holder_frees_the_folder(lake: Lake) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, lake.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(lake)
        holder.kill()
        holder.wait()
        wait_until(lambda: not is_locked(lake), "the lock outlived its process")


def test_a_waiting_run_goes_on_when_the_first_ends(lake: Lake) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, lake.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        holder.stdout.readline()
        stdin = holder.stdin
        with run_lock(lake, wait_seconds=60, on_wait=stdin.close):
            assert holder.wait(60) == 0


def test_an_expired_lease_is_taken_over(bucket: str, clock: FixedClock) -> None:
    lake = Lake.open(f"s3://{bucket}", clock)
    dead = {"holder": "gone", "until": clock.now() - timedelta(seconds=1)}
    lake.storage.put(zones.state("run.lock"), msgspec.json.encode(dead))
    with run_lock(lake):
        assert is_locked(lake)
