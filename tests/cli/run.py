"""`mcraft` as a person calls it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def mcraft(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with nothing of AWS or mcraft from this process's own environment."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MCRAFT_"))}
    return subprocess.run(
        [sys.executable, "-c", "from moderation_craft.cli import main; main()", *arguments],
        cwd=cwd,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
