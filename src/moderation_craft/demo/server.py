"""The DynamoDB-speaking server of the demo: ministack in a process of its own, on loopback."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moderation_craft.errors import McraftError, SetupError
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient

START_SECONDS = 30.0
STOP_SECONDS = 5.0
PORT_ATTEMPTS = 3
REGION = "ap-northeast-1"
KEYS = AwsKeys("demo", "demo-only-not-a-secret")
"""What the demo's server is spoken to with; good for nothing elsewhere."""


@contextmanager
def dynamodb_server(folder: Path) -> Iterator[str]:
    """Start the server, its files and log in `folder`; yields its address once it answers, stops it on exit.

    SetupError where the package is missing, or with the end of its log where it dies.
    """
    if importlib.util.find_spec("ministack") is None:
        raise SetupError(
            "The demo's DynamoDB server (the package ministack) is not installed.",
            remedy="run `pip install 'moderation-craft[demo]'`, then the command again.",
        )
    process, address = _start(folder)
    try:
        yield address
    finally:
        _stop(process)


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A running server; another port is tried where somebody took the first one meanwhile."""
    log = folder / "ministack.log"
    for _ in range(PORT_ATTEMPTS):
        port = _free_port()
        process = _spawn(folder, log, port)
        address = f"http://127.0.0.1:{port}"
        if _answers(process, address, port):
            return process, address
        _stop(process)
    said = log.read_text(errors="replace").strip()[-800:] if log.exists() else ""
    raise SetupError(
        f"The demo's DynamoDB server did not start on 127.0.0.1. It said: {said or 'nothing'}",
        remedy="mend what it says, or reinstall it with `pip install --force-reinstall 'moderation-craft[demo]'`.",
    )


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _spawn(folder: Path, log: Path, port: int) -> subprocess.Popen[bytes]:
    # Nothing of the person's AWS settings, and none of the listeners and container sweeps that ministack
    # would start beside DynamoDB.
    kept = ("PATH", "SYSTEMROOT", "LANG", "PYTHONPATH", "COVERAGE_PROCESS_START")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "dynamodb",
        "LOG_LEVEL": "WARNING",
        "PERSIST_STATE": "0",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "moderation_craft.demo.ministack_child"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )


def _answers(process: subprocess.Popen[bytes], address: str, port: int) -> bool:
    """Wait until the server answers; False where it ended or is somebody else's."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
            continue
        with DynamoDBClient(region=REGION, endpoint_url=address, keys=KEYS, attempts=2) as client:
            try:
                client.table_names()
            except McraftError:
                return False
        return process.poll() is None
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
