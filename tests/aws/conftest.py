"""The packed function, and what stands around it in AWS, on loopback."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import lambda_zip

from tests.aws.rie import IS_SUPPORTED, Relay, relay


@pytest.fixture(scope="session")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The function's zip for the Python that runs the tests, unpacked as Lambda does."""
    if not IS_SUPPORTED:
        pytest.skip("the function is packed for Linux x86_64, and so is the emulator")
    folder = tmp_path_factory.mktemp("lambda")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    packed = lambda_zip.build(folder / "function.zip", version, level=1)
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(folder / "task")
    return folder / "task"


@pytest.fixture
def lambda_endpoint() -> Iterator[Relay]:
    with relay() as kept:
        yield kept
