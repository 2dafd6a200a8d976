"""Which raw objects count, read from the manifests: each content once, with what the views must know of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from moderation_craft.errors import LakeRefused
from moderation_craft.lake import Lake, Manifest, Part, zones
from moderation_craft.warehouse.declared import declared_streams


@dataclass(frozen=True)
class RawPart:
    """One raw object that counts. `at` is when its run started, ISO 8601."""

    source: str
    stream: str
    part: Part
    run_id: str
    at: str
    owner: str  # the table of an export, the person of a dump
    is_latest: bool = True

    @property
    def key(self) -> str:
        return self.part.key


@dataclass(frozen=True)
class RawParts:
    """Every raw object that counts, and the prepared objects by source."""

    parts: list[RawPart]
    prepared: Mapping[str, list[str]] = field(default_factory=dict)

    def of(self, source: str, stream: str | None = None) -> list[RawPart]:
        return [p for p in self.parts if p.source == source and stream in (None, p.stream)]

    def streams(self, source: str) -> list[str]:
        return sorted({part.stream for part in self.of(source)})


def find(lake: Lake, prepared: Mapping[str, list[str]]) -> RawParts:
    """The raw objects that count now."""
    parts = [*_snapshots(lake, "dynamodb", "table_name"), *_snapshots(lake, "indexeddb", "user_id")]
    for source in declared_streams():
        parts += _distinct(source, lake.manifests(source))
    return RawParts(parts, {source: sorted(keys) for source, keys in prepared.items()})


def check(lake: Lake, raw: RawParts) -> None:
    """Every object is there with the size its manifest gives; LakeRefused names the first that is not."""
    for source in ("dynamodb", "indexeddb", *declared_streams()):
        wanted = raw.of(source)
        if not wanted:
            continue
        sizes = {stored.key: stored.size for stored in lake.storage.list(zones.home(source) + "/")}
        for part in wanted:
            _check_size(part, sizes.get(part.key))


def _check_size(part: RawPart, size: int | None) -> None:
    if size == part.part.bytes:
        return
    found = "is missing" if size is None else f"holds {size:,} bytes"
    raise LakeRefused(
        f"The raw object {part.key!r} {found}; its manifest {part.run_id} says {part.part.bytes:,} bytes.",
        remedy="restore the object from a backup, or remove that manifest "
        f"({zones.manifest(part.source, part.run_id)}) and export or fetch those days again.",
    )


def _snapshots(lake: Lake, source: str, owner_detail: str) -> list[RawPart]:
    """Full snapshots: a content is latest where its owner's newest run holds it; repeats change nothing."""
    runs: dict[str, list[Manifest]] = {}
    for manifest in lake.manifests(source):
        held = runs.setdefault(str(manifest.details.get(owner_detail, "")), [])
        if not held or _contents(held[-1]) != _contents(manifest):
            held.append(manifest)
    found = []
    for owner, manifests in sorted(runs.items()):
        latest = _contents(manifests[-1])
        newest_first: dict[str, RawPart] = {}
        for manifest in reversed(manifests):
            for part in manifest.parts:
                newest_first.setdefault(
                    part.sha256,
                    RawPart(
                        source,
                        part.stream,
                        part,
                        manifest.id,
                        manifest.started_at,
                        owner,
                        part.sha256 in latest,
                    ),
                )
        found += sorted(newest_first.values(), key=lambda raw: raw.key)
    return found


def _contents(manifest: Manifest) -> set[str]:
    return {part.sha256 for part in manifest.parts}


def _distinct(source: str, manifests: Iterable[Manifest]) -> list[RawPart]:
    found = {
        part.key: RawPart(source, part.stream, part, manifest.id, manifest.started_at, "")
        for manifest in manifests
        for part in manifest.parts
    }
    return [found[key] for key in sorted(found)]
