"""The app's table into raw: a full scan that resumes, the changes since, or AWS's own export."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from moderation_craft.clock import iso
from moderation_craft.lake import Lake, Manifest, zones
from moderation_craft.lake.chain import as_of, is_delta
from moderation_craft.lake.storage import local_disk
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.dynamodb.allocator import return_large_blocks
from moderation_craft.sources.dynamodb.capacity import ReadCapacity
from moderation_craft.sources.dynamodb.checkpoint import Checkpoint, ExportPaused, ExportState
from moderation_craft.sources.dynamodb.client import DynamoDBClient, TableDescription
from moderation_craft.sources.dynamodb.exports import table_chain
from moderation_craft.sources.dynamodb.incremental import ChangesUntold, export_changes
from moderation_craft.sources.dynamodb.native_export import export_native
from moderation_craft.sources.dynamodb.parts import ExportFormat
from moderation_craft.sources.dynamodb.scan import PartTarget, TableScan

__all__ = ["ExportFormat", "ExportMode", "ExportPaused", "export_table", "scan_table"]

ExportMode = Literal["full", "incremental", "pitr"]

_SEGMENT_BYTES = 16 * 1024 * 1024
_MOST_SEGMENTS = 16


def export_table(
    lake: Lake,
    client: DynamoDBClient,
    table: str,
    *,
    mode: ExportMode = "full",
    format: ExportFormat = "parquet",
    segments: int | None = None,
    max_rcu: float | None = None,
    overlap_hours: float = 24,
    reconcile: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    new_chain: bool = False,
    scratch: Path | None = None,
    deadline: Callable[[], bool] | None = None,
    job_id: str | None = None,
    progress: Progress = no_progress,
) -> Manifest:
    """One export of a table in any mode: `scan_table`, `export_changes` or `export_native` says what it does.

    Changes need something to be changes of, and the index: without either the whole table is scanned, and the
    manifest's `details.reason` says why.
    """

    def scan(reason: str | None = None) -> Manifest:
        return scan_table(
            lake,
            client,
            table,
            format=format,
            segments=segments,
            max_rcu=max_rcu,
            scratch=scratch,
            deadline=deadline,
            job_id=job_id,
            reason=reason,
            progress=progress,
        )

    if mode == "pitr":
        return export_native(
            lake, client, table, new_chain=new_chain, job_id=job_id, deadline=deadline, progress=progress
        )
    if mode == "full":
        return scan()
    if not any(not is_delta(link) for link in table_chain(lake, table)):
        return scan("there was no full export of this table yet")
    try:
        return export_changes(
            lake,
            client,
            table,
            format=format,
            segments=segments or how_many_segments(client.describe(table)),
            max_rcu=max_rcu,
            overlap_hours=overlap_hours,
            since=since,
            until=until,
            reconcile=reconcile,
            job_id=job_id,
            progress=progress,
        )
    except ChangesUntold as untold:
        return scan(untold.reason)


def scan_table(
    lake: Lake,
    client: DynamoDBClient,
    table: str,
    *,
    format: ExportFormat = "parquet",
    segments: int | None = None,
    max_rcu: float | None = None,
    scratch: Path | None = None,
    deadline: Callable[[], bool] | None = None,
    job_id: str | None = None,
    reason: str | None = None,
    progress: Progress = no_progress,
) -> Manifest:
    """Copy every item of a table into raw and commit it with one manifest.

    A scan that was cut off within the last day goes on: with `scratch` from its last finished page, else from
    its last finished part. Items are what the scan saw between `details.window.first` and `.last`; a table that
    changes meanwhile may show some changes and not others (DynamoDB's scan gives no snapshot), which the next
    incremental export, reading from `window.first` on, makes up for. `segments` None chooses by the table's
    size; `max_rcu` caps the read capacity units a second.

    Raises SetupError where there is no table, ExportPaused where `deadline` turned true.
    """
    return_large_blocks()
    description = client.describe(table)
    checkpoint = Checkpoint(lake, table)
    state = checkpoint.begin(
        endpoint=client.endpoint_url,
        format=format,
        segments=segments or how_many_segments(description),
        newest=max((as_of(link) for link in table_chain(lake, table)), default=""),
    )
    capacity = ReadCapacity(max_rcu)
    capacity.count(state.consumed_rcu)
    with _work_folder(scratch, table, state.export_id) as (folder, spool):
        scan = TableScan(
            state,
            client=client,
            target=PartTarget(lake, table, date.fromisoformat(state.started_at[:10]), format, folder),
            checkpoint=checkpoint,
            capacity=capacity,
            spool=spool,
            progress=progress,
            about=description.item_count,
        )
        if not scan.run(deadline or (lambda: False)):
            raise ExportPaused(scan.items)
        manifest = _commit(lake, client, table, state, format=format, job_id=job_id, reason=reason)
        checkpoint.clear()
    if spool is not None:
        shutil.rmtree(folder, ignore_errors=True)
    return manifest


def how_many_segments(description: TableDescription) -> int:
    """One segment for each 16 MB of table, at most four a core (readers wait for the network) and 16 in all."""
    by_size = description.size_bytes // _SEGMENT_BYTES + 1
    return int(min(by_size, 4 * (os.cpu_count() or 1), _MOST_SEGMENTS))


@contextmanager
def _work_folder(scratch: Path | None, table: str, export_id: str) -> Iterator[tuple[Path, Path | None]]:
    """A local folder for the part under way, and where pages are spooled if they are to outlive the process."""
    if scratch is None:
        with tempfile.TemporaryDirectory(prefix="mcraft-export-") as passing:
            yield Path(passing), None
        return
    mine = scratch / "exports" / zones.safe(table) / export_id
    with local_disk(scratch):
        for older in mine.parent.iterdir() if mine.parent.is_dir() else ():
            if older != mine:
                shutil.rmtree(older, ignore_errors=True)
        mine.mkdir(parents=True, exist_ok=True)
    yield mine, mine / "pages.spool"


def _commit(
    lake: Lake,
    client: DynamoDBClient,
    table: str,
    state: ExportState,
    *,
    format: ExportFormat,
    job_id: str | None,
    reason: str | None,
) -> Manifest:
    return lake.commit(
        run_id=state.export_id,
        kind="dynamodb_export",
        source="dynamodb",
        started_at=state.started_at,
        parts=state.parts,
        details={
            "table_name": table,
            "mode": "full",
            "is_delta": False,
            "as_of": state.started_at,
            "from": None,
            "watermark": state.started_at,
            "format": format,
            "region": client.region,
            "job_id": job_id,
            "reason": reason,
            "window": {"first": state.started_at, "last": iso(lake.clock.now())},
            "segments": len(state.segments),
            "sessions": state.sessions,
            "consumed_rcu": round(state.consumed_rcu, 1),
            "entity_types": state.entity_types,
        },
    )
