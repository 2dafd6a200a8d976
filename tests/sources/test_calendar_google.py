"""Google Calendar over loopback: syncs, their tokens, deletions, 410, calendars, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from moderation_craft.errors import AuthFailed
from moderation_craft.lake.quarantine import read_all
from moderation_craft.sources.calendar.google import GoogleCalendars
from moderation_craft.sources.calendar.google_people import made_up_account
from moderation_craft.sources.calendar.google_stand_in import Event, StandInAccount, StandInCalendar, create_app
from moderation_craft.sources.calendar.source import CalendarSource
from moderation_craft.sources.calendar.stand_in import create_app as ics_app
from moderation_craft.sources.faults import Fault
from moderation_craft.sources.http import Forbidden, Http
from moderation_craft.sources.oauth.tokens import FixedTokens
from moderation_craft.sources.stand_in import serve
from tests.sources.google_calendar import TOKEN, World, exception, guests, timed, whole_day, world

EVENTS = "/calendar/v3/calendars/primary/events"


def meeting(event_id: str, day: int, **more: Any) -> Event:
    return timed(event_id, f"2026-11-{day:02}T09:00:00+09:00", f"2026-11-{day:02}T10:00:00+09:00", **more)


@pytest.fixture
def mina(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.calendar.put(meeting("one", 20), meeting("two", 21), meeting("three", 22))
        yield made


def envelopes(made: World) -> list[dict[str, Any]]:
    parts = [part for manifest in made.lake.manifests("calendar") for part in manifest.parts]
    return [json.loads(line) for part in parts for line in made.lake.lines(part.key)]


def asked_with(made: World) -> list[dict[str, list[str]]]:
    return [parse_qs(str(each["metadata"]["request"]).partition("?")[2]) for each in envelopes(made)]


def test_the_first_sync_brings_all_and_raw_holds_the_answer_as_it_came(mina: World) -> None:
    assert mina.fetch().errors == []
    assert mina.uids() == ["one", "two", "three"]
    (envelope,) = envelopes(mina)
    assert envelope["data"]["items"][0]["summary"] == "Title of one"
    assert envelope["stream"] == "google"


def test_a_quiet_calendar_writes_nothing_but_goes_on_from_the_new_token(mina: World) -> None:
    mina.fetch()
    again = mina.fetch()
    assert (again.records, again.manifests, again.errors) == (0, [], [])
    assert mina.faulty.requests == [EVENTS] * 2


def test_what_changed_is_asked_for_alone(mina: World) -> None:
    mina.fetch()
    mina.calendar.put(meeting("two", 25))
    mina.calendar.cancel("three")
    mina.fetch()
    items = envelopes(mina)[-1]["data"]["items"]
    assert [(item["id"], item["status"]) for item in items] == [("two", "confirmed"), ("three", "cancelled")]
    assert mina.uids() == ["one", "two"]


def test_no_request_names_what_a_sync_token_forbids_and_all_agree(mina: World) -> None:
    mina.fetch()
    mina.calendar.put(meeting("four", 24))
    mina.fetch()
    first, second = asked_with(mina)
    assert first == {"maxResults": ["2500"], "maxAttendees": ["1"]}
    assert {name: second[name] for name in first} == first
    assert set(second) - set(first) == {"syncToken"}


def test_short_and_empty_pages_are_read_to_the_end(tmp_path: Path) -> None:
    calendar = StandInCalendar("mina@example.com", "Mina", is_primary=True, has_odd_pages=True)
    calendar.put(*(meeting(f"e{number}", 1 + number % 28) for number in range(5100)))
    with world(tmp_path, calendar) as made:
        made.fetch()
        assert [len(each["data"]["items"]) for each in envelopes(made)] == [2500, 0, 1250, 1350]
        assert ["cursor" in each["metadata"] for each in envelopes(made)] == [False, False, False, True]
        assert len(made.rows()) == 5100


def test_an_expired_token_means_a_full_sync_and_what_is_gone_was_deleted(mina: World) -> None:
    mina.fetch()
    mina.calendar.forget("two")
    mina.calendar.put(meeting("four", 24))
    mina.calendar.expire_tokens()
    result = mina.fetch()
    assert result.errors == []
    assert mina.uids() == ["one", "three", "four"]
    assert [each["metadata"]["is_full"] for each in envelopes(mina)] == [True, True]


def test_gone_twice_is_reported_and_what_is_held_stays(mina: World) -> None:
    mina.fetch()
    mina.faulty.faults.append(Fault(410, b'{"error": {"code": 410, "message": "gone"}}'))
    result = mina.fetch()
    assert [error.code for error in result.errors] == ["E010"]
    assert len(mina.faulty.requests) == 3
    assert mina.uids() == ["one", "two", "three"]


def test_a_sync_that_dies_half_way_counts_for_nothing_and_is_asked_again(tmp_path: Path) -> None:
    calendar = StandInCalendar("mina@example.com", "Mina", is_primary=True)
    calendar.put(meeting("one", 20))
    with world(tmp_path, calendar) as made:
        made.fetch()
        calendar.put(*(meeting(f"e{number}", 21) for number in range(2501)))
        answers = iter([None, Fault(500, b"oops")])
        made.faulty._fault_for = lambda path: next(answers, None)  # type: ignore[method-assign]
        assert [error.code for error in made.fetch().errors] == ["E006"]
        assert made.uids() == ["one"]
        assert made.fetch().errors == []
        assert len(made.rows()) == 2502


def test_a_full_sync_that_dies_half_way_deletes_nothing(tmp_path: Path) -> None:
    calendar = StandInCalendar("mina@example.com", "Mina", is_primary=True)
    calendar.put(*(meeting(f"e{number}", 21) for number in range(2501)))
    with world(tmp_path, calendar) as made:
        made.fetch()
        calendar.expire_tokens()
        answers = iter([None, None, Fault(500, b"oops")])
        made.faulty._fault_for = lambda path: next(answers, None)  # type: ignore[method-assign]
        assert [error.code for error in made.fetch().errors] == ["E006"]
        assert len(made.rows()) == 2501


def test_losing_the_state_loses_nothing(mina: World) -> None:
    mina.fetch()
    mina.calendar.put(meeting("four", 24))
    mina.fetch()
    mina.lake.storage.delete([each.key for each in mina.lake.storage.list("_state/")])
    mina.calendar.put(meeting("five", 25))
    mina.fetch()
    assert [each["metadata"]["is_full"] for each in envelopes(mina)] == [True, False, False]
    assert mina.uids() == ["one", "two", "three", "four", "five"]


def test_a_quiet_month_still_moves_the_days_that_are_covered(mina: World) -> None:
    mina.calendar.put(meeting("weekly", 23, recurrence=["RRULE:FREQ=WEEKLY"]))
    mina.fetch()
    before = max(row["starts_at"] for row in mina.rows())
    assert mina.fetch(days=31).records == 1
    assert max(row["starts_at"] for row in mina.rows()) > before
    assert min(row["starts_at"] for row in mina.rows()) == datetime(2026, 11, 20)  # noqa: DTZ001


def test_a_deleted_series_takes_its_exceptions_along(mina: World) -> None:
    series = meeting("series", 2, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    moved = exception("series_x", series, *(f"2026-11-03T{hour}:00:00+09:00" for hour in ("09", "15", "16")))
    mina.calendar.put(series, moved)
    mina.fetch()
    assert mina.uids().count("series") == 3
    mina.calendar.cancel("series")
    mina.fetch()
    assert mina.uids() == ["one", "two", "three"]


def test_moved_and_deleted_occurrences(mina: World) -> None:
    series = meeting(
        "series", 2, recurrence=["RRULE:FREQ=DAILY;COUNT=4", "EXDATE;TZID=Asia/Tokyo:20261105T090000"]
    )
    moved = exception("series_x", series, *(f"2026-11-03T{hour}:00:00+09:00" for hour in ("09", "15", "16")))
    gone = exception("series_y", series, *(f"2026-11-04T{hour}:00:00+09:00" for hour in ("09", "09", "10")))
    mina.calendar.put(series, moved, gone)
    mina.calendar.cancel("series_y")
    mina.fetch()
    found = [row for row in mina.rows() if row["uid"] == "series@google.com"]
    assert [(row["recurrence_id"], row["starts_at"].hour, row["status"], row["is_busy"]) for row in found] == [
        ("2026-11-02T00:00:00Z", 0, "CONFIRMED", True),
        ("2026-11-03T00:00:00Z", 6, "CONFIRMED", True),
        ("2026-11-04T00:00:00Z", 0, "CANCELLED", False),
    ]


def test_a_series_keeps_its_hour_of_the_wall_clock(mina: World) -> None:
    start, end = "2026-10-25T09:00:00-04:00", "2026-10-25T10:00:00-04:00"
    mina.calendar.put(timed("ny", start, end, "America/New_York", recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"]))
    mina.fetch()
    assert [row["starts_at"].hour for row in mina.rows() if row["uid"].startswith("ny")] == [13, 14]


def test_declined_free_and_whole_day_events(mina: World) -> None:
    mina.calendar.put(
        meeting("declined", 24, attendees=guests("declined")),
        meeting("maybe", 25, attendees=guests("tentative")),
        meeting("free", 26, transparency="transparent"),
        whole_day("trip", "2026-11-27", "2026-11-29"),
        whole_day("desk", "2026-11-27", "2026-11-28", eventType="workingLocation", visibility="public"),
    )
    mina.fetch()
    said = {
        row["uid"].removesuffix("@google.com"): (row["is_busy"], row["is_declined"]) for row in mina.rows()[3:]
    }
    assert said == {
        "declined": (False, True),
        "maybe": (True, False),
        "free": (False, False),
        "trip": (True, False),
    }
    assert b"boss@example.com" not in b"".join(
        mina.lake.storage.get(each.key) for each in mina.lake.storage.list("raw/")
    )


BROKEN = {
    "no start": {"start": None, "end": None},
    "ends before it starts": {"end": {"dateTime": "2026-11-24T08:00:00+09:00"}},
    "unknown zone": {
        "start": {"dateTime": "2026-11-24T09:00:00+09:00", "timeZone": "Mars/Phobos"},
        "recurrence": ["RRULE:FREQ=DAILY"],
    },
    "a rule of another kind": {"recurrence": ["SUMMARY:x"]},
    "two lines in one": {"recurrence": ["RRULE:FREQ=DAILY\r\nSUMMARY:x"]},
    "a rule every second": {"recurrence": ["RRULE:FREQ=SECONDLY"]},
    "a rule without a step": {"recurrence": ["RRULE:FREQ=DAILY;INTERVAL=0"]},
    "no time": {"start": {"timeZone": "Asia/Tokyo"}},
    "a number for a time": {"start": {"dateTime": 5}},
    "no id": {"id": None},
    "an exception of nothing": {"recurringEventId": "one", "originalStartTime": None},
}


@pytest.mark.parametrize("wrong", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_event_is_refused_whole_and_the_rest_goes_on(mina: World, wrong: dict[str, object]) -> None:
    broken = {**meeting("broken", 24), **wrong}
    mina.calendar.put({**broken, "id": "broken"})
    spelled = {name: value for name, value in broken.items() if value is not None}
    mina.calendar.events["broken"] = spelled
    mina.fetch()
    assert mina.uids() == ["one", "two", "three"]
    (refusal,) = read_all(mina.lake.storage)
    assert json.loads(refusal.record) == spelled
    assert (refusal.source, refusal.code) == ("calendar", "E003")


def test_an_event_without_an_end_has_no_length(mina: World) -> None:
    mina.calendar.put(meeting("open", 24, endTimeUnspecified=True))
    mina.fetch()
    (row,) = [row for row in mina.rows() if row["uid"].startswith("open")]
    assert row["starts_at"] == row["ends_at"]


def calendars() -> list[StandInCalendar]:
    made = [
        StandInCalendar("mina@example.com", "Mina", is_primary=True),
        StandInCalendar("work@group.calendar.google.com", "Work"),
        StandInCalendar("holidays#ja", "Holidays", is_selected=False),
    ]
    for number, each in enumerate(made):
        each.put(meeting(f"e{number}", 20 + number))
    return made


@pytest.mark.parametrize(
    ("chosen", "uids"),
    [
        ([], ["e0"]),
        (["all"], ["e0", "e1", "e2"]),
        (["selected"], ["e0", "e1"]),
        (["Work"], ["e1"]),
        (["primary", "Holidays"], ["e0", "e2"]),
        (["work@group.calendar.google.com"], ["e1"]),
    ],
)
def test_the_person_chooses_calendars(tmp_path: Path, chosen: list[str], uids: list[str]) -> None:
    with world(tmp_path, *calendars(), chosen=chosen) as made:
        assert made.fetch().errors == []
        assert made.uids() == uids


def test_a_calendar_that_does_not_exist_leaves_the_others(tmp_path: Path) -> None:
    with world(tmp_path, *calendars(), chosen=["Nothing", "Work"]) as made:
        (error,) = made.fetch().errors
        assert error.code == "E010"
        assert "calendar.google" in error.remedy
        assert made.uids() == ["e1"]


class OneRenewal(FixedTokens):
    """A token that was revoked, and the one that comes in its place."""

    def renewed(self, user_id: str, refused: str) -> str | None:
        self._tokens[user_id] = "second"
        return "second" if refused == "first" else None


def test_a_refused_token_is_renewed_once(tmp_path: Path) -> None:
    with world(tmp_path, tokens=OneRenewal({"mina": "first"}), good_tokens={"second": "mina"}) as made:
        assert made.fetch().errors == []
        assert made.faulty.requests == [EVENTS] * 2
    with world(tmp_path / "other", tokens=OneRenewal({"mina": "first"}), good_tokens={}) as made:
        (error,) = made.fetch().errors
        assert isinstance(error, AuthFailed)
        assert "mcraft connect google" in error.remedy
        assert made.faulty.requests == [EVENTS] * 2


class Withdrawn(FixedTokens):
    """A consent that was taken back."""

    def access_token(self, user_id: str) -> str | None:
        raise AuthFailed("the consent is gone", remedy="mcraft connect google")


@pytest.mark.parametrize("chosen", [["primary"], ["Work"]])
def test_a_withdrawn_consent_leaves_the_persons_other_ways(tmp_path: Path, chosen: list[str]) -> None:
    text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"
    with serve(ics_app({"/private.ics": text})) as url, world(tmp_path, chosen=chosen) as made:
        google = GoogleCalendars(url, Withdrawn({"mina": TOKEN}), Http("google"), made.clock, {"mina": chosen})
        made.source = CalendarSource({"mina": {"work": f"{url}/private.ics"}}, Http("ics"), google=google)
        result = made.fetch()
        (error,) = result.errors
        assert isinstance(error, Forbidden), "else the engine would leave all of the person's streams out"
        assert result.streams["ics"].records == 1


def test_who_is_not_connected_is_not_asked(tmp_path: Path) -> None:
    with world(tmp_path, tokens=FixedTokens({})) as made:
        result = made.fetch()
        assert "mcraft connect google" in result.skipped[0].reason
        assert made.faulty.requests == []


@pytest.mark.parametrize(
    "reason", ["Rate Limit Exceeded", "User Rate Limit Exceeded", "Quota exceeded for quota metric"]
)
def test_a_403_about_quota_is_a_limit_and_no_refusal(mina: World, reason: str) -> None:
    body = {"error": {"errors": [{"reason": "rateLimitExceeded"}], "code": 403, "message": reason}}
    mina.faulty.faults.append(Fault(403, json.dumps(body).encode()))
    assert [error.code for error in mina.fetch().errors] == ["E002"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": []}',
        b'{"items": [], "nextPageToken": "again"}',
        b'{"items": {}, "nextSyncToken": "x"}',
        b'{"items": [1], "nextSyncToken"',
    ],
)
def test_a_list_without_an_end_or_a_shape_is_refused(mina: World, body: bytes) -> None:
    mina.faulty.faults.append(Fault(200, body))
    assert len(mina.fetch().errors) == 1
    assert len(mina.faulty.requests) <= 2
    assert mina.rows() == []


def test_made_up_people_come_again_and_have_every_kind_of_event(tmp_path: Path) -> None:
    days = [date(2026, 9, 1) + timedelta(days=number) for number in range(84)]
    first, second = (made_up_account("mina", 7, days) for _ in range(2))
    assert first == second
    assert made_up_account("mina", 8, days) != first
    with world(tmp_path, *first.calendars, chosen=["all"]) as made:
        assert made.fetch().errors == []
        rows = made.rows()
        assert read_all(made.lake.storage) == []
    assert {row["calendar"] for row in rows} == {"primary", first.calendars[1].id}
    assert {row["status"] for row in rows} == {"CONFIRMED", "CANCELLED"}
    for flag in ("is_busy", "is_declined", "is_all_day"):
        assert {row[flag] for row in rows} == {True, False}


@pytest.mark.parametrize("name", ["timeMin", "timeMax", "updatedMin", "orderBy", "q", "iCalUID"])
def test_the_stand_in_refuses_what_google_refuses_beside_a_sync_token(name: str) -> None:
    (primary, *_), headers = calendars(), {"Authorization": f"Bearer {TOKEN}"}
    with serve(create_app([StandInAccount("mina", [primary])], {TOKEN: "mina"})) as url:
        first = httpx.get(f"{url}{EVENTS}", headers=headers).json()
        asked = {"syncToken": first["nextSyncToken"], name: "2026-11-23T00:00:00Z"}
        assert httpx.get(f"{url}{EVENTS}", headers=headers, params=asked).status_code == 400
        assert httpx.get(f"{url}{EVENTS}").status_code == 401
