"""The Schema tab and the warnings, over a real server and a lake whose app changed its records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from moderation_craft.lake import Lake
from moderation_craft.pipeline.run import run_job
from moderation_craft.pipeline.steps import Context, Request
from moderation_craft.settings import Settings
from tests.browser.chromium import chromium
from tests.serve.server import served
from tests.warehouse.made_lake import app_items, put_dump, put_export, session

pytestmark = pytest.mark.browser

TIMEOUT_MS = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over a lake that was built, and built again after the app changed its records."""
    folder = tmp_path_factory.mktemp("schema")
    lake = Lake.open(str(folder / "lake"))
    changed = session("s9", "2026-03-05T00:00:00.000Z", 25, focus_level="7", energy=["low"])
    for number, items in enumerate((app_items(), [*app_items(), changed]), start=1):
        put_export(lake, f"2026030{number}T200000000Z-000{number}", items, date(2026, 3, number))
        put_dump(lake, f"2026030{number}T210000000Z-000{number}", [("moodEntries", {"id": "m1", "moodLevel": 4})])
        job = run_job(Context(Settings(lake=lake.address), lake), Request("rebuild"))
        assert job.status == "completed", job.error
    with served(folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def opened(browser: Browser, address: str, locale: str, width: int) -> Page:
    context = browser.new_context(
        locale=locale, timezone_id="Asia/Tokyo", viewport={"width": width, "height": 844}
    )
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(f"{address}/debug/pipeline#schema")
    return page


def test_the_api_tells_entities_attributes_and_warnings(address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as api:
        data = api.get("/api/pipeline/schema").json()["data"]
        runs = api.get("/api/pipeline/runs").json()["data"]["runs"]
        gold = api.get("/api/gold/people").json()["data"]["version"]
    assert data["goldVersion"] == gold
    assert {each["door"] for each in data["entities"]} == {"dynamodb", "indexeddb"}
    sessions = next(
        each for each in data["entities"] if (each["door"], each["entityType"]) == ("dynamodb", "work_session")
    )
    attributes = {each["name"]: each for each in sessions["attributes"]}
    assert attributes["focus_level"]["isMixed"]
    assert {each["type"] for each in attributes["focus_level"]["types"]} == {"N", "S"}
    energy = attributes["energy"]
    assert (energy["since"], energy["isRead"], energy["items"]) == ("2026-03-02", False, 1)
    assert energy["missingShare"] == pytest.approx(1 - 1 / sessions["items"])
    said = {each["change"]["attribute"]: each for run in runs for each in run["warnings"]}
    assert set(said) == {"energy"}
    assert (said["energy"]["code"], said["energy"]["change"]["kind"]) == ("E010", "new_attribute")


@pytest.mark.parametrize(
    ("locale", "mixed", "new"), [("ja-JP", "まざり", "新しい項目"), ("en-GB", "mixed", "is new")]
)
def test_the_tab_shows_every_attribute_and_the_status_what_changed(
    browser: Browser, address: str, locale: str, mixed: str, new: str
) -> None:
    page = opened(browser, address, locale, 1280)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    expect(page.get_by_test_id("schema-noted")).to_contain_text(mixed)
    entity = page.locator('details[data-entity="work_session"]')
    entity.locator("summary").click()
    row = entity.locator('[data-attribute="energy"]')
    expect(row).to_be_visible()
    expect(row.locator('[data-mark="unread"]')).to_be_visible()
    page.locator(".doors button").nth(1).click()
    expect(page.locator('details[data-entity="mood_entry"]')).to_be_visible()
    page.goto(f"{address}/debug/pipeline#status")
    expect(page.get_by_test_id("warnings")).to_contain_text(new)
    expect(page.get_by_test_id("warnings")).to_contain_text("work_session.energy")
    page.context.close()
    assert problems == []


def test_the_tab_fits_a_phone(browser: Browser, address: str) -> None:
    page = opened(browser, address, "ja-JP", 390)
    entity = page.locator('details[data-entity="work_session"]')
    entity.locator("summary").click()
    expect(entity.locator('[data-attribute="focus_level"]')).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
