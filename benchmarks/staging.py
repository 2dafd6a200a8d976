"""Raw to typed staging: the real models' SQL over Parquet parts and lines, beside pandas where it is installed."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.items import made_up_items
from benchmarks.meter import PEERS_PYTHON, PROJECT_PYTHON, Figures, medians, peak_mb, report, run, timed
from moderation_craft.lake import Lake, zones
from moderation_craft.lake.codec import compress
from moderation_craft.settings import Settings
from moderation_craft.sources.dynamodb.parts import parquet_bytes
from moderation_craft.warehouse import raw_views
from moderation_craft.warehouse.fingerprint import PROJECT

ITEMS = int(os.environ.get("BENCH_ITEMS", "1000000"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
THREADS = 2
_PART_ITEMS = 110_000
_DAY = date(2026, 11, 1)


def make_lake(folder: Path, format: str, items: list[bytes]) -> None:
    lake = Lake.open(str(folder))
    parts = []
    for first in range(0, len(items), _PART_ITEMS):
        held = items[first : first + _PART_ITEMS]
        if format == "parquet":
            data = parquet_bytes(held)
        else:
            data = compress(b"".join(b'{"Item":%b}\n' % item for item in held))
        key = zones.dynamodb_part(
            _DAY, "bench", f"{first:016d}", "parquet" if format == "parquet" else "jsonl.zst"
        )
        parts.append(lake.put_part(key, data, rows=len(held), stream="bench"))
    lake.commit(
        run_id=f"{_DAY:%Y%m%d}T000000000Z-0001",
        kind="dynamodb_export",
        source="dynamodb",
        started_at=f"{_DAY}T00:00:00Z",
        parts=parts,
        details={"table_name": "bench", "mode": "full", "format": format},
    )


def compiled(folder: Path) -> list[tuple[str, str, str]]:
    """The staging models of the app and all that they are made from: relation, materialization, SQL; in order."""
    warnings.simplefilter("ignore")
    from dbt.cli.main import dbtRunner

    arguments = [
        "--quiet",
        "--log-level=none",
        "--log-level-file=none",
        "compile",
        "--select",
        "+stg_app__*",
    ]
    options = [f"--project-dir={PROJECT}", f"--profiles-dir={PROJECT}", f"--target-path={folder / 'target'}"]
    options += [
        f"--log-path={folder / 'logs'}",
        f"--vars={json.dumps({'warehouse_path': str(folder / 'compile.duckdb')})}",
    ]
    outcome: Any = dbtRunner().invoke([*arguments, *options])
    if not outcome.success:
        raise SystemExit(f"dbt did not compile: {outcome.exception}")
    found = [result.node for result in outcome.result.results]
    nodes = {node.unique_id: node for node in found if node.resource_type == "model"}
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name in nodes and name not in ordered:
            for needed in nodes[name].depends_on.nodes:
                visit(needed)
            ordered.append(name)

    for name in sorted(nodes):
        visit(name)
    chosen = [nodes[name] for name in ordered]
    return [
        (n.relation_name.replace('"compile".', ""), str(n.config.materialized), n.compiled_code) for n in chosen
    ]


def stage(folder: Path, items: int) -> Figures:
    """Run the models on a lake; every item must be in staging."""
    logging.disable()
    models = compiled(folder)
    lake = Lake.open(str(folder / "lake"))
    figures: Figures = {}
    with duckdb.connect(str(folder / "warehouse.duckdb"), config={"threads": THREADS}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("attach ':memory:' as scratch")
        with timed(figures):
            raw_views.register(connection, lake, Settings(lake=lake.address), {})
            for relation, materialized, sql in models:
                kind = "view" if materialized == "view" else "table"
                connection.execute(
                    f"create {kind} {relation} as {sql.replace(chr(34) + 'compile' + chr(34) + '.', '')}"
                )
            connection.execute("checkpoint")
        staged = [relation for relation, _, _ in models if "stg_app__" in relation and "places" not in relation]
        counted = " + ".join(f"(select count(*) from {relation})" for relation in staged)  # noqa: S608
        (found,) = connection.execute(f"select {counted}").fetchall()[0]
    if found != items:
        raise SystemExit(f"{found} records are staged, {items} items were given")
    return figures


def main() -> None:
    if len(sys.argv) > 1:
        _, folder, count = sys.argv
        report({**stage(Path(folder), int(count)), "mb": peak_mb()})
        return
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="mcraft-bench-") as folder:
        items = made_up_items(ITEMS)
        for format in ("parquet", "json"):
            home = Path(folder, format)
            make_lake(home / "lake", format, items)
            runs = []
            for _ in range(REPEATS):
                (home / "warehouse.duckdb").unlink(missing_ok=True)
                runs.append(run(PROJECT_PYTHON, "benchmarks.staging", home, ITEMS))
            found["Parquet parts" if format == "parquet" else "lines"] = medians(runs)
            shutil.rmtree(home)
        if Path(PEERS_PYTHON).exists():
            lines = Path(folder, "lines.jsonl")
            lines.write_bytes(b"".join(b'{"Item":%b}\n' % item for item in items))
            found["pandas, from lines"] = run(PEERS_PYTHON, "benchmarks.staging_pandas", lines)
    sys.stdout.write(f"Raw to typed staging, {ITEMS:,} items, {THREADS} threads; median of {REPEATS}\n")
    sys.stdout.write(f"{'':<22}{'k rows/s':>10}{'CPU s/M':>10}{'peak MB':>10}\n")
    for name, figures in found.items():
        rate, cpu = ITEMS / figures["wall"] / 1000, figures["cpu"] / ITEMS * 1e6
        sys.stdout.write(f"{name:<22}{rate:>10.0f}{cpu:>10.1f}{figures['mb']:>10.0f}\n")


if __name__ == "__main__":
    main()
