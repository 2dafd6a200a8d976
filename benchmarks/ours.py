"""Our full export in a process of its own: `python -m benchmarks.ours FORMAT PORT TABLE ITEMS FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.meter import Figures, peak_mb, report, timed
from moderation_craft.lake import Lake
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient
from moderation_craft.sources.dynamodb.export import ExportFormat, export_table

FORMATS: tuple[ExportFormat, ...] = ("parquet", "json")


def main(format: ExportFormat, port: str, table: str, items: str, folder: str) -> None:
    """Exports as `mcraft export` does, page spool included."""
    figures: Figures = {}
    lake = Lake.open(str(Path(folder) / "lake"))
    keys = AwsKeys("bench", "bench")
    with (
        DynamoDBClient(region="ap-northeast-1", endpoint_url=f"http://127.0.0.1:{port}", keys=keys) as client,
        timed(figures),
    ):
        manifest = export_table(lake, client, table, format=format, scratch=Path(folder) / "scratch")
    figures["mb"] = peak_mb()
    figures["stored_bytes"] = sum(part.bytes for part in manifest.parts)
    if manifest.rows != int(items):
        raise SystemExit(f"{manifest.rows} items came, {items} were sent")
    report(figures)


if __name__ == "__main__":
    name, *others = sys.argv[1:]
    main("json" if name == "json" else "parquet", *others)
