"""A digest of everything that gold is made from: while it stays the same, there is nothing to build."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import duckdb

from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.warehouse import raw_parts
from moderation_craft.warehouse.declared import AskedStream, declared_streams
from moderation_craft.warehouse.raw_parts import RawPart, RawParts

PROJECT = Path(__file__).parent.parent


def fingerprint(
    lake: Lake, settings: Settings, prepared: Mapping[str, list[str]], asked: Sequence[AskedStream] = ()
) -> str:
    """SHA-256 over the raw content that counts, the models, the settings that matter and DuckDB's version.

    Ids of runs and later sightings of the same content are left out, so looking again without finding anything new
    changes nothing.
    """
    raw = raw_parts.find(lake, prepared)
    lines = [*sorted(_raw_lines(raw)), *_settings_lines(settings), *_asked_lines(asked)]
    lines += [f"duckdb {duckdb.__version__}", f"holidays {version('holidays')}", code_digest()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _raw_lines(raw: RawParts) -> Iterator[str]:
    for source in ("dynamodb", "indexeddb"):
        yield from _chained_lines(source, raw.of(source))
    for source in declared_streams():
        yield from _external_lines(source, raw.of(source))
        yield from _late_lines(source, raw.of(source))
    for source, keys in raw.prepared.items():
        yield from (f"prepared\t{source}\t{key}" for key in keys)


def _chained_lines(source: str, parts: list[RawPart]) -> Iterator[str]:
    """Each content, its place in its owner's chain (counted over runs that hold something) and when it came."""
    held: dict[tuple[str, str], set[int]] = {}
    for part in parts:
        if part.chain_position is not None:
            held.setdefault((part.owner, part.device_id), set()).add(part.chain_position)
    ranks = {
        (*owner, position): rank
        for owner, positions in held.items()
        for rank, position in enumerate(sorted(positions))
    }
    for part in parts:
        place = (
            ranks.get((part.owner, part.device_id, part.chain_position))
            if part.chain_position is not None
            else None
        )
        yield "\t".join((source, part.owner, part.device_id, part.part.sha256, str(place), part.at))


def _external_lines(source: str, parts: list[RawPart]) -> Iterator[str]:
    """What was said last about each person's day; when it was asked does not count."""
    newest: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for raw in parts:
        if not raw.part.entries:
            yield f"{source}\t{raw.stream}\t{raw.part.sha256}"
        for entry in raw.part.entries:
            day = (raw.stream, entry.user_id, entry.date)
            said = (entry.fetched_at, raw.key, entry.digest)
            newest[day] = max(newest.get(day, said), said)
    for day, (_, _, digest) in newest.items():
        yield "\t".join((source, *day, digest))


def _late_lines(source: str, parts: list[RawPart]) -> Iterator[str]:
    """Days that came when they could not change any more, of people who were asked for by then."""
    first: dict[tuple[str, str, str], tuple[str, bool]] = {}
    asked_since: dict[str, str] = {}
    for raw in parts:
        for entry in raw.part.entries:
            day, said = (raw.stream, entry.user_id, entry.date), (entry.fetched_at, entry.is_closed)
            first[day] = min(first.get(day, said), said)
            asked_since[entry.user_id] = min(asked_since.get(entry.user_id, said[0]), said[0])
    for (stream, user_id, on), (_, is_closed) in first.items():
        if is_closed and on >= asked_since[user_id][:10]:
            yield "\t".join(("late", source, stream, user_id, on))


def _asked_lines(asked: Sequence[AskedStream]) -> list[str]:
    return sorted(f"asked\t{each}" for each in asked)


def _settings_lines(settings: Settings) -> list[str]:
    places = [
        f"place\t{user_id}\t{place.model_dump_json()}"
        for user_id, held in sorted(settings.weather.places.items())
        for place in held
    ]
    return [f"timezone {settings.timezone}", f"day turns at {settings.day_turns_at_hour}", *places]


@cache
def code_digest() -> str:
    """SHA-256 over the dbt project and the Python that analyses and publishes."""
    found = [PROJECT / "dbt_project.yml"]
    for pattern in ("sources/**/*.sql", "sources/**/*.yml", "warehouse/**/*.*", "insights/**/*.py"):
        found += [path for path in PROJECT.glob(pattern) if path.suffix in {".sql", ".yml", ".csv", ".py"}]
    digest = hashlib.sha256()
    for path in sorted(set(found)):
        digest.update(f"{path.relative_to(PROJECT).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()
