"""`mcraft import dexie`: a dexie-export-import dump of the app's browser database into raw, byte for byte."""

from __future__ import annotations

from pathlib import Path

from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake, Manifest
from moderation_craft.settings import DEFAULT_MAX_UPLOAD_BYTES
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.indexeddb.take import Browser, take


def import_dexie(
    lake: Lake,
    path: Path,
    user_id: str,
    progress: Progress = no_progress,
    *,
    device_id: str = "",
    max_bytes: int = DEFAULT_MAX_UPLOAD_BYTES,
) -> Manifest:
    """Take a dump (JSON, plain or gzip) into raw; where this browser's newest says the same, its manifest is
    returned and nothing is written.

    Raises RecordInvalid (E003) for what is no dump of the app's database, BoundMet (E009) above a bound.
    """
    progress(0, None, f"reading {path.name}")
    try:
        file = path.open("rb")
    except OSError as error:
        raise RecordInvalid(
            f"The dump {str(path)!r} cannot be read: {error.strerror or error}.",
            remedy="give the path of a dump that exists and that you may read.",
        ) from error
    with file:
        taken = take(lake, file, path.name, Browser(user_id, device_id), max_bytes=max_bytes, progress=progress)
    manifest = taken.manifest
    doing = f"rows, held since {manifest.completed_at}: nothing to do" if taken.already_held else "rows taken"
    progress(taken.rows, taken.rows, doing)
    return manifest
