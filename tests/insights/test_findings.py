"""The demo's planted truths are told, the null factors are not, and never in words of bringing about."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from moderation_craft.demo.truths import NULL_FACTORS, RELATIONS
from moderation_craft.demo.world import DemoSpec, DemoWorld
from moderation_craft.insights.findings import about
from moderation_craft.lake import Lake
from moderation_craft.pipeline.run import run_job
from moderation_craft.pipeline.steps import Context, Request
from moderation_craft.settings import Settings
from moderation_craft.sources.csv.importer import import_csv
from tests.cli.run import mcraft
from tests.conftest import NOON_IN_TOKYO, REPOSITORY

TOLD_TO_EVERYONE = {("sleep_minutes", "focus_level_avg", 0), ("focus_level_avg", "mood_level_avg", 0)}
TOLD_WITH_A_SPREADSHEET = {("evening_screen_minutes", "sleep_minutes", 1)}
FORBIDDEN = re.compile(r"caus|because|makes|leads to|due to|improve|effect", re.IGNORECASE)


class RunningClock:
    """Starts at a given instant and goes on from there: the demo of a day that does not depend on today."""

    def __init__(self, start: datetime) -> None:
        self._start, self._since = start, time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._since)


@pytest.fixture(scope="module")
def half_a_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo over 180 days that end on a fixed day, through the whole pipeline."""
    folder = tmp_path_factory.mktemp("half-a-year")
    clock = RunningClock(NOON_IN_TOKYO)
    lake = Lake.open(str(folder / "lake"), clock)
    spec = DemoSpec(days=180, users=2, seed=1, last_day=NOON_IN_TOKYO.date() - timedelta(days=1))
    with DemoWorld(spec, clock) as world:
        context = Context(world.settings(Settings(lake=lake.address)), lake, world.keys)
        world.write_items(phase=1)
        import_csv(lake, world.csv_path, map_path=world.csv_map_path, user=None)
        job = run_job(context, Request("run", "demo"))
    assert job.error is None, job.error
    facts = job.step("analyse").facts
    assert facts["people"] == 2 and facts["tests"] > 2000 and facts["links"] >= 6
    return folder


@pytest.fixture(scope="module")
def people(half_a_year: Path) -> list[dict[str, Any]]:
    done = mcraft("analyse", "--json", cwd=half_a_year)
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def links(person: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {
        (found["factor"], found["outcome"], lag)
        for found in person["findings"]
        for lag in (found["lag"], *found["otherLags"])
    }


def test_planted_truths_are_told_at_their_lag(people: list[dict[str, Any]]) -> None:
    for person in people:
        assert links(person) >= TOLD_TO_EVERYONE
        assert ("sleep_minutes", "focus_level_avg", 1) in links(person)
    assert any(links(person) >= TOLD_WITH_A_SPREADSHEET for person in people)


def test_what_is_told_has_the_sign_that_was_put_in(people: list[dict[str, Any]]) -> None:
    signs = {(truth.factor, truth.outcome): truth.size > 0 for truth in RELATIONS if truth.size}
    told = [found for person in people for found in person["findings"]]
    checked = [found for found in told if (found["factor"], found["outcome"]) in signs]
    assert len(checked) >= 5
    assert all((found["r"] > 0) == signs[found["factor"], found["outcome"]] for found in checked)


def test_no_null_factor_is_told(people: list[dict[str, Any]]) -> None:
    told = {found["factor"] for person in people for found in person["findings"]}
    assert told.isdisjoint(NULL_FACTORS)


def test_null_factors_were_tested(half_a_year: Path) -> None:
    sql = "select distinct factor from mart_wellness_correlation where state = 'tested'"
    found = json.loads(mcraft("query", sql, "--json", cwd=half_a_year).stdout)["rows"]
    assert set(NULL_FACTORS) <= {row["factor"] for row in found}


def test_sentences_carry_their_figures_and_no_word_of_bringing_about(
    half_a_year: Path, people: list[dict[str, Any]]
) -> None:
    for found in (each for person in people for each in person["findings"]):
        assert f"r = {found['r']:+.2f}" in found["sentence"] and f"{found['n']} days" in found["sentence"]
        assert f"lag {found['lag']}" in found["sentence"] and not FORBIDDEN.search(found["sentence"])
    text = mcraft("analyse", "--strongest", "1", cwd=half_a_year).stdout
    assert text.count("\n  - ") == 2 and "more: --strongest" in text
    assert not FORBIDDEN.search(text)


def test_one_person_or_nobody(half_a_year: Path, people: list[dict[str, Any]]) -> None:
    user = people[0]["userId"]
    done = mcraft("analyse", "--user", user, "--json", cwd=half_a_year)
    assert json.loads(done.stdout) == people[:1]
    refused = mcraft("analyse", "--user", "nobody", cwd=half_a_year)
    assert refused.returncode == 1 and user in refused.stderr


def test_a_week_of_days_says_how_many_more(tmp_path: Path) -> None:
    assert mcraft("demo", "--no-serve", "--days", "7", "--users", "1", cwd=tmp_path).returncode == 0
    done = mcraft("analyse", cwd=tmp_path)
    assert re.search(r"no reliable link yet; about [\d,]+ more days are needed", done.stdout)


def test_before_the_first_run_the_next_step_is_said(tmp_path: Path) -> None:
    refused = mcraft("analyse", cwd=tmp_path)
    assert refused.returncode == 1 and "mcraft run" in refused.stderr


@pytest.mark.parametrize(("days", "said"), [(0, 0), (3, 3), (11, 15), (52, 60), (201, 250)])
def test_days_are_said_as_one_says_them(days: int, said: int) -> None:
    assert about(days) == said


def test_the_docs_have_the_page() -> None:
    assert "make bench-insights" in (REPOSITORY / "docs" / "insights.md").read_text()
