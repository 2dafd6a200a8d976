"""Which raw objects count, read from the manifests: each content once, with what the views must know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from moderation_craft.errors import LakeRefused
from moderation_craft.lake import Lake, Manifest, Part, zones
from moderation_craft.lake.chain import as_of, chain_positions, is_delta
from moderation_craft.warehouse.declared import declared_streams


@dataclass(frozen=True)
class RawPart:
    """One raw object that counts; its instants are ISO 8601, each the instant whose state a run shows.

    A content that several runs hold stands once, as the first of them wrote it.
    """

    source: str
    stream: str
    part: Part
    run_id: str
    at: str  # of the first run that holds it
    owner: str  # the table of an export, the person of a dump
    device_id: str = ""
    chain_position: int | None = None  # lake/chain.py; None is history
    is_delta: bool = False  # changes only
    last_at: str = ""  # of the last run that holds it
    gone_at: str | None = None  # of the first full snapshot after that one: what the part held is not in it

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
    parts = [*exported(lake), *_chained("indexeddb", lake.manifests("indexeddb"), _browser)]
    for source in declared_streams():
        parts += _distinct(source, lake.manifests(source))
    return RawParts(parts, {source: sorted(keys) for source, keys in prepared.items()})


def exported(lake: Lake) -> list[RawPart]:
    """The raw objects of the app's table alone."""
    return _chained("dynamodb", lake.manifests("dynamodb"), _table)


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


Owner = tuple[str, str]  # a table and nothing, or a person and one of their devices


def _table(manifest: Manifest) -> Owner:
    return str(manifest.details.get("table_name", "")), ""


def _browser(manifest: Manifest) -> Owner:
    return str(manifest.details.get("user_id", "")), str(manifest.details.get("device_id") or "")


def _chained(source: str, manifests: Iterable[Manifest], owner_of: Callable[[Manifest], Owner]) -> list[RawPart]:
    """Snapshots and the changes after them, by owner; a run that says nothing new changes nothing."""
    runs: dict[Owner, list[Manifest]] = {}
    for manifest in manifests:
        runs.setdefault(owner_of(manifest), []).append(manifest)
    found = []
    for owner, theirs in sorted(runs.items()):
        found += _contents(source, owner, sorted(theirs, key=lambda run: (as_of(run), run.id)))
    return found


def _contents(source: str, owner: Owner, runs: list[Manifest]) -> list[RawPart]:
    """Each distinct content of an owner's runs (oldest first), in order of key."""
    positions = chain_positions(runs)
    snapshots = [as_of(run) for run in runs if not is_delta(run)]
    holders: dict[str, list[tuple[Manifest, Part]]] = {}
    for run in runs:
        for part in run.parts:
            holders.setdefault(part.sha256, []).append((run, part))
    found = []
    for held in holders.values():
        (first, part), last_at = held[0], as_of(held[-1][0])
        places = [positions[run.id] for run, _ in held if run.id in positions]
        found.append(
            RawPart(
                source,
                part.stream,
                part,
                first.id,
                as_of(first),
                owner[0],
                owner[1],
                max(places, default=None),
                any(is_delta(run) for run, _ in held),
                last_at,
                next((at for at in snapshots if at > last_at), None),
            )
        )
    return sorted(found, key=lambda raw: raw.key)


def _distinct(source: str, manifests: Iterable[Manifest]) -> list[RawPart]:
    found = {
        part.key: RawPart(source, part.stream, part, manifest.id, manifest.started_at, "")
        for manifest in manifests
        for part in manifest.parts
    }
    return [found[key] for key in sorted(found)]
