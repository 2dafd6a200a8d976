"""`mcraft import ics`: a calendar file into raw, as if it had been fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from moderation_craft.clock import iso, new_run_id
from moderation_craft.errors import BoundMet, RecordInvalid
from moderation_craft.lake import Entry, Lake, Manifest, zones
from moderation_craft.sources.calendar.envelopes import current_snapshots, load
from moderation_craft.sources.calendar.ics import calendar_text, metadata
from moderation_craft.sources.calendar.streams import ICS, SOURCE
from moderation_craft.sources.contract import Progress, no_progress

MAX_FILE_BYTES = 64 * 1024 * 1024


def import_ics(
    lake: Lake,
    path: Path,
    user_id: str,
    *,
    timezone: str = "Asia/Tokyo",
    progress: Progress = no_progress,
) -> Manifest | None:
    """Take an .ics file into raw as a person's calendar named after the file; None where the same text is
    held already. `timezone` reads times without a zone. Raises RecordInvalid (E003), BoundMet (E009).
    """
    started_at = iso(lake.clock.now())
    today = lake.clock.now().date()
    name = f"file-{path.stem}"
    data = msgspec.json.encode(calendar_text(_read(path), repr(path.name)))
    digest = hashlib.sha256(data).hexdigest()
    said = {**metadata(name, today, timezone), "request": f"import {path.name}"}
    if _is_held(lake, user_id, said, data):
        progress(0, 0, f"{path.name} is held already; nothing to do")
        return None
    envelope = {
        "source": SOURCE,
        "stream": ICS.name,
        "user_id": user_id,
        "date": str(today),
        "fetched_at": started_at,
        "data": msgspec.Raw(data),
        "metadata": said,
    }
    line = msgspec.json.encode(envelope) + b"\n"
    key = zones.external_part(SOURCE, ICS.name, today, hashlib.sha256(line).hexdigest())
    entry = Entry(user_id=user_id, date=str(today), digest=digest, fetched_at=started_at)
    part = lake.put_part(key, line, rows=1, stream=ICS.name, dt=str(today), entries=[entry])
    series = {"stream": ICS.name, "user_id": user_id, "series": str(said["series"]), "digest": digest}
    progress(1, 1, f"{path.name} taken")
    return lake.commit(
        run_id=new_run_id(lake.clock),
        kind="fetch",
        source=SOURCE,
        started_at=started_at,
        parts=[part],
        details={"series": [series]},
    )


def _is_held(lake: Lake, user_id: str, said: Mapping[str, object], data: bytes) -> bool:
    """Whether this calendar's latest snapshot has the same text, read in the same zone and this month."""
    for held in current_snapshots(lake):
        if (held.user_id, held.calendar) == (user_id, said["calendar"]):
            latest = load(lake, held)
            return (latest.data, latest.timezone, latest.series) == (data, said["timezone"], said["series"])
    return False


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BoundMet(
                f"{path.name} is larger than {MAX_FILE_BYTES:,} bytes.",
                remedy="export the calendar year by year, then import the files one by one.",
            )
        return path.read_bytes()
    except OSError as error:
        raise RecordInvalid(
            f"The calendar {str(path)!r} cannot be read: {error.strerror or error}.",
            remedy="give the path of an .ics file that exists and that you may read.",
        ) from error
