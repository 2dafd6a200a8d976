"""The schema watch: a change of the app's records is said once, the job goes on, the change stays to be seen."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.pipeline import schema_view, schema_watch
from moderation_craft.pipeline.jobs import Job, SchemaChange, read_jobs
from moderation_craft.pipeline.run import run_job
from moderation_craft.pipeline.steps import Context, Request
from moderation_craft.settings import Settings
from moderation_craft.warehouse.app_schema import AttributeType
from tests.cli.run import mcraft
from tests.warehouse.made_lake import AOI, item, put_dump, put_export, session

DAYS = [date(2026, 11, day) for day in (1, 20, 21)]


def records(*more: dict[str, Any]) -> list[object]:
    return [
        item("user", AOI, timezone="Asia/Tokyo", name="葵"),
        session("s1", "2026-10-01T00:00:00.000Z", 25),
        *more,
    ]


def rebuilt(lake: Lake) -> Job:
    job = run_job(Context(Settings(lake=lake.address), lake), Request("rebuild"))
    assert job.status == "completed", job.error
    return job


def row(attribute: str, kind: str, items: int, *, entity: str = "work_session", door: str = "dynamodb") -> Any:
    is_read = entity != "habit"
    return AttributeType(door, entity, attribute, kind, items, 10, DAYS[0], DAYS[1], is_read)


def kinds(before: list[Any], now: list[Any]) -> list[tuple[str, str, list[str], list[str], int]]:
    found: list[SchemaChange] = schema_watch.changes(before, now)
    return [(each.kind, each.attribute, each.old_types, each.new_types, each.items) for each in found]


@pytest.fixture
def watched(tmp_path: Path, clock: FixedClock) -> Lake:
    """A lake with one export, built and published."""
    lake = Lake.open(str(tmp_path / "lake"), clock)
    put_export(lake, "20261101T200000000Z-0001", records(session("s2", "2026-10-02T00:00:00Z", 25)), DAYS[0])
    put_dump(lake, "20261101T210000000Z-0002", [("moodEntries", {"id": "m1", "moodLevel": 4})], DAYS[0])
    assert rebuilt(lake).warnings == []
    return lake


def test_a_change_is_said_once_and_stays_on_the_page(watched: Lake, tmp_path: Path) -> None:
    changed = session("s2", "2026-10-02T00:00:00Z", 25, focus_level="6", energy=["low"], end_time=None)
    put_export(watched, "20261120T200000000Z-0003", records(changed), DAYS[1])
    done = mcraft("rebuild", "--lake", watched.address, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "! E010 work_session.energy is new (L)" in done.stderr
    assert (
        "E010 work_session.energy is new (L)" in mcraft("status", "--lake", watched.address, cwd=tmp_path).stdout
    )
    job = read_jobs(watched, limit=1)[0]
    assert job.status == "completed"
    said = {(each.change.kind, each.change.attribute): each for each in job.warnings if each.change}
    assert set(said) == {("new_attribute", "energy"), ("new_type", "focus_level")}
    assert {(each.code, each.name) for each in job.warnings} == {("E010", "INVALID_SCHEMA")}
    text = said["new_type", "focus_level"].message
    assert text.startswith("work_session.focus_level was N and is now also S, in 1 of 2 records in DynamoDB.")
    assert "quarantine" in text
    assert "no model reads it" in said["new_attribute", "energy"].message

    put_export(watched, "20261121T200000000Z-0004", records(changed, item("project", "p1", name="絵")), DAYS[2])
    assert rebuilt(watched).warnings == []
    shown = schema_view.entities(schema_watch.published(watched), DAYS[2])
    sessions = next(each for each in shown if (each.door, each.entity_type) == ("dynamodb", "work_session"))
    attributes = {each.name: each for each in sessions.attributes}
    assert sessions.items == 2
    focus, energy, end = attributes["focus_level"], attributes["energy"], attributes["end_time"]
    assert [(each.type, each.items, each.since, each.is_new) for each in focus.types] == [
        ("N", 1, DAYS[0], False),
        ("S", 1, DAYS[1], True),
    ]
    assert (focus.is_mixed, focus.is_new, focus.is_read, focus.missing_share) == (True, False, True, 0)
    assert (energy.is_new, energy.is_read, energy.missing_share, energy.since) == (True, False, 0.5, DAYS[1])
    assert (end.items, end.missing_share, end.is_new) == (1, 0.5, False)
    moods = next(each for each in shown if each.door == "indexeddb")
    spelled = {each.name: (each.types[0].type, each.is_read) for each in moods.attributes}
    assert (moods.entity_type, spelled) == ("mood_entry", {"id": ("string", True), "moodLevel": ("number", True)})


def test_new_attributes_types_and_entities_and_what_vanished() -> None:
    before = [row("focus_level", "N", 9), row("mood_notes", "S", 3), row("work_notes", "NULL", 2)]
    now = [
        row("focus_level", "N", 5),
        row("focus_level", "S", 4),
        row("mood_notes", "S", 0),
        row("work_notes", "S", 2),
        row("weather", "M", 1),
        row("id", "S", 10, entity="habit"),
    ]
    assert kinds(before, now) == [
        ("new_entity", "", [], [], 10),
        ("new_type", "focus_level", ["N"], ["S"], 4),
        ("vanished", "mood_notes", ["S"], [], 3),
        ("new_attribute", "weather", [], ["M"], 1),
    ]
    assert kinds(now, now) == []


def test_first_use_is_no_change() -> None:
    before = [row("focus_level", "N", 9)]
    assert kinds(before, [*before, row("id", "S", 1, entity="mood_entry")]) == []
    assert kinds(before, [*before, row("id", "string", 1, door="indexeddb")]) == []
    assert kinds(before, [*before, row("focus_level", "NULL", 1)]) == []
    assert kinds([], before) == []


def test_many_changes_are_counted_rather_than_listed() -> None:
    extra = [row(f"extra_{number:02}", "S", 1) for number in range(schema_watch.MOST_WARNINGS + 5)]
    said = schema_watch.warnings(schema_watch.changes([row("id", "S", 1)], [row("id", "S", 1), *extra]))
    assert len(said) == schema_watch.MOST_WARNINGS + 1
    assert said[-1].message.startswith("5 more changes")
    assert said[-1].change is None
