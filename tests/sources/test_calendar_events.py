"""iCalendar text as occurrences: repetition, exceptions, zones, whole days, and broken events beside good."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation_craft.sources.calendar.envelopes import Snapshot
from moderation_craft.sources.calendar.events import Expanded, Occurrence, expand
from moderation_craft.sources.calendar.vevents import split_events

CUSTOM_ZONE = """BEGIN:VTIMEZONE
TZID:Office
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:{offset}
TZOFFSETTO:{offset}
END:STANDARD
END:VTIMEZONE
"""


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute)  # noqa: DTZ001 - UTC, naive as in the lake


def event(*lines: str, uid: str = "e1") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT", ""])


def calendar(*parts: str) -> str:
    return "".join(["BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n", *parts, "END:VCALENDAR\n"]).replace(
        "\n", "\r\n"
    )


def expanded(
    text: str,
    first: date = date(2026, 1, 1),
    last: date = date(2026, 12, 31),
    timezone: str | None = "Asia/Tokyo",
    with_titles: bool = False,
) -> Expanded:
    return expand(
        Snapshot(
            user_id="u1",
            calendar="c1",
            series="c1 2026-11",
            day=date(2026, 11, 23),
            fetched_at="2026-11-23T05:00:00.000Z",
            timezone=timezone,
            window_first=first,
            window_last=last,
            data=msgspec.json.encode(text),
            part_key="raw/part",
        ),
        with_titles=with_titles,
    )


def occurrences(*parts: str, timezone: str | None = "Asia/Tokyo") -> list[Occurrence]:
    found = expanded(calendar(*parts), timezone=timezone)
    assert found.refusals == []
    return found.occurrences


def starts(*parts: str) -> list[datetime | None]:
    return [found.starts_at for found in occurrences(*parts)]


def test_a_single_meeting() -> None:
    (found,) = occurrences(
        event("DTSTART;TZID=Asia/Tokyo:20261101T093000", "DTEND;TZID=Asia/Tokyo:20261101T103000", "SUMMARY:1on1")
    )
    assert (found.starts_at, found.ends_at) == (at(11, 1, 0, 30), at(11, 1, 1, 30))
    assert (found.starts_on, found.ends_on, found.is_all_day, found.is_busy) == (None, None, False, True)
    assert found.status == "CONFIRMED"
    assert found.title is None


def test_a_weekly_meeting_keeps_its_hour_across_daylight_saving() -> None:
    weekly = event("DTSTART;TZID=America/New_York:20261025T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")
    assert starts(weekly) == [at(10, 25, 13), at(11, 1, 14)]


def test_exceptions_moved_and_cancelled_occurrences() -> None:
    found = occurrences(
        event(
            "DTSTART:20261101T000000Z",
            "DTEND:20261101T010000Z",
            "RRULE:FREQ=DAILY;COUNT=5",
            "EXDATE:20261102T000000Z",
        ),
        event("RECURRENCE-ID:20261103T000000Z", "DTSTART:20261103T050000Z", "DTEND:20261103T060000Z"),
        event(
            *("RECURRENCE-ID:20261104T000000Z", "DTSTART:20261104T000000Z", "DTEND:20261104T010000Z"),
            "STATUS:CANCELLED",
        ),
    )
    assert [(each.recurrence_id, each.starts_at, each.is_busy) for each in found] == [
        ("2026-11-01T00:00:00Z", at(11, 1), True),
        ("2026-11-03T00:00:00Z", at(11, 3, 5), True),
        ("2026-11-04T00:00:00Z", at(11, 4), False),
        ("2026-11-05T00:00:00Z", at(11, 5), True),
    ]
    assert found[2].status == "CANCELLED"


def test_whole_days_have_civil_dates_and_no_instants() -> None:
    trip, birthday = occurrences(
        event("DTSTART;VALUE=DATE:20261120", "DTEND;VALUE=DATE:20261123", uid="trip"),
        event("DTSTART;VALUE=DATE:20261124", "TRANSP:TRANSPARENT", uid="zbirthday"),
    )
    assert (trip.starts_on, trip.ends_on, trip.is_all_day) == (date(2026, 11, 20), date(2026, 11, 22), True)
    assert (trip.starts_at, trip.ends_at, trip.is_busy) == (None, None, True)
    assert (birthday.starts_on, birthday.ends_on, birthday.is_busy) == (
        *(date(2026, 11, 24), date(2026, 11, 24)),
        False,
    )


def test_times_without_a_zone_are_the_calendars_else_the_persons() -> None:
    floating = event("DTSTART:20261101T090000", "DTEND:20261101T100000")
    assert [found.starts_at for found in occurrences(floating)] == [at(11, 1, 0)]
    assert [found.starts_at for found in occurrences("X-WR-TIMEZONE:Europe/Paris\n", floating)] == [at(11, 1, 8)]
    assert [found.starts_at for found in occurrences(floating, timezone=None)] == [at(11, 1, 9)]


@pytest.mark.parametrize(("offset", "hour"), [("+0900", 0), ("+0200", 7)])
def test_each_calendar_has_its_own_custom_zone(offset: str, hour: int) -> None:
    assert starts(CUSTOM_ZONE.format(offset=offset), event("DTSTART;TZID=Office:20261101T090000")) == [
        at(11, 1, hour)
    ]


def test_outlooks_zone_names_are_known() -> None:
    assert starts(event("DTSTART;TZID=Tokyo Standard Time:20261101T090000")) == [at(11, 1)]


def test_an_event_without_uid_or_end_is_taken() -> None:
    text = calendar("BEGIN:VEVENT\nDTSTART:20261101T000000Z\nEND:VEVENT\n")
    (found,) = expanded(text).occurrences
    assert found.uid.startswith("no-uid-")
    assert found.starts_at == found.ends_at


def test_only_what_touches_the_window_is_expanded() -> None:
    text = calendar(event("DTSTART;VALUE=DATE:20200101", "RRULE:FREQ=DAILY"))
    found = expanded(text, date(2026, 11, 1), date(2026, 11, 30)).occurrences
    assert [each.starts_on for each in found] == [date(2026, 11, day) for day in range(1, 31)]


BROKEN = {
    "no start": ("SUMMARY:x",),
    "bad start": ("DTSTART:2026-99-99",),
    "bad rule": ("DTSTART:20261101T000000Z", "RRULE:FREQ=SOMETIMES"),
    "bad exception": ("DTSTART:20261101T000000Z", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:never"),
    "ends before it starts": ("DTSTART:20261102T000000Z", "DTEND:20261101T000000Z"),
    "negative duration": ("DTSTART:20261102T000000Z", "DURATION:-PT1H"),
    "unknown zone": ("DTSTART;TZID=Mars/Olympus:20261102T000000",),
    "every second": ("DTSTART:20260101T000000Z", "RRULE:FREQ=SECONDLY"),
    "every minute in disguise": (
        "DTSTART:20260101T000000Z",
        "RRULE:FREQ=HOURLY;BYMINUTE=" + ",".join(str(minute) for minute in range(60)),
    ),
    "a day and a time": ("DTSTART;VALUE=DATE:20261101", "DTEND:20261101T000000Z"),
    "two starts": ("DTSTART:20261101T000000Z", "DTSTART:20261102T000000Z"),
    "a period as start": ("DTSTART;VALUE=PERIOD:20261101T000000Z/PT1H",),
    "no colon": ("DTSTART:20261101T000000Z", "this is no property"),
}


@pytest.mark.parametrize("lines", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_event_is_refused_whole_and_the_rest_goes_on(lines: tuple[str, ...]) -> None:
    broken, good = event(*lines, uid="broken"), event("DTSTART:20261101T000000Z", uid="good")
    found = expanded(calendar(broken, good))
    assert [each.uid for each in found.occurrences] == ["good"]
    (refusal,) = found.refusals
    assert refusal.record == broken.replace("\n", "\r\n")
    assert (refusal.source, refusal.code, refusal.dt) == ("calendar", "E003", date(2026, 11, 23))
    assert refusal.reason


def test_an_event_that_never_ends_harms_no_other() -> None:
    good = event("DTSTART:20261101T000000Z", uid="good")
    found = expanded(calendar(good, "BEGIN:VEVENT\nUID:open\nDTSTART:20261102T000000Z\n"))
    assert [each.uid for each in found.occurrences] == ["good"]
    assert len(found.refusals) == 1


def test_a_calendar_that_is_broken_around_its_events_is_refused_whole() -> None:
    text = calendar("BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:never\nEND:STANDARD\nEND:VTIMEZONE\n")
    found = expanded(text)
    assert found.occurrences == []
    assert [refusal.record for refusal in found.refusals] == [text]


def test_a_title_comes_only_where_it_may_be_shown() -> None:
    text = calendar(
        event("DTSTART:20261101T000000Z", "SUMMARY:Dentist"), event("DTSTART:20261101T000000Z", uid="e2")
    )
    assert [each.title for each in expanded(text).occurrences] == [None, None]
    assert [each.title for each in expanded(text, with_titles=True).occurrences] == ["Dentist", None]


INSTANTS = st.datetimes(at(1, 2), at(12, 30), timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=0)
)


@given(st.lists(st.tuples(INSTANTS, st.timedeltas(timedelta(0), timedelta(hours=9))), max_size=6))
def test_every_single_event_comes_back_with_its_times(meetings: list[tuple[datetime, timedelta]]) -> None:
    spans = [(start, start + timedelta(seconds=int(length.total_seconds()))) for start, length in meetings]
    parts = [
        event(f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}", uid=str(index))
        for index, (start, end) in enumerate(spans)
    ]
    expected = [(start.replace(tzinfo=None), end.replace(tzinfo=None)) for start, end in spans]
    assert [(found.starts_at, found.ends_at) for found in occurrences(*parts)] == expected


@given(st.lists(st.sampled_from(["BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "X:1", "END:VCALENDAR"])))
def test_splitting_loses_no_line(lines: list[str]) -> None:
    frame, events = split_events("".join(line + "\r\n" for line in lines))
    said = frame + "".join(events)
    assert sorted(said.split()) == sorted(lines)
    assert len(events) == lines.count("BEGIN:VEVENT")
