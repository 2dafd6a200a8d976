"""A demo whose last person is not connected yet: consent, fetch, marts, and a real vault left alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx
import pytest

from moderation_craft.clock import SystemClock
from moderation_craft.demo.consents import DemoConsents, connections
from moderation_craft.errors import AuthFailed
from moderation_craft.settings import ConnectionsSettings, Settings
from moderation_craft.sources.oauth.probe import probe
from moderation_craft.sources.oauth.tokens import connected_people, tokens_for
from moderation_craft.sources.stand_in import serve
from tests.cli.run import mcraft
from tests.sources.consenting import click, connected

DEMO = ("demo", "--days", "21", "--users", "2", "--unconnected", "--no-serve")


def test_the_last_person_of_an_unconnected_demo_is_connected_and_fetched(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    made = mcraft(*DEMO, cwd=tmp_path, **home)
    assert made.returncode == 0, made.stderr
    before = steps(tmp_path)
    [connected] = before
    people = {
        str(row["user_id"]) for row in rows(tmp_path, "select distinct user_id from mart_productivity_daily")
    }
    [other] = people - {connected}

    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MCRAFT_"))}
    code = "from moderation_craft.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "connect", "fitbit", "--user", other],
        cwd=tmp_path,
        env={**inherited, **home},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    address = next(found[1] for line in process.stderr if (found := re.search(r"^\s+(http\S+)$", line)))
    assert httpx.get(click(address, other).headers["location"]).status_code == 200
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said

    done = mcraft("run", cwd=tmp_path, **home)
    assert done.returncode == 0, done.stderr
    assert steps(tmp_path) == before | {other: before[connected]}
    kept = [path.relative_to(tmp_path / "config").parts for path in (tmp_path / "config").rglob("*.sealed")]
    assert [parts[:2] for parts in kept] == [("moderation-craft", "demo")]
    assert not list((tmp_path / "lake").rglob("*.sealed"))


def test_the_demos_calendar_takes_what_its_consent_gives_and_keeps_it_apart(tmp_path: Path) -> None:
    own = Settings(lake=str(tmp_path / "lake"), connections=ConnectionsSettings(folder=tmp_path / "vault"))
    consents = DemoConsents(["aoi"], {}, date(2026, 11, 22))
    with serve(consents.app) as google, serve(consents.calendar_app) as calendar:
        settings = own.model_copy(
            update={
                "connections": connections(own, b"{}", google),
                "calendar": own.calendar.model_copy(update={"google_base_url": f"{calendar}/calendar/v3"}),
            }
        )
        with pytest.raises(AuthFailed, match="not connected"):
            probe(settings, SystemClock(), "google", "aoi")
        connected(settings, SystemClock(), "google")
        assert probe(settings, SystemClock(), "google", "aoi") == "Google Calendar answered"
        connected(settings, SystemClock(), "fitbit")
        assert consents.who(tokens_for("fitbit", settings, SystemClock()).access_token("aoi") or "") is not None
    assert connected_people(own) == set() and connected_people(settings) == {"aoi"}


def steps(folder: Path) -> dict[str, int | str]:
    """Days with steps by person, of those who have any."""
    sql = "select user_id, count(steps)::integer as days from fct_daily_health group by user_id having days > 0"
    return {str(row["user_id"]): row["days"] for row in rows(folder, sql)}


def rows(folder: Path, sql: str) -> list[dict[str, int | str]]:
    asked = mcraft("query", sql, "--json", cwd=folder)
    assert asked.returncode == 0, asked.stderr
    found: list[dict[str, int | str]] = json.loads(asked.stdout)["rows"]
    return found
