"""What SQL cannot read, made readable: iCalendar and anybody's CSV as Parquet in staging, from raw alone."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from moderation_craft.lake import Lake, Manifest, Refusal, zones
from moderation_craft.lake.quarantine import quarantine
from moderation_craft.sources.calendar.envelopes import Held, current_snapshots, load
from moderation_craft.sources.calendar.events import expand
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.csv.column_map import CsvMap
from moderation_craft.sources.csv.measures import Context, parse, values_of
from moderation_craft.sources.fitbit import archive_prepare

PREPARE_VERSION: Final = 2
ENTITIES: Final = {"calendar": "events", "csv": "measures"} | {
    kind: kind.removeprefix("fitbit_") for kind in archive_prepare.SCHEMAS
}
"""What is prepared, and the entity that it becomes; Fitbit's archives become three."""

_INSTANT = pa.timestamp("us")

SCHEMAS: Final = {
    "calendar": pa.schema(
        [
            ("user_id", pa.string()),
            ("way_in", pa.string()),
            ("calendar", pa.string()),
            ("uid", pa.string()),
            ("recurrence_id", pa.string()),
            ("starts_at", _INSTANT),
            ("ends_at", _INSTANT),
            ("starts_on", pa.date32()),
            ("ends_on", pa.date32()),
            ("is_all_day", pa.bool_()),
            ("is_busy", pa.bool_()),
            ("is_declined", pa.bool_()),
            ("status", pa.string()),
            ("title", pa.string()),
            ("fetched_at", _INSTANT),
        ]
    ),
    "csv": pa.schema(
        [
            ("user_id", pa.string()),
            ("date", pa.date32()),
            ("measure", pa.string()),
            ("value", pa.float64()),
            ("unit", pa.string()),
            ("kind", pa.string()),
            ("label_ja", pa.string()),
            ("label_en", pa.string()),
            ("dataset", pa.string()),
            ("imported_at", _INSTANT),
            ("row_number", pa.int32()),
        ]
    ),
    **archive_prepare.SCHEMAS,
}

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class _Task:
    """One prepared object that should exist: its key, and how its rows (in order) are made."""

    source: str
    key: str
    label: str
    make: Callable[[], tuple[Rows, list[Refusal]]]


def prepare_all(lake: Lake, progress: Progress = no_progress, *, titles_of: Collection[str] = ()) -> list[str]:
    """Write every prepared object that raw calls for and staging lacks, remove those that raw no longer
    calls for; returns the keys written. The same raw always gives the same bytes.

    `titles_of` are the people whose events' titles may leave raw; everybody else's stay there.
    """
    written = []
    for source in ENTITIES:
        tasks = list(_tasks(lake, source, titles_of))
        held = {stored.key for stored in lake.storage.list(f"{zones.STAGING}{_home(source)}/{ENTITIES[source]}/")}
        missing = [task for task in tasks if task.key not in held]
        for done, task in enumerate(missing):
            progress(done, len(missing), task.label)
            rows, refusals = task.make()
            for refusal in refusals:
                quarantine(lake.storage, refusal)
            lake.storage.put(task.key, _parquet(rows, SCHEMAS[source]))
            written.append(task.key)
        lake.storage.delete(sorted(held - {task.key for task in tasks}))
    return written


def prepared_keys(lake: Lake, source: str, *, titles_of: Collection[str] = ()) -> list[str]:
    """The prepared objects that belong to the raw that counts now, sorted: the latest state of each
    calendar; of each CSV file its latest import."""
    return sorted({task.key for task in _tasks(lake, source, titles_of)})


def _tasks(lake: Lake, source: str, titles_of: Collection[str]) -> Iterator[_Task]:
    if source == "calendar":
        yield from (_calendar_task(lake, held, held.user_id in titles_of) for held in current_snapshots(lake))
    elif source == "csv":
        yield from (_csv_task(lake, manifest) for manifest in _current_imports(lake))
    else:
        yield from (_archive_task(source, batch) for batch in archive_prepare.batches(lake, source))


def _home(source: str) -> str:
    """The source whose staging an object belongs to."""
    return source.partition("_")[0]


def _archive_task(source: str, batch: archive_prepare.Batch) -> _Task:
    return _Task(source, _key(source, *batch.told), "Fitbit archives", batch.make)


def _key(source: str, *told: object) -> str:
    spelled = msgspec.json.encode([PREPARE_VERSION, *told], order="sorted")
    return zones.prepared(_home(source), ENTITIES[source], hashlib.sha256(spelled).hexdigest())


def _calendar_task(lake: Lake, held: Held, with_titles: bool) -> _Task:
    raw = [[part.sha256 for part in held.parts], held.syncs, held.window_first]
    key = _key("calendar", held.way_in, held.user_id, held.calendar, raw, with_titles)
    return _Task("calendar", key, "calendars", lambda: _calendar_rows(lake, held, with_titles))


def _calendar_rows(lake: Lake, held: Held, with_titles: bool) -> tuple[Rows, list[Refusal]]:
    snapshot = load(lake, held)
    expanded = expand(snapshot, with_titles=with_titles)
    fetched_at = _instant(snapshot.fetched_at)
    rows = [
        (
            snapshot.user_id,
            snapshot.way_in,
            snapshot.calendar,
            found.uid,
            found.recurrence_id,
            found.starts_at,
            found.ends_at,
            found.starts_on,
            found.ends_on,
            found.is_all_day,
            found.is_busy,
            found.is_declined,
            found.status,
            found.title,
            fetched_at,
        )
        for found in expanded.occurrences
    ]
    return rows, expanded.refusals


def _current_imports(lake: Lake) -> list[Manifest]:
    """Every CSV import, oldest first; of the same file imported anew (with another map) only the last."""
    latest: dict[tuple[Any, ...], Manifest] = {}
    for manifest in lake.manifests("csv"):
        details = manifest.details
        same_file = (details["dataset"], details["user"], manifest.parts[0].sha256)
        latest.pop(same_file, None)
        latest[same_file] = manifest
    return list(latest.values())


def _csv_task(lake: Lake, manifest: Manifest) -> _Task:
    key = _key("csv", manifest.parts[0].sha256, manifest.details, manifest.completed_at)
    return _Task("csv", key, "spreadsheets", lambda: _csv_rows(lake, manifest))


def _csv_rows(lake: Lake, manifest: Manifest) -> tuple[Rows, list[Refusal]]:
    part, details = manifest.parts[0], manifest.details
    context = Context(str(details["file_name"]), part.key, date.fromisoformat(part.dt))
    parsed = parse(lake.storage.get(part.key), CsvMap.from_normalised(details["map"]), context)
    imported_at = _instant(manifest.completed_at)
    rows = [
        (
            row.user_id,
            row.day,
            measure.name,
            value,
            measure.unit,
            measure.kind,
            measure.label_ja,
            measure.label_en,
            details["dataset"],
            imported_at,
            row.number,
        )
        for row, measure, value in values_of(parsed)
    ]
    return sorted(rows, key=lambda row: row[:3]), parsed.refusals


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _parquet(rows: Rows, schema: pa.Schema) -> bytes:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    table = pa.table(
        [pa.array(column, type=kind) for column, kind in zip(columns, schema.types, strict=True)],
        schema=schema,
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()
