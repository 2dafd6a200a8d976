"""How the manifests of one table or one browser add up to its present state: a snapshot and what came after."""

from __future__ import annotations

from collections.abc import Iterable

from moderation_craft.lake.manifest import Manifest


def as_of(manifest: Manifest) -> str:
    """The instant whose state a run shows, ISO 8601 UTC."""
    return str(manifest.details.get("as_of") or manifest.started_at)


def is_delta(manifest: Manifest) -> bool:
    """Whether a run holds changes only, to be laid over what came before it."""
    return bool(manifest.details.get("is_delta", False))


def chain(manifests: Iterable[Manifest]) -> list[Manifest]:
    """The newest full snapshot and the changes after it, in the order of what they show.

    `manifests` are of one owner: one table, or one person's browser. Changes alone, with no full snapshot, are a
    chain of their own.
    """
    ordered = sorted(manifests, key=lambda manifest: (as_of(manifest), manifest.id))
    fulls = [place for place, manifest in enumerate(ordered) if not is_delta(manifest)]
    return ordered[fulls[-1] :] if fulls else ordered


def chain_positions(manifests: Iterable[Manifest]) -> dict[str, int]:
    """Run id → place in the chain: 0 is the full snapshot, 1 and up the changes after it; others are absent."""
    links = chain(manifests)
    first = 1 if links and is_delta(links[0]) else 0
    return {manifest.id: place for place, manifest in enumerate(links, start=first)}
