"""A day's work and mood entries laid on the clock, between waking and the next night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from moderation_craft.demo.chance import Chance, clamp
from moderation_craft.demo.days import Day
from moderation_craft.demo.marks import Marks
from moderation_craft.demo.trips import Trip, wall, wall_minute
from moderation_craft.demo.truths import FOCUS_SESSION_SD

_LUNCH, _DINNER = (12 * 60 + 25, 13 * 60 + 15), (18 * 60 + 30, 19 * 60 + 20)
_SHORTEST_MINUTES = 10
_MOOD_SD = 0.5


@dataclass(frozen=True)
class Span:
    """A stretch of work: its start (UTC), minutes and focus 1–9."""

    start: datetime
    minutes: int
    focus: int

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.minutes)


@dataclass(frozen=True)
class MoodNote:
    at: datetime
    level: int


@dataclass
class Agenda:
    """What the app saw of one day."""

    sessions: list[Span] = field(default_factory=list)
    manual_entry: Span | None = None
    moods: list[MoodNote] = field(default_factory=list)


def lay_out(chance: Chance, days: Sequence[Day], marks: Marks, trip: Trip | None) -> list[Agenda]:
    """One Agenda a day; empty where the app was not opened."""
    agendas = []
    for index, day in enumerate(days):
        after = days[index + 1] if index + 1 < len(days) else None
        agenda = Agenda()
        if day.is_app_open:
            stream = chance.on(index)
            limit = _limit(day, after, marks, trip)
            _lay_sessions(stream.on("work"), day, agenda, limit, trip, is_deadline=day.date == marks.deadline)
            _lay_manual_entry(stream.on("manual"), day, agenda, limit, can_add=after is not None)
            _lay_moods(stream.on("mood"), day, agenda, limit, trip)
        agendas.append(agenda)
    return agendas


def _limit(day: Day, after: Day | None, marks: Marks, trip: Trip | None) -> datetime:
    """No work after this: bedtime, the flight, midnight where the next day (or none) begins with work."""
    if trip and day.date == trip.last_day_away:
        next_day_at_home = wall(trip.returns_on, 0, after.timezone) if after else day.night.end
        return min(wall(day.date, 11 * 60 + 45, day.timezone), next_day_at_home - timedelta(minutes=5))
    if trip and after and after.date == trip.leaves_on:
        # Going east, the evening's last hours are already the next day in the zone of arrival.
        next_day_away = wall(after.date, 0, after.timezone) - timedelta(minutes=5)
        return min(next_day_away, after.night.start - timedelta(minutes=20))
    midnight = wall(day.date, 23 * 60 + 55, day.timezone)
    if after is None or after.date in marks.midnight_work:
        return min(midnight, after.night.start - timedelta(minutes=20)) if after else midnight
    return min(wall(day.date, 24 * 60 + 40, day.timezone), after.night.start - timedelta(minutes=20))


def _first_minute(day: Day, trip: Trip | None) -> int:
    """The wall-clock minute at which work may begin."""
    if trip and day.date == trip.leaves_on:
        return 19 * 60 + 20
    awake_for = 180 if trip and day.date == trip.returns_on else 40
    woke = wall_minute(day.night.end, day.date, day.timezone)
    return max(day.work_start_minute, woke + awake_for)


def _lay_sessions(
    chance: Chance, day: Day, agenda: Agenda, limit: datetime, trip: Trip | None, *, is_deadline: bool
) -> None:
    left = day.work_minutes
    if left and day.midnight_work_minutes:
        start = wall(day.date, chance.randint(2, 9), day.timezone)
        agenda.sessions.append(_span(chance, day, start, day.midnight_work_minutes))
        left -= day.midnight_work_minutes
    minute = _first_minute(day, trip)
    while left >= _SHORTEST_MINUTES:
        length = min(left, _length(chance, is_deadline))
        if left - length < _SHORTEST_MINUTES:
            length = left
        start = wall(day.date, minute, day.timezone)
        room = int((limit - start).total_seconds() // 60)
        if room < _SHORTEST_MINUTES or minute >= 24 * 60 - 5:
            return
        agenda.sessions.append(_span(chance, day, start, min(length, room)))
        left -= length
        minute += length + chance.randint(4, 8 if is_deadline else 14)
        for begins, ends in (_LUNCH, _DINNER):
            if begins - 15 <= minute < ends:
                minute = ends + chance.randint(0, 10)


def _length(chance: Chance, is_deadline: bool) -> int:
    """Minutes of one session: mostly a pomodoro, sometimes a fragment or a long stretch."""
    kind = chance.random()
    if is_deadline:
        return chance.randint(50, 90)
    if kind < 0.5:
        return chance.randint(25, 30)
    if kind < 0.65:
        return chance.randint(12, 24)
    return chance.randint(31, 48) if kind < 0.85 else chance.randint(50, 100)


def _span(chance: Chance, day: Day, start: datetime, minutes: int) -> Span:
    felt = day.focus + chance.noise(FOCUS_SESSION_SD)
    return Span(start + timedelta(seconds=chance.randint(0, 59)), minutes, round(clamp(felt, 1, 9)))


def _lay_manual_entry(chance: Chance, day: Day, agenda: Agenda, limit: datetime, *, can_add: bool) -> None:
    """On some days a stretch is noted afterwards instead of timed (a `time_entries` item)."""
    if not (can_add and agenda.sessions) or chance.random() > 0.15:
        return
    start = agenda.sessions[-1].end + timedelta(minutes=20)
    span = _span(chance, day, start, chance.randint(15, 40))
    if day.night.end < span.start < wall(day.date, 23 * 60, day.timezone) and span.end < limit:
        agenda.manual_entry = span


def _lay_moods(chance: Chance, day: Day, agenda: Agenda, limit: datetime, trip: Trip | None) -> None:
    woke = wall_minute(day.night.end, day.date, day.timezone)
    minutes = [max(woke, 5 * 60) + 35, 13 * 60 + 22, 21 * 60 + 10]
    if trip and day.date == trip.leaves_on:
        minutes = [20 * 60]
    elif trip and day.date == trip.last_day_away:
        minutes = [max(woke, 5 * 60) + 35]
    elif trip and day.date == trip.returns_on:
        minutes = [20 * 60 + 10]
    kept = minutes[:1] + [minute for minute in minutes[1:] if minute > minutes[0] and chance.random() < 0.55]
    for minute in kept:
        at = wall(day.date, minute + chance.randint(0, 25), day.timezone)
        if at < limit or not agenda.moods:
            level = round(clamp(day.mood + chance.noise(_MOOD_SD), 1, 9))
            agenda.moods.append(MoodNote(at, level))
