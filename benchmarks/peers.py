"""What people use today for the same job, each as its documentation shows it; runs in the peers' own environment.

`python -m benchmarks.peers NAME PORT TABLE ITEMS FOLDER` exports the table and, where the outcome is a table
already, reads that into typed DuckDB; it prints the figures of both.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.meter import Figures, peak_mb, report, timed

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "ap-northeast-1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}

Job = Callable[[str, Path], int]
"""Exports the table named, into the folder; gives the items written."""


def boto3_client() -> Job:
    import boto3

    def job(table: str, folder: Path) -> int:
        written = 0
        with (folder / "items.jsonl").open("w") as out:
            for page in boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table):
                for item in page["Items"]:
                    out.write(json.dumps({"Item": item}, ensure_ascii=False) + "\n")
                    written += 1
        return written

    return job


def boto3_table() -> Job:
    import boto3

    def plain(value: Any) -> Any:
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        raise TypeError(type(value).__name__)

    def job(table: str, folder: Path) -> int:
        resource = boto3.resource("dynamodb").Table(table)
        written = 0
        more: dict[str, Any] = {}
        with (folder / "items.jsonl").open("w") as out:
            while True:
                page = resource.scan(**more)
                for item in page["Items"]:
                    out.write(json.dumps(item, ensure_ascii=False, default=plain) + "\n")
                    written += 1
                if "LastEvaluatedKey" not in page:
                    return written
                more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    return job


def awswrangler() -> Job:
    import awswrangler as wr

    def job(table: str, folder: Path) -> int:
        wr.config.dynamodb_endpoint_url = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
        with warnings.catch_warnings(action="ignore"):  # that a full scan costs
            frame = wr.dynamodb.read_items(table_name=table, allow_full_scan=True)
        frame.to_parquet(folder / "items.parquet", index=False)
        return len(frame)

    return job


def dlt() -> Job:
    import boto3
    import dlt
    import pyarrow.parquet as pq

    @dlt.resource(max_table_nesting=0, write_disposition="replace")
    def items(table: str) -> Iterator[list[dict[str, Any]]]:
        # The resource's own client: its pages hold plain values.
        client = boto3.resource("dynamodb").meta.client
        for page in client.get_paginator("scan").paginate(TableName=table):
            yield page["Items"]

    def job(table: str, folder: Path) -> int:
        target = dlt.destinations.filesystem(str(folder / "out"))
        pipeline = dlt.pipeline("bench", destination=target, dataset_name="d", pipelines_dir=str(folder / "work"))
        pipeline.run(items(table), loader_file_format="parquet")
        return sum(pq.read_metadata(file).num_rows for file in (folder / "out" / "d" / "items").glob("*.parquet"))

    return job


PEERS: dict[str, Callable[[], Job]] = {
    "boto3 client": boto3_client,
    "boto3 Table": boto3_table,
    "awswrangler": awswrangler,
    "dlt": dlt,
}
_TABLES = {"awswrangler": "items.parquet", "dlt": "out/d/items/*.parquet"}
_TIMES = ("created_at", "updated_at", "start_time", "end_time", "timestamp")


def _typed(files: Path) -> int:
    """The outcome as a table of the warehouse: times as times, numbers as numbers."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    times = ", ".join(f'try_cast("{name}" as timestamptz) as "{name}"' for name in _TIMES)
    connection.read_parquet(str(files)).project(f"* replace ({times})").create("typed")
    return len(connection.table("typed"))


def main(name: str, port: str, table: str, items: str, folder: str) -> None:
    os.environ.update(_ENVIRONMENT, AWS_ENDPOINT_URL_DYNAMODB=f"http://127.0.0.1:{port}")
    figures: Figures = {}
    job = PEERS[name]()
    with timed(figures):
        found = job(table, Path(folder))
    figures["mb"] = peak_mb()
    if name in _TABLES:
        with timed(figures, "typed_"):
            found = min(found, _typed(Path(folder) / _TABLES[name]))
    if found != int(items):
        raise SystemExit(f"{name}: {found} items came, {items} were sent")
    report(figures)


if __name__ == "__main__":
    main(*sys.argv[1:])
