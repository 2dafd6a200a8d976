"""The lake as the rest of the code sees it: storage, manifests, quarantine, run lock, layout check."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from moderation_craft.clock import Clock, SystemClock, iso
from moderation_craft.errors import LakeRefused, RecordInvalid
from moderation_craft.lake import zones
from moderation_craft.lake.codec import Damaged, decompressed, split_lines
from moderation_craft.lake.manifest import Manifest, Part, check_layout, content_digest, decode, encode
from moderation_craft.lake.quarantine import Refusal, quarantine
from moderation_craft.lake.storage import Storage, StoredObject
from moderation_craft.logs import get_logger

log = get_logger("lake")


class Lake:
    def __init__(self, storage: Storage, clock: Clock | None = None) -> None:
        self.storage = storage
        self.clock: Clock = clock or SystemClock()
        self._read_manifests: dict[tuple[str, int, datetime], Manifest] = {}

    @classmethod
    def open(cls, address: str, clock: Clock | None = None) -> Lake:
        """The lake at an address; LayoutTooNew where a newer version wrote it."""
        lake = cls(Storage.open(address), clock)
        lake._check_layout()
        return lake

    @property
    def address(self) -> str:
        return self.storage.address

    def put_part(self, key: str, data: bytes, *, rows: int, stream: str = "", dt: str = "", **more: Any) -> Part:
        """Write one raw object and describe it; the key should carry the content's digest."""
        self.storage.put(key, data)
        return Part(
            key=key,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            rows=rows,
            stream=stream,
            dt=dt,
            **more,
        )

    def put_part_file(
        self, key: str, path: Path, *, sha256: str, rows: int, stream: str = "", dt: str = ""
    ) -> Part:
        """As `put_part`, from a local file, streamed."""
        self.storage.put_file(key, path)
        return Part(key=key, bytes=path.stat().st_size, sha256=sha256, rows=rows, stream=stream, dt=dt)

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        """An object as a local file to read: itself in a folder, a temporary copy from S3."""
        if self.storage.is_folder:
            yield self.storage.folder / key
            return
        with tempfile.NamedTemporaryFile(suffix=f"-{key.rsplit('/', 1)[-1]}") as copy:
            for chunk in self.storage.stream(key):
                copy.write(chunk)
            copy.flush()
            yield Path(copy.name)

    def commit(
        self,
        *,
        run_id: str,
        kind: str,
        source: str,
        started_at: str,
        parts: list[Part],
        refusals: list[Refusal] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """Make a run's parts exist: quarantine its refusals, then write its manifest, last."""
        for refusal in refusals or []:
            quarantine(self.storage, refusal)
        manifest = Manifest(
            id=run_id,
            kind=kind,
            source=source,
            started_at=started_at,
            completed_at=iso(self.clock.now()),
            parts=parts,
            rows=sum(part.rows for part in parts),
            refused=len(refusals or []),
            content_digest=content_digest(parts),
            details=dict(details or {}),
        )
        self.storage.put_new(zones.manifest(source, run_id), encode(manifest))
        return manifest

    def manifests(self, source: str) -> list[Manifest]:
        """A source's committed runs, oldest first; one that cannot be read is left out and said."""
        found = []
        for stored in self.storage.list(zones.manifests_prefix(source)):
            try:
                found.append(self._manifest(stored))
            except RecordInvalid as error:
                log.warning("manifest left out", key=stored.key, reason=error.message)
        return sorted(found, key=lambda manifest: manifest.id)

    def _manifest(self, stored: StoredObject) -> Manifest:
        """One manifest; a manifest never changes, so an object that looks the same is not read again."""
        seen_as = (stored.key, stored.size, stored.modified_at)
        manifest = self._read_manifests.get(seen_as)
        if manifest is None:
            manifest = self._read_manifests[seen_as] = decode(self.storage.get(stored.key), stored.key)
        return manifest

    def read_state(self, name: str) -> dict[str, Any] | None:
        data = self.storage.get_or_none(zones.state(name))
        return None if data is None else msgspec.json.decode(data, type=dict[str, Any])

    def write_state(self, name: str, value: Mapping[str, Any]) -> None:
        self.storage.put(zones.state(name), msgspec.json.format(msgspec.json.encode(value), indent=1))

    def totals(self, prefix: str) -> tuple[int, int]:
        """Objects and bytes below a prefix."""
        sizes = [stored.size for stored in self.storage.list(prefix)]
        return len(sizes), sum(sizes)

    def lines(self, key: str) -> Iterator[bytes]:
        """The lines of a raw JSON-lines object, decompressed by its suffix, streamed."""
        try:
            yield from split_lines(decompressed(key, self.storage.stream(key)))
        except Damaged as error:
            raise LakeRefused(
                f"The raw object {key!r} is cut or damaged: {error}.",
                remedy="restore it from a backup, or remove its manifest and export or fetch those days again.",
            ) from error

    def _check_layout(self) -> None:
        marker = self.read_state("layout.json")
        if marker is None:
            self.write_state("layout.json", {"layout_version": zones.LAYOUT_VERSION})
        else:
            check_layout(int(marker.get("layout_version", 1)), zones.LAYOUT_KEY)
