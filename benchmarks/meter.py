"""What one process used: wall and CPU seconds of the measured work, and the peak memory of the whole process.

Standard library alone: it runs in the project's environment and in the peers'.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
PROJECT_PYTHON = sys.executable
PEERS_PYTHON = str(ROOT / ".venv-bench" / "bin" / "python")

Figures = dict[str, float]


def cpu_seconds() -> float:
    """User and system time of this process and of the children that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def timed(figures: Figures, prefix: str = "") -> Iterator[None]:
    """Adds `wall` and `cpu` of the block: imports and start-up that came before it do not count."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield
    figures[f"{prefix}wall"] = time.perf_counter() - wall
    figures[f"{prefix}cpu"] = cpu_seconds() - cpu


def peak_mb() -> float:
    """The most memory that this process, and the largest child it waited for, ever held, together."""
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(peaks) / 1024


def report(figures: Figures) -> None:
    """The child's last line: what `run` reads."""
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


def run(python: str, module: str, *arguments: object) -> Figures:
    """`python -m module arguments…` in a process of its own; SystemExit with its last words where it fails."""
    command = [python, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[1:])} failed:\n{done.stderr[-2000:]}")
    figures: Figures = json.loads(done.stdout.strip().rpartition("\n")[2])
    return figures


def medians(runs: Sequence[Figures]) -> Figures:
    return {name: median(run[name] for run in runs) for name in runs[0]}
