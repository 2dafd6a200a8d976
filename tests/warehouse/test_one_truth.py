"""Snapshots, changes, deletions and browsers meet: what exists, what is deleted, which copy counts."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation_craft.lake import Lake, Manifest, zones
from moderation_craft.lake.codec import compress
from moderation_craft.pipeline.people import find_people
from moderation_craft.settings import Settings
from moderation_craft.warehouse import publish, raw_views, runner
from moderation_craft.warehouse.gold import Gold
from tests.warehouse.made_lake import AOI, REN, TABLE, item, session

Item = dict[str, Any]


def at(*numbers: int) -> datetime:
    """An instant as the warehouse keeps it: UTC, unsaid."""
    return datetime(*numbers, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc,arg-type]


def keyed(value: Item, key: str) -> Item:
    """An item as the table holds it, under a key of its own."""
    return {"PK": {"S": f"USER#{value['user_id']['S']}"}, "SK": {"S": key}, **value}


def put_run(
    lake: Lake,
    shown_at: str,
    files: Mapping[str, bytes],
    *,
    is_delta: bool | None = None,
    source: str = "dynamodb",
    kind: str = "dynamodb_export",
    **details: object,
) -> Manifest:
    """One committed run that shows the state of an instant; without `is_delta`, a manifest as 0.2 wrote it."""
    day = date.fromisoformat(shown_at[:10])
    parts = []
    for suffix, data in files.items():
        digest = hashlib.sha256(data).hexdigest()
        if source == "dynamodb":
            key = zones.dynamodb_part(day, TABLE, digest, suffix)
        else:
            key = zones.dump_part(day, AOI, digest)
        parts.append(lake.put_part(key, data, rows=1, stream=TABLE))
    told = {} if is_delta is None else {"is_delta": is_delta, "as_of": shown_at}
    number = len(lake.manifests(source))
    return lake.commit(
        run_id=f"{shown_at[:10].replace('-', '')}T000000000Z-{source[0]}{number:03d}",
        kind=kind,
        source=source,
        started_at=shown_at,
        parts=parts,
        details={"table_name": TABLE, "mode": "full", **told, **details},
    )


def lines(items: Sequence[Item] = (), gone: Sequence[tuple[str, str]] = ()) -> dict[str, bytes]:
    said = [{"Item": each} for each in items]
    said += [{"Deleted": {"PK": {"S": pk}, "SK": {"S": sk}}} for pk, sk in gone]
    return {"jsonl.zst": compress("".join(json.dumps(line) + "\n" for line in said).encode())}


def parquet(items: Sequence[Item] = (), gone: Sequence[tuple[str, str]] = ()) -> dict[str, bytes]:
    named = {"pk": "PK", "sk": "SK", "entity_type": "entity_type", "user_id": "user_id", "id": "id"}
    rows = [
        {column: each.get(name, {}).get("S") for column, name in named.items()} | {"item": json.dumps(each)}
        for each in items
    ]
    rows += [{"pk": pk, "sk": sk, "item": None} for pk, sk in gone]
    out = io.BytesIO()
    schema = pa.schema([(name, pa.string()) for name in (*named, "updated_at", "item")])
    pq.write_table(pa.Table.from_pylist(rows, schema), out)
    return {"parquet": out.getvalue()}


def native(images: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """A data file of AWS's incremental export."""
    return {"json.gz": gzip.compress("".join(json.dumps(each) + "\n" for each in images).encode(), mtime=0)}


def window(micros: int, new: Item | None, old: Item | None = None) -> dict[str, Any]:
    held = new or old or {}
    line: dict[str, Any] = {"Metadata": {"WriteTimestampMicros": {"N": str(micros)}}}
    line["Keys"] = {name: held[name] for name in ("PK", "SK")}
    return line | ({"OldImage": old} if old else {}) | ({"NewImage": new} if new else {})


def browser(
    rows: Sequence[tuple[str, object, str | None]], gone: Sequence[tuple[str, str]] = ()
) -> dict[str, bytes]:
    said: list[dict[str, Any]] = [
        {"table": table, "inbound": True, "row": row, **({} if key is None else {"key": key})}
        for table, row, key in rows
    ]
    said += [{"table": table, "key": key, "deleted": True} for table, key in gone]
    return {"jsonl.zst": compress("".join(json.dumps(line) + "\n" for line in said).encode())}


def put_upload(
    lake: Lake, shown_at: str, files: dict[str, bytes], *, is_delta: bool = False, device: str = ""
) -> Manifest:
    kind = "indexeddb_changes" if is_delta else "indexeddb_dump"
    return put_run(
        lake, shown_at, files, is_delta=is_delta, source="indexeddb", kind=kind, user_id=AOI, device_id=device
    )


class Truth:
    """A lake built and published, and what the marts and the warehouse say of it."""

    def __init__(self, lake: Lake) -> None:
        self.lake, self.settings = lake, Settings(lake=lake.address)
        self.result = runner.build(lake, self.settings, {"calendar": [], "csv": []})
        publish.publish(lake, self.settings)

    def gold(self, sql: str) -> list[tuple[object, ...]]:
        return list(Gold.open(self.lake).query(sql).rows)

    def tombstones(self) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.result.path), read_only=True) as connection:
            return connection.execute(
                "select entity_type, id, last_seen_at, deleted_by, how from base_app__tombstones order by id"
            ).fetchall()

    def sessions(self) -> list[object]:
        return [held for (held,) in self.gold("select session_id from fct_work_sessions order by 1")]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def work(number: int, **more: Any) -> Item:
    return keyed(session(f"s{number}", f"2026-03-0{number}T01:00:00Z", 25, **more), f"WORKSESSION#{number}")


def task(name: str, **more: Any) -> Item:
    return keyed(item("small_task", name, name=name, status="pending", **more), f"SMALLTASK#{name}")


PERSON = keyed(item("user", AOI, timezone="Asia/Tokyo", name="葵"), "PROFILE")
OTHER = keyed(item("user", REN, REN, timezone="Europe/Berlin", name="Ren"), "PROFILE")


@pytest.mark.parametrize("form", [lines, parquet])
def test_a_full_export_the_changes_after_it_and_deletions(lake: Lake, form: Any) -> None:
    put_run(lake, "2026-03-07T00:00:00Z", form([PERSON, work(1), work(2), work(3), task("a"), task("b")]))
    put_run(
        lake,
        "2026-03-08T00:00:00Z",
        form([PERSON, OTHER, work(1), work(2), work(3), task("b")]),
        is_delta=False,
    )
    changed = work(1, focus_level=9, updated_at="2026-03-09T00:00:00Z")
    put_run(
        lake,
        "2026-03-09T01:00:00Z",
        form([changed, work(4)], [(f"USER#{AOI}", "WORKSESSION#2"), (f"USER#{REN}", "PROFILE")]),
        is_delta=True,
        mode="incremental",
    )
    truth = Truth(lake)
    assert truth.sessions() == ["s1", "s3", "s4"]
    assert truth.gold("select focus_level from fct_work_sessions where session_id = 's1'") == [(9.0,)]
    assert truth.gold("select task_id, is_deleted from dim_task order by 1") == [("a", True), ("b", False)]
    assert truth.gold("select user_id, is_deleted from dim_user order by 1") == [(AOI, False), (REN, True)]
    assert truth.tombstones() == [
        ("small_task", "a", at(2026, 3, 7), at(2026, 3, 8), "snapshot"),
        ("work_session", "s2", at(2026, 3, 8), at(2026, 3, 9, 1), "tombstone"),
        ("user", REN, at(2026, 3, 8), at(2026, 3, 9, 1), "tombstone"),
    ]
    assert [person.user_id for person in find_people(lake, truth.settings)] == [AOI]


def test_changes_and_a_full_export_of_the_same_state_make_the_same_gold(tmp_path: Path) -> None:
    by_changes, at_once = Lake.open(str(tmp_path / "changes")), Lake.open(str(tmp_path / "once"))
    before, after = [PERSON, work(1), work(2), task("a")], [PERSON, work(1, focus_level=3), work(3)]
    for lake in (by_changes, at_once):
        put_run(lake, "2026-03-07T00:00:00Z", parquet(before), is_delta=False)
    gone = [(f"USER#{AOI}", "WORKSESSION#2"), (f"USER#{AOI}", "SMALLTASK#a")]
    put_run(by_changes, "2026-03-09T00:00:00Z", parquet(after[1:], gone), is_delta=True)
    put_run(at_once, "2026-03-09T00:00:00Z", lines(after), is_delta=False)
    versions = [Gold.open(Truth(lake).lake).version for lake in (by_changes, at_once)]
    assert versions[0] == versions[1]


def test_aws_windows_say_when_and_what_was_deleted(lake: Lake) -> None:
    put_run(lake, "2026-03-07T00:00:00Z", parquet([PERSON, work(1), work(2)]), is_delta=False)
    instant = at(2026, 3, 7, 12, 30)
    micros = round((instant - at(1970, 1, 1)).total_seconds() * 1_000_000)
    images = [
        window(micros, None, work(2)),
        window(micros, work(1, focus_level=2), work(1)),
        window(micros, work(3)),
    ]
    images.append(window(micros, None, work(5)))  # made and deleted between two exports
    put_run(lake, "2026-03-08T00:00:00Z", native(images), is_delta=True, mode="pitr")
    truth = Truth(lake)
    assert truth.sessions() == ["s1", "s3"]
    assert truth.gold("select focus_level from fct_work_sessions where session_id = 's1'") == [(2.0,)]
    assert [(id, deleted_by, how) for _, id, _, deleted_by, how in truth.tombstones()] == [
        ("s2", instant, "tombstone"),
        ("s5", instant, "tombstone"),
    ]


def test_a_deletion_stays_when_the_next_snapshot_starts_a_new_chain(lake: Lake) -> None:
    put_run(lake, "2026-03-07T00:00:00Z", parquet([PERSON, work(1), work(2)]), is_delta=False)
    put_run(lake, "2026-03-08T00:00:00Z", parquet([], [(f"USER#{AOI}", "WORKSESSION#2")]), is_delta=True)
    put_run(lake, "2026-03-09T00:00:00Z", parquet([PERSON, work(1)]), is_delta=False)
    assert Truth(lake).tombstones() == [("work_session", "s2", at(2026, 3, 7), at(2026, 3, 8), "tombstone")]


def test_what_changes_nothing_keeps_the_fingerprint(lake: Lake) -> None:
    settings = Settings(lake=lake.address)

    def digest() -> str:
        return runner.fingerprint(lake, settings, {})

    put_run(lake, "2026-03-07T00:00:00Z", parquet([PERSON, work(1)]), is_delta=False)
    put_run(lake, "2026-03-08T00:00:00Z", parquet([work(2)]), is_delta=True)
    first = digest()
    put_run(lake, "2026-03-09T00:00:00Z", {}, is_delta=True)
    put_run(lake, "2026-03-10T00:00:00Z", parquet([work(2)]), is_delta=True)
    assert digest() == first
    put_run(lake, "2026-03-11T00:00:00Z", parquet([PERSON, work(1)]), is_delta=False)
    assert digest() != first  # a full snapshot without what the changes had brought


def test_a_line_or_column_that_cannot_be_read_goes_to_quarantine_and_the_rest_goes_on(lake: Lake) -> None:
    broken = '{"entity_type": {"S": "work_sess'
    table = pa.table({"item": [json.dumps(work(1)), broken, json.dumps(PERSON), "[1]"]})
    out = io.BytesIO()
    pq.write_table(table, out)
    put_run(lake, "2026-03-07T00:00:00Z", {"parquet": out.getvalue()})
    put_run(lake, "2026-03-08T00:00:00Z", native([{"Metadata": 1}]), is_delta=True)
    truth = Truth(lake)
    assert truth.sessions() == ["s1"]
    with duckdb.connect(str(truth.result.path), read_only=True) as connection:
        found = connection.execute("select record, reason from quarantined_records order by 1").fetchall()
    assert found == [
        ("[1]", "it is not a JSON object"),
        ('{"Metadata": 1}', "it has no entity_type"),
        (broken, "it is not a JSON object"),
    ]


def test_a_browsers_changes_are_laid_over_its_dump(lake: Lake) -> None:
    def row(record_id: str, level: int, updated_at: str = "2026-03-05T00:00:00Z") -> dict[str, object]:
        return {
            "id": record_id,
            "user_id": AOI,
            "timestamp": "2026-03-05T00:00:00Z",
            "mood_level": level,
            "updated_at": updated_at,
        }

    dump = [("mood_entries", row("m1", 3), None), ("mood_entries", row("m2", 4), "m2")]
    put_upload(lake, "2026-03-06T00:00:00Z", browser(dump), device="laptop")
    changes = browser(
        [("mood_entries", row("m1", 8, "2026-03-04T00:00:00Z"), "m1"), ("mood_entries", row("m3", 5), "m3")],
        [("mood_entries", "m2")],
    )
    put_upload(lake, "2026-03-07T00:00:00Z", changes, is_delta=True, device="laptop")
    put_upload(lake, "2026-03-07T00:00:00Z", browser([("mood_entries", row("m4", 6), None)]), device="phone")
    truth = Truth(lake)
    # m1 was written over in that browser: what it holds now counts, whatever its clock said.
    assert truth.gold("select mood_id, mood_level from fct_mood_entries order by 1") == [
        ("m1", 8.0),
        ("m3", 5.0),
        ("m4", 6.0),
    ]


def test_two_devices_may_hold_the_same_bytes(lake: Lake) -> None:
    rows = [("mood_entries", {"id": "m1", "timestamp": "2026-03-05T00:00:00Z", "mood_level": 3}, None)]
    put_upload(lake, "2026-03-06T00:00:00Z", browser(rows), device="laptop")
    put_upload(lake, "2026-03-06T00:00:01Z", browser(rows), device="phone")
    with duckdb.connect() as connection:
        raw_views.register(connection, lake, Settings(lake=lake.address), {})
        found = connection.execute("select device_id, user_id from raw.indexeddb_rows order by 1").fetchall()
    assert found == [("laptop", AOI), ("phone", AOI)]


def test_exact_bytes_of_an_item_survive_either_form(lake: Lake) -> None:
    text = '{"PK":{"S":"USER#u"},  "x":{"S":"\\u00e9\\/ 😀"}, "n":{"N":"1.10"}}'
    data = compress(f'{{"Item":{text}}}\n'.encode())
    put_run(lake, "2026-03-07T00:00:00Z", {"jsonl.zst": data})
    with duckdb.connect() as connection:
        raw_views.register_exports(connection, lake)
        assert connection.execute("select item, pk from raw.dynamodb_items").fetchall() == [(text, "USER#u")]
