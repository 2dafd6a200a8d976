"""The full export beside what people use today, its memory at three sizes, and export and staging together."""

from __future__ import annotations

import http.client
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.meter import PEERS_PYTHON, PROJECT_PYTHON, ROOT, Figures, medians, run
from benchmarks.replay_server import table_name

ITEMS = int(os.environ.get("BENCH_ITEMS", "1000000"))
MEMORY_ITEMS = [int(size) for size in os.environ.get("BENCH_MEMORY", "100000,1000000,5000000").split(",")]
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
STAGED_ITEMS = min(ITEMS, 200_000)  # no more than the recording has: a record that comes twice is staged once
BASELINE = "boto3 paginator → JSON lines"


@dataclass(frozen=True)
class Contender:
    """One way to export; `items` is how many it is given, so that the slow ones end in time."""

    title: str
    name: str
    items: int
    is_peer: bool = True

    def measure(self, server: Server, items: int) -> Figures:
        with _folder() as folder:
            return self.export(server, items, folder)

    def export(self, server: Server, items: int, folder: Path) -> Figures:
        python = PEERS_PYTHON if self.is_peer else PROJECT_PYTHON
        module = "benchmarks.peers" if self.is_peer else "benchmarks.ours"
        return run(python, module, self.name, server.port, table_name(items), items, folder)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mcraft-bench-") as folder:
        yield Path(folder)


def _peer(title: str, name: str, items: int) -> Contender:
    return Contender(title, name, int(os.environ.get("BENCH_PEER_ITEMS", items)))


OURS = (
    Contender("mcraft export → Parquet", "parquet", ITEMS, is_peer=False),
    Contender("mcraft export → lines", "json", ITEMS, is_peer=False),
)
PEERS = (
    _peer(BASELINE, "boto3 client", 100_000),
    _peer("boto3 Table → JSON lines", "boto3 Table", 100_000),
    _peer("awswrangler → Parquet", "awswrangler", 100_000),
    _peer("dlt → Parquet", "dlt", 200_000),  # its start-up is 1–2 s: fewer items would be unfair
)


@dataclass(frozen=True)
class Server:
    """The replay server under way."""

    port: int
    item_bytes: int
    process: subprocess.Popen[str]

    def cpu_seconds(self) -> float:
        ticks = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def replay_server() -> Iterator[Server]:
    command = [sys.executable, "-m", "benchmarks.replay_server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit("the replay server did not start")
            port, item_bytes = map(int, line.split())
            yield Server(port, item_bytes, process)
        finally:
            process.terminate()


def ceiling(server: Server, items: int) -> Figures:
    """How fast the server is for a reader that throws every byte away: wall seconds and the server's own CPU."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    request: dict[str, object] = {"TableName": table_name(items)}
    page = bytearray(2 * 1024 * 1024)
    started, cpu = time.perf_counter(), server.cpu_seconds()
    while True:
        connection.request("POST", "/", json.dumps(request), {"x-amz-target": "DynamoDB_20120810.Scan"})
        size = connection.getresponse().readinto(page)
        tail = bytes(page[size - 300 : size])
        cursor = re.search(rb'"LastEvaluatedKey":(\{.*?\}\})', tail)
        if cursor is None:
            break
        request["ExclusiveStartKey"] = json.loads(cursor[1])
    return {"wall": time.perf_counter() - started, "cpu": server.cpu_seconds() - cpu}


def _rounds(server: Server) -> dict[Contender, Figures]:
    """Everybody once a round, so that a slow minute of the machine is everybody's."""
    runs = defaultdict(list)
    for _ in range(REPEATS):
        for contender in (*OURS, *PEERS):
            runs[contender].append(contender.measure(server, contender.items))
    return {contender: medians(figures) for contender, figures in runs.items()}


def _speed(found: dict[Contender, Figures], item_bytes: int) -> list[list[str]]:
    rates = {contender.title: contender.items / figures["wall"] for contender, figures in found.items()}
    return [
        [
            contender.title,
            f"{contender.items:,}",
            f"{rates[contender.title] / 1000:.1f}",
            f"{rates[contender.title] * item_bytes / 1e6:.1f}",
            f"{figures['mb']:.0f}",
            f"{figures['cpu'] / contender.items * 1e6:.1f}",
            f"{rates[contender.title] / rates[BASELINE]:.1f}×",
        ]
        for contender, figures in found.items()
    ]


def _memory(server: Server) -> list[list[str]]:
    rows = []
    for contender in OURS:
        peaks = [contender.measure(server, items)["mb"] for items in MEMORY_ITEMS]
        rows.append([contender.title, *(f"{peak:.0f}" for peak in peaks), f"{max(peaks) / min(peaks) - 1:.0%}"])
    return rows


def _together(server: Server, found: dict[Contender, Figures]) -> list[list[str]]:
    """CPU seconds a million items, from the table in DynamoDB to typed tables in DuckDB."""
    rows = []
    for contender, figures in found.items():
        export = figures["cpu"] / contender.items * 1e6
        if not contender.is_peer:
            with _folder() as folder:
                contender.export(server, STAGED_ITEMS, folder)
                staged = [_stage(folder) for _ in range(REPEATS)]
            typed = median(run["cpu"] for run in staged) / STAGED_ITEMS * 1e6
            rate = STAGED_ITEMS / median(run["wall"] for run in staged) / 1000
        elif "typed_cpu" in figures:
            typed = figures["typed_cpu"] / contender.items * 1e6
            rate = contender.items / figures["typed_wall"] / 1000
        else:
            continue
        rows.append([contender.title, f"{export:.1f}", f"{typed:.1f}", f"{export + typed:.1f}", f"{rate:.0f}"])
    return rows


def _stage(home: Path) -> Figures:
    (home / "warehouse.duckdb").unlink(missing_ok=True)
    return run(PROJECT_PYTHON, "benchmarks.staging", home, STAGED_ITEMS)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _versions() -> str:
    """The peers' versions, as pinned."""
    lock = (ROOT / "benchmarks" / "peers.lock").read_text()
    found = [re.search(rf"^{name}==(\S+)", lock, re.M) for name in ("boto3", "awswrangler", "dlt")]
    return ", ".join(match[0].replace("==", " ") for match in found if match)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    if not Path(PEERS_PYTHON).exists():
        raise SystemExit("The peers are not installed: run `make bench-export`.")
    with replay_server() as server:
        top = ceiling(server, ITEMS)
        _say(
            f"`make bench-export`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), "
            f"Python {platform.python_version()}, {_versions()}. Items of {server.item_bytes} bytes on average, "
            f"from a replay server on loopback ({ITEMS / top['wall'] / 1000:,.0f} k items/s to a reader that "
            f"throws them away, at {top['cpu'] / ITEMS * 1e6:.1f} CPU s/M); median of {REPEATS}.\n"
        )
        found = _rounds(server)
        heads = ["", "items", "k items/s", "MB/s", "peak MB", "CPU s/M items", "beside boto3"]
        _say(_table(heads, _speed(found, server.item_bytes)))
        sizes = [f"{items / 1e6:g} M items" for items in MEMORY_ITEMS]
        _say("Peak memory of the export's process, MB:\n")
        _say(_table(["", *sizes, "largest over smallest"], _memory(server)))
        _say(
            "From the table to typed tables in DuckDB, CPU s/M items: ours by the project's staging models (every "
            "entity, quarantine, one truth), the peers' files by one `select` with casts:\n"
        )
        heads = ["", "export", "to typed", "together", "to typed, k rows/s"]
        _say(_table(heads, _together(server, found)))


if __name__ == "__main__":
    main()
