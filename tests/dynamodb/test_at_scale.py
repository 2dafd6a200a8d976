"""The whole way at size: a table, its changes, and marts that equal those of a fresh start."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

from moderation_craft.clock import FixedClock, iso
from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.sources.dynamodb.export import export_table
from moderation_craft.warehouse import runner
from moderation_craft.warehouse.connection import identifier, quoted
from tests.dynamodb.faults import capacity, fault_proxy
from tests.dynamodb.servers import delete_items, make_app_table, put_items
from tests.dynamodb.test_export import exporter
from tests.warehouse.made_lake import item, session

LONG_AGO = "2026-11-01T00:00:00.000Z"
FIRST_DAY = datetime.fromisoformat("2025-11-01T00:00:00+00:00")
RECORDS_A_PERSON = 2_500
_NAMED = ("user_id", "project_id", "big_task_id", "small_task_id")

Item = dict[str, Any]


def app_items(how_many: int) -> list[Item]:
    """Profiles, projects, tasks, sessions and moods of as many people as it takes."""
    return [each for _, each in zip(range(how_many), _people(), strict=False)]


def _people() -> Iterator[Item]:
    for person in count():
        user = f"u-{person:03d}"
        yield keyed(item("user", user, user, updated_at=LONG_AGO, timezone="Asia/Tokyo", name="葵"), "PROFILE")
        for number in range(2):
            yield _record("project", f"p{number}", user, name="絵本", status="active")
        for number in range(10):
            yield _record(
                "big_task", f"b{number}", user, project_id=f"p{number % 2}", name="下描き", status="active"
            )
        for number in range(RECORDS_A_PERSON - 13):
            at = iso(FIRST_DAY + timedelta(hours=3 * number))
            match number % 5:
                case 0 | 1 | 2:
                    one = session(f"s{number}", at, 25, user, small_task_id=f"t{number // 25 * 25 + 4}")
                    yield keyed(one | {"updated_at": {"S": LONG_AGO}}, f"WORKSESSION#{at[:10]}#s{number}")
                case 3:
                    yield _record("mood_entry", f"m{number}", user, timestamp=at, mood_level=1 + number % 9)
                case _:
                    more = {"big_task_id": f"b{number % 10}", "status": "pending", "estimated_minutes": 30}
                    yield _record("small_task", f"t{number}", user, name="ラフ", **more)


def _record(kind: str, record_id: str, user: str, **more: object) -> Item:
    return keyed(item(kind, record_id, user, updated_at=LONG_AGO, **more), f"{kind.upper()}#{record_id}")


def keyed(record: Item, sort_key: str) -> Item:
    return {"PK": {"S": f"USER#{record['user_id']['S']}"}, "SK": {"S": sort_key}, **record}


@dataclass(frozen=True)
class Read:
    """What a run read, as the proxy saw it."""

    changed_items: int
    changed_rcu: float
    listed_rcu: float


@pytest.mark.parametrize("how_many", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_changes_cost_little_and_marts_equal_a_full_rebuild(
    dynalite_endpoint: str, clock: FixedClock, tmp_path: Path, how_many: int
) -> None:
    """1 % changed, 0.5 % deleted: read under 3 % of the table for the changes.

    What a session names stays: of a deleted task raw remembers the name, which a fresh start cannot know.
    """
    before = app_items(how_many)
    named = {each[name]["S"] for each in before for name in _NAMED if name in each}
    table = make_app_table(dynalite_endpoint, before)
    grown, fresh = (Lake.open(str(tmp_path / name), clock) for name in ("grown", "fresh"))
    with fault_proxy(dynalite_endpoint) as proxy, exporter(proxy.endpoint) as dynamodb:
        whole = export_table(grown, dynamodb, table, segments=2)
        assert whole.rows == how_many
        table_rcu = capacity(proxy.of("Scan"))

        clock.instant += timedelta(hours=30)
        touched = random.Random(3).sample(  # noqa: S311
            [each for each in before if each["id"]["S"] not in named], 3 * how_many // 200
        )
        changed = [_changed(each, clock.instant) for each in touched[: how_many // 100]]
        gone = touched[how_many // 100 :]
        put_items(dynalite_endpoint, table, changed)
        delete_items(dynalite_endpoint, table, gone)
        proxy.forget()
        clock.instant += timedelta(minutes=1)
        delta = export_table(grown, dynamodb, table, mode="incremental", reconcile=True, segments=2)
        asked = proxy.of("Query", "BatchGetItem")
        read = Read(sum(call.items for call in asked), capacity(asked), capacity(proxy.of("Scan")))

        clock.instant += timedelta(minutes=1)
        again = export_table(fresh, dynamodb, table, segments=2)
    print(f"{how_many} items, {table_rcu} RCU; {read}; delta {delta.rows} rows")  # noqa: T201
    assert (len(changed), len(gone), delta.rows) == (how_many // 100, how_many // 200, len(touched))
    assert read.changed_items < 0.03 * how_many
    assert read.changed_rcu < 0.03 * table_rcu
    assert again.rows == how_many - len(gone)
    built = {name: _built(lake, tmp_path / name) for name, lake in {"grown": grown, "fresh": fresh}.items()}
    assert _differences(built["grown"], built["fresh"], tmp_path) == {}
    sessions, tasks = (_how_many(gone, kind) for kind in ("work_session", "small_task"))
    assert sessions and tasks
    assert _rows(built["grown"], "fct_work_sessions") == _how_many(before, "work_session") - sessions
    assert _rows(built["grown"], "dim_task where is_deleted") == tasks


def _changed(record: Item, at: datetime) -> Item:
    more: Item = {"updated_at": {"S": iso(at)}}
    if record["entity_type"]["S"] == "work_session":
        more |= {"focus_level": {"N": "9"}, "duration_seconds": {"N": "1800"}}
    return {**record, **more}


def _built(lake: Lake, folder: Path) -> Path:
    """The warehouse file of a lake, by the job's own build."""
    return runner.build(lake, Settings(lake=str(folder)), {}).path


def _how_many(records: list[Item], kind: str) -> int:
    return sum(record["entity_type"]["S"] == kind for record in records)


def _rows(warehouse: Path, model: str) -> int:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return int(connection.execute(f"select count(*) from main.{model}").fetchall()[0][0])


def _differences(grown: Path, fresh: Path, folder: Path) -> dict[str, int]:
    """Rows that one warehouse's marts and staging have and the other's lack, by model; deleted records aside."""
    with duckdb.connect(str(folder / "compare.duckdb")) as connection:
        connection.execute("set timezone = 'UTC'")
        for name, path in {"grown": grown, "fresh": fresh}.items():
            connection.execute(f"attach {quoted(str(path))} as {name} (read_only)")
        models = connection.execute(
            "select table_name, list(column_name order by column_index) from duckdb_columns() "
            "where database_name = 'grown' and schema_name = 'main' group by all order by all"
        ).fetchall()
        found = {}
        for model, columns in models:
            if not model.startswith(("stg_", "dim_", "fct_", "mart_")):
                continue
            there = "where not is_deleted" if "is_deleted" in columns else ""
            sides = [f"select * from {name}.main.{identifier(model)} {there}" for name in ("grown", "fresh")]
            (rows,) = connection.execute(
                f"select count(*) from (({sides[0]} except all {sides[1]}) union all "
                f"({sides[1]} except all {sides[0]}))"
            ).fetchall()[0]
            if rows:
                found[model] = rows
        return found
