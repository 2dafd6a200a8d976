"""AWS's runtime interface emulator on loopback, with a packed function as its task and nothing else to import."""

from __future__ import annotations

import json
import os
import platform
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
from botocore.config import Config
from tools.lambda_zip import HANDLER

from tests.conftest import REPOSITORY, wait_until

RUNTIME = REPOSITORY / ".venv" / "rie"
EMULATOR = RUNTIME / "samcli/local/rapid/aws-lambda-rie-x86_64"
IS_SUPPORTED = (platform.system(), platform.machine()) == ("Linux", "x86_64")


@dataclass
class Sandbox:
    """One execution environment: it takes one invocation at a time, as Lambda's do."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def invoke(self, event: Any) -> dict[str, Any]:
        """A synchronous invocation through boto3; the handler's answer."""
        lambda_ = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="ap-northeast-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(read_timeout=120, retries={"total_max_attempts": 1}),
        )
        said = lambda_.invoke(FunctionName="function", Payload=json.dumps(event).encode())
        answer: dict[str, Any] = json.loads(said["Payload"].read())
        return answer

    def is_warm(self) -> bool:
        """Whether the handler is imported; AWS does not take that from an invocation's time, the emulator does."""
        try:
            return "statusCode" in self.invoke("nothing that it would do")
        except json.JSONDecodeError:
            return False

    def kill(self) -> None:
        """The whole sandbox at once, as when its host goes away: the function's Python too."""
        pids = [self.process.pid, *_children(self.process.pid)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(20)


@contextmanager
def sandbox(
    task: Path, log: Path, environment: Mapping[str, str], *, timeout_seconds: int = 60
) -> Iterator[Sandbox]:
    """A sandbox whose Python sees the task and AWS's runtime client only, not this environment's packages."""
    assert EMULATOR.is_file(), "the emulator is not installed: `make lambda-runtime` (part of `make test`) does it"
    port, runtime_port = _free_ports()
    command: list[str | Path] = [
        *(EMULATOR, "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
        *(sys.executable, "-S", "-m", "awslambdaric", HANDLER),
    ]
    around = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{task}:{RUNTIME}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_seconds),
        "AWS_REGION": "ap-northeast-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        **environment,
    }
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=task, env=around, stdout=out, stderr=out)
    made = Sandbox(port, process, log)
    try:
        wait_until(lambda: process.poll() is not None or _listens(port), f"no emulator: {log.read_text()[-2000:]}")
        assert process.poll() is None, log.read_text()[-2000:]
        wait_until(made.is_warm, f"the function does not start: {log.read_text()[-2000:]}")
        yield made
    finally:
        if process.poll() is None:
            made.kill()


@dataclass
class Relay:
    """AWS Lambda's own endpoint as far as asynchronous invocations go: it takes them and keeps them in order."""

    port: int = 0
    status: int = 202
    requests: list[dict[str, str]] = field(default_factory=list)
    events: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def deliver_all(self, to: Sandbox, most: int = 30) -> list[dict[str, Any]]:
        """Every event that waits, and those that these bring; the answers."""
        answers: list[dict[str, Any]] = []
        while not self.events.empty():
            assert len(answers) < most, answers
            answers.append(to.invoke(self.events.get_nowait()))
        return answers


@contextmanager
def relay() -> Iterator[Relay]:
    kept = Relay()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.requests.append({**headers, "path": unquote(self.path)})
            if kept.status == 202:
                kept.events.put(json.loads(body))
            self.send_response(kept.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def events_of(log: Path) -> list[Mapping[str, Any]]:
    """The function's own log lines."""
    found = []
    for line in log.read_text().splitlines():
        if line.startswith("{"):
            found.append(json.loads(line))
    return found


def _children(pid: int) -> list[int]:
    """Processes that any thread of a process started."""
    found: list[int] = []
    for thread in Path("/proc").glob(f"{pid}/task/*/children"):
        with suppress(OSError):
            found += map(int, thread.read_text().split())
    return found


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
