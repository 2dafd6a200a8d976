"""CONTRIBUTING's example source, taken from the page and run: it passes the suite that every source passes."""

from __future__ import annotations

import re
import sys
import types
from typing import TYPE_CHECKING, Any

from tests.conftest import REPOSITORY

CODE = re.findall(r"```python\n(.*?)```", (REPOSITORY / "CONTRIBUTING.md").read_text(), re.DOTALL)


def run_the_page() -> dict[str, Any]:
    """What the page's code defines, as one module (annotations need it importable)."""
    module = types.ModuleType("contributing_example")
    sys.modules[module.__name__] = module
    for block in CODE:
        exec(compile(block, "CONTRIBUTING.md", "exec"), module.__dict__)  # noqa: S102 - our own page
    return module.__dict__


if TYPE_CHECKING:
    from moderation_craft.sources.conformance import SourceConformance as TestPollen
else:
    TestPollen = run_the_page()["TestPollen"]


def test_the_example_source_is_under_a_hundred_lines() -> None:
    assert len(CODE) == 3
    assert len([line for line in CODE[0].splitlines() if line.strip()]) < 100


def test_the_example_runs_in_the_suite() -> None:
    assert len([name for name in dir(TestPollen) if name.startswith("test_")]) >= 15
