"""A dump or a chunk of changes into raw: read whole first, then parts, then the manifest; nothing before that."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from moderation_craft.clock import iso, new_run_id
from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake, Manifest, Refusal, zones
from moderation_craft.settings import DEFAULT_MAX_UPLOAD_BYTES
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.indexeddb.part_spool import PartSpool, nameless_file
from moderation_craft.sources.indexeddb.reader import APP_DATABASE, REMEDY, Contents, DumpReader, Refused, Upload
from moderation_craft.sources.indexeddb.receipts import SOURCE, Receipts
from moderation_craft.sources.indexeddb.unpack import unpacked

MAX_REFUSED = 10_000
MAX_REFUSED_BYTES = 64 * 1024 * 1024
_PROGRESS_EVERY = 20_000

_committing = threading.Lock()
"""Between "is it held?" and the manifest, so that a chunk sent twice at once is taken once."""


@dataclass(frozen=True)
class Browser:
    """Where a dump comes from; `device_id` is empty where nobody told it."""

    user_id: str
    device_id: str = ""


@dataclass(frozen=True)
class Taken:
    """What became of a dump: its manifest, whether that was there already, and what this upload held."""

    manifest: Manifest
    already_held: bool
    upload: Upload | None

    @property
    def deleted(self) -> int:
        return int(self.manifest.details.get("deleted", 0))

    @property
    def rows(self) -> int:
        return self.manifest.rows - self.deleted


def take(
    lake: Lake,
    file: BinaryIO,
    name: str,
    browser: Browser,
    *,
    part: Literal["whole", "changes"] | None = None,
    received_at: datetime | None = None,
    max_bytes: int = DEFAULT_MAX_UPLOAD_BYTES,
    spool_folder: Path | None = None,
    progress: Progress = no_progress,
) -> Taken:
    """Take a dump (JSON, plain or gzip; a seekable file) into raw; what is held already is not written again.

    Without `part`, a dump that carries `mcraft` is one of changes. `manifest.rows + manifest.refused` is the
    number of rows and deletions in the dump. Raises RecordInvalid (E003) for what is no whole dump of the app's
    database, BoundMet (E009) above a bound, LakeRefused (E004); each leaves raw as it was.
    """
    received_at = received_at or lake.clock.now()

    def chunks() -> Iterator[bytes]:
        return unpacked(file, name, max_bytes=max_bytes, remedy=REMEDY)

    with nameless_file(spool_folder) as spooled:
        found = _read(DumpReader(chunks, name), PartSpool(spooled), name, progress)
        upload = found.contents.upload
        is_delta = (upload is not None) if part is None else part == "changes"
        held = _held(lake, browser, found, is_delta)
        if held is not None:
            return Taken(held, True, upload)
        parts = found.spool.store(lake, dt=received_at.date(), user_id=browser.user_id, stream=APP_DATABASE)
        with _committing:
            held = _held(lake, browser, found, is_delta)
            if held is not None:
                return Taken(held, True, upload)
            run_id = new_run_id(lake.clock)
            Receipts.read(lake, browser.user_id, browser.device_id).note(
                lake, browser.user_id, browser.device_id, upload, run_id
            )
            manifest = lake.commit(
                run_id=run_id,
                kind="indexeddb_changes" if is_delta else "indexeddb_dump",
                source=SOURCE,
                started_at=iso(received_at),
                parts=parts,
                refusals=found.refusals(received_at.date(), parts[0].key if parts else zones.home(SOURCE)),
                details={
                    "user_id": browser.user_id,
                    "device_id": browser.device_id,
                    "is_delta": is_delta,
                    "as_of": iso(received_at),
                    **found.details(received_at),
                },
            )
    return Taken(manifest, False, upload)


@dataclass(frozen=True)
class _Found:
    """A dump that was read whole."""

    contents: Contents
    spool: PartSpool
    refused: list[Refused]
    deleted: int

    @property
    def refused_digest(self) -> str:
        """The same for the same refused rows; empty where there is none."""
        records = [each.record for each in self.refused]
        return hashlib.sha256(msgspec.json.encode(records)).hexdigest()[:16] if records else ""

    def refusals(self, dt: date, origin: str) -> list[Refusal]:
        code = RecordInvalid.code
        return [
            Refusal(source=SOURCE, dt=dt, code=code, reason=each.reason, origin=origin, record=each.record)
            for each in self.refused
        ]

    def details(self, received_at: datetime) -> dict[str, Any]:
        """What the manifest says of the dump; `clock_skew_seconds`: how far the device's clock is behind ours."""
        told: dict[str, Any] = {
            "database": self.contents.database,
            "header": self.contents.header,
            "deleted": self.deleted,
            "refused_digest": self.refused_digest,
        }
        upload = self.contents.upload
        if upload is not None:
            told |= {"upload": upload.upload, "sequence": upload.number, "last": upload.last}
            if upload.sent_at is not None:
                told["clock_skew_seconds"] = round(received_at.timestamp() - upload.sent_at / 1000, 3)
        return told


def _read(reader: DumpReader, spool: PartSpool, name: str, progress: Progress) -> _Found:
    """Every line onto the spool, every row that is none beside it."""
    refused: list[Refused] = []
    refused_bytes = deleted = 0
    for count, record in enumerate(reader.records(), start=1):
        if isinstance(record, Refused):
            refused.append(record)
            refused_bytes += len(record.record)
            if len(refused) > MAX_REFUSED or refused_bytes > MAX_REFUSED_BYTES:
                raise RecordInvalid(
                    f"{name} holds more than {len(refused) - 1:,} rows that are none, such as: {record.reason}.",
                    remedy=REMEDY,
                )
        else:
            spool.add(record.text)
            deleted += record.is_deletion
        if count % _PROGRESS_EVERY == 0:
            progress(count, None, "rows read")
    spool.close()
    return _Found(reader.contents, spool, refused, deleted)


def _held(lake: Lake, browser: Browser, found: _Found, is_delta: bool) -> Manifest | None:
    """The manifest of the same chunk, or the browser's newest where it says the same."""
    receipts = Receipts.read(lake, browser.user_id, browser.device_id)
    same = receipts.of_chunk(lake, found.contents.upload) if found.contents.upload else None
    if same is not None:
        return same
    newest = receipts.latest(lake, browser.user_id, browser.device_id)
    if newest is None or bool(newest.details.get("is_delta", False)) != is_delta:
        return None
    keys = found.spool.keys(lake.clock.now().date(), browser.user_id)
    is_same = [_name(part.key) for part in newest.parts] == [_name(key) for key in keys]
    return newest if is_same and newest.details.get("refused_digest", "") == found.refused_digest else None


def _name(key: str) -> str:
    return key.rsplit("/", 1)[-1]
