"""KEEP: the data lake, on a folder or in S3."""

from moderation_craft.lake.lake import Lake
from moderation_craft.lake.manifest import Entry, Manifest, Part
from moderation_craft.lake.quarantine import Refusal
from moderation_craft.lake.storage import Storage, StoredObject

__all__ = ["Entry", "Lake", "Manifest", "Part", "Refusal", "Storage", "StoredObject"]
