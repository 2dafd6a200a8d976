"""Dumps and chunks of changes into raw: everything as it came, counted, whole or not at all."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation_craft.clock import FixedClock
from moderation_craft.errors import BoundMet, LakeRefused, RecordInvalid
from moderation_craft.lake import Lake
from moderation_craft.lake.quarantine import read_all
from moderation_craft.sources.indexeddb import reader as reader_module
from moderation_craft.sources.indexeddb import take as take_module
from moderation_craft.sources.indexeddb.dump import import_dexie
from moderation_craft.sources.indexeddb.keys import primary_key
from moderation_craft.sources.indexeddb.take import Browser, Taken, take
from tests.conftest import NOON_IN_TOKYO, SmallDisk
from tests.sources.dexie_dumps import BY_THE_PROGRAM, chunk, dump, raw_lines, raw_state, spelled, table
from tests.sources.typeson import BigInt, Date, JsSet, Undefined, encapsulated, revived

ME = Browser("u1", "laptop")


def taken(lake: Lake, content: Any, browser: Browser = ME, **more: Any) -> Taken:
    data = content if isinstance(content, bytes) else spelled(content)
    return take(lake, BytesIO(data), "dump.json", browser, **more)


def later(lake: Lake, seconds: float = 60) -> None:
    lake.clock = FixedClock(lake.clock.now() + timedelta(seconds=seconds))


@pytest.mark.parametrize("path", BY_THE_PROGRAM, ids=["compact", "pretty"])
def test_what_dexie_export_import_wrote_is_taken(lake: Lake, path: Path) -> None:
    manifest = import_dexie(lake, path, "u1")
    lines = raw_lines(lake, manifest)
    assert manifest.refused == 0 and manifest.rows == len(lines) == 11
    rows = [row for each in json.loads(path.read_bytes())["data"]["data"] for row in each["rows"]]
    assert [line.value for line in lines] == rows
    assert [(line.table, line.key_value) for line in lines] == [
        ("mood_entries", "m1"),
        ("category_colors", "企画"),
        ("category_colors", "d"),
        ("category_colors", 9),
        ("category_colors", ["a", 1]),
        ("sync_queue", 1),
        ("sync_queue", 2),
        ("sync_queue", 3),
        ("pair", ["x", 1]),
        ("dated", 4),
        ("deep", "z"),
    ]
    assert [encapsulated(revived(row)) for row in rows if "ab" not in row] == [
        row for row in rows if "ab" not in row
    ]


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["😴", "#", "USER#1#企画", "$", "$types", "a.b", "~1", "__proto__", '"\\']
)
NAMES = TEXTS.filter(bool)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats()
    | TEXTS
    | st.binary(max_size=20)
    | st.builds(Date, st.integers(-(2**40), 2**42))
    | st.builds(BigInt, st.integers())
    | st.builds(Undefined)
)
"""DynamoDB's types as the app's JavaScript holds them: N as number or bigint, B as bytes, NULL as null; and what
only JavaScript has: Date, undefined, NaN.
"""
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.builds(JsSet, st.lists(TEXTS, max_size=3).map(tuple)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)
ITEMS = st.dictionaries(NAMES, VALUES, max_size=5)
KEYS = st.recursive(
    TEXTS | st.integers(-(2**53), 2**53) | st.builds(Date, st.integers(0, 2**42)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=80)
@given(
    st.lists(st.tuples(TEXTS, ITEMS), max_size=4),
    st.lists(st.tuples(KEYS, VALUES), max_size=4),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_any_item_comes_back_equal(
    inside: list[tuple[str, Any]], outside: list[tuple[Any, Any]], indent: int | None, is_packed: bool
) -> None:
    own = [{**item, "id": key} for key, item in inside]
    pairs = [[key, value] for key, value in outside]
    content = dump(
        table("small_tasks", [encapsulated(row) for row in own], "id, user_id"),
        table("category_colors", [encapsulated(pair) for pair in pairs], "", inbound=False),
    )
    data = spelled(content, indent=indent)
    with TemporaryDirectory() as folder:
        lake = Lake.open(folder, FixedClock(NOON_IN_TOKYO))
        path = Path(folder) / "dump.json"
        path.write_bytes(gzip.compress(data) if is_packed else data)
        manifest = import_dexie(lake, path, "u1")
        lines = raw_lines(lake, manifest)
        assert manifest.refused == 0 and manifest.rows == len(own) + len(pairs)
        back = [repr(revived(line.value)) for line in lines]
        assert back == [repr(value) for value in [*own, *pairs]]
        assert [line.key_value for line in lines] == [row["id"] for row in own] + [
            json.loads(json.dumps(pair["$"][0])) for pair in map(encapsulated, pairs)
        ]


@pytest.mark.parametrize(
    ("schema", "paths", "is_compound"),
    [
        ("id, user_id", [("id",)], False),
        ("++id,name", [("id",)], False),
        ("&id", [("id",)], False),
        ("@id", [("id",)], False),
        ("meta.id", [("meta", "id")], False),
        ("[user_id+date], user_id", [("user_id",), ("date",)], True),
        ("&[a+b.c]", [("a",), ("b", "c")], True),
        ("", None, False),
        ("++", None, False),
        ("++,name", None, False),
        (",name", None, False),
    ],
)
def test_the_schema_names_the_key(schema: str, paths: Any, is_compound: bool) -> None:
    key = primary_key(schema)
    assert (None if key is None else list(key.paths)) == paths
    assert key is None or key.is_compound == is_compound


def test_a_key_that_the_row_lacks_is_left_unknown(lake: Lake) -> None:
    rows = [{"a": 1}, {"a": 1, "b": None}, {"a": 1, "b": {"c": 2}}, {"a": "x", "b": [1, "y"]}]
    manifest = taken(lake, dump(table("pair", rows, "[a+b]"))).manifest
    assert [line.key_value for line in raw_lines(lake, manifest)] == [None, None, None, ["x", [1, "y"]]]


def test_members_may_stand_in_any_order(lake: Lake) -> None:
    """Whatever comes first, raw says the same, to the byte."""
    tables = [table("moods", [{"id": f"m{n}"} for n in range(3)]), table("colors", [["k", 1]], "", inbound=False)]
    usual = dump(*tables)
    expected = [bytes(line.row) for line in raw_lines(lake, taken(lake, usual).manifest)]
    data = usual["data"]
    for number, order in enumerate(itertools.permutations(["databaseName", "tables", "data"])):
        for inner in itertools.permutations(["tableName", "inbound", "rows"]):
            turned = {name: data[name] for name in order}
            turned["data"] = [{name: each[name] for name in inner} for each in data["data"]]
            content = {"data": turned, "formatName": "dexie", "formatVersion": 1}
            device = Browser("u1", f"d{number}-{'-'.join(inner)}")
            manifest = taken(lake, content, device).manifest
            lines = raw_lines(lake, manifest)
            assert [bytes(line.row) for line in lines] == expected
            assert [line.key_value for line in lines] == ["m0", "m1", "m2", "k"]
            assert manifest.parts[0].sha256 == lake.manifests("indexeddb")[0].parts[0].sha256


def test_rows_before_what_says_whose_they_are_are_counted_once(lake: Lake) -> None:
    """The first table says what it is before its rows, the second after them."""
    data = (
        b'{"formatName":"dexie","formatVersion":1,"data":{"databaseName":"ModerationCraftDB","tables":'
        b'[{"name":"a","schema":"id"},{"name":"b","schema":"id"}],"data":['
        b'{"tableName":"a","inbound":true,"rows":[{"id":1},7,{"id":2}]},'
        b'{"rows":[{"id":3},[4]],"inbound":true,"tableName":"b"}]}}'
    )
    manifest = taken(lake, data).manifest
    assert [(line.table, line.key_value) for line in raw_lines(lake, manifest)] == [("a", 1), ("a", 2), ("b", 3)]
    assert manifest.refused == 2


ODD_ROWS = st.one_of(st.integers(), st.none(), st.text(max_size=5), st.lists(st.integers(), max_size=4), ITEMS)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.lists(ODD_ROWS, max_size=6)), max_size=4), st.lists(ODD_ROWS, max_size=4)
)
def test_counts_in_are_counts_out_and_refused(tables: list[tuple[bool, list[Any]]], deleted: list[Any]) -> None:
    made = [
        table(f"t{number}", [encapsulated(row) if isinstance(row, dict) else row for row in rows], inbound=inbound)
        for number, (inbound, rows) in enumerate(tables)
    ]
    gone = [encapsulated(key) for key in deleted]
    with TemporaryDirectory() as folder:
        lake = Lake.open(folder, FixedClock(NOON_IN_TOKYO))
        found = taken(lake, chunk(*made, deleted={"t": gone}))
        seen = sum(len(each["rows"]) for each in made) + len(gone)
        assert found.manifest.rows + found.manifest.refused == seen
        assert found.rows + found.deleted == found.manifest.rows == len(raw_lines(lake, found.manifest))


def test_refused_rows_are_kept_whole_with_their_reason(lake: Lake) -> None:
    deep = "[" * 500 + "]" * 500
    rows = ['{"id":"ok"}', f'{{"id":"deep","x":{deep}}}', '{"id":"half","notes":"\\ud83d"}', "null", '"}],"']
    data = spelled(dump(table("notes", ["ROWS"]))).replace(b'"ROWS"', ",".join(rows).encode())
    manifest = taken(lake, data).manifest
    assert (manifest.rows, manifest.refused) == (1, 4)
    kept = {refusal.record: refusal.reason for refusal in read_all(lake.storage)}
    assert set(kept) == set(rows[1:])
    assert "400 levels" in kept[rows[1]] and "surrogate" in kept[rows[2]] and "is no object" in kept["null"]
    assert all(reason.startswith("row ") and "'notes'" in reason for reason in kept.values())


def test_big_rows_with_everything_in_them(lake: Lake) -> None:
    """400 KB a row, over many chunks of the file, in every spelling."""
    text = '絵文字 😴 "#" \\ \n\u2028 },{ ],[ ' * 9_000
    rows = [{"id": f"USER#{n}#😴", "notes": text, "nested": [{"deep": [[{"n": n}]]}] * 50} for n in range(8)]
    content = dump(table("schedule_memos", rows))
    for device, data in {
        "compact": spelled(content, separators=(",", ":")),
        "pretty": spelled(content, indent=2).replace(b"\n", b"\r\n"),
        "escaped": json.dumps(content).encode(),
        "gz": gzip.compress(spelled(content), 1),
    }.items():
        lines = raw_lines(lake, taken(lake, data, Browser("u1", device)).manifest)
        assert [line.value for line in lines] == rows
        assert [line.key_value for line in lines] == [row["id"] for row in rows]


def test_a_dump_cut_at_any_byte_leaves_nothing(lake: Lake) -> None:
    data = BY_THE_PROGRAM[0].read_bytes()
    packed = gzip.compress(data)
    for cut in [
        *(data[:end] for end in range(0, len(data), 5)),
        *(packed[:end] for end in range(0, len(packed), 9)),
    ]:
        with pytest.raises(RecordInvalid):
            taken(lake, cut)
    assert lake.totals("raw/") == lake.totals("quarantine/") == (0, 0)
    assert taken(lake, packed).manifest.rows == 11


NO_DUMPS: dict[str, Any] = {
    "rows not JSON": spelled(dump(table("a", [1]))).replace(b"[1]", b"[{x}]"),
    "a row with a bare word": spelled(dump(table("a", [1]))).replace(b"[1]", b'[{"id":nul}]'),
    "something after it": spelled(dump()) + b"{}",
    "two kinds of data": b'{"formatName":"dexie","data":{"databaseName":"ModerationCraftDB","data":[],"data":[]}}',
    "rows said twice": spelled(dump(table("a", [1]))).replace(b'"rows": [1]', b'"rows": [1], "rows": [2]'),
    "a table without a name": spelled(dump(table("a", []))).replace(b"tableName", b"tablename"),
    "a table without rows": spelled(dump(table("a", []))).replace(b'"rows"', b'"lines"'),
    "no database name": spelled(dump()).replace(b"databaseName", b"databasename"),
    "version 2": spelled(dump()).replace(b'"formatVersion": 1', b'"formatVersion": 2'),
    "inbound as text": spelled(dump(table("a", []))).replace(b"true", b'"yes"'),
    "a chunk without a number": dump(mcraft={"upload": "u"}),
    "a chunk that climbs out": dump(mcraft={"upload": "../../x", "sequence": 1}),
    "a deep header": spelled(dump()).replace(
        b'"databaseVersion": 4', b'"databaseVersion": ' + b"[" * 9999 + b"]" * 9999
    ),
    "a list": b"[]",
    "another database at the end": json.dumps(
        {"data": {"data": [], "databaseName": "TodoDB"}, "formatName": "dexie"}
    ),
}


@pytest.mark.parametrize("content", NO_DUMPS.values(), ids=NO_DUMPS.keys())
def test_what_is_no_dump_is_refused_whole(lake: Lake, content: Any) -> None:
    with pytest.raises(RecordInvalid) as caught:
        taken(lake, content.encode() if isinstance(content, str) else content)
    assert caught.value.message.startswith("dump.json") and caught.value.remedy
    assert lake.totals("raw/") == (0, 0)


def test_bounds_are_met_and_said(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_ROW_BYTES", 1000)
    with pytest.raises(BoundMet, match="longer than 1,000 bytes"):
        taken(lake, dump(table("a", [{"id": "x" * 2000}])))
    monkeypatch.setattr(reader_module, "MAX_HEADER_BYTES", 500)
    with pytest.raises(BoundMet, match="beside its rows"):
        taken(lake, dump(*(table(f"t{n}", []) for n in range(20))))
    monkeypatch.setattr(take_module, "MAX_REFUSED", 3)
    with pytest.raises(RecordInvalid, match="more than 3 rows"):
        taken(lake, dump(table("a", [1, 2, 3, 4])))
    with pytest.raises(BoundMet, match="more than 100 bytes"):
        taken(lake, dump(), max_bytes=100)
    assert lake.totals("raw/") == lake.totals("quarantine/") == (0, 0)


def test_a_gz_file_of_several_members_is_one_dump(lake: Lake) -> None:
    data = BY_THE_PROGRAM[0].read_bytes()
    packed = gzip.compress(data[:700]) + gzip.compress(data[700:])
    assert taken(lake, packed).manifest.rows == 11
    with pytest.raises(RecordInvalid):
        taken(lake, packed + b"rubbish", Browser("u2"))


def test_two_devices_of_one_person_are_two_browsers(lake: Lake) -> None:
    content = dump(table("moods", [{"id": "m1"}]))
    first = taken(lake, content, Browser("u1", "laptop"))
    later(lake)
    second = taken(lake, content, Browser("u1", "phone"))
    assert not second.already_held and first.manifest.id != second.manifest.id
    assert [each.details["device_id"] for each in lake.manifests("indexeddb")] == ["laptop", "phone"]
    for device in ("laptop", "phone"):
        assert taken(lake, content, Browser("u1", device)).already_held
    assert not taken(lake, content, Browser("u1")).already_held


def test_a_dump_of_many_parts_is_held_when_it_comes_again(lake: Lake) -> None:
    rows = [{"id": f"{n:06}", "notes": "x" * 1000} for n in range(70_000)]
    data = spelled(dump(table("small_tasks", rows)))
    first = taken(lake, data)
    assert len(first.manifest.parts) == 3 and first.manifest.rows == 70_000
    assert [line.key_value for line in raw_lines(lake, first.manifest)] == [row["id"] for row in rows]
    before = [(each.key, each.modified_at) for each in lake.storage.list("raw/")]
    later(lake, 86_400)
    again = taken(lake, gzip.compress(data, 1))
    assert again.already_held and again.manifest == first.manifest
    assert [(each.key, each.modified_at) for each in lake.storage.list("raw/")] == before


def test_an_empty_database_is_a_snapshot_too(lake: Lake) -> None:
    assert taken(lake, dump(table("moods", [{"id": 1}]))).rows == 1
    later(lake)
    empty = taken(lake, dump(table("moods", [])))
    assert not empty.already_held and empty.manifest.parts == [] and empty.manifest.rows == 0
    assert taken(lake, dump(table("moods", []))).already_held


def test_another_refused_row_makes_another_dump(lake: Lake) -> None:
    ids = set()
    for odd in (7, 8, 8):
        found = taken(lake, dump(table("moods", [odd])))
        assert (found.rows, found.manifest.refused) == (0, 1)
        ids.add(found.manifest.id)
        later(lake)
    assert len(ids) == 2
    assert {refusal.record for refusal in read_all(lake.storage)} == {"7", "8"}


def test_memory_does_not_grow_with_the_dump(tmp_path: Path) -> None:
    peaks = []
    for megabytes in (20, 120):
        path = tmp_path / f"{megabytes}.json.gz"
        with gzip.open(path, "wb", 1) as file:
            start, end = spelled(dump(table("notes", ["ROWS"]))).split(b'"ROWS"')
            file.write(start)
            for n in range(megabytes * 1000):
                file.write(b'%b{"id":%d,"notes":"%b"}' % (b"," if n else b"", n, os.urandom(490).hex().encode()))
            file.write(end)
        command = [sys.executable, "-c", PEAK, str(tmp_path / f"lake-{megabytes}"), str(path)]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        path.unlink()
    assert peaks[1] < peaks[0] * 1.2


def test_changes_say_what_changed_and_what_is_gone(lake: Lake) -> None:
    sent_at = (NOON_IN_TOKYO.timestamp() + 90) * 1000
    content = chunk(
        table("small_tasks", [{"id": "t1", "name": "下描き"}]),
        table(
            "category_colors", [{"$": ["企画", 1], "$types": {"$": {"": "arrayNonindexKeys"}}}], "", inbound=False
        ),
        deleted={"small_tasks": ["t2", "t3"], "moods": [4, ["a", 1]], "odd": [None, {"no": "key"}]},
        sent_at=sent_at,
    )
    found = taken(lake, content)
    assert (found.rows, found.deleted, found.manifest.refused) == (2, 4, 2)
    assert found.manifest.kind == "indexeddb_changes"
    details = found.manifest.details
    assert (details["upload"], details["sequence"], details["is_delta"]) == ("9f2c7c1e", 1, True)
    assert details["as_of"] == "2026-11-23T03:00:00.000Z"
    assert details["clock_skew_seconds"] == -90
    lines = raw_lines(lake, found.manifest)
    assert [(line.table, line.key_value, line.deleted) for line in lines] == [
        ("small_tasks", "t1", False),
        ("category_colors", "企画", False),
        ("small_tasks", "t2", True),
        ("small_tasks", "t3", True),
        ("moods", 4, True),
        ("moods", ["a", 1], True),
    ]


def test_a_chunk_sent_again_is_taken_once(lake: Lake) -> None:
    first = taken(lake, chunk(table("moods", [{"id": "a"}]), sequence=1))
    later(lake)
    second = taken(lake, chunk(table("moods", [{"id": "b"}]), sequence=2, last=True))
    later(lake)
    before = lake.totals("raw/")
    for content, manifest in (
        (chunk(table("moods", [{"id": "a"}]), sequence=1), first.manifest),
        (chunk(table("moods", [{"id": "b"}]), sequence=2), second.manifest),
        (chunk(table("moods", [{"id": "b"}]), upload="another", sequence=7), second.manifest),
    ):
        again = taken(lake, content)
        assert again.already_held and again.manifest == manifest
    assert lake.totals("raw/") == before
    other = taken(lake, chunk(table("moods", [{"id": "a"}]), sequence=1), Browser("u1", "phone"))
    assert not other.already_held
    back = taken(lake, chunk(table("moods", [{"id": "a"}]), upload="another", sequence=8))
    assert not back.already_held


def test_the_same_rows_as_changes_and_as_a_whole_are_two_things(lake: Lake) -> None:
    rows = table("moods", [{"id": "a"}])
    assert taken(lake, chunk(rows)).manifest.details["is_delta"] is True
    later(lake)
    whole = taken(lake, dump(rows))
    assert not whole.already_held and whole.manifest.kind == "indexeddb_dump"
    later(lake)
    said = taken(lake, chunk(rows, upload="b"), part="whole")
    assert said.already_held and said.manifest == whole.manifest
    assert taken(lake, dump(rows), part="changes").manifest.kind == "indexeddb_changes"


def test_receipts_are_a_help_not_a_truth(lake: Lake) -> None:
    """Lost, or written for a commit that never came, they change no answer."""
    content = chunk(table("moods", [{"id": "a"}]))
    first = taken(lake, content)
    (state,) = [each.key for each in lake.storage.list("_state/ingest/")]
    receipt = lake.storage.get(state)
    lake.storage.delete([state])
    assert taken(lake, content).already_held
    lake.storage.put(state, receipt.replace(first.manifest.id.encode(), b"20261123T000000000Z-0000"))
    later(lake)
    assert taken(lake, content).already_held
    more = chunk(table("moods", [{"id": "b"}]))
    lake.storage.put(state, receipt.replace(first.manifest.id.encode(), b"20261123T000000000Z-0000"))
    assert not taken(lake, more).already_held


def test_a_full_disk_is_said_and_leaves_nothing(lake: Lake, small_disk: SmallDisk) -> None:
    rows = [{"id": f"{n:06}", "noise": os.urandom(600).hex()} for n in range(4000)]
    with pytest.raises(LakeRefused, match="disk is full"):
        taken(lake, dump(table("a", rows)), spool_folder=small_disk.folder)
    assert lake.totals("raw/") == (0, 0)
    assert list(small_disk.folder.iterdir()) == []


PEAK = """
import resource, sys
from pathlib import Path
from moderation_craft.lake import Lake
from moderation_craft.sources.indexeddb.dump import import_dexie
import_dexie(Lake.open(sys.argv[1]), Path(sys.argv[2]), "u1")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


IMPORT = """
import sys, time
from datetime import datetime
from pathlib import Path
from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.lake.storage import Storage
from moderation_craft.sources.indexeddb.dump import import_dexie

moment = int(sys.argv[3])
seen = 0

def step(*_):
    global seen
    seen += 1
    if seen == moment:
        print("here", flush=True)
        time.sleep(600)

write = {"put": Storage.put, "put_new": Storage.put_new}
for name, method in write.items():
    def around(self, key, data, method=method):
        step()
        done = method(self, key, data)
        step()
        return done
    setattr(Storage, name, around)
clock = FixedClock(datetime.fromisoformat(sys.argv[4]))
import_dexie(Lake.open(sys.argv[1], clock), Path(sys.argv[2]), "u1", step, device_id="d")
print("done", seen, flush=True)
"""


def test_a_killed_import_leaves_nothing_half_read(tmp_path: Path) -> None:
    """SIGKILL while reading, and before and after every write; then once more, undisturbed."""
    path = tmp_path / "dump.json"
    rows = [{"id": f"{n:06}", "notes": "x" * 700} for n in range(50_000)] + [7]
    path.write_bytes(spelled(dump(table("small_tasks", rows))))

    def run(folder: Path, moment: int) -> str:
        """Import into a lake, killed at a moment, 0 for never; what the process said."""
        command = [sys.executable, "-c", IMPORT, str(folder), str(path), str(moment), str(NOON_IN_TOKYO)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        ) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            process.wait(60)
        return said

    word, moments = run(tmp_path / "undisturbed", 0).split()
    assert word == "done"
    wanted = raw_state(Lake.open(str(tmp_path / "undisturbed")))
    assert len(wanted) == 2
    last = int(moments)
    chosen = {1, 3, 6, *range(max(1, last - 17), last + 1)}
    for moment in sorted(chosen):
        folder = tmp_path / f"killed-{moment}"
        assert run(folder, moment) == "here\n"
        lake = Lake.open(str(folder), FixedClock(NOON_IN_TOKYO))
        assert raw_state(lake) in ({}, wanted)
        manifest = import_dexie(lake, path, "u1", device_id="d")
        assert (manifest.rows, manifest.refused) == (50_000, 1)
        assert raw_state(lake) == wanted
        assert len(lake.manifests("indexeddb")) == 1
        assert [refusal.record for refusal in read_all(lake.storage)] == ["7"]
        left = [each.key for each in lake.storage.list("")]
        assert not [key for key in left if "spool" in key or key.endswith(".tmp")]
