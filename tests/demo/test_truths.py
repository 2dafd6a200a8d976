"""The truths are in the data: read back from what the demo offers, they are what truths.py says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from statistics import fmean, median
from zoneinfo import ZoneInfo

import pytest

from moderation_craft.demo import truths
from moderation_craft.demo.people import DemoPerson, generate
from tests.demo import recovery
from tests.demo.recovery import Series, fit, lagged
from tests.demo.test_generate import LAST_DAY

COFFEE, SCREEN, BATH = 2, 3, 4


@pytest.fixture(scope="module")
def people() -> list[DemoPerson]:
    return generate(1, 180, 3, LAST_DAY).people


def pooled(estimates: list[tuple[float, float]]) -> tuple[float, float]:
    """Estimates of the same slope from several people, weighted by their precision."""
    weights = [1 / error**2 for _, error in estimates]
    slope = sum(weight * value for weight, (value, _) in zip(weights, estimates, strict=True)) / sum(weights)
    return slope, (1 / sum(weights)) ** 0.5


def agrees(estimate: tuple[float, float], true: float, *, errors: float = 3) -> bool:
    return abs(estimate[0] - true) < errors * estimate[1]


def test_sleep_makes_focus_today_and_tomorrow(people: list[DemoPerson]) -> None:
    fits = []
    for person in people:
        asleep = recovery.asleep_hours(person)
        fits.append(fit(recovery.focus(person), asleep, lagged(asleep, 1)))
    today, tomorrow = (pooled([found[lag] for found in fits]) for lag in (0, 1))
    assert agrees(today, truths.FOCUS_PER_SLEEP_HOUR_LAG0) and today[0] > 8 * today[1]
    assert agrees(tomorrow, truths.FOCUS_PER_SLEEP_HOUR_LAG1) and tomorrow[0] > 4 * tomorrow[1]


def test_sleep_effect_shows_in_sixty_days_of_each_of_two() -> None:
    for person in generate(1, 60, 2, LAST_DAY).people:
        asleep = recovery.asleep_hours(person)
        slope, error = fit(recovery.focus(person), asleep, lagged(asleep, 1))[0]
        assert 0.5 < slope < 1.3 and slope > 3 * error


def test_screen_shortens_the_next_night(people: list[DemoPerson]) -> None:
    estimates = []
    for person in people:
        minutes = {day: 60 * hours for day, hours in recovery.asleep_hours(person).items()}
        estimates += fit(minutes, lagged(recovery.measure(person, SCREEN), 1))
    found = pooled(estimates)
    assert agrees(found, truths.SLEEP_PER_SCREEN_MINUTE_LAG1) and found[0] < -4 * found[1]


def test_mood_follows_focus_and_steps(people: list[DemoPerson]) -> None:
    fits = []
    for person in people:
        steps = {day: (health.steps or 0) / 1000 for day, health in person.health.days.items()}
        ill = [person.truths.anomalies[1].date]
        fits.append(fit(recovery.mood(person), recovery.focus(person), steps, skip=ill))
    from_focus, from_steps = (pooled([found[index] for found in fits]) for index in (0, 1))
    # Entries scatter around the day's focus, which takes a little off the slope.
    assert 0.8 * truths.MOOD_PER_FOCUS < from_focus[0] < 1.15 * truths.MOOD_PER_FOCUS
    assert agrees(from_steps, truths.MOOD_PER_1000_STEPS)


@pytest.mark.parametrize("lag", range(4))
@pytest.mark.parametrize("column", [COFFEE, BATH])
def test_null_factors_do_nothing_at_any_lag(people: list[DemoPerson], column: int, lag: int) -> None:
    for outcome in (recovery.focus, recovery.mood, recovery.asleep_hours, recovery.work_minutes):
        estimates = [fit(outcome(person), lagged(recovery.measure(person, column), lag))[0] for person in people]
        assert agrees(pooled(estimates), 0.0, errors=3.3)


def test_coffee_shares_the_working_week(people: list[DemoPerson]) -> None:
    """The trap: without taking weekdays out, coffee and work look related."""
    for person in people:
        cups = recovery.measure(person, COFFEE)
        at_work = fmean(value for day, value in cups.items() if day.weekday() < 5)
        at_weekends = fmean(value for day, value in cups.items() if day.weekday() >= 5)
        assert at_work > at_weekends + 0.6


def test_weekday_rhythm_of_work(people: list[DemoPerson]) -> None:
    for person in people:
        minutes = recovery.work_minutes(person)
        travel = {
            person.truths.trip_first,
            person.truths.trip_last,
            person.truths.trip_last and person.truths.trip_last + timedelta(days=1),
        }
        for weekday, true in enumerate(person.truths.work_weekday_minutes):
            days = [m for day, m in minutes.items() if day.weekday() == weekday and day not in travel]
            assert abs(median(days) - true) < 30, (person.user_id, weekday)


def test_anomalies_stand_out(people: list[DemoPerson]) -> None:
    for person in people:
        deadline, fever = person.truths.anomalies
        minutes, heart = recovery.work_minutes(person), resting_heart_rate(person)
        assert abs(minutes[deadline.date] - deadline.put_in) < 15
        assert robust_z(heart, fever.date) > 7
        over = {day: m - person.truths.work_weekday_minutes[day.weekday()] for day, m in minutes.items()}
        assert robust_z(over, deadline.date) > 5
        assert fever.date not in minutes and person.health.days[fever.date].steps == truths.FEVER_STEPS
        assert sum(robust_z(over, day) > 5 for day in over) == 1


def resting_heart_rate(person: DemoPerson) -> dict[date, float]:
    return {day: float(held.resting_heart_rate_bpm or 0) for day, held in person.health.days.items()}


def robust_z(series: Series, day: date) -> float:
    middle = median(series.values())
    spread = 1.4826 * median(abs(value - middle) for value in series.values())
    return (series[day] - middle) / spread


def test_habit_changes_half_way(people: list[DemoPerson]) -> None:
    for person in people:
        change = person.truths.habit_changed_on
        assert abs((change - person.truths.first_day).days - 90) <= 1
        bed, work = bedtimes(person), work_starts(person)
        for series in (bed, work):
            before = median(value for day, value in series.items() if day < change)
            after = median(value for day, value in series.items() if day >= change)
            assert after - before == pytest.approx(person.truths.habit_shift_minutes, abs=15)


def bedtimes(person: DemoPerson) -> dict[date, float]:
    """Minutes from the midnight of the day of waking, by the wall clock where it began."""
    found = {}
    for night in person.health.nights:
        if night.is_main and night.civil_end.date() not in away(person):
            began = night.start.replace(tzinfo=None) + night.start_utc_offset
            midnight = datetime.combine(night.civil_end.date(), datetime.min.time())
            found[midnight.date()] = (began - midnight).total_seconds() / 60
    return found


def work_starts(person: DemoPerson) -> dict[date, float]:
    """The minute of the wall clock at which the first session after 5:00 began."""
    found = {}
    for day, items in recovery.sessions_by_day(person).items():
        zone = ZoneInfo(recovery.zone_on(person, day))
        starts = [datetime.fromisoformat(item["start_time"]["S"]).astimezone(zone) for item in items]
        minutes = [start.hour * 60 + start.minute for start in starts if start.hour >= 5]
        if minutes and day not in away(person):
            found[day] = float(min(minutes))
    return found


def away(person: DemoPerson) -> set[date]:
    first, last = person.truths.trip_first, person.truths.trip_last
    if not first or not last:
        return set()
    return {first + timedelta(days=offset) for offset in range((last - first).days + 2)}


def test_missing_days_are_missing(people: list[DemoPerson]) -> None:
    for person in people:
        told, opened = set(person.health.days), set(recovery.mood(person))
        every = {day.date for day in person.days}
        assert every - told == person.truths.device_not_worn
        assert every - opened == person.truths.app_not_opened


def test_sleep_logs_of_every_kind(people: list[DemoPerson]) -> None:
    for person in people:
        nights = person.health.nights
        ids = [night.log_id for night in nights]
        assert [id_ for id_ in set(ids) if ids.count(id_) > 1] == person.truths.odd_ids["repeated_night"]
        naps = {night.civil_end.date() for night in nights if not night.is_main}
        classic = {night.civil_end.date() for night in nights if night.is_main and night.log_type == "CLASSIC"}
        assert naps == person.truths.nap_days - person.truths.device_not_worn
        assert classic == person.truths.classic_nights - person.truths.device_not_worn


def test_work_after_midnight_belongs_to_the_day_it_began(people: list[DemoPerson]) -> None:
    for person in people:
        early = set()
        for day, items in recovery.sessions_by_day(person).items():
            zone = ZoneInfo(recovery.zone_on(person, day))
            hours = [datetime.fromisoformat(i["start_time"]["S"]).astimezone(zone).hour for i in items]
            early |= {day} if min(hours) < 3 else set()
        assert early == person.truths.midnight_work_days
        assert person.truths.first_day not in early
