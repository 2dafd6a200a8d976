"""From `mcraft connect` to rows in the marts, as a person does it; and that no secret is left anywhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from moderation_craft.clock import SystemClock
from moderation_craft.sources.fitbit import stand_in as fitbit_stand_in
from moderation_craft.sources.google import stand_in
from moderation_craft.sources.oauth.connection import Connection
from moderation_craft.sources.oauth.vault import Vault, open_vault
from moderation_craft.sources.stand_in import serve
from tests.cli.run import mcraft
from tests.sources.consenting import Google, click, google

DAYS = 12


class World:
    """Google's authorization server and Google Health, which takes the tokens that the first gives out."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder
        self.google: Google = stack.enter_context(google(SystemClock()))
        last = datetime.now(UTC).date() - timedelta(days=1)
        days = [last - timedelta(days=back) for back in range(DAYS)]
        person = fitbit_stand_in.seeded_person("aoi", "no token of Google's", days)
        health = fitbit_stand_in.create_app([person], who=self.google.accounts.grants.owner)
        self.health = stack.enter_context(serve(health))

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.google.environment(self.folder / "vault"),
            "MCRAFT_FITBIT__BASE_URL": f"{self.health}/v4",
            "MCRAFT_HISTORY_DAYS": str(DAYS),
            "MCRAFT_LAKE": str(self.folder / "lake"),
        }

    @property
    def vault(self) -> Vault:
        return open_vault(self.google.settings(self.folder / "vault"))

    def held(self) -> Connection:
        found = self.vault.get("fitbit", "aoi")
        assert found is not None
        return found

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return mcraft(*arguments, cwd=self.folder, **self.environment)

    def connect(self, *arguments: str) -> subprocess.Popen[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MCRAFT_"))}
        code = "from moderation_craft.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, "--verbose", "connect", "fitbit", "--user", "aoi", *arguments],
            cwd=self.folder,
            env={**inherited, **self.environment},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, tmp_path)


def consent_address(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The address that the command prints, and what it said up to there."""
    said = ""
    assert process.stderr is not None
    for line in process.stderr:
        said += line
        if found := re.search(r"^\s+(http\S+)$", line):
            return found[1], said
    raise AssertionError(said)


def test_connect_consent_fetch_and_the_marts_have_it(world: World) -> None:
    process = world.connect()
    address, said = consent_address(process)
    back = click(address)
    page = httpx.get(back.headers["location"])
    assert page.status_code == 200 and "接続しました" in page.text
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "Granted: sleep, activity and fitness, health metrics and measurements, mindfulness" in rest

    first = world.held()
    done = world.run("--verbose", "run")
    assert done.returncode == 0, done.stderr
    asked = world.run("query", "select count(*) as n from fct_daily_health where steps is not null", "--json")
    assert json.loads(asked.stdout)["rows"][0]["n"] == DAYS, asked.stderr + done.stderr
    nights = world.run("query", "select count(*) as n from fct_sleep", "--json")
    assert json.loads(nights.stdout)["rows"][0]["n"] > 0
    assert world.google.accounts.asked["refresh_token"] == 0

    everything = said + rest + done.stdout + done.stderr + page.text
    everything += "".join(world.run(*told).stdout for told in (["status", "--json"], ["doctor"], ["sources"]))
    secrets = [first.access_token, first.refresh_token or "", stand_in.CLIENT_SECRET]
    query = urlsplit(back.headers["location"]).query
    secrets += [part for part in re.findall(r"code=([^&]+)", query)]
    for secret in secrets:
        assert len(secret) > 8 and secret not in everything
        for path in world.folder.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path

    gone = world.run("disconnect", "fitbit", "--user", "aoi")
    assert gone.returncode == 0 and "took the consent back" in gone.stdout
    assert world.google.accounts.grants.owner(first.access_token) is None
    assert "Not disconnected" in world.run("disconnect", "fitbit", "--user", "aoi").stdout


def test_what_was_not_granted_is_said_and_the_rest_is_fetched(world: World) -> None:
    process = world.connect()
    httpx.get(click(consent_address(process)[0], without=["mindfulness"]).headers["location"])
    _, said = process.communicate(timeout=60)
    assert "Granted: sleep, activity and fitness, health metrics and measurements." in said
    assert "not granted: mindfulness and moods" in said
    done = world.run("fetch", "fitbit")
    assert done.returncode == 0, "what a person chose not to allow is no failure"
    assert "did not allow moods" in done.stderr and "new" in done.stderr
    assert "Not granted: mindfulness" in world.run("doctor").stdout


def test_a_refused_consent_ends_the_command_with_its_reason(world: World) -> None:
    process = world.connect()
    address, _ = consent_address(process)
    page = httpx.get(click(address, allow=False).headers["location"])
    assert page.status_code == 400 and "接続できませんでした" in page.text
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 1 and "E001" in rest and "refused" in rest
    assert not (world.folder / "vault").exists()


def test_what_is_not_the_answer_does_not_end_the_wait(world: World) -> None:
    process = world.connect()
    address, _ = consent_address(process)
    back = click(address)
    port = urlsplit(back.headers["location"]).port
    for path, status in [("/favicon.ico", 404), ("/callback", 400), ("/callback?state=forged&code=x", 400)]:
        assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == status
    foreign = {"host": "attacker.example"}
    assert httpx.get(back.headers["location"], headers=foreign).status_code == 404
    assert httpx.get(back.headers["location"]).status_code == 200
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_consent_that_nobody_gives_times_out_with_what_to_do(world: World) -> None:
    process = world.connect("--wait", "0.02")
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 1 and "E008" in rest and "invalid_client" in rest


def test_a_withdrawn_consent_leaves_days_missing_with_the_reason_and_the_run_goes_on(world: World) -> None:
    process = world.connect()
    httpx.get(click(consent_address(process)[0]).headers["location"])
    process.communicate(timeout=60)
    earlier = world.held().renewed_at - timedelta(minutes=2)
    world.vault.put(msgspec.structs.replace(world.held(), renewed_at=earlier))
    world.google.accounts.grants.withdraw("aoi")
    for _ in range(2):
        done = world.run("fetch", "fitbit")
        assert "mcraft connect fitbit --user aoi" in done.stdout + done.stderr
    assert world.google.accounts.asked["refresh_token"] == 1
    found = world.run("doctor")
    assert found.returncode == 1 and "withdrawn" in found.stdout


def test_doctor_says_a_key_that_others_can_read(world: World) -> None:
    process = world.connect()
    httpx.get(click(consent_address(process)[0]).headers["location"])
    process.communicate(timeout=60)
    assert "aoi to fitbit" in world.run("doctor").stdout
    key = world.folder / "vault" / "vault.key"
    key.chmod(0o644)
    found = world.run("doctor")
    assert found.returncode == 1 and f"chmod 600 {key}" in found.stdout
