"""Finds the outside sources: every folder of sources/ whose `source.py` has a `build(settings, clock)`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from moderation_craft.clock import Clock
from moderation_craft.settings import Settings
from moderation_craft.sources.contract import Source

Build = Callable[[Settings, Clock], Source]


@cache
def source_builders() -> dict[str, Build]:
    """How to build each source, by the name of its folder, in alphabetical order."""
    found: dict[str, Build] = {}
    for path in sorted(Path(__file__).parent.glob("*/source.py")):
        module = import_module(f"{__package__}.{path.parent.name}.source")
        if hasattr(module, "build"):
            found[path.parent.name] = module.build
    return found


def source_names() -> list[str]:
    return list(source_builders())


def build_sources(settings: Settings, clock: Clock) -> list[Source]:
    """Every outside source, as the settings describe it."""
    return [build(settings, clock) for build in source_builders().values()]
