"""What a browser's earlier uploads left, so that a chunk sent again is known without reading every manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from moderation_craft.lake import Lake, Manifest, zones
from moderation_craft.lake.manifest import decode
from moderation_craft.sources.indexeddb.reader import Upload

SOURCE = "indexeddb"
_KEPT_UPLOADS = 64
_KEPT_CHUNKS = 256


@dataclass
class Receipts:
    """One browser's newest manifest and the manifests of its last uploads' chunks.

    Written before the manifest that it names, so that no commit lacks its receipt; a receipt without a manifest
    counts for nothing.
    """

    newest: str | None = None
    uploads: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, lake: Lake, user_id: str, device_id: str) -> Receipts:
        state = lake.read_state(zones.upload_receipts(user_id, device_id)) or {}
        return msgspec.convert(state, cls)

    def of_chunk(self, lake: Lake, upload: Upload) -> Manifest | None:
        """The manifest of a chunk that was taken before."""
        run_id = self.uploads.get(upload.upload, {}).get(str(upload.number))
        return _manifest(lake, run_id) if run_id else None

    def latest(self, lake: Lake, user_id: str, device_id: str) -> Manifest | None:
        """The newest manifest of this browser."""
        found = _manifest(lake, self.newest) if self.newest else None
        if found is not None:
            return found
        theirs = [each for each in lake.manifests(SOURCE) if owner(each) == (user_id, device_id)]
        return theirs[-1] if theirs else None

    def note(self, lake: Lake, user_id: str, device_id: str, upload: Upload | None, run_id: str) -> None:
        self.newest = run_id
        if upload is not None:
            chunks = self.uploads.pop(upload.upload, {})
            chunks[str(upload.number)] = run_id
            self.uploads[upload.upload] = dict(list(chunks.items())[-_KEPT_CHUNKS:])
            self.uploads = dict(list(self.uploads.items())[-_KEPT_UPLOADS:])
        lake.write_state(zones.upload_receipts(user_id, device_id), msgspec.to_builtins(self))


def owner(manifest: Manifest) -> tuple[str, str]:
    """Whose browser a manifest is of: person and device."""
    details: dict[str, Any] = manifest.details
    return str(details.get("user_id", "")), str(details.get("device_id", ""))


def _manifest(lake: Lake, run_id: str) -> Manifest | None:
    key = zones.manifest(SOURCE, run_id)
    data = lake.storage.get_or_none(key)
    return None if data is None else decode(data, key)
