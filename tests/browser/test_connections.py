"""/settings/integrations in real Chromium: consent, what lacks and why, healed by the next fetch, in the marts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from moderation_craft.clock import SystemClock
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.fitbit import stand_in as fitbit_stand_in
from moderation_craft.sources.stand_in import serve
from tests.browser.chromium import chromium
from tests.cli.run import mcraft
from tests.conftest import wait_until
from tests.serve.server import served
from tests.sources.consenting import google

pytestmark = pytest.mark.browser

TIMEOUT_MS = 90_000
DAYS = 12


class World:
    """A served lake, and Google behind faults, for a person whom nobody knows yet."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder
        there = stack.enter_context(google(SystemClock()))
        last = datetime.now(UTC).date() - timedelta(days=1)
        days = [last - timedelta(days=back) for back in range(DAYS)]
        person = fitbit_stand_in.seeded_person("aoi", "no token of Google's", days)
        self.health = Faulty(fitbit_stand_in.create_app([person], who=there.accounts.grants.owner))
        environment = there.environment(folder / "vault") | {
            "MCRAFT_FITBIT__BASE_URL": stack.enter_context(serve(self.health)) + "/v4",
            "MCRAFT_HISTORY_DAYS": str(DAYS),
            "MCRAFT_SCHEDULE__ENABLED": "false",
        }
        self.address = stack.enter_context(served(folder, **environment))

    def run(self) -> None:
        """The whole job, as the pipeline page starts it."""
        with httpx.Client(base_url=self.address, timeout=60) as api:
            job_id = api.post("/api/pipeline/run", json={}).json()["data"]["jobId"]
            wait_until(lambda: self._status(api, job_id) in ("completed", "failed"), "the job did not end", 120)

    def _status(self, api: httpx.Client, job_id: str) -> str:
        return str(api.get(f"/api/pipeline/status/{job_id}").json()["data"]["status"])

    def asked(self, sql: str) -> list[str]:
        """The rows of the published gold, as CSV."""
        answer = mcraft("query", sql, "--csv", cwd=self.folder)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.splitlines()[1:]

    def quality(self) -> list[str]:
        """The state of each of the person's days in the mart."""
        return self.asked("select status from mart_data_quality where user_id = 'aoi' and source = 'fitbit'")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone, in Japanese."""
    context = browser.new_context(locale="ja-JP", timezone_id="Asia/Tokyo", viewport={"width": 390, "height": 844})
    context.set_default_timeout(TIMEOUT_MS)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    context.close()
    assert problems == []


def consent(page: Page, decision: str) -> None:
    page.get_by_test_id("connect-fitbit").click()
    page.locator("#person").select_option("aoi")
    page.locator(f'button[value="{decision}"]').click()


def states(page: Page, source: str = "fitbit") -> set[str]:
    found = page.locator(f'[data-source="{source}"] rect[data-state]')
    return {str(found.nth(index).get_attribute("data-state")) for index in range(found.count())}


def test_connect_fetch_see_what_lacks_heal_it_and_find_it_in_the_marts(page: Page, world: World) -> None:
    page.goto(f"{world.address}/settings/integrations")
    page.locator('input[name="name"]').fill("aoi")
    page.locator("form button").click()
    consent(page, "allow")
    expect(page.get_by_test_id("connect-notice")).to_have_class(re.compile("good"))
    connection = page.locator('[data-service="fitbit"]')
    expect(connection).to_have_attribute("data-state", "connected")
    page.get_by_test_id("test-fitbit").click()
    expect(page.get_by_test_id("connection-outcome")).to_be_visible(timeout=TIMEOUT_MS)

    world.health.faults.append(Fault(500, b"oops", path_part="/dataTypes/steps/"))
    page.get_by_test_id("fetch-missing").click()
    expect(page.get_by_test_id("job-error")).to_have_attribute("data-code", "E006", timeout=TIMEOUT_MS)
    heat = page.locator('[data-source="fitbit"] [data-testid="heat"]')
    expect(heat).to_be_visible()
    partial = page.locator('[data-source="fitbit"] rect[data-state="partial"]')
    expect(partial.first).to_be_visible(timeout=TIMEOUT_MS)
    expect(page.locator('[data-source="fitbit"] [data-testid="gaps"]')).to_contain_text("歩数")
    partial.first.hover()
    expect(heat.locator("figcaption")).to_contain_text("一部だけ")
    page.locator('[data-source="fitbit"] summary').click()
    expect(page.locator('tr[data-stream="steps"]')).to_contain_text("500")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    world.run()
    assert set(world.quality()) == {"partial"}

    world.health.faults.clear()
    page.get_by_test_id("fetch-missing").click()
    expect(page.get_by_test_id("fetch-outcome")).to_be_visible(timeout=TIMEOUT_MS)
    expect(partial).to_have_count(0, timeout=TIMEOUT_MS)
    assert states(page) == {"complete", "open"}
    world.run()
    quality = world.quality()
    assert len(quality) == DAYS + 1
    assert set(quality) <= {"complete", "late"}
    (steps,) = world.asked("select count(steps) from fct_daily_health where user_id = 'aoi'")
    assert int(steps) >= DAYS - 1


def test_a_consent_refused_changes_nothing_and_a_connection_is_taken_back_only_when_sure(
    page: Page, world: World
) -> None:
    page.goto(f"{world.address}/settings/integrations?user=aoi")
    consent(page, "deny")
    expect(page.get_by_test_id("connect-notice")).not_to_have_class(re.compile("good"))
    connection = page.locator('[data-service="fitbit"]')
    expect(connection).to_have_attribute("data-state", "none")
    page.goto(f"{world.address}/settings/integrations?user=aoi")
    consent(page, "allow")
    expect(connection).to_have_attribute("data-state", "connected")
    page.get_by_test_id("disconnect-fitbit").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    page.get_by_role("alertdialog").locator("button").nth(1).click()
    expect(connection).to_have_attribute("data-state", "connected")
    page.get_by_test_id("disconnect-fitbit").click()
    page.get_by_test_id("disconnect-yes").click()
    expect(connection).to_have_attribute("data-state", "none")
    expect(page.get_by_test_id("connection-outcome")).to_be_visible(timeout=TIMEOUT_MS)
