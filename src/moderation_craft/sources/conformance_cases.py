"""Lists the conformance suite by source: `python -m moderation_craft.sources.conformance [PATH …]`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

WHERE = "tests/sources"
COLLECT_ONLY = ("--collect-only", "-q", "-n0")


class _Collector:
    """A pytest plugin that keeps what was found of the suite: by test class, the cases' names."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: Sequence[object]) -> None:
        from moderation_craft.sources.conformance import SourceConformance

        for item in items:
            home = getattr(item, "cls", None)
            if isinstance(home, type) and issubclass(home, SourceConformance):
                name = str(getattr(item, "originalname", "")).removeprefix("test_").replace("_", " ")
                self.found[home.__name__.removeprefix("Test")].append(name)


def cases(paths: Sequence[str]) -> dict[str, list[str]]:
    """The cases below these paths, by source; needs pytest (the development environment)."""
    import pytest

    collector = _Collector()
    with redirect_stdout(StringIO()):
        pytest.main([*COLLECT_ONLY, *paths], plugins=[collector])
    return dict(collector.found)


def main(arguments: Sequence[str]) -> int:
    """Print them; 1 where there are none."""
    paths = list(arguments) or [WHERE]
    found = cases(paths) if all(Path(path.split("::")[0]).exists() for path in paths) else {}
    for source, names in sorted(found.items()):
        sys.stdout.write(f"{source} ({len(names)} cases)\n" + "".join(f"  {name}\n" for name in names))
    if not found:
        sys.stderr.write(f"no source joins the suite below {', '.join(paths)}\n")
    return 0 if found else 1
