"""CONTRIBUTING's example source, taken from the page and run: it passes the suite that every source passes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
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
    assert len([name for name in dir(TestPollen) if name.startswith("test_")]) >= 24


FOLLOWED = """
import sys
import duckdb
from datetime import date
from moderation_craft.lake import Lake
from moderation_craft.settings import Place, Settings
from moderation_craft.sources import registry
from moderation_craft.sources.contract import Person
from moderation_craft.sources.fetch import fetch_source
from moderation_craft.sources.http import Http
from moderation_craft.sources.pollen.source import PollenSource
from moderation_craft.sources.pollen.stand_in import create_app
from moderation_craft.sources.stand_in import serve
from moderation_craft.warehouse import runner

assert "pollen" in registry.source_names()
lake = Lake.open(sys.argv[1])
home = Place(name="Tokyo", latitude=35.7, longitude=139.8, timezone="Asia/Tokyo")
with serve(create_app()) as url:
    fetch_source(lake, PollenSource(url, Http("pollen")), [Person("mina", places=[home])],
                 first_day=date(2026, 10, 1), last_day=date(2026, 10, 31), run_id="r1")
built = runner.build(lake, Settings(lake=sys.argv[1]), {})
with duckdb.connect(str(built.path), read_only=True) as connection:
    print(connection.sql("select count(*), count(cedar_grains_per_m3) from stg_pollen__counts").fetchone())
"""


def test_followed_to_the_letter_the_days_reach_staging(tmp_path: Path) -> None:
    package = tmp_path / "site" / "moderation_craft"
    shutil.copytree(
        REPOSITORY / "src" / "moderation_craft",
        package,
        ignore=shutil.ignore_patterns("static", "__pycache__", "target"),
    )
    page = (REPOSITORY / "CONTRIBUTING.md").read_text()
    pollen = package / "sources" / "pollen"
    pollen.mkdir()
    blocks = {"source.py": CODE[0], "stand_in.py": CODE[1], "__init__.py": ""}
    for name, language in {"_sources.yml": "yaml", "stg_pollen__counts.sql": "sql"}.items():
        (blocks[name],) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    for name, text in blocks.items():
        (pollen / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", FOLLOWED, str(tmp_path / "lake")],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(31, 31)"
