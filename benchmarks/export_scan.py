"""The full scan beside boto3's paginator into JSON lines: items/s, CPU and peak memory of one run."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import msgspec

from moderation_craft.lake import Lake
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient
from moderation_craft.sources.dynamodb.export import export_table

ITEMS = int(os.environ.get("BENCH_ITEMS", "300000"))
REPEATS = 3


def ours(endpoint: str, folder: Path, items: int) -> None:
    keys = AwsKeys("bench", "bench-secret")
    with DynamoDBClient(region="ap-northeast-1", endpoint_url=endpoint, keys=keys) as client:
        manifest = export_table(Lake.open(str(folder / "lake")), client, "bench", segments=2)
    _expect(manifest.rows, items)


def boto3_lines(endpoint: str, folder: Path, items: int) -> None:
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="ap-northeast-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench-secret",
    )
    written = 0
    with (folder / "lines.jsonl").open("w") as out:
        for page in client.get_paginator("scan").paginate(TableName="bench"):
            for item in page["Items"]:
                out.write(json.dumps({"Item": item}, ensure_ascii=False) + "\n")
                written += 1
    _expect(written, items)


def _expect(found: int, items: int) -> None:
    if found != items:
        raise SystemExit(f"{found} items came, {items} were sent")


CONTENDERS: dict[str, Callable[[str, Path, int], None]] = {
    "mcraft export": ours,
    "boto3 → JSON lines": boto3_lines,
}


def measure(name: str, port: int, items: int) -> dict[str, float]:
    """One contender in a process of its own: wall and CPU seconds, peak MB."""
    code = f"from benchmarks.export_scan import child; child({name!r}, {port}, {items})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=dict[str, float])


def child(name: str, port: int, items: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        CONTENDERS[name](f"http://127.0.0.1:{port}", Path(folder), items)
        wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}
    sys.stdout.write(json.dumps(figures))


def main() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.replay_server", str(ITEMS)], stdout=subprocess.PIPE, text=True
    ) as server:
        if server.stdout is None:
            raise SystemExit("the replay server did not start")
        port, items = (int(word) for word in server.stdout.readline().split())
        try:
            medians = {}
            for name in CONTENDERS:
                runs = sorted((measure(name, port, items) for _ in range(REPEATS)), key=lambda run: run["wall"])
                medians[name] = runs[REPEATS // 2]
        finally:
            server.terminate()
    slowest = max(run["wall"] for run in medians.values())
    sys.stdout.write(
        f"Full scan of {items:,} items of about 600 bytes from a replay server; median of {REPEATS}\n"
    )
    sys.stdout.write(f"{'':<22}{'k items/s':>10}{'CPU s/M':>10}{'peak MB':>10}{'ratio':>8}\n")
    for name, run in medians.items():
        rate, cpu = items / run["wall"] / 1000, run["cpu"] / items * 1e6
        sys.stdout.write(f"{name:<22}{rate:>10.1f}{cpu:>10.1f}{run['mb']:>10.0f}{slowest / run['wall']:>7.1f}×\n")


if __name__ == "__main__":
    main()
