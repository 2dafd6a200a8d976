"""Calendars by address and by file, over a real loopback server; the address stays out of everything."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from moderation_craft.clock import FixedClock
from moderation_craft.errors import McraftError, RecordInvalid
from moderation_craft.lake import Lake
from moderation_craft.settings import CalendarSettings, Settings
from moderation_craft.sources.calendar.envelopes import current_snapshots, load
from moderation_craft.sources.calendar.import_ics import import_ics
from moderation_craft.sources.calendar.source import ICS, CalendarSource, build
from moderation_craft.sources.calendar.stand_in import create_app
from moderation_craft.sources.contract import Person, Record, Window
from moderation_craft.sources.fetch import FetchResult, fetch_source
from moderation_craft.sources.held import Held
from moderation_craft.sources.http import Http
from moderation_craft.sources.prepare import prepare_all, prepared_keys
from moderation_craft.sources.stand_in import serve
from moderation_craft.sources.states import states_of

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
TODAY = date(2026, 11, 23)
SECRET = "private-0123456789abcdef"
PERSON = Person("u1", "Europe/Paris")
TEXT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:朝会 ☕\r\n"
    "DTSTART:20261120T090000\r\nDTEND:20261120T100000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"), FixedClock(NOW))


@pytest.fixture
def calendars() -> dict[str, str]:
    return {f"/{SECRET}/basic.ics": TEXT}


@pytest.fixture
def base_url(calendars: dict[str, str]) -> Iterator[str]:
    with serve(create_app(calendars)) as url:
        yield url


def source_of(*addresses: str) -> CalendarSource:
    feeds = {f"calendar {number}": address for number, address in enumerate(addresses)}
    return CalendarSource({"u1": feeds}, Http("calendar", attempts=1))


def records(source: CalendarSource) -> list[Record]:
    return list(source.fetch(ICS, PERSON, Window(TODAY, TODAY)))


def fetched(lake: Lake, source: CalendarSource, run: int = 1) -> FetchResult:
    today = lake.clock.now().date()
    return fetch_source(lake, source, [PERSON], first_day=today, last_day=today, run_id=f"run-{run:02}")


def everything_in(lake: Lake) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(lake.storage.folder.rglob("*")) if path.is_file())


def test_a_calendar_is_one_record_with_its_window(base_url: str) -> None:
    (record,) = records(source_of(f"{base_url}/{SECRET}/basic.ics"))
    assert json.loads(record.data) == TEXT
    assert record.date == TODAY
    said = record.metadata
    assert (said["window_first"], said["window_last"]) == ("2025-10-19", "2027-01-22")
    assert said["timezone"] == "Europe/Paris"
    assert said["calendar"] == "calendar 0"


def test_fetched_into_the_lake_and_prepared_without_the_address(base_url: str, lake: Lake) -> None:
    source = source_of(f"{base_url}/{SECRET}/basic.ics")
    assert fetched(lake, source).records == 1
    prepare_all(lake)
    assert len(prepared_keys(lake, "calendar")) == 1
    assert SECRET.encode() not in everything_in(lake)
    assert base_url.encode() not in everything_in(lake)


def test_equal_text_writes_nothing_and_a_change_counts(
    base_url: str, lake: Lake, calendars: dict[str, str]
) -> None:
    source = source_of(f"{base_url}/{SECRET}/basic.ics")
    fetched(lake, source, 1)
    prepare_all(lake)
    (before,) = prepared_keys(lake, "calendar")
    assert fetched(lake, source, 2).manifests == []
    calendars[f"/{SECRET}/basic.ics"] = TEXT.replace("UID:a", "UID:b")
    assert len(fetched(lake, source, 3).manifests) == 1
    prepare_all(lake)
    (after,) = prepared_keys(lake, "calendar")
    assert after != before
    assert not lake.storage.exists(before)


def test_an_unchanged_calendar_is_kept_anew_each_month(base_url: str, lake: Lake) -> None:
    source = source_of(f"{base_url}/{SECRET}/basic.ics")
    fetched(lake, source, 1)
    lake.clock = FixedClock(NOW + timedelta(days=20))
    assert len(fetched(lake, source, 2).manifests) == 1
    assert len(prepared_keys(lake, "calendar")) == 1


def test_a_failing_calendar_does_not_keep_the_others_out(base_url: str) -> None:
    source = source_of(f"{base_url}/absent.ics", f"{base_url}/{SECRET}/basic.ics")
    stream = source.fetch(ICS, PERSON, Window(TODAY, TODAY))
    assert json.loads(next(stream).data) == TEXT
    with pytest.raises(McraftError):
        next(stream)


def answering(body: str | bytes, status: int = 200) -> Starlette:
    return Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse(body, status_code=status))])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html>Sign in</html>", "sign-in page"),
        (TEXT[:-20], "cut short"),
        (TEXT.encode("utf-16"), "UTF-8"),
    ],
)
def test_an_answer_that_is_no_calendar_is_refused(body: str | bytes, words: str) -> None:
    with serve(answering(body)) as url, pytest.raises(RecordInvalid, match=words) as caught:
        records(source_of(f"{url}/{SECRET}.ics"))
    assert SECRET not in caught.value.paragraph()


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500])
def test_errors_do_not_repeat_the_address(status: int) -> None:
    with serve(answering(f"no {SECRET}.ics here", status)) as url, pytest.raises(McraftError) as caught:
        records(source_of(f"{url}/{SECRET}.ics"))
    said = caught.value
    assert all(SECRET not in text for text in (said.paragraph(), str(said), str(said.as_dict())))


def test_an_unreachable_server_does_not_repeat_the_address() -> None:
    with pytest.raises(McraftError) as caught:
        records(source_of(f"http://127.0.0.1:1/{SECRET}.ics"))
    assert caught.value.code == "E006"
    assert SECRET not in caught.value.paragraph()


@pytest.mark.parametrize("address", [f"ftp://host/{SECRET}", SECRET, f"file:///{SECRET}"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(RecordInvalid, match="webcal") as caught:
        records(source_of(address))
    assert SECRET not in caught.value.paragraph()


def test_the_source_is_built_from_the_settings() -> None:
    feeds = {"u1": {"work": SecretStr(f"https://calendar.example/{SECRET}.ics")}}
    source = build(Settings(calendar=CalendarSettings(feeds=feeds)), FixedClock(NOW))
    assert source.name == "calendar"
    assert [stream.name for stream in source.streams] == ["ics", "google"]
    assert source.refusal(PERSON) is None
    assert "calendar.feeds" in str(source.refusal(Person("u2")))


def test_the_stand_in_speaks_etags(base_url: str) -> None:
    url = f"{base_url}/{SECRET}/basic.ics"
    first = httpx.get(url)
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert first.text == TEXT
    assert httpx.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert httpx.get(f"{base_url}/other").status_code == 404


def test_a_file_is_taken_once(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "work.ics"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    manifest = import_ics(lake, path, "u1", timezone="Europe/Paris")
    assert manifest is not None
    assert manifest.kind == "fetch"
    assert manifest.parts[0].key.startswith("raw/external/calendar/ics/dt=2026-11-23/part-")
    (line,) = lake.lines(manifest.parts[0].key)
    envelope = json.loads(line)
    assert (envelope["user_id"], envelope["date"], envelope["data"]) == ("u1", "2026-11-23", TEXT)
    assert envelope["metadata"]["calendar"] == "file-work"
    assert import_ics(lake, path, "u1", timezone="Europe/Paris") is None
    assert import_ics(lake, path, "u2", timezone="Europe/Paris") is not None


def test_a_file_that_is_no_calendar_writes_nothing(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "work.ics"
    with pytest.raises(RecordInvalid, match=r"work\.ics"):
        import_ics(lake, path, "u1")
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(RecordInvalid, match="BEGIN:VCALENDAR"):
        import_ics(lake, path, "u1")
    assert lake.totals("raw/") == (0, 0)


def test_a_calendar_of_five_years_is_read_in_seconds(lake: Lake, tmp_path: Path) -> None:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTART:20260101T000000Z\r\nDTEND:20260101T010000Z\r\n"
        f"RRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n"
        if number % 20 == 0
        else f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTART;VALUE=DATE:20261101\r\nEND:VEVENT\r\n"
        for number in range(2_000)
    )
    path = tmp_path / "long.ics"
    path.write_text(TEXT.replace("END:VCALENDAR", f"{events}END:VCALENDAR"), encoding="utf-8", newline="")
    import_ics(lake, path, "u1")
    started = time.monotonic()
    prepare_all(lake)
    assert time.monotonic() - started < 30


def test_a_calendar_whose_address_moved_stays_one_calendar(lake: Lake, calendars: dict[str, str]) -> None:
    with serve(create_app(calendars)) as url:
        fetched(lake, source_of(f"{url}/{SECRET}/basic.ics"), run=1)
    with serve(create_app(calendars)) as url:
        again = fetched(lake, source_of(f"{url}/{SECRET}/basic.ics"), run=2)
    assert (again.records, again.unchanged) == (0, 1)


def test_a_way_that_a_person_does_not_use_is_neither_asked_for_nor_missed(base_url: str, lake: Lake) -> None:
    feeds = {"u1": {"work": SecretStr(f"{base_url}/{SECRET}/basic.ics")}}
    source = build(Settings(calendar=CalendarSettings(feeds=feeds)), lake.clock)
    assert {name: each.days_asked for name, each in fetched(lake, source).streams.items()} == {
        "ics": 1,
        "google": 0,
    }
    said = states_of(lake, source, PERSON, Held.read(lake, "calendar"), expected_from=TODAY - timedelta(days=9))
    assert [each.stream.name for each in said.streams] == ["ics"]
    assert {run.state for run in said.days} == {"complete", "open"}


def test_an_index_of_an_older_version_is_made_anew(base_url: str, lake: Lake) -> None:
    fetched(lake, source_of(f"{base_url}/{SECRET}/basic.ics"))
    (part,) = lake.manifests("calendar")[0].parts
    lake.write_state("calendar-snapshots.json", {part.key: [["u1", "calendar 0"]]})
    prepare_all(lake)
    assert len(prepared_keys(lake, "calendar")) == 1


def test_days_once_read_stay_read(base_url: str, lake: Lake) -> None:
    source = source_of(f"{base_url}/{SECRET}/basic.ics")
    fetched(lake, source)
    (first,) = current_snapshots(lake)
    lake.clock = FixedClock(NOW + timedelta(days=200))
    fetched(lake, source, 2)
    (later,) = current_snapshots(lake)
    assert (later.window_first, load(lake, later).window_last) == (
        first.window_first,
        load(lake, first).window_last + timedelta(days=200),
    )
