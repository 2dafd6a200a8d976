"""Raw to typed staging: the real models' SQL over Parquet parts and lines, beside pandas where it is installed."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
import warnings
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.items import made_up_items
from benchmarks.meter import PEERS_PYTHON, PROJECT_PYTHON, Figures, medians, report, run, timed
from moderation_craft.lake import Lake, zones
from moderation_craft.lake.codec import compress
from moderation_craft.settings import Settings
from moderation_craft.sources.dynamodb.parts import parquet_bytes
from moderation_craft.warehouse import raw_views
from moderation_craft.warehouse.fingerprint import PROJECT

ITEMS = int(os.environ.get("BENCH_ITEMS", "1000000"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
THREADS = 2
FORMATS = {"parquet": "Parquet parts", "json": "lines"}
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


@dataclass(frozen=True)
class Model:
    """A model as dbt compiled it."""

    relation: str
    materialized: str
    sql: str
    needs: frozenset[str]


def compiled(folder: Path) -> dict[str, Model]:
    """The staging models of the app and all that they are made from."""
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
    return {
        name: Model(
            _in_the_warehouse(node.relation_name),
            str(node.config.materialized),
            _in_the_warehouse(node.compiled_code),
            frozenset(node.depends_on.nodes) & nodes.keys(),
        )
        for name, node in nodes.items()
    }


def _in_the_warehouse(sql: str) -> str:
    return sql.replace('"compile".', "")


def make(connection: duckdb.DuckDBPyConnection, models: dict[str, Model]) -> None:
    """Make each model once what it needs is there, as many at a time as a build does."""

    def run_one(name: str) -> str:
        model = models[name]
        kind = "view" if model.materialized == "view" else "table"
        with connection.cursor() as cursor:
            cursor.execute("set TimeZone = 'UTC'")
            cursor.execute(f"create {kind} {model.relation} as {model.sql}")
        return name

    order = TopologicalSorter({name: model.needs for name, model in models.items()})
    order.prepare()
    running: set[Future[str]] = set()
    with ThreadPoolExecutor(THREADS) as pool:
        while order.is_active():
            running |= {pool.submit(run_one, name) for name in order.get_ready()}
            done, running = wait(running, return_when=FIRST_COMPLETED)
            order.done(*(future.result() for future in done))


def engine_settings() -> dict[str, Any]:
    """The profile's settings of the engine."""
    profile: Any = yaml.safe_load((PROJECT / "profiles.yml").read_text())
    settings: dict[str, Any] = profile["moderation_craft"]["outputs"]["duckdb"]["config_options"]
    return {**settings, "threads": THREADS}


def stage(folder: Path, items: int) -> Figures:
    """Run the models on a lake; every item must be in staging."""
    logging.disable()
    models = compiled(folder)
    lake = Lake.open(str(folder / "lake"))
    figures: Figures = {}
    with duckdb.connect(str(folder / "warehouse.duckdb"), config=engine_settings()) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("attach ':memory:' as scratch")
        with timed(figures):
            raw_views.register(connection, lake, Settings(lake=lake.address), {})
            make(connection, models)
            connection.execute("checkpoint")
        staged = [
            model.relation
            for model in models.values()
            if "stg_app__" in model.relation and "places" not in model.relation
        ]
        counted = " + ".join(f"(select count(*) from {relation})" for relation in staged)  # noqa: S608
        (found,) = connection.execute(f"select {counted}").fetchall()[0]
    if found != items:
        raise SystemExit(f"{found} records are staged, {items} items were given")
    return figures


def make_inputs(folder: Path, count: int) -> None:
    """A lake for each format, and the lines for the peers."""
    items = made_up_items(count)
    for format in FORMATS:
        make_lake(folder / format / "lake", format, items)
    (folder / "lines.jsonl").write_bytes(b"".join(b'{"Item":%b}\n' % item for item in items))


def main() -> None:
    if len(sys.argv) > 1:
        *doing, folder, count = sys.argv[1:]
        if doing:
            make_inputs(Path(folder), int(count))
            report({})
        else:
            figures = stage(Path(folder), int(count))
            # Of this process alone: a tool that dbt calls counts as large as its caller.
            report({**figures, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})
        return
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="mcraft-bench-") as folder:
        # In a process of its own: what this one holds would count as the peak of those that it starts.
        run(PROJECT_PYTHON, "benchmarks.staging", "make", folder, ITEMS)
        for format, name in FORMATS.items():
            home = Path(folder, format)
            runs = []
            for _ in range(REPEATS):
                (home / "warehouse.duckdb").unlink(missing_ok=True)
                runs.append(run(PROJECT_PYTHON, "benchmarks.staging", home, ITEMS))
            found[name] = medians(runs)
        if Path(PEERS_PYTHON).exists():
            found["pandas, from lines"] = run(
                PEERS_PYTHON, "benchmarks.staging_pandas", Path(folder, "lines.jsonl")
            )
    sys.stdout.write(f"Raw to typed staging, {ITEMS:,} items, {THREADS} threads; median of {REPEATS}\n")
    sys.stdout.write(f"{'':<22}{'k rows/s':>10}{'CPU s/M':>10}{'cores':>10}{'peak MB':>10}\n")
    for name, figures in found.items():
        rate, cpu = ITEMS / figures["wall"] / 1000, figures["cpu"] / ITEMS * 1e6
        cores = figures["cpu"] / figures["wall"]
        sys.stdout.write(f"{name:<22}{rate:>10.0f}{cpu:>10.1f}{cores:>10.1f}{figures['mb']:>10.0f}\n")


if __name__ == "__main__":
    main()
