"""`mcraft import csv`: the file's bytes into raw, once it is known what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from moderation_craft.clock import iso, new_run_id
from moderation_craft.errors import BoundMet, RecordInvalid, SetupError
from moderation_craft.lake import Lake, Manifest, zones
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.csv.column_map import CsvMap, read_map
from moderation_craft.sources.csv.columns import LeftOut, MeasureColumn
from moderation_craft.sources.csv.measures import Context, Parsed, parse

SOURCE = "csv"
MAX_FILE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class MeasureCount:
    measure: MeasureColumn
    values: int


@dataclass(frozen=True)
class ImportResult:
    """What an import found; `is_new` is False where the same file and map were held already."""

    is_new: bool
    manifest: Manifest
    dataset: str
    rows: int
    repeated_rows: int
    refused_rows: int
    first_day: date
    last_day: date
    user_ids: list[str]
    measures: list[MeasureCount]
    left_out: list[LeftOut]
    first_refusal: str | None

    @property
    def values(self) -> int:
        return sum(count.values for count in self.measures)

    def sentence(self) -> str:
        if not self.is_new:
            return (
                f"{self.dataset}: the same file and map are held since {self.manifest.completed_at}; nothing to do"
            )
        refused = f", {self.refused_rows:,} rows with something refused" if self.refused_rows else ""
        return (
            f"{self.dataset}: {self.values:,} values of {len(self.measures)} measures in {self.rows:,} rows, "
            f"{len(self.user_ids)} people, {self.first_day} to {self.last_day}{refused}"
        )


def import_csv(
    lake: Lake,
    path: Path,
    map_path: Path | None = None,
    user: str | None = None,
    progress: Progress = no_progress,
) -> ImportResult:
    """Take a CSV of daily measures into raw; nothing is written before the whole file is understood.

    Raises RecordInvalid (E003) where the file does not fit, SetupError (E011) where the map or the person is
    wrong, BoundMet (E009) above 256 MB.
    """
    started_at = iso(lake.clock.now())
    plan = _with_user(read_map(map_path) if map_path else CsvMap(), user, map_path)
    data = _read(path)
    progress(0, None, f"reading {path.name}")
    dataset = plan.dataset or path.stem
    sha256 = hashlib.sha256(data).hexdigest()
    imported_on = lake.clock.now().date()
    key = zones.external_part(SOURCE, dataset, imported_on, sha256, "csv")
    parsed = parse(data, plan, Context(path.name, key, imported_on))
    details = {
        "dataset": dataset,
        "map": parsed.plan.normalised(),
        "user": parsed.plan.user_id,
        "file_name": path.name,
        "first_day": str(min(_days(parsed))),
        "last_day": str(max(_days(parsed))),
    }
    held = _held_already(lake, sha256, details)
    if held is not None:
        return _result(parsed, held, dataset, is_new=False)
    progress(parsed.row_count, parsed.row_count, "rows")
    manifest = lake.commit(
        run_id=new_run_id(lake.clock),
        kind="csv_import",
        source=SOURCE,
        started_at=started_at,
        parts=[lake.put_part(key, data, rows=parsed.row_count, stream=dataset, dt=str(imported_on))],
        refusals=parsed.refusals,
        details=details,
    )
    return _result(parsed, manifest, dataset, is_new=True)


def _with_user(plan: CsvMap, user: str | None, map_path: Path | None) -> CsvMap:
    if user is None:
        return plan
    if plan.user is not None:
        raise SetupError(
            f"--user {user} says whose days these are, and so does the column {plan.user!r} in {str(map_path)!r}.",
            remedy="leave out --user, or remove `user` from the map.",
        )
    return msgspec.structs.replace(plan, user_id=user)


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BoundMet(
                f"{path.name} has {size:,} bytes; at most {MAX_FILE_BYTES:,} are read at once.",
                remedy="split it by year, then import the pieces with the same map.",
            )
        return path.read_bytes()
    except OSError as error:
        raise RecordInvalid(
            f"The CSV {str(path)!r} cannot be read: {error.strerror or error}.",
            remedy="give the path of a CSV file that exists and that you may read.",
        ) from error


def _held_already(lake: Lake, sha256: str, details: Mapping[str, object]) -> Manifest | None:
    """The import that said the same, unless a later one of the data set speaks of the same days."""
    told = {**details, "file_name": None}
    for held in reversed(lake.manifests(SOURCE)):
        if held.details.get("dataset") != details["dataset"] or held.details.get("user") != details["user"]:
            continue
        if held.parts[0].sha256 == sha256 and {**held.details, "file_name": None} == told:
            return held
        if _overlap(held.details, details):
            return None
    return None


def _overlap(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    return str(one["first_day"]) <= str(other["last_day"]) and str(other["first_day"]) <= str(one["last_day"])


def _days(parsed: Parsed) -> list[date]:
    return [row.day for row in parsed.days if row.day is not None]


def _result(parsed: Parsed, manifest: Manifest, dataset: str, *, is_new: bool) -> ImportResult:
    counts = {measure.name: 0 for measure in parsed.measures}
    for row in parsed.days:
        for name in row.values:
            counts[name] += 1
    return ImportResult(
        is_new=is_new,
        manifest=manifest,
        dataset=dataset,
        rows=parsed.row_count,
        repeated_rows=parsed.repeated_count,
        refused_rows=len(parsed.refusals),
        first_day=min(_days(parsed)),
        last_day=max(_days(parsed)),
        user_ids=sorted({row.user_id for row in parsed.days}),
        measures=[MeasureCount(measure, counts[measure.name]) for measure in parsed.measures],
        left_out=parsed.left_out,
        first_refusal=parsed.refusals[0].reason if parsed.refusals else None,
    )
