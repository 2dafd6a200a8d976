"""Pictures of every page over the demo: phone and desktop, light and dark, both languages (`make screenshots`)."""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, expect

from tests.browser.chromium import chromium
from tests.cli.run import mcraft
from tests.serve.server import served

PAGES = {
    "dashboard": "/",
    "connections": "/settings/integrations",
    "pipeline": "/debug/pipeline",
    "schema": "/debug/pipeline#schema",
}
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LOCALES = {"ja": "ja-JP", "en": "en-GB"}
TARGET = Path("screenshots")
FOR_README = {
    ("dashboard", "desktop", "light", "en"): Path("docs/images/dashboard.png"),
    ("dashboard", "desktop", "light", "ja"): Path("docs/images/dashboard-ja.png"),
    ("pipeline", "desktop", "light", "en"): Path("docs/images/pipeline.png"),
    ("connections", "desktop", "light", "en"): Path("docs/images/connections.png"),
}


def main() -> None:
    """Make the demo in a temporary folder, serve it, and photograph it."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        done = mcraft("demo", "--no-serve", cwd=Path(folder))
        if done.returncode:
            sys.exit(done.stderr)
        with served(Path(folder)) as address, chromium() as browser:
            for page, size, scheme, language in product(PAGES, SIZES, SCHEMES, LOCALES):
                photograph(browser, address, page, size, scheme, language)


def photograph(
    browser: Browser, address: str, page: str, size: str, scheme: Literal["light", "dark"], language: str
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale=LOCALES[language],
        timezone_id="Asia/Tokyo",
        reduced_motion="reduce",
    )
    opened = context.new_page()
    opened.goto(f"{address}{PAGES[page]}")
    if page == "dashboard":
        expect(opened.locator('[data-engine="wasm"]')).to_be_visible(timeout=90_000)
    opened.wait_for_load_state("networkidle" if page == "dashboard" else "load")
    expect(opened.locator("h1, h2").first).to_be_visible(timeout=90_000)
    if page == "connections":
        expect(opened.get_by_test_id("heat").first).to_be_visible()
    if page == "schema":
        opened.locator('[data-entity="work_session"] summary').click()
    path = TARGET / f"{page}-{size}-{scheme}-{language}.png"
    opened.screenshot(path=path, full_page=True)
    if readme := FOR_README.get((page, size, scheme, language)):
        opened.screenshot(path=readme, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": 1000})
    sys.stderr.write(f"  {path}\n")
    context.close()


if __name__ == "__main__":
    main()
