"""What publishing leaves behind is removed, but never what a reader of the version before may still use."""

from __future__ import annotations

from pathlib import PurePosixPath

from moderation_craft.lake import Lake, zones
from moderation_craft.warehouse import gold_model
from moderation_craft.warehouse.gold_model import GoldVersion, Pointer, PublishedStaging

_VERSIONS = f"{zones.GOLD}versions/"


def sweep_gold(lake: Lake, current: GoldVersion, before: Pointer | None, keep_versions: int) -> int:
    """Remove gold objects that none of the kept versions names; how many went.

    Kept are this version, the one before it and, newest first, as many as the settings say.
    """
    documents = sorted(lake.storage.list(_VERSIONS), key=lambda stored: stored.modified_at, reverse=True)
    ids = [PurePosixPath(stored.key).stem for stored in documents]
    first = [current.version, *([before.version] if before else [])]
    kept = list(dict.fromkeys([*first, *ids]))[: max(keep_versions, len(set(first)))]
    wanted = {zones.GOLD_POINTER, *(zones.gold_version(version) for version in kept)}
    for version in kept:
        document = gold_model.read_version(lake, version)
        wanted |= document.file_keys if document else set()
    stale = [stored.key for stored in lake.storage.list(zones.GOLD) if stored.key not in wanted]
    lake.storage.delete(stale)
    return len(stale)


def sweep_staging(lake: Lake, published: PublishedStaging) -> None:
    """Remember what this publication staged and refused; remove what earlier ones did and this did not.

    Objects that Python prepared (`prepared-*`) and refusals written by sources are not touched.
    """
    earlier = gold_model.read_published_staging(lake)
    wanted = {table.key for table in published.tables}
    stale = [
        stored.key
        for stored in lake.storage.list(zones.STAGING)
        if stored.key not in wanted
        and stored.key != gold_model.PUBLISHED_STAGING
        and not PurePosixPath(stored.key).name.startswith("prepared-")
    ]
    lake.storage.delete([*stale, *sorted(set(earlier.quarantined) - set(published.quarantined))])
    if published != earlier:
        lake.storage.put(gold_model.PUBLISHED_STAGING, gold_model.encode(published))
