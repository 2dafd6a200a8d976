"""The outside sources that the models read, as the `_sources.yml` beside each source declares them to dbt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class AskedStream:
    """A stream that is asked for; `shape` daily has a record a person and day, others have no days to lack."""

    source: str
    stream: str
    shape: str
    is_optional: bool


_SOURCES = Path(__file__).parent.parent / "sources"


@cache
def declared_streams() -> dict[str, tuple[str, ...]]:
    """The streams of each outside source, by source, in alphabetical order."""
    declared = {}
    for path in sorted(_SOURCES.glob("*/_sources.yml")):
        for source in yaml.safe_load(path.read_text())["sources"]:
            declared[source["name"]] = tuple(table["name"] for table in source["tables"])
    return declared
