"""The generator: the same world each time, and every trap of the data model in it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import pytest
import recurring_ical_events
from icalendar import Calendar

from moderation_craft.demo.attributes import attribute_value
from moderation_craft.demo.oddities import LONG_NUMBER, UNREADABLE_TIME
from moderation_craft.demo.people import World, generate
from tests.demo.recovery import records, value

LAST_DAY = date(2026, 11, 22)
ENTITY_TYPES = {
    "user",
    "project",
    "big_task",
    "small_task",
    "work_session",
    "time_entries",
    "mood_entry",
    "dopamine_entry",
    "daily_condition",
    "schedule_memo",
    "sleep_schedule",
}


@pytest.fixture(scope="module")
def world() -> World:
    return generate(1, 60, 2, LAST_DAY)


def digest(world: World) -> str:
    """Everything that the demo offers to anybody, as one digest."""
    told = [
        [world.items, world.deleted_items, world.csv_text],
        *([p.calendars, p.dump.text if p.dump else "", repr(p.health)] for p in world.people),
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def test_same_arguments_same_bytes(world: World) -> None:
    assert digest(generate(1, 60, 2, LAST_DAY)) == digest(world)
    assert digest(generate(2, 60, 2, LAST_DAY)) != digest(world)


def test_same_bytes_in_another_process(world: World) -> None:
    code = (
        "from datetime import date; from tests.demo.test_generate import digest, generate;"
        "print(digest(generate(1, 60, 2, date(2026, 11, 22))))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "America/New_York", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest(world)


def test_more_users_change_nobody_before_them(world: World) -> None:
    alone = generate(1, 60, 1, LAST_DAY)
    assert alone.people[0].items == world.people[0].items


def test_too_short_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 7 days"):
        generate(1, 6, 1, LAST_DAY)
    with pytest.raises(ValueError, match="one user"):
        generate(1, 7, 0, LAST_DAY)


@pytest.mark.parametrize("days", [7, 60])
def test_every_entity_type_and_key_is_there_once(days: int) -> None:
    world = generate(3, days, 2, LAST_DAY)
    found = {value(item, "entity_type") for item in world.items}
    assert found >= ENTITY_TYPES - {"dopamine_entry", "time_entries"}
    keys = Counter((value(item, "PK"), value(item, "SK")) for item in world.items + world.deleted_items)
    assert max(keys.values()) == 1


def test_every_entity_type_in_two_months(world: World) -> None:
    assert {value(item, "entity_type") for item in world.items} == ENTITY_TYPES


def test_repeated_sessions_stand_under_both_keys_and_the_newer_is_right(world: World) -> None:
    person = world.people[0]
    for id_ in person.truths.odd_ids["repeated_session"]:
        rows = [item for item in person.items if value(item, "id") == id_]
        assert len(rows) == 2
        old, new = sorted(rows, key=lambda item: str(value(item, "updated_at")))
        assert str(value(old, "SK")).startswith("SESSION#")
        assert str(value(new, "SK")).startswith("WORKSESSION#")
        assert value(old, "focus_level") != value(new, "focus_level")
        assert "duration_minutes" in old and "duration_seconds" in new


def test_types_that_differ_and_numbers_beyond_a_double(world: World) -> None:
    person = world.people[0]
    kinds = {kind for item in records(person, "work_session") for kind in item.get("focus_level", {})}
    assert kinds == {"S", "N"}
    assert {k for item in records(person, "small_task") for k in item["estimated_minutes"]} == {"S", "N"}
    profile = records(person, "user")[0]
    assert profile["device_serial"] == {"N": str(LONG_NUMBER)}
    assert len(profile["calibration"]["N"].removeprefix("0.")) == 38
    assert {next(iter(v)) for v in profile.values()} == {"S", "N", "M", "SS", "B", "NULL"}


def test_broken_running_and_deleted_records(world: World) -> None:
    person = world.people[0]
    sessions = [item for item in person.items if value(item, "entity_type") == "work_session"]
    assert sum(value(item, "start_time") == UNREADABLE_TIME for item in sessions) == 1
    assert sum("id" not in item for item in sessions) == 1
    running = [item for item in sessions if "end_time" not in item]
    assert len(running) == 1 and "duration_seconds" not in running[0]
    assert [value(item, "id") for item in world.deleted_items] == person.truths.odd_ids["deleted_task"]
    assert all(item not in world.items for item in world.deleted_items)
    still_named = [i for i in sessions if value(i, "small_task_id") == value(world.deleted_items[0], "id")]
    assert still_named


def test_notes_are_japanese_and_english_with_emoji(world: World) -> None:
    japanese, english = (
        " ".join(str(value(item, "notes")) for item in records(person, "mood_entry")) for person in world.people
    )
    assert any("ぁ" <= letter <= "ヿ" for letter in japanese)
    assert not any("ぁ" <= letter <= "ヿ" for letter in english)
    assert any(ord(letter) > 0x1F000 for letter in japanese + english)


def test_calendars_stay_inside_the_window_with_every_kind_of_event(world: World) -> None:
    for person in world.people:
        for text in person.calendars.values():
            calendar = Calendar.from_ical(text)
            for event in recurring_ical_events.of(calendar).between(date(2025, 1, 1), date(2028, 1, 1)):
                start, end = event["DTSTART"].dt, event["DTEND"].dt
                assert person.truths.first_day <= (start.date() if isinstance(start, datetime) else start)
                assert (end.date() if isinstance(end, datetime) else end) <= person.truths.last_day
    everything = "".join(text for person in world.people for text in person.calendars.values())
    for word in ("RRULE", "EXDATE", "RECURRENCE-ID", "VALUE=DATE", "CANCELLED", "TRANSPARENT", "BEGIN:VTIMEZONE"):
        assert word in everything


def test_dump_holds_newer_pending_and_offline_records(world: World) -> None:
    person = world.people[0]
    dump = person.dump
    assert dump is not None
    data = json.loads(dump.text)["data"]
    rows = {table["tableName"]: table["rows"] for table in data["data"]}
    assert {t["name"]: t["rowCount"] for t in data["tables"]} == {name: len(held) for name, held in rows.items()}
    in_table = {value(item, "id"): item for item in person.items if "id" in item}
    sessions = {row["id"]: row for row in rows["work_sessions"]}
    for id_ in dump.newer_ids:
        assert sessions[id_]["updated_at"] > str(value(in_table[id_], "updated_at"))
        assert sessions[id_]["$types"] == {"start_time": "date", "end_time": "date"}
    assert dump.only_here_ids and not set(dump.only_here_ids) & set(in_table)
    queued = {row["entity_id"] for row in rows["sync_queue"]}
    assert queued == {*dump.pending_ids, *dump.only_here_ids}
    outbound = next(table for table in data["data"] if table["tableName"] == "category_colors")
    assert outbound["inbound"] is False and all(len(row) == 2 for row in outbound["rows"])


def test_attribute_values() -> None:
    assert attribute_value(True) == {"BOOL": True}
    assert attribute_value(Decimal("1E+2")) == {"N": "100"}
    assert attribute_value(8.0) == {"N": "8"}
    assert attribute_value(Decimal("10.50")) == {"N": "10.5"}
    assert attribute_value(0.1) == {"N": "0.1"}
    assert attribute_value(b"\x00\x01") == {"B": "AAE="}
    with pytest.raises(ValueError, match="no type"):
        attribute_value(date(2026, 1, 1))
