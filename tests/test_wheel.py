"""The wheel carries pages and models: what is installed from it works outside any checkout, without node."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from build import ProjectBuilder

from tests.cli.run import mcraft
from tests.conftest import REPOSITORY
from tests.serve.server import served


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(ProjectBuilder(REPOSITORY).build("wheel", str(tmp_path_factory.mktemp("wheel"))))


def test_it_holds_pages_models_and_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "moderation_craft/serve/static/index.html",
        "moderation_craft/dbt_project.yml",
        "moderation_craft/warehouse/marts/mart_productivity_daily.sql",
        "moderation_craft/py.typed",
    ):
        assert wanted in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assets = [name for name in names if name.startswith("moderation_craft/serve/static/assets/")]
    assert any(name.endswith(".wasm") for name in assets)


def test_unpacked_where_there_is_no_checkout_it_runs_and_serves(wheel: Path, tmp_path: Path) -> None:
    installed, folder = tmp_path / "site", tmp_path / "somewhere"
    zipfile.ZipFile(wheel).extractall(installed)
    folder.mkdir()
    environment = {"PYTHONPATH": str(installed), "PATH": str(Path(sys.executable).parent)}
    done = mcraft("demo", "--no-serve", "--days", "7", "--users", "1", cwd=folder, **environment)
    assert done.returncode == 0, done.stderr
    asked = mcraft(
        "query", "select count(*) as n from mart_productivity_daily", "--json", cwd=folder, **environment
    )
    assert json.loads(asked.stdout)["rows"] == [{"n": 7}]
    with served(folder, **environment) as address:
        for path in ("/", "/debug/pipeline"):
            page = httpx.get(f"{address}{path}")
            assert page.status_code == 200
            assert page.text == (installed / "moderation_craft/serve/static/index.html").read_text()
