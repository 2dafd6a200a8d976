"""Dexie dumps into raw: every row's bytes kept, everything that is no dump refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation_craft.clock import FixedClock
from moderation_craft.errors import BoundMet, RecordInvalid
from moderation_craft.lake import Lake, Manifest
from moderation_craft.lake.quarantine import read_all
from moderation_craft.sources.indexeddb.dump import import_dexie
from moderation_craft.sources.indexeddb.reader import DumpReader, Line

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)

MOOD = {
    "id": "m1",
    "mood_level": 7,
    "notes": "よく眠れた 😴 \u2028 line",
    "timestamp": 1795374000123,
    "$types": {"timestamp": "date"},
}
PAIR = [["u1", 3], {"id": "s1", "duration_seconds": 1.50}]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"), FixedClock(NOW))


def dump_of(*tables: dict[str, Any], database: str = "ModerationCraftDB", format_name: str = "dexie") -> Any:
    return {
        "formatName": format_name,
        "formatVersion": 1,
        "data": {
            "databaseName": database,
            "databaseVersion": 4,
            "tables": [
                {"name": table["tableName"], "schema": "id", "rowCount": len(table["rows"])} for table in tables
            ],
            "data": list(tables),
        },
    }


def table(name: str, rows: list[Any], *, inbound: bool = True) -> dict[str, Any]:
    return {"tableName": name, "inbound": inbound, "rows": rows}


def written(path: Path, content: Any, pack: Callable[[bytes], bytes] = bytes) -> Path:
    path.write_bytes(pack(json.dumps(content, ensure_ascii=False).encode()))
    return path


def lines_of(content: bytes) -> list[bytes]:
    """The lines that a dump held in memory gives, none of them refused."""
    records = list(DumpReader(lambda: iter([content]), "dump.json").records())
    assert all(isinstance(record, Line) for record in records)
    return [record.text for record in records if isinstance(record, Line)]


def raw_lines(lake: Lake, manifest: Manifest) -> list[Any]:
    return [json.loads(line) for line in lake.lines(manifest.parts[0].key)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_both_inbound_forms_reach_raw(lake: Lake, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    content = dump_of(table("moodEntries", [MOOD]), table("workSessions", [PAIR], inbound=False))
    manifest = import_dexie(lake, written(tmp_path / "dump.json", content, pack), "u1")
    assert raw_lines(lake, manifest) == [
        {"table": "moodEntries", "inbound": True, "row": MOOD, "key": "m1"},
        {"table": "workSessions", "inbound": False, "row": PAIR, "key": ["u1", 3]},
    ]
    assert manifest.kind == "indexeddb_dump"
    assert manifest.parts[0].key.startswith("raw/internal/indexeddb/dt=2026-11-23/user=u1/rows-")
    assert manifest.details["user_id"] == "u1"
    assert manifest.details["database"] == "ModerationCraftDB"
    header = manifest.details["header"]["data"]
    assert header["databaseVersion"] == 4
    assert header["data"] == [
        {"tableName": "moodEntries", "inbound": True},
        {"tableName": "workSessions", "inbound": False},
    ]


def test_the_same_dump_again_writes_nothing(lake: Lake, tmp_path: Path) -> None:
    path = written(tmp_path / "dump.json", dump_of(table("moodEntries", [MOOD])))
    said: list[str] = []
    first = import_dexie(lake, path, "u1")
    before = lake.totals("raw/")
    second = import_dexie(lake, path, "u1", lambda done, total, doing: said.append(doing))
    assert second == first
    assert lake.totals("raw/") == before
    assert "nothing to do" in said[-1]


def test_a_dump_that_returns_to_an_older_content_counts_again(lake: Lake, tmp_path: Path) -> None:
    old = written(tmp_path / "a.json", dump_of(table("moodEntries", [MOOD])))
    new = written(tmp_path / "b.json", dump_of(table("moodEntries", [])))
    ids = set()
    for minutes, path in enumerate((old, new, old)):
        lake.clock = FixedClock(NOW + timedelta(minutes=minutes))
        ids.add(import_dexie(lake, path, "u1").id)
    assert len(ids) == 3
    assert import_dexie(lake, old, "u2").details["user_id"] == "u2"


def test_odd_rows_are_quarantined_and_the_rest_goes_on(lake: Lake, tmp_path: Path) -> None:
    content = dump_of(table("moodEntries", [MOOD, 7]), table("memos", [[1, {}], [1, 2, 3]], inbound=False))
    manifest = import_dexie(lake, written(tmp_path / "dump.json", content), "u1")
    assert (manifest.rows, manifest.refused) == (2, 2)
    assert {refusal.record for refusal in read_all(lake.storage)} == {"7", "[1, 2, 3]"}


BAD_DUMPS: dict[str, bytes] = {
    "not json": b"<html>sign in</html>",
    "truncated": json.dumps(dump_of(table("moodEntries", [MOOD]))).encode()[:-20],
    "truncated gzip": gzip.compress(json.dumps(dump_of(table("moodEntries", [MOOD]))).encode())[:-12],
    "another format": json.dumps(dump_of(format_name="rxdb")).encode(),
    "another database": json.dumps(dump_of(database="TodoDB")).encode(),
    "not utf-8": json.dumps(dump_of()).encode().replace(b"dexie", b"dexi\xe9"),
    "no data": b'{"formatName":"dexie","formatVersion":1}',
    "empty": b"",
}


@pytest.mark.parametrize("content", BAD_DUMPS.values(), ids=BAD_DUMPS.keys())
def test_what_is_no_dump_is_refused_and_nothing_is_written(lake: Lake, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dump.json"
    path.write_bytes(content)
    with pytest.raises(RecordInvalid) as caught:
        import_dexie(lake, path, "u1")
    assert "dump.json" in caught.value.message
    assert caught.value.remedy
    assert lake.totals("raw/") == (0, 0)


def test_an_absent_file_is_refused(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(RecordInvalid, match="No such file"):
        import_dexie(lake, tmp_path / "absent.json", "u1")


def test_a_zip_bomb_meets_the_bound_of_size_or_of_growth(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "dump.json.gz"
    path.write_bytes(gzip.compress(b" " * 1_000_001))
    with pytest.raises(BoundMet, match="1,000,000 bytes"):
        import_dexie(lake, path, "u1", max_bytes=1_000_000)
    path.write_bytes(gzip.compress(b" " * 17 * 1024 * 1024))
    with pytest.raises(BoundMet, match="200 times"):
        import_dexie(lake, path, "u1")
    assert lake.totals("raw/") == (0, 0)


def test_a_pretty_printed_row_stays_on_one_line() -> None:
    content = json.dumps(dump_of(table("moodEntries", [MOOD])), indent=2).replace("\n", "\r\n").encode()
    (line,) = lines_of(content)
    assert line.count(b"\n") == 1
    assert json.loads(line)["row"] == MOOD


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class _Line(msgspec.Struct):
    row: msgspec.Raw


@given(st.lists(st.dictionaries(st.text(), JSON_VALUES, max_size=5), max_size=6), st.booleans())
def test_rows_keep_their_bytes(rows: list[dict[str, Any]], is_ascii: bool) -> None:
    spelled = [json.dumps(row, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass") for row in rows]
    empty = json.dumps(dump_of(table("moodEntries", []))).encode()
    content = empty.replace(b'"rows": []', b'"rows": [' + b" , ".join(spelled) + b"]")
    lines = lines_of(content)
    assert [bytes(msgspec.json.decode(line, type=_Line).row) for line in lines] == spelled
