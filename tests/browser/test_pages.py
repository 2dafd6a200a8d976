"""The two pages in real Chromium, over a real server, with the network closed but for loopback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.chromium import chromium
from tests.cli.run import mcraft
from tests.serve.server import served

pytestmark = pytest.mark.browser

TIMEOUT_MS = 90_000


@pytest.fixture(scope="module")
def folder(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(demo_folder, tmp_path_factory.mktemp("browser") / "demo"))


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when it logs an error or asks anybody but loopback."""
    size: ViewportSize = {"width": 1280, "height": 900}
    context = browser.new_context(locale="en-GB", timezone_id="Asia/Tokyo", viewport=size)
    context.set_default_timeout(TIMEOUT_MS)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on(
        "request",
        lambda request: (
            problems.append(request.url)
            if urlparse(request.url).hostname not in ("localhost", "127.0.0.1", None, "")
            else None
        ),
    )
    yield opened
    context.close()
    assert problems == []


def test_a_manual_export_is_watched_listed_downloaded_and_counted(page: Page, address: str) -> None:
    page.goto(f"{address}/debug/pipeline#history")
    rows = page.get_by_test_id("history-row")
    expect(rows.first).to_be_visible(timeout=TIMEOUT_MS)
    before = rows.count()
    page.goto(f"{address}/debug/pipeline#status")
    page.get_by_test_id("export-button").click()
    expect(page.get_by_test_id("job-progress").first).to_be_attached(timeout=TIMEOUT_MS)
    expect(page.get_by_test_id("job-status").first).to_have_attribute(
        "data-status", "completed", timeout=TIMEOUT_MS
    )
    page.get_by_role("tab", name="History").click()
    expect(rows).to_have_count(before + 1, timeout=TIMEOUT_MS)
    newest = rows.first
    shown = int(newest.get_attribute("data-count") or -1)
    with page.expect_download() as download:
        newest.get_by_role("link", name="JSON").click()
    document = json.loads(Path(download.value.path()).read_text())
    assert document["export_metadata"]["record_count"] == len(document["data"]) == shown > 0


def test_the_dashboard_shows_what_query_says(page: Page, address: str, folder: Path) -> None:
    page.goto(address)
    figure = page.get_by_test_id("figure-sleep")
    expect(page.locator('[data-engine="wasm"]')).to_be_visible(timeout=TIMEOUT_MS)
    user = page.evaluate("new URL(location.href).searchParams.get('user')") or ""
    day = figure.get_attribute("data-date")
    done = mcraft(
        "query", "select user_id, date, sleep_minutes from mart_productivity_daily", "--json", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    rows = {(row["user_id"], row["date"]): row["sleep_minutes"] for row in json.loads(done.stdout)["rows"]}
    user = user or min(user_id for user_id, _ in rows)
    assert float(figure.get_attribute("data-value") or "nan") == pytest.approx(rows[user, day])


@pytest.mark.parametrize(("locale", "lang"), [("ja-JP", "ja"), ("en-US", "en")])
@pytest.mark.parametrize("path", ["/", "/debug/pipeline"])
def test_each_page_speaks_the_browsers_language_and_fits_a_phone(
    browser: Browser, address: str, path: str, locale: str, lang: str
) -> None:
    context = browser.new_context(locale=locale, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{address}{path}")
    expect(page.locator("html")).to_have_attribute("lang", lang, timeout=TIMEOUT_MS)
    expect(page.locator("h1, h2").first).to_be_visible(timeout=TIMEOUT_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
