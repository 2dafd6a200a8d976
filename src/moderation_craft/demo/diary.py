"""What the app keeps of a person's days: sessions, moods, conditions, sleep plans, memos, the profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from moderation_craft.clock import iso
from moderation_craft.demo.attributes import Entity
from moderation_craft.demo.chance import Chance, clamp
from moderation_craft.demo.days import Day
from moderation_craft.demo.personas import City, Persona
from moderation_craft.demo.plans import Plans
from moderation_craft.demo.timeline import Agenda, Span
from moderation_craft.demo.trips import Trip, wall
from moderation_craft.demo.words import DOPAMINE, MEMO, TASKS, note_for

HOME_SINCE = "2000-01-01"


def profile(user_id: str, persona: Persona, name: str, days: Sequence[Day], trip: Trip | None) -> Entity:
    created = wall(days[0].date, 6 * 60 + 30, days[0].timezone)
    places = [_place(persona.home, HOME_SINCE)]
    if trip:
        places += [_place(trip.city, str(trip.leaves_on)), _place(persona.home, str(trip.returns_on))]
    return {
        "entity_type": "user",
        "id": user_id,
        "user_id": user_id,
        "created_at": iso(created),
        "updated_at": iso(created),
        "name": name,
        "email": f"{user_id}@example.com",
        "timezone": persona.home.timezone,
        "preferences": {"language": persona.language, "craft": persona.craft, "places": places},
    }


def _place(city: City, since: str) -> dict[str, Any]:
    return {
        "name": city.name,
        "latitude": city.latitude,
        "longitude": city.longitude,
        "timezone": city.timezone,
        "since": since,
    }


def diary(
    chance: Chance, user_id: str, persona: Persona, days: Sequence[Day], agendas: Sequence[Agenda], plans: Plans
) -> Iterator[Entity]:
    """Every entity of the person's days, day by day."""
    for day, agenda in zip(days, agendas, strict=True):
        if not day.is_app_open:
            continue
        author = _Author(chance.on(day.date), user_id, persona, day)
        for span in agenda.sessions:
            yield author.session(span, plans)
        if agenda.manual_entry:
            yield author.time_entry(agenda.manual_entry, plans, agenda.sessions[-1])
        yield from (author.mood(note.at, note.level) for note in agenda.moods)
        yield author.condition(agenda.moods[0].at)
        yield author.sleep_schedule(agenda.moods[0].at)
        if author.chance.random() < 0.3:
            yield author.dopamine(agenda.moods[-1].at)
        if day.date.weekday() == 0:
            yield author.memo(agenda.moods[0].at)


class _Author:
    """Writes one day's entities in the person's language."""

    def __init__(self, chance: Chance, user_id: str, persona: Persona, day: Day) -> None:
        self.chance = chance
        self._user_id = user_id
        self._persona = persona
        self._day = day

    def _new(self, kind: str, at: datetime, updated: datetime | None = None) -> Entity:
        return {
            "entity_type": kind,
            "id": self.chance.id(),
            "user_id": self._user_id,
            "created_at": iso(at),
            "updated_at": iso(updated or at),
        }

    def _note(self, level: float) -> str:
        return note_for(level, self._persona.language, self.chance.random())

    def session(self, span: Span, plans: Plans) -> Entity:
        task = plans.task_of[span.start]
        session = self._new("work_session", span.start, span.end + timedelta(seconds=2)) | {
            "small_task_id": task["id"],
            "project_id": task["project_id"],
            "start_time": iso(span.start),
            "end_time": iso(span.end),
            "duration_seconds": span.minutes * 60,
            "focus_level": span.focus,
            "is_synced": True,
        }
        if self.chance.random() < 0.3:
            session["work_notes"] = self._note(span.focus)
        if self.chance.random() < 0.12:
            session["mood_notes"] = self._note(self._day.mood)
        return session

    def time_entry(self, span: Span, plans: Plans, after: Span) -> Entity:
        task = plans.task_of[after.start]
        return self._new("time_entries", span.end, span.end) | {
            "small_task_id": task["id"],
            "project_id": task["project_id"],
            "big_task_id": task["big_task_id"],
            "date": str(self._day.date),
            "start_time": iso(span.start),
            "end_time": iso(span.end),
            "duration_minutes": span.minutes,
            "description": self.chance.choice(TASKS[self._persona.language]),
            "focus_level": span.focus,
        }

    def mood(self, at: datetime, level: int) -> Entity:
        entry = self._new("mood_entry", at) | {"timestamp": iso(at), "mood_level": level}
        return entry | ({"notes": self._note(level)} if self.chance.random() < 0.4 else {})

    def dopamine(self, at: datetime) -> Entity:
        return self._new("dopamine_entry", at) | {
            "timestamp": iso(at),
            "event_description": self.chance.choice(DOPAMINE[self._persona.language]),
        }

    def condition(self, at: datetime) -> Entity:
        day = self._day
        words = ("poor", "fair", "good", "excellent")
        condition = self._new("daily_condition", at) | {
            "date": str(day.date),
            "subjective_mood": words[int(clamp((day.mood - 2) / 2, 0, 3))],
            "energy_level": round(clamp(3 + (day.focus - 5.4) / 1.2, 1, 5)),
        }
        if day.is_worn:
            condition |= {
                "sleep_hours": round(day.night.minutes_asleep / 60, 1),
                "steps": day.steps,
                "fitbit_sync_date": iso(at),
            }
        return condition | ({"notes": self._note(day.mood)} if self.chance.random() < 0.2 else {})

    def sleep_schedule(self, at: datetime) -> Entity:
        day, persona = self._day, self._persona
        planned_start = wall(day.date, persona.bedtime_minute, day.timezone)
        planned_minutes = round((persona.sleep_minutes + 40) / 15) * 15
        schedule = self._new("sleep_schedule", at) | {
            "date_of_sleep": str(day.date),
            "scheduled_start_time": iso(planned_start),
            "scheduled_end_time": iso(planned_start + timedelta(minutes=planned_minutes)),
            "scheduled_duration_minutes": planned_minutes,
        }
        if not day.is_worn and self.chance.random() < 0.5:
            return schedule
        night = day.night
        schedule |= {
            "actual_start_time": iso(night.start),
            "actual_end_time": iso(night.end),
            "actual_duration_minutes": night.minutes_in_bed,
            "actual_data_source": "fitbit" if day.is_worn else "manual",
        }
        if day.is_worn:
            schedule |= {
                "minutes_asleep": night.minutes_asleep,
                "minutes_awake": night.minutes_in_bed - night.minutes_asleep,
                "time_in_bed": night.minutes_in_bed,
                "sleep_efficiency": round(100 * night.minutes_asleep / night.minutes_in_bed),
                "actual_data_synced_at": iso(at),
            }
        return schedule

    def memo(self, at: datetime) -> Entity:
        language = self._persona.language
        task = self.chance.choice(TASKS[language])
        return self._new("schedule_memo", at) | {
            "week_start_date": str(self._day.date),
            "content": MEMO[language].format(task=task),
        }
