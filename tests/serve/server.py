"""`mcraft serve` as a process of its own, on a free loopback port."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import wait_until

_SERVE = [sys.executable, "-c", "from moderation_craft.cli import main; main()", "serve", "--port", "0"]


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[str]:
    """The address of a server over a folder's lake; ended by SIGINT, as a person does."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MCRAFT_"))}
    with subprocess.Popen(
        _SERVE, cwd=folder, env={**inherited, **environment}, stderr=subprocess.PIPE, text=True
    ) as process:
        said: list[str] = []
        stderr = process.stderr
        assert stderr is not None
        reader = threading.Thread(target=lambda: said.extend(iter(stderr.readline, "")), daemon=True)
        reader.start()

        def address() -> str | None:
            found = re.search(r"Serving (http://localhost:\d+)", "".join(said))
            return found[1] if found else None

        try:
            wait_until(lambda: bool(address()) or process.poll() is not None, "the server said nothing", 90)
            found = address()
            assert found, "".join(said)
            yield found
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
            reader.join(10)
