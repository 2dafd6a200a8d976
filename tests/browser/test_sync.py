"""The app's half in real Chromium: a Dexie database on one origin, `mcraft serve` on another, trouble between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from moderation_craft.clock import SystemClock
from moderation_craft.lake import Lake, Manifest
from moderation_craft.lake.chain import chain
from tests.browser.between import Between, Chunk, Deal, between, listening
from tests.browser.chromium import ARGUMENTS, chromium
from tests.conftest import REPOSITORY, wait_until
from tests.serve.server import served

pytestmark = pytest.mark.browser

TIMEOUT_MS = 60_000
_APP = Path(__file__).parent / "sync_app"
_VENDOR = REPOSITORY / "web" / "node_modules"
_FILES = {
    "/": (_APP / "index.html", "text/html"),
    "/app.js": (_APP / "app.js", "text/javascript"),
    "/vendor/dexie.mjs": (_VENDOR / "dexie/dist/dexie.mjs", "text/javascript"),
    "/vendor/dexie-export-import.mjs": (
        _VENDOR / "dexie-export-import/dist/dexie-export-import.mjs",
        "text/javascript",
    ),
}


class _AppFiles(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, kind = _FILES.get(self.path, (None, ""))
        content = path.read_bytes() if path else b""
        self.send_response_only(200 if path else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Where the app lives."""
    with listening(_AppFiles) as address:
        yield address


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sync")


@pytest.fixture(scope="module")
def pipeline(folder: Path, origin: str) -> Iterator[str]:
    """A server that takes from the app's origin."""
    with served(folder, MCRAFT_INGEST__ALLOWED_ORIGINS=json.dumps([origin])) as address:
        yield address


@pytest.fixture
def server(pipeline: str) -> Iterator[Between]:
    with between(pipeline) as told:
        yield told


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser, origin: str) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    opened = context.new_page()
    opened.goto(origin)
    yield opened
    context.close()


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return str(request.node.name).split("[")[0].removeprefix("test_")[:60]


def begin(page: Page, server: str, user: str, **options: Any) -> None:
    page.evaluate("([server, options]) => app.begin(server, options)", [server, {"user": user, **options}])


def sync(page: Page) -> dict[str, Any]:
    status: dict[str, Any] = page.evaluate("app.sync.sync()")
    return status


def wait_for_phase(page: Page, phase: str) -> dict[str, Any]:
    page.wait_for_function("phase => app.sync.status().phase === phase", arg=phase)
    status: dict[str, Any] = page.evaluate("app.sync.status()")
    return status


Tables = dict[str, dict[str, Any]]


def manifests(folder: Path, user: str) -> list[Manifest]:
    lake = Lake.open(str(folder / "lake"), SystemClock())
    return chain(each for each in lake.manifests("indexeddb") if each.details["user_id"] == user)


def in_the_lake(folder: Path, user: str) -> Tables:
    """By table and key, the rows that raw says the person's browser holds."""
    lake = Lake.open(str(folder / "lake"), SystemClock())
    tables: Tables = {}
    for manifest in manifests(folder, user):
        for part in manifest.parts:
            for line in map(json.loads, lake.lines(part.key)):
                rows = tables.setdefault(line["table"], {})
                if line.get("deleted"):
                    del rows[json.dumps(line["key"])]
                else:
                    rows[json.dumps(line["key"])] = line["row"]
    return {table: rows for table, rows in tables.items() if rows}


def in_the_browser(page: Page) -> Tables:
    """The same as dexie-export-import dumps it."""
    tables: Tables = {}
    for table in json.loads(page.evaluate("app.dump()"))["data"]["data"]:
        for row in table["rows"]:
            plain = row["$"] if "$types" in row and "id" not in row else row
            key = plain["id"] if table["inbound"] else plain[0]
            tables.setdefault(table["tableName"], {})[json.dumps(key)] = row
    return tables


def test_the_lake_holds_what_the_database_holds_and_only_changes_follow(
    page: Page, server: Between, folder: Path, user: str
) -> None:
    page.evaluate("app.open().then(() => app.fill(2500))")
    begin(page, server.address, user)
    status = wait_for_phase(page, "idle")
    held = in_the_browser(page)
    assert len(held) == 13
    assert in_the_lake(folder, user) == held
    assert status["sent"] == sum(map(len, held.values())) == len(server.keys())
    assert status["error"] is None
    assert [chunk.sequence for chunk in server.chunks] == [1, 2, 3]
    devices = {each.details["device_id"] for each in manifests(folder, user)}
    assert len(devices) == 1

    assert sync(page)["sent"] == status["sent"]
    assert len(server.chunks) == 3

    page.evaluate(
        """async () => {
          const { db } = app;
          await db.small_tasks.update("s1", { name: "直した" });
          await db.mood_entries.add({ id: "m2", user_id: "me", timestamp: new Date(5), mood_level: 3 });
          await db.work_sessions.bulkDelete(["w00000", "w01234", "w02499"]);
          await db.category_colors.put({ color: "red" }, "企画");
          await db.category_colors.delete("制作");
          await db.sync_queue.clear();
        }"""
    )
    sync(page)
    assert set(server.chunks[3].keys) == {
        "small_tasks s1",
        "mood_entries m2",
        "category_colors 企画",
        "-category_colors 制作",
        "-sync_queue q1",
        "-work_sessions w00000",
        "-work_sessions w01234",
        "-work_sessions w02499",
    }
    assert len(server.chunks) == 4
    assert in_the_lake(folder, user) == in_the_browser(page)
    assert len(manifests(folder, user)) == 4


def test_without_a_network_the_changes_wait_and_go_when_it_is_back(
    page: Page, server: Between, folder: Path, user: str
) -> None:
    page.evaluate("app.open().then(() => app.fill(10))")
    begin(page, server.address, user)
    wait_for_phase(page, "idle")
    page.context.set_offline(True)
    page.evaluate("app.db.work_sessions.bulkDelete(['w00001', 'w00002'])")
    status = sync(page)
    assert (status["phase"], status["pending"], status["error"]["code"]) == ("retrying", 2, "E006")
    page.evaluate("app.db.work_sessions.update('w00003', { work_notes: 'オフライン' })")
    page.context.set_offline(False)
    wait_for_phase(page, "idle")
    assert in_the_lake(folder, user) == in_the_browser(page)


def test_a_lost_answer_duplicates_nothing(page: Page, server: Between, folder: Path, user: str) -> None:
    lost: list[int] = []

    def lose_first(chunk: Chunk) -> Deal:
        if chunk.sequence in lost or len(lost) == 3:
            return "pass"
        lost.append(chunk.sequence)
        return "lose" if chunk.sequence != 2 else "break"

    server.deal = lose_first
    page.evaluate("app.open().then(() => app.fill(2500))")
    begin(page, server.address, user, retryMs=20)
    wait_for_phase(page, "idle")
    assert lost[0] == 1
    sent = [(chunk.upload, chunk.sequence) for chunk in server.chunks]
    assert len(set(sent)) < len(sent)
    for chunk in server.chunks:
        assert {tuple(each.keys) for each in server.chunks if each.upload == chunk.upload} >= {tuple(chunk.keys)}
    noted = [(each.details["upload"], each.details["sequence"]) for each in manifests(folder, user)]
    assert sorted(noted) == sorted(set(sent))
    held = in_the_browser(page)
    assert in_the_lake(folder, user) == held
    assert sum(each.rows for each in manifests(folder, user)) == sum(map(len, held.values()))


def test_a_browser_killed_half_way_sends_the_rest_when_it_is_back(
    browser: Browser, server: Between, folder: Path, origin: str, tmp_path: Path, user: str
) -> None:
    """Once with an answer on its way, once before the server has seen the chunk."""
    profile = tmp_path / "profile"
    acknowledged: set[str] = set()
    kills: list[tuple[Deal, int]] = [("hold", 3), ("break", 2)]
    for deal, sequence in kills:
        server.released.clear()
        server.deal = _only(sequence, deal)
        before = len(server.chunks)
        with killed_after(browser, profile, origin) as page:
            page.evaluate("app.open()")
            if not acknowledged:
                page.evaluate("app.fill(6000)")
            begin(page, server.address, user)
            wait_until(
                lambda before=before, sequence=sequence: any(  # type: ignore[misc]
                    each.sequence == sequence and each.answer is None for each in server.chunks[before:]
                ),
                "the upload did not get that far",
            )
        server.released.set()
        # A chunk is sent when the one before it is written down as acknowledged.
        known = [each for each in server.chunks[before:] if each.sequence != sequence]
        new = {key for chunk in known for key in chunk.keys}
        assert new
        assert not new & acknowledged
        acknowledged |= new
    server.deal = lambda chunk: "pass"
    before = len(server.chunks)
    with killed_after(browser, profile, origin) as page:
        page.evaluate("app.open()")
        begin(page, server.address, user)
        wait_for_phase(page, "idle")
        assert in_the_lake(folder, user) == in_the_browser(page)
    assert not {key for chunk in server.chunks[before:] for key in chunk.keys} & acknowledged
    again = [each.answer["data"]["alreadyHeld"] for each in server.chunks if each.answer is not None]
    assert again.count(True) == 1
    noted = [(each.details["upload"], each.details["sequence"]) for each in manifests(folder, user)]
    assert len(noted) == len(set(noted))
    assert sum(each.rows for each in manifests(folder, user)) == 6000 + 14


def _only(sequence: int, deal: Deal) -> Callable[[Chunk], Deal]:
    return lambda chunk: deal if chunk.sequence == sequence else "pass"


@contextmanager
def killed_after(browser: Browser, profile: Path, origin: str) -> Iterator[Page]:
    """A page in a browser of its own, with a profile that stays; in the end the browser is killed (SIGKILL)."""
    path = shutil.which("chromium")
    assert path
    port_file = profile / "DevToolsActivePort"
    port_file.unlink(missing_ok=True)
    arguments = [path, *ARGUMENTS, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with subprocess.Popen(
        [*arguments, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            wait_until(lambda: port_file.exists() and "\n" in port_file.read_text(), "Chromium did not start")
            port = port_file.read_text().splitlines()[0]
            remote = browser.browser_type.connect_over_cdp(f"http://127.0.0.1:{port}")
            page = remote.contexts[0].new_page()
            page.set_default_timeout(TIMEOUT_MS)
            page.goto(origin)
            yield page
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_page_of_another_origin_is_told_which_setting_lets_it_in(
    browser: Browser, server: Between, folder: Path, origin: str, user: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    stranger = origin.replace("127.0.0.1", "localhost")
    page.goto(stranger)
    page.evaluate("app.open().then(() => app.fill(1))")
    begin(page, server.address, user)
    status = wait_for_phase(page, "refused")
    assert status["error"]["code"] == "E001"
    assert f'add "{stranger}" to ingest.allowed_origins' in status["error"]["remedy"]
    assert manifests(folder, user) == []
    context.close()


def test_the_app_may_upgrade_its_database_while_it_is_read(
    page: Page, server: Between, folder: Path, user: str
) -> None:
    page.evaluate("app.open().then(() => app.fill(2500))")
    server.deal = lambda chunk: "hold" if not server.released.is_set() else "pass"
    begin(page, server.address, user, retryMs=20)
    wait_until(lambda: bool(server.chunks), "nothing was sent")
    page.evaluate("app.db.close(); app.open(13, { notes: 'id' }).then(() => app.db.notes.put({ id: 'new' }))")
    server.released.set()
    wait_for_phase(page, "idle")
    assert in_the_lake(folder, user) == in_the_browser(page)


def test_two_tabs_send_each_row_once(page: Page, server: Between, folder: Path, origin: str, user: str) -> None:
    other = page.context.new_page()
    other.goto(origin)
    page.evaluate("app.open().then(() => app.fill(1500))")
    other.evaluate("app.open()")
    for tab in (page, other):
        begin(tab, server.address, user)
    for tab in (page, other):
        assert sync(tab)["phase"] == "idle"
    keys = server.keys()
    assert len(keys) == len(set(keys)) == 1500 + 14
    assert in_the_lake(folder, user) == in_the_browser(page)


def test_what_the_server_puts_into_quarantine_is_told_and_not_sent_again(
    page: Page, server: Between, folder: Path, user: str
) -> None:
    page.evaluate("app.open().then(() => app.fill(1))")
    page.evaluate("app.db.schedule_memos.put({ id: 'n2', content: 'half a character: \\ud83d' })")
    begin(page, server.address, user)
    status = wait_for_phase(page, "idle")
    assert (status["quarantined"], status["sent"]) == (1, 16)
    assert sync(page)["sent"] == 16
    assert list(in_the_lake(folder, user)["schedule_memos"]) == ['"n1"']


def test_without_the_apps_database_nothing_is_made_or_sent(page: Page, server: Between, user: str) -> None:
    begin(page, server.address, user)
    assert wait_for_phase(page, "absent")["error"] is None
    names = page.evaluate("indexedDB.databases().then(all => all.map(each => each.name))")
    assert names == ["mcraft-sync"]
    assert server.chunks == []
