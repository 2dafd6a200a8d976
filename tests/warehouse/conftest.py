"""One made lake, built and published once for the tests that only read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from moderation_craft.lake import Lake
from moderation_craft.pipeline.holdings import asked_streams
from moderation_craft.settings import Settings
from moderation_craft.warehouse import publish, runner
from moderation_craft.warehouse.declared import AskedStream
from tests.warehouse.made_lake import make_lake, put_measures


@dataclass(frozen=True)
class Built:
    lake: Lake
    settings: Settings
    prepared: dict[str, list[str]]
    asked: list[AskedStream]
    result: runner.BuildResult
    publication: publish.Publication


def build_and_publish(
    folder: Path, lake: Lake, prepared: dict[str, list[str]], *, unit_tests: bool = False
) -> Built:
    settings = Settings(lake=str(folder))
    asked = asked_streams(lake, settings)
    result = runner.build(lake, settings, prepared, asked=asked, unit_tests=unit_tests)
    return Built(lake, settings, prepared, asked, result, publish.publish(lake, settings))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The made lake after one run, dbt's unit tests included."""
    folder = tmp_path_factory.mktemp("warehouse") / "lake"
    lake = make_lake(str(folder))
    return build_and_publish(folder, lake, put_measures(lake), unit_tests=True)
