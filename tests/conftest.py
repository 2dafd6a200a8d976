"""What all tests share: fixed clocks, lakes on a folder and on S3, real servers on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import boto3
import hypothesis
import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake, Storage
from tests.cli.run import mcraft

# CI repeats itself, so that what lands is what was tried; everywhere else hypothesis keeps looking.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"
NOON_IN_TOKYO = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON_IN_TOKYO)


@pytest.fixture
def lake(tmp_path: Path, clock: FixedClock) -> Lake:
    """An empty lake in a folder."""
    return Lake.open(str(tmp_path / "lake"), clock)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of settled specifications and real people's data; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not here")
    return SHARED


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A DynamoDB- and S3-speaking server on loopback (ministack), one for the whole session."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("ministack") / "log"
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    with log.open("wb") as out:
        server = subprocess.Popen([sys.executable, "-m", "ministack"], env=environment, stdout=out, stderr=out)
        try:
            wait_until(lambda: _answers(port), f"ministack did not start: {log.read_text()[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def wait_until(condition: Callable[[], bool], message: str, seconds: float = 60) -> None:
    """Wait for readiness, never for time; AssertionError with the message after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.02)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def aws_environment(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """AWS's usual environment, pointing at the loopback server; returns its address."""
    for name, value in {
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_REGION": "ap-northeast-1",
    }.items():
        monkeypatch.setenv(name, value)
    return aws_endpoint


@pytest.fixture
def bucket(aws_environment: str) -> str:
    name = f"lake-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
    )
    return name


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A file system of its own that is really full when it is full; skips where mounting is not allowed."""
    disk = SmallDisk(tmp_path / "disk")
    disk.folder.mkdir()
    try:
        disk.mount("256k")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk.folder)], check=True)


@dataclass(frozen=True)
class SmallDisk:
    folder: Path

    def mount(self, size: str, *options: str) -> None:
        arguments = ["mount", "-t", "tmpfs", "-o", ",".join([*options, f"size={size}"]), "tmpfs", str(self.folder)]
        subprocess.run(arguments, check=True, capture_output=True)

    def resize(self, size: str) -> None:
        self.mount(size, "remount")


@pytest.fixture(params=["folder", "s3"])
def any_lake(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> Lake:
    """The same test on a folder and on S3."""
    if request.param == "folder":
        return Lake.open(str(tmp_path / "lake"), clock)
    return Lake.open(f"s3://{request.getfixturevalue('bucket')}/some/prefix", clock)


@pytest.fixture
def any_storage(any_lake: Lake) -> Storage:
    return any_lake.storage


DEMO = ("--days", "60", "--users", "2")


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where `mcraft demo --no-serve` has run, made once; copy it before changing it."""
    folder = tmp_path_factory.mktemp("demo")
    done = mcraft("demo", "--no-serve", *DEMO, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def own_demo_folder(demo_folder: Path, tmp_path: Path) -> Path:
    """A copy of the demo that the test may change."""
    return Path(shutil.copytree(demo_folder, tmp_path / "demo"))
