"""Every person's data spans exactly the days asked for, whatever the window, the zone or the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from moderation_craft.demo.people import DemoPerson, generate
from tests.demo.recovery import day_of, measure, records, sessions_by_day, value, zone_on

windows = st.tuples(
    st.integers(0, 10_000),
    st.integers(7, 75),
    st.integers(1, 7),
    st.dates(date(2019, 1, 1), date(2030, 1, 1)),
)


def own_days(person: DemoPerson) -> set[date]:
    """Every day that any source tells of, by the rules of the data model."""
    found = {*sessions_by_day(person), *person.health.days, *measure(person, 2), *measure(person, 4)}
    found |= {night.civil_end.date() for night in person.health.nights}
    for kind, field in (
        ("mood_entry", "timestamp"),
        ("dopamine_entry", "timestamp"),
        ("small_task", "updated_at"),
    ):
        found |= {day_of(person, instant(item, field)) for item in records(person, kind)}
    for kind, field in (
        ("daily_condition", "date"),
        ("sleep_schedule", "date_of_sleep"),
        ("time_entries", "date"),
        ("schedule_memo", "week_start_date"),
    ):
        found |= {date.fromisoformat(str(value(item, field))) for item in records(person, kind)}
    return found


def instant(item: dict[str, dict[str, str]], field: str) -> datetime:
    return datetime.fromisoformat(str(value(item, field)))


@settings(max_examples=40, deadline=None)
@given(windows)
@example((1, 7, 2, date(2026, 11, 2)))
@example((1, 60, 6, date(2026, 11, 22)))
@example((1, 75, 6, date(2024, 4, 20)))
def test_span_is_exact(window: tuple[int, int, int, date]) -> None:
    seed, days, users, last_day = window
    first_day = last_day - timedelta(days=days - 1)
    for person in generate(seed, days, users, last_day).people:
        found = own_days(person)
        assert (min(found), max(found)) == (first_day, last_day)
        for edge in (first_day, last_day):
            assert edge in sessions_by_day(person), "no work on the first or last day"
            assert edge in person.health.days, "device not worn on the first or last day"
            assert edge in {night.civil_end.date() for night in person.health.nights if night.is_main}


@settings(max_examples=25, deadline=None)
@given(windows)
def test_days_are_possible(window: tuple[int, int, int, date]) -> None:
    """Nobody works asleep or twice at once; stages cover a night and add up."""
    for person in generate(*window).people:
        busy = [(log.start, log.end) for day in person.days for log in (day.night,)]
        busy += [(span.start, span.end) for agenda in person.agendas for span in agenda.sessions]
        busy += [(a.manual_entry.start, a.manual_entry.end) for a in person.agendas if a.manual_entry]
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(busy)))
        for night in (log for day in person.days for log in (day.night, day.nap) if log):
            assert night.stages[0][1] == night.start and night.stages[-1][2] == night.end
            assert all(a[2] == b[1] for a, b in pairwise(night.stages))
            asleep = sum(
                (end - start for kind, start, end in night.stages if kind not in ("AWAKE", "RESTLESS")),
                timedelta(),
            )
            assert asleep == timedelta(minutes=night.minutes_asleep)


@settings(max_examples=25, deadline=None)
@given(windows)
def test_special_days_are_in_every_window(window: tuple[int, int, int, date]) -> None:
    for person in generate(*window).people:
        truths = person.truths
        inside = {day.date for day in person.days[1:-1]}
        anomalies = {anomaly.date for anomaly in truths.anomalies}
        assert len(anomalies) == 2 and anomalies <= inside
        missing = truths.device_not_worn | truths.app_not_opened
        assert truths.device_not_worn and truths.app_not_opened and missing <= inside
        assert not truths.device_not_worn & truths.app_not_opened and not anomalies & missing
        assert truths.nap_days and truths.classic_nights and truths.midnight_work_days
        assert any(len(agenda.sessions) for agenda in person.agendas)


@settings(max_examples=40, deadline=None)
@given(windows)
def test_traveller_crosses_zones_inside_the_window(window: tuple[int, int, int, date]) -> None:
    seed, days, _, last_day = window
    person = generate(seed, days, 1, last_day).people[0]
    truths = person.truths
    assert truths.trip_first and truths.trip_last and truths.trip_timezone
    assert (
        truths.first_day
        < truths.trip_first
        <= truths.trip_last
        < truths.last_day - timedelta(days=1) + timedelta(1)
    )
    assert zone_on(person, truths.trip_first) == truths.trip_timezone != zone_on(person, truths.first_day)
    assert zone_on(person, truths.trip_last + timedelta(days=1)) == "Asia/Tokyo"
    for change in truths.dst_changes:
        assert truths.trip_first < change.date < truths.trip_last
        hours = timedelta(hours=hours_of(change.date, change.timezone))
        assert hours == timedelta(days=1) - change.forward


def hours_of(day: date, timezone: str) -> int:
    """How many hours of UTC begin on a civil day."""
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    instants = (first + timedelta(hours=hour) for hour in range(72))
    return sum(at.astimezone(ZoneInfo(timezone)).date() == day for at in instants)


def test_a_clock_change_is_found_where_the_window_has_one() -> None:
    for last_day in (date(2026, 11, 22), date(2026, 4, 20), date(2025, 11, 5), date(2026, 10, 20)):
        assert generate(1, 60, 1, last_day).people[0].truths.dst_changes, last_day
