"""Projects, big tasks and the small tasks that sessions belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from moderation_craft.clock import iso
from moderation_craft.demo.attributes import Entity
from moderation_craft.demo.chance import Chance
from moderation_craft.demo.days import Day
from moderation_craft.demo.personas import Persona
from moderation_craft.demo.timeline import Agenda, Span
from moderation_craft.demo.trips import wall
from moderation_craft.demo.words import CATEGORIES, EMERGENCY, STAGES, TASKS

_COLORS = ("hsl(162, 46%, 42%)", "hsl(24, 72%, 55%)", "hsl(238, 42%, 58%)")
_TASK_MINUTES = 100


@dataclass
class Plans:
    """What a person meant to do, and which small task each session worked on."""

    projects: list[Entity] = field(default_factory=list)
    big_tasks: list[Entity] = field(default_factory=list)
    small_tasks: list[Entity] = field(default_factory=list)
    task_of: dict[datetime, Entity] = field(default_factory=dict)
    """By the session's start."""


def make_plans(
    chance: Chance, user_id: str, persona: Persona, days: Sequence[Day], agendas: Sequence[Agenda]
) -> Plans:
    plans = Plans()
    opened = wall(days[0].date, 7 * 60, days[0].timezone)
    for number, name in enumerate(persona.projects):
        _add_project(chance, plans, user_id, persona, days, opened, number, name)
    for day, agenda in zip(days, agendas, strict=True):
        _add_days_tasks(chance, plans, user_id, persona, day, agenda.sessions)
    _add_waiting_tasks(chance, plans, user_id, persona, days[-1])
    return plans


def _base(kind: str, chance: Chance, user_id: str, created: datetime, updated: datetime) -> Entity:
    return {
        "entity_type": kind,
        "id": chance.id(),
        "user_id": user_id,
        "created_at": iso(created),
        "updated_at": iso(updated),
    }


def _add_project(
    chance: Chance,
    plans: Plans,
    user_id: str,
    persona: Persona,
    days: Sequence[Day],
    opened: datetime,
    number: int,
    name: str,
) -> None:
    first, last = days[0].date, days[-1].date
    is_done = number == 2
    project = _base("project", chance, user_id, opened, opened + timedelta(minutes=5)) | {
        "name": name,
        "goal": f"{name} — " + ("締切までに納品する" if persona.language == "ja" else "deliver it in time"),
        "deadline": str(last + timedelta(days=20 + 15 * number)),
        "status": "completed" if is_done else "active",
        "version": 1 + number,
        "estimated_total_hours": 120 - 30 * number,
        "color": _COLORS[number % len(_COLORS)],
        "workable_weekdays": [True] * 5 + [number == 0, False],
        "weekday_hours": [4, 4.5, 4, 4, 3.5, 2, 0],
        "exclude_holidays": number == 0,
        "holiday_work_hours": 1.5,
    }
    plans.projects.append(project)
    third = max(1, len(days) // 3)
    for order, stage in enumerate(STAGES[persona.language]):
        starts = first + timedelta(days=order * third)
        is_recurring = order == 2 and number == 0
        big_task = _base("big_task", chance, user_id, opened, opened + timedelta(minutes=6 + order)) | {
            "project_id": project["id"],
            "name": f"{stage}",
            "estimated_hours": 30,
            "actual_hours": round(chance.uniform(4, 28), 2),
            "status": "completed" if order == 0 else "cancelled" if is_done and order == 2 else "active",
            "category": CATEGORIES[persona.language][order],
            "start_date": str(starts),
            "end_date": str(min(last, starts + timedelta(days=third))),
            "order": order,
            "task_type": "recurring" if is_recurring else "flow",
            "is_recurring": is_recurring,
        }
        if is_recurring:
            big_task["recurrence"] = {"frequency": "weekly_2", "hours_per_occurrence": 1.5}
        plans.big_tasks.append(big_task)


def _add_days_tasks(
    chance: Chance, plans: Plans, user_id: str, persona: Persona, day: Day, sessions: Sequence[Span]
) -> None:
    """One small task for about every 100 minutes; most are done the same day."""
    if not sessions:
        return
    worked = sum(span.minutes for span in sessions)
    count = min(len(sessions), max(1, round(worked / _TASK_MINUTES)))
    size = -(-len(sessions) // count)
    for at in range(0, len(sessions), size):
        spans = sessions[at : at + size]
        minutes = sum(span.minutes for span in spans)
        draw = chance.random()
        status = "completed" if draw < 0.78 else "cancelled" if draw < 0.83 else "pending"
        is_urgent = chance.random() < 0.05
        big_task = chance.choice(plans.big_tasks)
        names = EMERGENCY if is_urgent else TASKS
        task = _base("small_task", chance, user_id, spans[0].start, spans[-1].end + timedelta(minutes=1)) | {
            "big_task_id": big_task["id"],
            "project_id": big_task["project_id"],
            "name": chance.choice(names[persona.language]),
            "estimated_minutes": max(15, round(minutes * chance.uniform(0.6, 1.2) / 5) * 5),
            "actual_minutes": minutes,
            "scheduled_start": iso(spans[0].start.replace(second=0)),
            "scheduled_end": iso(spans[-1].end.replace(second=0)),
            "status": status,
            "is_emergency": is_urgent,
            "task_type": "actual" if is_urgent else chance.choice(("project", "project", "routine")),
            "is_reportable": chance.random() < 0.3,
            "order": at,
            "kanban_column": {"completed": "done", "cancelled": "done", "pending": "doing"}[status],
        }
        plans.small_tasks.append(task | _free_text(chance, persona))
        plans.task_of |= {span.start: plans.small_tasks[-1] for span in spans}


def _free_text(chance: Chance, persona: Persona) -> dict[str, Any]:
    """The long fields that only some tasks have."""
    if chance.random() > 0.15:
        return {}
    if persona.language == "ja":
        return {"tags": ["重要", persona.craft], "goal": "人に見せられる形にする", "dod": "確認者の了承 ✅"}
    return {
        "tags": ["deep-work", persona.craft],
        "goal": "fit to be shown",
        "dod": "somebody else said yes ✅",
        "non_goals": "perfection",
    }


def _add_waiting_tasks(chance: Chance, plans: Plans, user_id: str, persona: Persona, day: Day) -> None:
    """A few tasks that nobody has begun, noted on the last morning."""
    noted = wall(day.date, 8 * 60, day.timezone)
    for number in range(3):
        big_task = plans.big_tasks[number % len(plans.big_tasks)]
        plans.small_tasks.append(
            _base("small_task", chance, user_id, noted, noted + timedelta(minutes=number))
            | {
                "big_task_id": big_task["id"],
                "project_id": big_task["project_id"],
                "name": TASKS[persona.language][-1 - number],
                "estimated_minutes": 60,
                "status": "pending",
                "task_type": "project",
                "kanban_column": "todo",
            }
        )
