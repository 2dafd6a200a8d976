"""CalDAV against a real Radicale server on loopback: whole calendars, failures, and no word to anybody else."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import caldav
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from moderation_craft.clock import FixedClock, new_run_id
from moderation_craft.errors import McraftError, SetupError
from moderation_craft.lake import Lake
from moderation_craft.lake.quarantine import read_all
from moderation_craft.settings import CalDavAccount, CalendarSettings, Settings, load_settings
from moderation_craft.sources.calendar.caldav import Account, CalDavAccounts
from moderation_craft.sources.calendar.source import CALDAV, CalendarSource, build
from moderation_craft.sources.contract import Person, Record, Window
from moderation_craft.sources.fetch import FetchResult, fetch_source
from moderation_craft.sources.http import Http
from moderation_craft.sources.prepare import prepared_keys
from moderation_craft.sources.stand_in import serve
from tests.conftest import wait_until
from tests.sources.google_calendar import rows_of

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
TODAY = date(2026, 11, 23)
PERSON = Person("u1", "Europe/Paris")
USER, PASSWORD = "mina@example.com", "app-password-0123456789"
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n"
    "SUMMARY:Secret title ☕\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
LUNCH = "DTSTART;TZID=Europe/Paris:20261120T120000\r\nDTEND;TZID=Europe/Paris:20261120T130000"


def event(uid: str, lines: str = LUNCH) -> str:
    return EVENT.format(uid=uid, lines=lines)


@dataclass(frozen=True)
class Radicale:
    """A running server with one account."""

    url: str
    folder: Path

    def calendar(self, name: str) -> Any:
        """A calendar of the account, made where it is not there yet."""
        client = caldav.DAVClient(self.url, username=USER, password=PASSWORD)
        principal = client.principal()  # type: ignore[no-untyped-call]
        found = [each for each in principal.calendars() if each.name == name]
        return found[0] if found else principal.make_calendar(name=name, cal_id=name.lower())

    def put_raw(self, name: str, file: str, text: str) -> None:
        """What a careless client left on the server."""
        (folder,) = self.folder.glob(f"**/{name}")
        (folder / file).write_text(text, encoding="utf-8", newline="")


@pytest.fixture
def radicale(tmp_path: Path) -> Iterator[Radicale]:
    folder = tmp_path / "radicale"
    folder.mkdir()
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "--server-hosts": f"127.0.0.1:{port}",
        "--storage-filesystem-folder": str(folder / "collections"),
        "--auth-type": "htpasswd",
        "--auth-htpasswd-filename": str(folder / "users"),
        "--auth-htpasswd-encryption": "plain",
        "--auth-delay": "0",
    }
    command = [sys.executable, "-m", "radicale", "--config", ""]
    command += [f"{name}={value}" for name, value in options.items()]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until(lambda: _answers(port), "Radicale did not start")
            yield Radicale(f"http://127.0.0.1:{port}/", folder)
        finally:
            server.terminate()
            server.wait(20)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def source_of(url: str, password: str = PASSWORD, calendars: tuple[str, ...] = ()) -> CalendarSource:
    account = Account(url, USER, password, calendars)
    accounts = CalDavAccounts({"u1": {"home": account}}, attempts=1, timeout_seconds=5)
    return CalendarSource({}, Http("calendar", attempts=1), caldav=accounts)


def records(source: CalendarSource) -> list[Record]:
    return list(source.fetch(CALDAV, PERSON, Window(TODAY, TODAY)))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"), FixedClock(NOW))


def fetched(lake: Lake, source: CalendarSource) -> FetchResult:
    """A fetch, a second after the one before."""
    lake.clock = FixedClock(lake.clock.now() + timedelta(seconds=1))
    run_id = new_run_id(lake.clock)
    return fetch_source(lake, source, [PERSON], first_day=TODAY, last_day=TODAY, run_id=run_id)


def test_every_event_of_every_calendar_comes_as_the_server_holds_it(radicale: Radicale) -> None:
    for name in ("Work", "Private"):
        radicale.calendar(name).save_event(event(f"{name}-1"))
    found = {str(each.metadata["calendar"]): json.loads(each.data) for each in records(source_of(radicale.url))}
    assert sorted(found) == ["home/private", "home/work"]
    (resource,) = found["home/work"]
    assert resource["href"].endswith(".ics")
    assert "SUMMARY:Secret title ☕" in resource["data"]


@pytest.mark.parametrize("chosen", ["Work", "work"])
def test_one_calendar_by_its_name_or_address(radicale: Radicale, chosen: str) -> None:
    for name in ("Work", "Private"):
        radicale.calendar(name).save_event(event(f"{name}-1"))
    (record,) = records(source_of(radicale.url, calendars=(chosen,)))
    assert record.metadata["calendar"] == "home/work"
    address = str(radicale.calendar("Private").url)
    (record,) = records(source_of(address))
    assert record.metadata["calendar"] == "home/private"
    with pytest.raises(McraftError, match="has no calendar 'Nowhere'"):
        records(source_of(radicale.url, calendars=("Nowhere",)))


def test_the_lake_holds_what_changed_and_staging_no_title(radicale: Radicale, lake: Lake) -> None:
    calendar = radicale.calendar("Work")
    calendar.save_event(event("one"))
    calendar.save_event(event("weekly", f"{LUNCH}\r\nRRULE:FREQ=WEEKLY;COUNT=3"))
    source = source_of(radicale.url)
    assert fetched(lake, source).records == 1
    again = fetched(lake, source)
    assert (again.records, again.unchanged, again.manifests) == (0, 1, [])
    assert [row["uid"] for row in rows_of(lake)] == ["one", "weekly", "weekly", "weekly"]
    calendar.event_by_uid("weekly").delete()
    assert fetched(lake, source).records == 1
    (row,) = rows_of(lake)
    assert (row["way_in"], row["calendar"], row["starts_at"].hour) == ("caldav", "home/work", 11)
    (key,) = prepared_keys(lake, "calendar")
    assert b"Secret title" not in lake.storage.get(key)
    everything = b"".join(path.read_bytes() for path in lake.storage.folder.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in everything


def test_an_invitation_that_the_person_declined_is_not_busy(radicale: Radicale, lake: Lake) -> None:
    calendar = radicale.calendar("Work")
    for answer in ("DECLINED", "ACCEPTED"):
        calendar.save_event(event(answer, f"{LUNCH}\r\nATTENDEE;PARTSTAT={answer}:mailto:{USER}"))
    fetched(lake, source_of(radicale.url))
    assert [(row["uid"], row["is_busy"], row["is_declined"]) for row in rows_of(lake)] == [
        ("ACCEPTED", True, False),
        ("DECLINED", False, True),
    ]


def test_a_broken_event_is_refused_whole_and_the_rest_goes_on(radicale: Radicale, lake: Lake) -> None:
    radicale.calendar("Work").save_event(event("good"))
    radicale.put_raw("work", "broken.ics", event("broken", "DTSTART:20261120T120000Z\r\nDTEND:20261119T120000Z"))
    fetched(lake, source_of(radicale.url))
    assert [row["uid"] for row in rows_of(lake)] == ["good"]
    (refusal,) = read_all(lake.storage)
    assert "UID:broken" in refusal.record


def test_a_wrong_password_is_said_without_it(radicale: Radicale) -> None:
    with pytest.raises(McraftError) as caught:
        records(source_of(radicale.url, "wrong-password-9876543210"))
    assert caught.value.code == "E001"
    assert "wrong-password" not in caught.value.paragraph()


@pytest.mark.parametrize(
    ("status", "code"), [(401, "E001"), (403, "E001"), (404, "E010"), (429, "E002"), (500, "E006"), (200, "E010")]
)
def test_failures_are_of_the_error_tree(status: int, code: str) -> None:
    def answer(request: Request) -> Response:
        return PlainTextResponse(f"no {PASSWORD} here", status_code=status, headers={"WWW-Authenticate": "Basic"})

    methods = ["PROPFIND", "REPORT", "GET", "OPTIONS"]
    app = Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
    with serve(app) as url, pytest.raises(McraftError) as caught:
        records(source_of(f"{url}/"))
    assert caught.value.code == code
    assert PASSWORD not in caught.value.paragraph()


def test_nobody_listening_is_unavailable() -> None:
    with pytest.raises(McraftError) as caught:
        records(source_of("http://127.0.0.1:1/"))
    assert caught.value.code == "E006"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "calendar.example", "https://mina:pw@calendar.example/", ""])
def test_addresses_that_are_none_or_hold_a_password_are_refused(url: str) -> None:
    with pytest.raises(McraftError, match="CalDAV account home"):
        records(source_of(url))


def test_another_host_is_never_asked(radicale: Radicale, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def elsewhere(request: Request) -> Response:
        asked.append(str(request.url))
        return PlainTextResponse("")

    methods = ["PROPFIND", "REPORT", "GET"]
    with serve(Starlette(routes=[Route("/{path:path}", elsewhere, methods=methods)])) as other:
        monkeypatch.setenv("HTTP_PROXY", other)
        monkeypatch.setenv("http_proxy", other)
        monkeypatch.setenv("NO_PROXY", "")
        radicale_url = radicale.url.rstrip("/")

        def redirect(request: Request) -> Response:
            return RedirectResponse(f"{other}/elsewhere", status_code=301)

        def home_elsewhere(request: Request) -> Response:
            href = f"<D:href>{other.replace('127.0.0.1', 'localhost')}/mina/</D:href>"
            props = (
                f"<D:current-user-principal>{href}</D:current-user-principal>"
                f"<C:calendar-home-set>{href}</C:calendar-home-set>"
            )
            body = (
                '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
                f"<D:response><D:href>{request.url.path}</D:href><D:propstat><D:prop>{props}</D:prop>"
                "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"
            )
            return Response(body, status_code=207, media_type="application/xml")

        for answer in (redirect, home_elsewhere):
            app = Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
            with serve(app) as url, pytest.raises(McraftError, match="points to another host"):
                records(source_of(f"{url}/"))
        assert records(source_of(f"{radicale_url}/")) == []
    assert asked == []


def test_the_source_is_built_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = CalendarSettings(
        caldav={"u1": {"home": CalDavAccount(url="https://calendar.example/", user=USER)}},
        caldav_passwords={"u1": {"home": SecretStr(PASSWORD)}},
    )
    source = build(Settings(calendar=chosen), FixedClock(NOW))
    assert CALDAV in source.streams
    assert source.refusal(PERSON) is None
    without = build(Settings(calendar=chosen.model_copy(update={"caldav_passwords": {}})), FixedClock(NOW))
    with pytest.raises(McraftError, match="has no password") as caught:
        records(without)
    assert "MCRAFT_CALENDAR__CALDAV_PASSWORDS" in caught.value.remedy


def test_a_password_in_the_settings_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mcraft.toml").write_text(f"[calendar.caldav_passwords.u1]\nhome = '{PASSWORD}'\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=r"calendar\.caldav_passwords") as caught:
        load_settings()
    assert "MCRAFT_CALENDAR__CALDAV_PASSWORDS" in caught.value.remedy
    assert PASSWORD not in caught.value.paragraph()
