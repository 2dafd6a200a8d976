"""`mcraft import dynamodb-export`: an export of AWS's own that was made elsewhere, into raw and into its chain."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import UTC
from pathlib import Path

from msgspec.structs import replace

from moderation_craft.clock import iso
from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake, Manifest, Storage, zones
from moderation_craft.lake.storage import local_disk
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.dynamodb.native_chain import (
    SOURCE,
    check_joins,
    commit,
    details_of,
    registered,
)
from moderation_craft.sources.dynamodb.native_files import (
    EXPORTS_FOLDER,
    SUMMARY,
    ExportFolder,
    VerifiedExport,
    VerifiedFile,
    export_names,
    read_manifests,
    verify,
)


def import_native(
    lake: Lake, path: str | Path, table: str | None = None, progress: Progress = no_progress
) -> Manifest:
    """Take an export made elsewhere into raw: a local folder, or s3://bucket/prefix, of AWS's layout.

    `path` is the export's own folder (`…/AWSDynamoDB/{id}`) or one above it that holds one export. Files below
    the lake's own native exports are registered where they lie, others copied byte for byte. `table` registers
    it under another name. An export that is held already changes nothing and its manifest is returned.

    Raises RecordInvalid (E003), with nothing registered, where the export is not whole, not DynamoDB JSON, or a
    window that joins no chain.
    """
    started_at = iso(lake.clock.now())
    folder = _find_export(str(path))
    summary, _, _ = read_manifests(folder)
    name = table or summary.table_name
    held = registered(lake, name, summary.export_arn)
    if held is not None:
        progress(held.rows, held.rows, f"items, held since {held.completed_at}: nothing to do")
        return held
    verified = verify(folder, progress)
    home = _key_in_lake(lake, folder)
    if home is not None:
        verified = _moved(verified, ExportFolder(lake.storage, home, folder.export_id))
    else:
        check_joins(lake, name, details_of(verified, name, None))
        above = zones.native_export(summary.as_of.astimezone(UTC).date(), name)
        export_id = zones.safe(summary.export_arn.rsplit("/", 1)[-1])
        verified = _copy(verified, ExportFolder(lake.storage, f"{above}/{EXPORTS_FOLDER}/", export_id))
    return commit(lake, name, verified, started_at, None)


def _find_export(path: str) -> ExportFolder:
    """The one export at a path, the folder above its own opened as a storage."""
    address = path.rstrip("/") if path.startswith("s3://") else str(Path(path).expanduser().absolute())
    if not path.startswith("s3://") and not Path(address).is_dir():
        raise RecordInvalid(
            f"There is no folder {path!r}.",
            remedy="give the folder of an export: the one with manifest-summary.json, or AWSDynamoDB above it.",
        )
    above, _, name = address.rpartition("/")
    if above == "s3:/":
        raise RecordInvalid(f"{path!r} is a whole bucket.", remedy="name the folder of one export in it.")
    storage = Storage.open(above or "/")
    found = export_names(stored.key for stored in storage.list(f"{name}/") if stored.key.endswith(f"/{SUMMARY}"))
    if len(found) != 1:
        names = ", ".join(key.rsplit("/", 1)[-1] for key in found)
        raise RecordInvalid(
            f"{path!r} holds {f'{len(found)} exports: {names}' if found else f'no {SUMMARY}'}.",
            remedy="name the folder of one export."
            if found
            else "an export that failed or is still under way has none; name the folder of a finished one.",
        )
    home, _, export_id = found[0].rpartition("/")
    return ExportFolder(storage, f"{home}/" if home else "", export_id)


def _key_in_lake(lake: Lake, folder: ExportFolder) -> str | None:
    """Where the export's AWSDynamoDB folder lies in the lake, if among its native exports."""
    inside = f"{folder.storage.address}/{folder.home}".removeprefix(f"{lake.address}/")
    return inside if inside.startswith(f"{zones.home(SOURCE)}/") else None


def _moved(verified: VerifiedExport, target: ExportFolder) -> VerifiedExport:
    """The same export with the keys that it has elsewhere."""
    source = verified.folder

    def key_there(key: str) -> str:
        own = source.key("")
        return target.key(key.removeprefix(own)) if key.startswith(own) else target.home + key[len(source.home) :]

    files = [replace(file, key=key_there(file.key)) for file in verified.files]
    return VerifiedExport(target, verified.summary, files, verified.own_files)


def _copy(verified: VerifiedExport, target: ExportFolder) -> VerifiedExport:
    """The export's files byte for byte, data first; each data file is checked once more on its way."""
    source = verified.folder
    moved = _moved(verified, target)
    for file, goal in zip(verified.files, moved.files, strict=True):
        if file.lines:
            _copy_file(source.storage, file, target.storage, goal.key)
    for name in verified.own_files:
        target.storage.put(target.key(name), source.storage.get(source.key(name)))
    return moved


def _copy_file(source: Storage, file: VerifiedFile, target: Storage, key: str) -> None:
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile() as copy:
        folder = Path(copy.name).parent
        for chunk in source.stream(file.key):
            digest.update(chunk)
            with local_disk(folder):
                copy.write(chunk)
        with local_disk(folder):
            copy.flush()
        if digest.hexdigest() != file.sha256:
            raise RecordInvalid(
                f"The data file {file.key!r} changed while it was read.",
                remedy="import it again when nothing writes to it.",
            )
        target.put_file(key, Path(copy.name))
