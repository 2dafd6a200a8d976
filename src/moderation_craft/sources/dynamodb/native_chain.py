"""A table's native exports as a chain: a full export and the windows after it, which must join exactly."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NoReturn

from moderation_craft.clock import iso, new_run_id
from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake, Manifest, Part
from moderation_craft.lake.chain import as_of, chain, is_delta
from moderation_craft.sources.dynamodb.native_files import VerifiedExport

SOURCE = "dynamodb"
KIND = "dynamodb_export"
MODE = "pitr"
SHORTEST_WINDOW = timedelta(minutes=15)
LONGEST_WINDOW = timedelta(hours=24)
NEW_CHAIN = (
    "start a new chain with a full export: `mcraft export --mode pitr --new-chain`, or `mcraft import "
    "dynamodb-export` of one taken later."
)


def native_exports(lake: Lake, table: str) -> list[Manifest]:
    """The committed native exports of a table, full and windows, oldest first."""
    return [
        manifest
        for manifest in lake.manifests(SOURCE)
        if manifest.details.get("mode") == MODE and manifest.details.get("table_name") == table
    ]


def begins(manifest: Manifest) -> str | None:
    """Where a window begins, ISO 8601 UTC; None for a full export."""
    found = manifest.details.get("from")
    return None if found is None else str(found)


def check_chain(manifests: Iterable[Manifest]) -> list[Manifest]:
    """The newest full native export of a table and the windows after it, proven to join.

    `manifests` are of one table; those of scans are left out. RecordInvalid (E003) names both ends where a window
    is missing, overlaps another, or has no full export to stand on.
    """
    links = chain(manifest for manifest in manifests if manifest.details.get("mode") == MODE)
    if links and is_delta(links[0]):
        raise RecordInvalid(
            f"The window {begins(links[0])} … {as_of(links[0])} of {_table_of(links[0])} has no full native "
            "export before it. Nothing was registered.",
            remedy=f"import that full export first, or {NEW_CHAIN}",
        )
    for before, after in pairwise(links):
        if not _joins(before, after):
            _refuse_break(before, after)
    return links


def _joins(before: Manifest, after: Manifest) -> bool:
    """Whether a window begins where the link before it ended; AWS counts windows in whole seconds, so one may
    begin at the second in which a full export of a fraction later was taken."""
    ended = as_of(before)
    return begins(after) in (ended, iso(whole_second(instant(ended))))


def _refuse_break(before: Manifest, after: Manifest) -> NoReturn:
    first, ended = str(begins(after)), as_of(before)
    what = "a gap" if first > ended else "an overlap"
    raise RecordInvalid(
        f"The native exports of {_table_of(after)} do not join: {before.id} ends at {ended}, {after.id} covers "
        f"{first} … {as_of(after)}: {what}. Nothing was registered.",
        remedy=f"import the window that joins them, or {NEW_CHAIN}",
    )


def _table_of(manifest: Manifest) -> str:
    return repr(manifest.details.get("table_name"))


def split_windows(first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    """A span as joined windows of 15 minutes to 24 hours, oldest first; none where it is shorter than that."""
    windows = []
    while last - first >= SHORTEST_WINDOW:
        end = min(first + LONGEST_WINDOW, last)
        if timedelta() < last - end < SHORTEST_WINDOW:
            end = last - SHORTEST_WINDOW
        windows.append((first, end))
        first = end
    return windows


def _data_parts(verified: VerifiedExport, table: str) -> list[Part]:
    """The data files that hold anything, as raw's parts; AWS writes an empty file for an empty partition."""
    return [
        Part(key=file.key, bytes=file.bytes, sha256=file.sha256, rows=file.lines, stream=table)
        for file in sorted(verified.files, key=lambda file: file.key)
        if file.lines
    ]


def details_of(verified: VerifiedExport, table: str, job_id: str | None) -> dict[str, Any]:
    """What the lake's manifest says of an export."""
    summary = verified.summary
    shows = iso(summary.as_of)
    first = None if summary.begins is None else iso(summary.begins)
    return {
        "table_name": table,
        "mode": MODE,
        "is_delta": summary.is_delta,
        "as_of": shows,
        "from": first,
        "format": "dynamodb_json",
        "region": summary.region,
        "job_id": job_id,
        "window": {"first": first or shows, "last": shows},
        "native": {
            "export_arn": summary.export_arn,
            "table_arn": summary.table_arn,
            "table_id": summary.table_id,
            "folder": verified.folder.key("").rstrip("/"),
            "view": summary.output_view,
            "items": summary.item_count,
            "unreadable_lines": verified.unreadable,
            "billed_size_bytes": summary.billed_size_bytes,
        },
    }


def commit(lake: Lake, table: str, verified: VerifiedExport, started_at: str, job_id: str | None) -> Manifest:
    """Register an export whose files lie in the lake; RecordInvalid (E003) where its window joins no chain."""
    details = details_of(verified, table, job_id)
    check_joins(lake, table, details)
    return lake.commit(
        run_id=new_run_id(lake.clock),
        kind=KIND,
        source=SOURCE,
        started_at=started_at,
        parts=_data_parts(verified, table),
        details=details,
    )


def check_joins(lake: Lake, table: str, details: dict[str, Any]) -> None:
    """The table's chain with this link in it joins; RecordInvalid (E003) where it would not."""
    new = Manifest(
        id="~the new one",
        kind=KIND,
        source=SOURCE,
        started_at="",
        completed_at="",
        parts=[],
        rows=0,
        details=details,
    )
    held = native_exports(lake, table)
    links = check_chain([*held, new])
    ids = {manifest.details.get("native", {}).get("table_id") for manifest in links} - {None, ""}
    if len(ids) > 1 and new in links and is_delta(new):
        raise RecordInvalid(
            f"The window {begins(new)} … {as_of(new)} is of another table {table!r} than its chain: the table was "
            "made anew. Nothing was registered.",
            remedy=NEW_CHAIN,
        )


def registered(lake: Lake, table: str, export_arn: str) -> Manifest | None:
    """The manifest of an export that the lake holds already."""
    for manifest in native_exports(lake, table):
        if manifest.details.get("native", {}).get("export_arn") == export_arn:
            return manifest
    return None


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def whole_second(moment: datetime) -> datetime:
    """In UTC without its fraction: AWS counts exports' times in whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)
