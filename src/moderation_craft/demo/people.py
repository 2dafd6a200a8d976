"""The demo's world: people with their days, the app's items, and what each outside service would say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from moderation_craft.demo import measures
from moderation_craft.demo.attributes import Entity, Item
from moderation_craft.demo.calendars import calendars
from moderation_craft.demo.chance import Chance
from moderation_craft.demo.days import Day, live
from moderation_craft.demo.dexie import Dump, make_dump
from moderation_craft.demo.diary import diary, profile
from moderation_craft.demo.health import health_person, repeated_night
from moderation_craft.demo.marks import Marks, choose_marks
from moderation_craft.demo.oddities import lay_table, stop_clock
from moderation_craft.demo.personas import PERSONAS, Persona
from moderation_craft.demo.plans import make_plans
from moderation_craft.demo.timeline import Agenda, lay_out
from moderation_craft.demo.trips import Trip, dst_changes, plan_trip, wall
from moderation_craft.demo.truths import (
    DEADLINE_EXTRA_MINUTES,
    FEVER_EXTRA_RHR_BPM,
    HABIT_SHIFT_MINUTES,
    Anomaly,
    PersonTruths,
)
from moderation_craft.sources.fitbit.stand_in import HealthPerson

FEWEST_DAYS = 7


@dataclass(frozen=True, eq=False)
class DemoPerson:
    """One made-up person and everything that is known of them, source by source."""

    user_id: str
    name: str
    persona: Persona
    days: Sequence[Day]
    agendas: Sequence[Agenda]
    entities: Sequence[Entity]
    items: Sequence[Item]
    deleted_items: Sequence[Item]
    health: HealthPerson
    calendars: dict[str, str]
    measure_rows: Sequence[Sequence[str]]
    dump: Dump | None
    truths: PersonTruths


@dataclass(frozen=True)
class World:
    people: list[DemoPerson]
    first_day: date
    last_day: date

    @property
    def items(self) -> list[Item]:
        """The table as it stays; `deleted_items` are there before the deletion only."""
        return [item for person in self.people for item in person.items]

    @property
    def deleted_items(self) -> list[Item]:
        return [item for person in self.people for item in person.deleted_items]

    @property
    def csv_text(self) -> str:
        return measures.csv_text(row for person in self.people for row in person.measure_rows)


def generate(seed: int, days: int, users: int, last_day: date) -> World:
    """The same world for the same arguments, on every machine.

    Each person's data spans exactly `days` civil days in their own zones, up to `last_day`. ValueError for
    fewer than 7 days or no user.
    """
    if days < FEWEST_DAYS or users < 1:
        raise ValueError(f"the demo needs at least {FEWEST_DAYS} days and one user, not {days} and {users}")
    dates = [last_day - timedelta(days=back) for back in reversed(range(days))]
    return World([_person(seed, number, dates) for number in range(users)], dates[0], last_day)


def _person(seed: int, number: int, dates: Sequence[date]) -> DemoPerson:
    persona = PERSONAS[number % len(PERSONAS)]
    cycle = number // len(PERSONAS) + 1
    user_id = f"demo-{persona.slug}" + (f"-{cycle}" if cycle > 1 else "")
    name = persona.name + (f" {cycle}" if cycle > 1 else "")
    chance = Chance(seed, number, user_id)
    home = persona.home.timezone
    trip = plan_trip(home, dates) if persona.travels else None
    zones = [trip.city.timezone if trip and trip.covers(day) else home for day in dates]
    marks = choose_marks(chance.on("marks"), dates, trip)
    days = live(chance.on("days"), persona, dates, zones, marks, trip)
    agendas = lay_out(chance.on("agendas"), days, marks, trip)
    plans = make_plans(chance.on("plans"), user_id, persona, days, agendas)
    entities = [
        profile(user_id, persona, name, days, trip),
        *plans.projects,
        *plans.big_tasks,
        *plans.small_tasks,
        *diary(chance.on("diary"), user_id, persona, days, agendas, plans),
    ]
    is_first = number == 0
    if is_first:
        entities = stop_clock(entities)
    bounds = wall(dates[0], 0, home), wall(dates[-1] + timedelta(days=1), 0, home)
    table = lay_table(chance.on("table"), entities, *bounds, has_broken=is_first)
    return DemoPerson(
        user_id=user_id,
        name=name,
        persona=persona,
        days=days,
        agendas=agendas,
        entities=entities,
        items=table.items,
        deleted_items=table.deleted,
        health=health_person(chance.on("health"), user_id, f"demo-{chance.on('token').id()}", days),
        calendars=calendars(chance.on("calendar"), user_id, persona, dates, trip),
        measure_rows=measures.rows(chance.on("measures"), user_id, days),
        dump=make_dump(chance.on("dump"), entities, bounds[1]) if is_first else None,
        truths=_truths(user_id, persona, days, marks, trip, table.odd_ids),
    )


def _truths(
    user_id: str,
    persona: Persona,
    days: Sequence[Day],
    marks: Marks,
    trip: Trip | None,
    odd_ids: dict[str, list[str]],
) -> PersonTruths:
    usual = persona.work_weekday_minutes[marks.deadline.weekday()]
    rhr = persona.resting_heart_rate_bpm
    dates = [day.date for day in days]
    home_changes = dst_changes(persona.home.timezone, [d for d in dates if not (trip and trip.covers(d))])
    away_changes = dst_changes(trip.city.timezone, [d for d in dates if trip.covers(d)]) if trip else []
    return PersonTruths(
        user_id=user_id,
        first_day=dates[0],
        last_day=dates[-1],
        work_weekday_minutes=persona.work_weekday_minutes,
        habit_changed_on=marks.habit_changed_on,
        habit_shift_minutes=HABIT_SHIFT_MINUTES,
        anomalies=(
            Anomaly(marks.deadline, "work_minutes", usual, usual + DEADLINE_EXTRA_MINUTES, "a deadline"),
            Anomaly(marks.fever, "resting_heart_rate_bpm", rhr, rhr + FEVER_EXTRA_RHR_BPM, "a fever"),
        ),
        device_not_worn=marks.device_not_worn,
        app_not_opened=marks.app_not_opened,
        nap_days=marks.naps,
        classic_nights=marks.classic | ({trip.returns_on} if trip else set()),
        midnight_work_days=marks.midnight_work,
        trip_first=trip.leaves_on if trip else None,
        trip_last=trip.last_day_away if trip else None,
        trip_timezone=trip.city.timezone if trip else None,
        dst_changes=(*home_changes, *away_changes),
        odd_ids={**odd_ids, "repeated_night": [repeated_night(days).log_id]},
    )
