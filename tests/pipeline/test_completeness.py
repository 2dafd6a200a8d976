"""A day with a failed stream: partial in the mart, `mcraft sources`, status and API, and why; then whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.fitbit.stand_in import HealthDay, HealthPerson, create_app
from moderation_craft.sources.stand_in import serve
from tests.cli.run import mcraft
from tests.serve.server import served

TODAY = datetime.now(UTC).astimezone(ZoneInfo("Asia/Tokyo")).date()
HISTORY = 12
STEPS = "/dataTypes/steps/"
DOWN = Fault(
    status=503, body=b'{"error":{"message":"steps are down"}}', headers={"retry-after": "0"}, path_part=STEPS
)
FORBIDDEN = Fault(status=403, body=b'{"error":{"message":"no scope for steps"}}', path_part=STEPS)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@dataclass
class World:
    """A person's tracker behind a real server with faults, and a folder with a lake."""

    service: Faulty
    folder: Path
    environment: dict[str, str]

    def mcraft(self, *arguments: str, fails: bool = False) -> str:
        done = mcraft(*arguments, cwd=self.folder, **self.environment)
        assert (done.returncode != 0) is fails, done.stderr
        return done.stdout

    def quality(self) -> list[dict[str, Any]]:
        """The mart's rows, oldest first."""
        sql = "select * from mart_data_quality where user_id = 'mina' and source = 'fitbit' order by date"
        rows: list[dict[str, Any]] = json.loads(self.mcraft("query", sql, "--json"))["rows"]
        return rows

    def steps_held(self) -> list[float | None]:
        sql = "select steps from fct_daily_health where user_id = 'mina' order by date"
        return [row["steps"] for row in json.loads(self.mcraft("query", sql, "--json"))["rows"]]

    def fitbit(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Mina's summary of fitbit and her runs of days, by `mcraft sources --json`."""
        said = json.loads(self.mcraft("sources", "fitbit", "--json"))
        return said["sources"][0]["people"][0], said["completeness"][0]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    days = [ago(n) for n in range(HISTORY + 1)]
    worn = {
        day: HealthDay(day, 0 if day == ago(5) else 8000, 30, 2100.5, 60, 41.5) for day in days if day != ago(7)
    }
    service = Faulty(create_app([HealthPerson("mina", "ya29.token-of-mina", worn, [])]))
    with serve(service) as url:
        environment = {
            "MCRAFT_FITBIT__BASE_URL": f"{url}/v4",
            "MCRAFT_FITBIT__ACCESS_TOKENS": json.dumps({"mina": "ya29.token-of-mina"}),
            "MCRAFT_HISTORY_DAYS": str(HISTORY),
        }
        yield World(service, tmp_path, environment)


def test_a_failed_stream_is_partial_everywhere_with_its_reason_and_whole_after_the_next_run(world: World) -> None:
    world.service.faults = [DOWN]
    world.mcraft("run", fails=True)
    partial = world.quality()
    assert [row["date"] for row in partial] == [str(ago(n)) for n in range(HISTORY, -1, -1)]
    assert {(row["status"], row["missing_streams"]) for row in partial} == {("partial", "steps")}
    assert all(row["streams_held"] == row["streams_expected"] - 1 for row in partial)
    assert set(world.steps_held()) == {None}, "what failed is unknown, not 0"

    person, runs = world.fitbit()
    assert person["days"] == {"partial": HISTORY + 1}
    assert {(run["state"], tuple(run["lacking"])) for run in runs["days"]} == {("partial", ("steps",))}
    (lacking,) = next(each["runs"] for each in runs["streams"] if each["stream"] == "steps")
    assert (lacking["first"], lacking["last"]) == (str(ago(HISTORY)), str(TODAY))
    assert (lacking["state"], lacking["code"]) == ("missing", "E006")
    assert "steps are down" in lacking["reason"]
    assert "steps are down" in world.mcraft("sources")
    assert f"fitbit of mina: {HISTORY + 1} partial" in world.mcraft("status")

    with served(world.folder, **world.environment) as address, httpx.Client(base_url=address, timeout=60) as api:
        asked = {"user": "mina", "source": "fitbit", "from": str(ago(3)), "to": str(ago(1))}
        told = api.get("/api/sources/completeness", params=asked).json()["data"]["sources"]
        assert [(run["first"], run["last"], run["state"]) for run in told[0]["days"]] == [
            (str(ago(3)), str(ago(1)), "partial")
        ]
        summary = api.get("/api/sources").json()["data"]["sources"]
        steps = next(
            each
            for found in summary
            if found["name"] == "fitbit"
            for each in found["people"][0]["streams"]
            if each["stream"] == "steps"
        )
        assert "steps are down" in steps["reason"]

        too_many = {"startDate": str(ago(100)), "endDate": str(TODAY)}
        assert api.post("/api/pipeline/refresh", json=too_many).json()["error"]["code"] == "E011"

        world.service.faults = []
        before = len(world.service.requests)
        answer = api.post("/api/pipeline/refresh", json={"dataSources": ["fitbit"], "date": str(ago(2))})
        assert answer.json()["data"]["sources"][0]["recordCount"] == 1
        assert sum(STEPS in path for path in world.service.requests[before:]) == 1

    world.mcraft("run")
    whole = world.quality()
    assert {(row["status"], row["missing_streams"], row["refused"]) for row in whole} == {("complete", "", 0)}
    assert [row["date"] for row in whole] == [row["date"] for row in partial]
    assert sum(row["rows_in"] for row in whole) > sum(row["rows_in"] for row in partial)
    person, runs = world.fitbit()
    assert set(person["days"]) == {"complete", "open"}
    assert sum(person["days"].values()) == HISTORY + 1
    by_day = dict(zip([row["date"] for row in whole], world.steps_held(), strict=False))
    assert 0.0 in by_day.values(), "a worn day without a step is 0"
    assert len([steps for steps in world.steps_held() if steps is not None]) == HISTORY


def test_a_refused_stream_says_why_and_the_others_come(world: World) -> None:
    world.service.faults = [FORBIDDEN]
    world.mcraft("run")
    _, runs = world.fitbit()
    steps = next(each["runs"] for each in runs["streams"] if each["stream"] == "steps")
    assert {run["state"] for run in steps} == {"refused"}
    assert "403" in steps[0]["reason"]
    assert {row["status"] for row in world.quality()} == {"partial"}


def test_gold_is_the_same_from_raw_alone_and_a_look_without_news_changes_nothing(world: World) -> None:
    world.mcraft("run")

    def gold() -> dict[str, bytes]:
        found = (world.folder / "lake/gold").rglob("*")
        return {str(path.relative_to(world.folder)): path.read_bytes() for path in found if path.is_file()}

    before = gold()
    world.mcraft("run")
    assert gold() == before
    for zone in ("_state", "_cache", "staging", "gold", "_runs"):
        shutil.rmtree(world.folder / "lake" / zone, ignore_errors=True)
    world.mcraft("rebuild")
    assert gold() == before


def test_an_explicit_range_reaches_before_the_history_and_asks_for_nothing_twice(world: World) -> None:
    first, last = ago(HISTORY + 40), ago(HISTORY + 31)
    day_range = ("--from", str(first), "--to", str(last), "--user", "mina")
    world.mcraft("fetch", "fitbit", *day_range)
    asked = len(world.service.requests)
    assert asked > 0
    _, runs = world.fitbit()
    assert {(run["first"], run["last"]) for run in runs["days"] if run["state"] == "complete"} == {
        (str(first), str(last))
    }
    assert runs["days"][-2]["state"] == "missing", "from the first held day on, every day is expected"
    world.mcraft("fetch", "fitbit", *day_range)
    assert len(world.service.requests) == asked


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--user", "nobody"), "Nobody is called 'nobody' here"),
        (("fitbits",), "There is no source 'fitbits'"),
        (("--from", "2026-02-02", "--to", "2026-02-01"), "--to is before --from"),
        (("--from", "yesterday"), "'yesterday'"),
        (("--from", "1980-01-01"), "give days between 1990-01-01 and today"),
    ],
)
def test_wrong_words_are_said(world: World, arguments: tuple[str, ...], said: str) -> None:
    done = mcraft("fetch", *arguments, cwd=world.folder, **world.environment)
    assert done.returncode != 0
    assert said in done.stderr.replace("\n", " ")
    assert world.service.requests == []
