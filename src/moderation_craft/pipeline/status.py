"""What each layer holds and how fresh it is: the five stations of the data's way."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from moderation_craft.lake import Lake, Manifest, zones
from moderation_craft.pipeline.holdings import LACKING, holdings
from moderation_craft.pipeline.jobs import Job, StepName, read_jobs
from moderation_craft.pipeline.people import find_people
from moderation_craft.settings import Settings
from moderation_craft.sources import registry
from moderation_craft.warehouse.gold import Gold, GoldPerson

LayerName = Literal["sources", "raw", "staging", "gold", "pages"]
State = Literal["fresh", "stale", "empty", "failed"]
STALE_AFTER = timedelta(hours=36)


class LayerPart(msgspec.Struct, rename="camel"):
    name: str
    state: State
    objects: int = 0
    rows: int = 0
    fresh_at: str | None = None
    detail: str = ""


class Layer(msgspec.Struct, rename="camel"):
    """One station; `rows` counts records, `fresh_at` is when it was last known to be up to date (UTC)."""

    name: LayerName
    state: State
    objects: int
    rows: int
    bytes: int
    fresh_at: str | None
    detail: str
    parts: list[LayerPart]


class Gap(msgspec.Struct, rename="camel"):
    """What a source lacks of a person; days since the first that is expected, counted over its streams."""

    source: str
    user_id: str
    days: dict[str, int]
    newest_day: str
    reason: str | None

    def sentence(self) -> str:
        counted = ", ".join(f"{days:,} {state}" for state, days in self.days.items())
        return f"{counted}; the newest {self.newest_day}" + (f" ({self.reason})" if self.reason else "")


class Report(msgspec.Struct, rename="camel"):
    """What `mcraft status` shows; a demo's lake has no gaps here, for its services are not up."""

    lake: str
    layers: list[Layer]
    runs: list[Job]
    quarantined: int
    demo: dict[str, object] | None
    gaps: list[Gap]


def report(lake: Lake, settings: Settings) -> Report:
    demo = demo_marker(lake)
    return Report(
        lake=lake.address,
        layers=layers(lake, settings),
        runs=read_jobs(lake, limit=5),
        quarantined=quarantined_count(lake),
        demo=demo,
        gaps=[] if demo else gaps(lake, settings),
    )


def gaps(lake: Lake, settings: Settings) -> list[Gap]:
    """What each source lacks of each person who has it."""
    found = []
    for holding in holdings(lake, settings):
        for person in holding.people:
            lacking = [run for run in person.days if run.state in LACKING]
            if lacking:
                newest = lacking[-1]
                counts = {str(state): days for state, days in person.counts.items() if state in LACKING}
                found.append(Gap(person.source, person.user_id, counts, str(newest.last), newest.reason))
    return found


def layers(lake: Lake, settings: Settings) -> list[Layer]:
    """Sources, raw, staging, gold, pages, in the data's order."""
    jobs = read_jobs(lake, limit=20)
    manifests = {source: lake.manifests(source) for source in source_names(settings)}
    gold = Gold.open_or_none(lake)
    published_at = _last_done(jobs, "publish")
    return [
        _sources_layer(lake, settings, manifests, jobs),
        _raw_layer(lake, manifests),
        _staging_layer(lake, gold, published_at, jobs),
        _gold_layer(lake, gold, published_at, jobs),
        _pages_layer(lake, gold, published_at),
    ]


def source_names(settings: Settings) -> list[str]:
    return ["dynamodb", "indexeddb", *registry.source_builders(), "csv"]


class SourceNote(msgspec.Struct):
    """Whether a source is in use, and for whom or why not."""

    name: str
    enabled: bool
    detail: str


def source_notes(lake: Lake, settings: Settings) -> list[SourceNote]:
    """The app's table and each outside source, as the settings have them."""
    has_table = bool(settings.dynamodb.table or settings.dynamodb.endpoint_url)
    notes = [SourceNote("dynamodb", has_table, settings.dynamodb.table or "no table is set")]
    people = find_people(lake, settings)
    for source in registry.build_sources(settings, lake.clock):
        refusals = [source.refusal(person) for person in people]
        asked = sum(refusal is None for refusal in refusals)
        why_not = next((refusal for refusal in refusals if refusal), "nobody is known yet")
        notes.append(SourceNote(source.name, asked > 0, f"{asked} of {len(people)} people" if asked else why_not))
    return notes


def demo_marker(lake: Lake) -> dict[str, object] | None:
    """How the demo's data were made (days, users, seed, lastDay); None in a real person's lake."""
    data = lake.storage.get_or_none(zones.DEMO_KEY)
    return None if data is None else msgspec.json.decode(data, type=dict[str, object])


def quarantined_count(lake: Lake) -> int:
    return lake.totals(zones.QUARANTINE)[0]


def _sources_layer(lake: Lake, settings: Settings, manifests: dict[str, list[Manifest]], jobs: list[Job]) -> Layer:
    parts = []
    for source, found in manifests.items():
        looked_at = _last_looked_at(source, found, jobs)
        parts.append(
            LayerPart(
                name=source,
                state=_state(lake, looked_at, bool(found)),
                objects=len(found),
                rows=sum(manifest.rows for manifest in found),
                fresh_at=looked_at,
                detail=found[-1].kind.replace("_", " ") if found else "nothing yet",
            )
        )
    fresh_at = max((part.fresh_at for part in parts if part.fresh_at), default=None)
    state: State = _state(lake, fresh_at, any(part.objects for part in parts))
    if _last_failed(jobs, ("export", "fetch")):
        state = "failed"
    active = sum(part.objects > 0 for part in parts)
    return Layer("sources", state, active, sum(p.rows for p in parts), 0, fresh_at, f"{active} in use", parts)


def _raw_layer(lake: Lake, manifests: dict[str, list[Manifest]]) -> Layer:
    parts = []
    total_bytes = 0
    for source, found in manifests.items():
        held = {part.key: part for manifest in found for part in manifest.parts}
        total_bytes += sum(part.bytes for part in held.values())
        fresh_at = found[-1].completed_at if found else None
        parts.append(
            LayerPart(
                name=source,
                state=_state(lake, fresh_at, bool(held)),
                objects=len(held),
                rows=sum(part.rows for part in held.values()),
                fresh_at=fresh_at,
                detail=f"{sum(manifest.refused for manifest in found)} refused",
            )
        )
    return _summed(lake, "raw", parts, total_bytes)


def _staging_layer(lake: Lake, gold: Gold | None, published_at: str | None, jobs: list[Job]) -> Layer:
    staged = gold.staging if gold else []
    parts = [LayerPart(name, _state(lake, published_at, True), 1, rows, published_at) for name, rows, _ in staged]
    layer = _summed(lake, "staging", parts, sum(size for _, _, size in staged))
    layer.detail = f"{quarantined_count(lake)} records in quarantine"
    return _failed_if(layer, jobs, ("prepare", "transform"))


def _gold_layer(lake: Lake, gold: Gold | None, published_at: str | None, jobs: list[Job]) -> Layer:
    parts = [
        LayerPart(mart.name, _state(lake, published_at, True), len(mart.files), mart.rows, published_at)
        for mart in (gold.marts.values() if gold else [])
    ]
    total = sum(file.bytes for mart in gold.marts.values() for file in mart.files) if gold else 0
    layer = _summed(lake, "gold", parts, total)
    layer.detail = f"version {gold.version}" if gold else "nothing published yet"
    return _failed_if(layer, jobs, ("transform", "analyse", "publish"))


def _pages_layer(lake: Lake, gold: Gold | None, published_at: str | None) -> Layer:
    parts = [
        LayerPart(
            person.user_id, _state(lake, published_at, True), 1, _days(person), published_at, person.last_date
        )
        for person in (gold.people if gold else [])
    ]
    layer = _summed(lake, "pages", parts, sum(person.bytes for person in gold.people) if gold else 0)
    layer.detail = f"{len(parts)} people" if parts else "no one to show yet"
    return layer


def _days(person: GoldPerson) -> int:
    return (date.fromisoformat(person.last_date) - date.fromisoformat(person.first_date)).days + 1


def _summed(
    lake: Lake, name: Literal["raw", "staging", "gold", "pages"], parts: list[LayerPart], size: int
) -> Layer:
    fresh_at = max((part.fresh_at for part in parts if part.fresh_at), default=None)
    objects = sum(part.objects for part in parts)
    state = _state(lake, fresh_at, objects > 0)
    return Layer(name, state, objects, sum(part.rows for part in parts), size, fresh_at, "", parts)


def _failed_if(layer: Layer, jobs: list[Job], names: Iterable[StepName]) -> Layer:
    if _last_failed(jobs, names):
        layer.state = "failed"
    return layer


def _state(lake: Lake, fresh_at: str | None, has_objects: bool) -> State:
    if not has_objects or fresh_at is None:
        return "empty"
    age = lake.clock.now() - datetime.fromisoformat(fresh_at)
    return "stale" if age > STALE_AFTER else "fresh"


def _last_done(jobs: list[Job], name: StepName) -> str | None:
    """When a step last ended well (done, or skipped as up to date)."""
    for job in jobs:
        for step in job.steps:
            if step.name == name and step.status in ("done", "skipped") and job.completed_at:
                return job.completed_at
    return None


def _last_failed(jobs: list[Job], names: Iterable[StepName]) -> bool:
    for job in jobs:
        statuses = [step.status for step in job.steps if step.name in tuple(names) and step.status != "waiting"]
        if statuses:
            return "failed" in statuses
    return False


def _last_looked_at(source: str, found: list[Manifest], jobs: list[Job]) -> str | None:
    if not found:
        return None
    step: StepName = "export" if source == "dynamodb" else "fetch"
    looked_at = _last_done(jobs, step) if source not in ("indexeddb", "csv") else None
    return max(filter(None, (found[-1].completed_at, looked_at)))
