"""The demo as a session: its lake, its servers, and the whole job run over them through the real doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec

from moderation_craft.clock import today_in
from moderation_craft.demo.world import DemoSpec, DemoWorld
from moderation_craft.errors import SetupError
from moderation_craft.lake import Lake, zones
from moderation_craft.pipeline.jobs import Job, Listener
from moderation_craft.pipeline.run import run_job
from moderation_craft.pipeline.steps import Context, Request
from moderation_craft.settings import Settings
from moderation_craft.sources.csv.importer import import_csv
from moderation_craft.sources.indexeddb.dump import import_dexie

Say = Callable[[str], None]


def is_demo(lake: Lake) -> bool:
    return lake.storage.exists(zones.DEMO_KEY)


@contextmanager
def demo_context(settings: Settings, lake: Lake, *, say: Say) -> Iterator[Context]:
    """A demo lake with its servers up, holding what they held when the demo was made."""
    spec = msgspec.json.decode(lake.storage.get(zones.DEMO_KEY), type=DemoSpec)
    say("This lake holds the demo: its servers start on loopback for as long as they are needed.")
    with DemoWorld(spec) as world:
        world.write_items(phase=1)
        world.delete_task()
        yield Context(world.settings(settings), lake, world.keys)


def run_demo(
    settings: Settings,
    *,
    days: int,
    users: int,
    seed: int,
    listener: Listener,
    say: Say,
    unconnected: bool = False,
) -> Job:
    """Make the demo's people and run the whole job over them; the last job's record.

    The same demo again goes on in its lake; another demo's folder is set aside first, never deleted. SetupError
    where the lake holds somebody's own data.
    """
    lake = Lake.open(settings.lake)
    last_day = today_in(lake.clock, settings.timezone) - timedelta(days=1)
    spec = DemoSpec(days, users, seed, last_day, unconnected)
    lake = _lake_for(lake, spec, say)
    people = "person" if users == 1 else "people"
    say(f"Demo: {users} {people}, {days} days up to {last_day}, seed {seed}, in {lake.address}")
    with DemoWorld(spec) as world:
        context = Context(world.settings(settings), lake, world.keys)
        say(f"  servers on loopback: {world.describe()}")
        items = world.write_items(phase=1)
        say(f"  {items:,} app items written over HTTP")
        first = run_job(context, Request("export", "demo"), listener=listener, wait_seconds=60)
        if first.error is not None:
            return first
        say("  one task deleted in the app; the next export shows it gone")
        world.delete_task()
        import_dexie(lake, world.dexie_dump_path, user_id=world.dexie_user_id)
        say("  a browser's database dump imported")
        import_csv(lake, world.csv_path, map_path=world.csv_map_path, user=None)
        say("  a spreadsheet of own measures imported")
        return run_job(context, Request("run", "demo"), listener=listener, wait_seconds=60)


def _lake_for(lake: Lake, spec: DemoSpec, say: Say) -> Lake:
    held = lake.storage.get_or_none(zones.DEMO_KEY)
    wanted = msgspec.json.format(msgspec.json.encode(spec), indent=1)
    if held is None and lake.totals(zones.RAW)[0]:
        raise SetupError(
            f"{lake.address} holds somebody's own data; the demo will not mix with it.",
            remedy="choose another folder: `mcraft demo --lake ./demo-lake`.",
        )
    if held is not None and msgspec.json.decode(held, type=DemoSpec) != spec:
        lake = _set_aside(lake, say)
    lake.storage.put(zones.DEMO_KEY, wanted)
    return lake


def _set_aside(lake: Lake, say: Say) -> Lake:
    if not lake.storage.is_folder:
        raise SetupError(
            f"{lake.address} holds another demo.", remedy="choose another prefix with --lake, or empty this one."
        )
    folder = lake.storage.folder
    aside = _free_name(folder, f"{lake.clock.now():%Y%m%dT%H%M%S}")
    folder.rename(aside)
    say(f"The lake held another demo: it was set aside as {aside.name} (delete it when you like).")
    return Lake.open(str(folder), lake.clock)


def _free_name(folder: Path, stamp: str) -> Path:
    candidates = (folder.with_name(f"{folder.name}.before-{stamp}{suffix}") for suffix in ("", *"abcdefgh"))
    return next(path for path in candidates if not path.exists())
