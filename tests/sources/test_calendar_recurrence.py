"""Repetition by RFC 5545: every part of a rule that people's calendars hold, in cases of our own."""

from __future__ import annotations

import time
from datetime import date

import pytest

from tests.sources.test_calendar_events import at, calendar, event, expanded, occurrences, starts

TOKYO_MORNING = "DTSTART;TZID=Asia/Tokyo:20260105T090000"  # a Monday

BERLIN = """BEGIN:VTIMEZONE
TZID:Our office
BEGIN:DAYLIGHT
DTSTART:19810329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""


def spelled(*parts: str) -> list[str]:
    """The UTC starts as MM-DD HH:MM, the days of whole-day events as MM-DD."""
    return [
        f"{each.starts_at:%m-%d %H:%M}" if each.starts_at else f"{each.starts_on:%m-%d}"
        for each in occurrences(*parts)
    ]


def days(rule: str, *more: str, start: str = "DTSTART;VALUE=DATE:20260105") -> list[str]:
    return spelled(event(start, f"RRULE:{rule}", *more))


RULES = {
    "COUNT": ("FREQ=DAILY;COUNT=3", ["01-05", "01-06", "01-07"]),
    "INTERVAL": ("FREQ=DAILY;INTERVAL=10;COUNT=3", ["01-05", "01-15", "01-25"]),
    "weekly by day": ("FREQ=WEEKLY;BYDAY=MO,FR;COUNT=4", ["01-05", "01-09", "01-12", "01-16"]),
    "the last Friday": ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", ["01-05", "01-30", "02-27", "03-27"]),
    "the second Tuesday": ("FREQ=MONTHLY;BYDAY=2TU;COUNT=2", ["01-05", "01-13", "02-10"]),
    "the last weekday": ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", ["01-05", "01-30", "02-27"]),
    "a day of the year": ("FREQ=YEARLY;BYYEARDAY=100;COUNT=1", ["01-05", "04-10"]),
    "a week of the year": ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=1", ["01-05", "05-11"]),
    "a month": ("FREQ=YEARLY;BYMONTH=3,6;BYMONTHDAY=5;COUNT=2", ["01-05", "03-05", "06-05"]),
}


@pytest.mark.parametrize(("rule", "expected"), RULES.values(), ids=RULES.keys())
def test_rules_of_whole_days(rule: str, expected: list[str]) -> None:
    """A start that its rule does not name counts as an occurrence of its own (RFC 5545, 3.8.5.3: the DTSTART
    is the first instance)."""
    assert days(rule) == expected


def test_the_31st_skips_short_months_and_the_last_day_does_not() -> None:
    first = "DTSTART;VALUE=DATE:20260131"
    assert days("FREQ=MONTHLY;COUNT=4", start=first) == ["01-31", "03-31", "05-31", "07-31"]
    assert days("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=4", start=first) == ["01-31", "02-28", "03-31", "04-30"]
    leap = event("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY")
    found = expanded(calendar(leap), date(2024, 1, 1), date(2032, 12, 31)).occurrences
    assert [each.starts_on for each in found] == [date(year, 2, 29) for year in (2024, 2028, 2032)]


def test_the_week_starts_where_the_rule_says() -> None:
    """RFC 5545's own point: every second week by Tuesday and Sunday depends on the week's first day."""
    start = "DTSTART;VALUE=DATE:20260106"
    assert days("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", start=start) == [
        "01-06",
        "01-11",
        "01-20",
        "01-25",
    ]
    assert days("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", start=start) == [
        "01-06",
        "01-18",
        "01-20",
        "02-01",
    ]


def test_until_is_the_last_moment_that_counts() -> None:
    utc = event(TOKYO_MORNING, "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260107T000000Z")
    assert spelled(utc) == ["01-05 00:00", "01-06 00:00", "01-07 00:00"]
    a_second_less = event(TOKYO_MORNING, "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260106T235959Z")
    assert spelled(a_second_less) == ["01-05 00:00", "01-06 00:00"]
    local = event("DTSTART:20260105T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260107T090000")
    assert spelled(local) == ["01-05 00:00", "01-06 00:00", "01-07 00:00"]
    assert days("FREQ=DAILY;UNTIL=20260107") == ["01-05", "01-06", "01-07"]


def test_added_and_left_out_days() -> None:
    found = spelled(
        event(
            TOKYO_MORNING,
            "DURATION:PT1H",
            "RRULE:FREQ=WEEKLY;COUNT=3",
            "RDATE;TZID=Asia/Tokyo:20260110T150000,20260111T150000",
            "RDATE;VALUE=PERIOD:20260201T000000Z/PT2H",
            "EXDATE;TZID=Asia/Tokyo:20260112T090000",
            "EXDATE:20260119T000000Z",
        )
    )
    assert found == ["01-05 00:00", "01-10 06:00", "01-11 06:00", "02-01 00:00"]


def test_an_occurrence_that_moved_keeps_its_place_in_the_series() -> None:
    found = occurrences(
        event(TOKYO_MORNING, "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
        event("RECURRENCE-ID:20260106T000000Z", "DTSTART;TZID=Asia/Tokyo:20260301T120000", "DURATION:PT30M"),
    )
    assert [(each.recurrence_id, each.starts_at) for each in found] == [
        ("2026-01-05T00:00:00Z", at(1, 5)),
        ("2026-01-06T00:00:00Z", at(3, 1, 3)),
        ("2026-01-07T00:00:00Z", at(1, 7)),
    ]


def test_this_and_all_later_occurrences_move_together() -> None:
    found = occurrences(
        event(TOKYO_MORNING, "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=4"),
        event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260119T000000Z", "DTSTART:20260119T020000Z", "DURATION:PT2H"),
    )
    assert [(f"{each.starts_at:%m-%d %H}", f"{each.ends_at:%H}") for each in found] == [
        ("01-05 00", "01"),
        ("01-12 00", "01"),
        ("01-19 02", "04"),
        ("01-26 02", "04"),
    ]
    assert len({each.recurrence_id for each in found}) == 4


def test_an_exception_without_its_series_is_an_event() -> None:
    assert spelled(event("RECURRENCE-ID:20260106T000000Z", "DTSTART:20260107T000000Z")) == ["01-07 00:00"]


def test_the_hour_of_the_wall_clock_stays_through_both_changes_of_summer_time() -> None:
    rule = "RRULE:FREQ=DAILY;COUNT=3"
    to_summer = event("DTSTART;TZID=Europe/Berlin:20260328T090000", "DURATION:PT1H", rule)
    to_winter = event("DTSTART;TZID=Europe/Berlin:20261024T090000", "DURATION:PT1H", rule)
    assert spelled(to_summer) == ["03-28 08:00", "03-29 07:00", "03-30 07:00"]
    assert spelled(to_winter) == ["10-24 07:00", "10-25 08:00", "10-26 08:00"]


@pytest.mark.parametrize(("day", "hours"), [("20260329", 23), ("20261025", 25)])
def test_a_timed_event_from_midnight_to_midnight_is_as_long_as_its_day(day: str, hours: int) -> None:
    zone = "TZID=Europe/Berlin"
    (found,) = occurrences(event(f"DTSTART;{zone}:{day}T000000", f"DTEND;{zone}:{int(day) + 1}T000000"))
    assert found.starts_at
    assert found.ends_at
    assert (found.ends_at - found.starts_at).total_seconds() / 3600 == hours


def test_a_time_that_the_change_to_summer_skips_or_repeats_is_one_occurrence() -> None:
    rule = "RRULE:FREQ=DAILY;COUNT=3"
    skipped = event("DTSTART;TZID=Europe/Berlin:20260328T023000", "DURATION:PT30M", rule)
    repeated = event("DTSTART;TZID=Europe/Berlin:20261024T023000", "DURATION:PT30M", rule)
    assert spelled(skipped) == ["03-28 01:30", "03-29 01:30", "03-30 00:30"]
    assert spelled(repeated) == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]


def test_whole_days_know_no_summer_time() -> None:
    found = occurrences(
        event("DTSTART;VALUE=DATE:20260328", "DTEND;VALUE=DATE:20260330", "RRULE:FREQ=WEEKLY;COUNT=2"),
        timezone="Europe/Berlin",
    )
    assert [(each.starts_on, each.ends_on) for each in found] == [
        (date(2026, 3, 28), date(2026, 3, 29)),
        (date(2026, 4, 4), date(2026, 4, 5)),
    ]


def test_times_without_a_zone_follow_the_person_through_summer_time() -> None:
    floating = event("DTSTART:20260328T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")
    assert [each.starts_at.hour for each in occurrences(floating, timezone="Europe/Berlin") if each.starts_at] == [
        8,
        7,
    ]


def test_a_zone_that_the_calendar_defines_itself_changes_when_it_says() -> None:
    meeting = event("DTSTART;TZID=Our office:20260328T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2")
    assert spelled(BERLIN, meeting) == ["03-28 08:00", "03-29 07:00"]


def test_a_weekly_meeting_over_midnight_ends_on_the_next_day() -> None:
    (found,) = occurrences(
        event("DTSTART;TZID=Asia/Tokyo:20260105T233000", "DTEND;TZID=Asia/Tokyo:20260106T003000")
    )
    assert (found.starts_at, found.ends_at) == (at(1, 5, 14, 30), at(1, 5, 15, 30))


NEVER_OR_FOR_EVER = {
    "30 February": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "30 February by the year": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "30 February by the hour": "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    "a step that never lands": "FREQ=DAILY;INTERVAL=7;BYDAY=SU",
    "no step": "FREQ=DAILY;INTERVAL=0",
    "a step back": "FREQ=DAILY;INTERVAL=-1",
    "the second of one": "FREQ=DAILY;BYSETPOS=2",
    "every second": "FREQ=SECONDLY",
    "every minute for ever": "FREQ=MINUTELY",
    "a negative count": "FREQ=DAILY;COUNT=-1",
}


@pytest.mark.parametrize("rule", NEVER_OR_FOR_EVER.values(), ids=NEVER_OR_FOR_EVER.keys())
def test_a_rule_that_would_be_searched_for_ever_is_refused_at_once(rule: str) -> None:
    good = event("DTSTART;VALUE=DATE:20260110", uid="good")
    started = time.process_time()
    found = expanded(calendar(event(TOKYO_MORNING, f"RRULE:{rule}", uid="bad"), good))
    assert time.process_time() - started < 2
    assert [each.uid for each in found.occurrences if each.uid == "good"] == ["good"]
    assert len(found.refusals) + sum(each.uid == "bad" for each in found.occurrences) == 1


def test_a_rule_by_the_hour_since_long_ago_is_refused() -> None:
    found = expanded(calendar(event("DTSTART:19000101T000000Z", "RRULE:FREQ=HOURLY")))
    assert "by the hour since 1900" in found.refusals[0].reason


def test_many_occurrences_are_bounded_by_the_window() -> None:
    assert len(starts(event("DTSTART:20200101T000000Z", "DURATION:PT5M", "RRULE:FREQ=HOURLY"))) == 365 * 24
