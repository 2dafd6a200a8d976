"""An export of AWS's own that was made elsewhere comes into raw whole and exact, or not at all."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from moderation_craft.clock import iso
from moderation_craft.errors import BoundMet, RecordInvalid
from moderation_craft.lake import Lake
from moderation_craft.lake.chain import as_of
from moderation_craft.sources.dynamodb import native_files
from moderation_craft.sources.dynamodb.native_chain import check_chain, native_exports
from moderation_craft.sources.dynamodb.native_files import native_record
from moderation_craft.sources.dynamodb.native_import import import_native
from moderation_craft.sources.dynamodb.parts import read_items
from tests.cli.run import mcraft
from tests.dynamodb.native_files import (
    change_line,
    full_line,
    into,
    md5_of,
    packed,
    raw_keys,
    read,
    records,
    write_export,
)
from tests.dynamodb.tables import item
from tests.dynamodb.test_roundtrip import ITEMS, TRAPS, revived

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LINES = [full_line(item(number, text={"S": "あ🎉"})) for number in range(7)]


def elsewhere(folder: Path, **more: Any) -> Path:
    """A full export in a folder; returns the export's own folder."""
    return folder / write_export(into(folder), "2026-Nov", "app", [LINES[:3], [], LINES[3:]], at=NOON, **more)


@pytest.mark.parametrize("named", ["its own folder", "AWSDynamoDB", "the folder above"])
@pytest.mark.parametrize("checksum_suffix", [".md5", ".checksum"])
def test_an_export_made_elsewhere_is_taken_byte_for_byte(
    any_lake: Lake, tmp_path: Path, named: str, checksum_suffix: str
) -> None:
    own = elsewhere(tmp_path / "mine ですよ", checksum_suffix=checksum_suffix)
    path = {"its own folder": own, "AWSDynamoDB": own.parent, "the folder above": tmp_path / "mine ですよ"}[named]
    manifest = import_native(any_lake, path)
    assert (manifest.rows, manifest.refused, len(manifest.parts)) == (7, 0, 2)
    assert manifest.details["table_name"] == "app" and as_of(manifest) == iso(NOON)
    kept = f"raw/internal/dynamodb-exports/dt=2026-11-23/app/native/AWSDynamoDB/{own.name}/"
    for name in ("manifest-summary.json", "manifest-files.json", f"manifest-files{checksum_suffix}"):
        assert any_lake.storage.get(kept + name) == (own / name).read_bytes()
    for part in manifest.parts:
        assert any_lake.storage.get(part.key) == (own / "data" / part.key.rsplit("/", 1)[-1]).read_bytes()
    lines = sorted(b'{"Item":%b}' % each for part in manifest.parts for each in read_items(any_lake, part))
    assert lines == sorted(LINES)


def test_importing_twice_changes_nothing(lake: Lake, tmp_path: Path) -> None:
    own = elsewhere(tmp_path / "x")
    first = import_native(lake, own)
    before = [(stored.key, stored.modified_at) for stored in lake.storage.list("")]
    assert import_native(lake, own) == first
    assert [(stored.key, stored.modified_at) for stored in lake.storage.list("")] == before


def test_windows_are_imported_in_order_and_under_another_name(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    full = elsewhere(folder)
    changes = [change_line({"PK": {"S": "a"}, "SK": {"S": "b"}}, old={"id": {"S": "1"}})]
    windows = [
        folder
        / write_export(into(folder), "2026-Nov", "app", [changes], window=(NOON + n * HOUR, NOON + (n + 1) * HOUR))
        for n in range(2)
    ]
    with pytest.raises(RecordInvalid, match="no full native export"):
        import_native(lake, windows[0], table="renamed")
    import_native(lake, full, table="renamed")
    with pytest.raises(RecordInvalid, match="a gap"):
        import_native(lake, windows[1], table="renamed")
    assert len(raw_keys(lake)) == 2 + 4 + 1
    import_native(lake, windows[0], table="renamed")
    window = import_native(lake, windows[1], table="renamed")
    assert [(record.is_delete, record.keys) for record in records(lake, window)] == [
        (True, b'{"PK":{"S":"a"},"SK":{"S":"b"}}')
    ]
    assert window.parts[0].key.startswith(
        "raw/internal/dynamodb-exports/dt=2026-11-23/renamed/native/AWSDynamoDB/data/"
    )
    assert len(check_chain(native_exports(lake, "renamed"))) == 3


def data_file(own: Path) -> Path:
    return max((own / "data").iterdir(), key=lambda path: path.stat().st_size)


def relist(own: Path, change: Callable[[dict[str, Any]], object], *, summed: bool = True) -> None:
    """Change the lines of manifest-files.json and make its checksum (and the summary's count) fit again."""
    lines = [json.loads(line) for line in (own / "manifest-files.json").read_bytes().splitlines()]
    for line in lines:
        change(line)
    resum(own, "manifest-files", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    if summed:
        summary = json.loads((own / "manifest-summary.json").read_bytes())
        summary["itemCount"] = sum(line["itemCount"] for line in lines)
        resum(own, "manifest-summary", json.dumps(summary).encode())


def resum(own: Path, name: str, data: bytes) -> None:
    (own / f"{name}.json").write_bytes(data)
    (own / f"{name}.md5").write_text(md5_of(data))


def replace_data(own: Path, data: bytes) -> None:
    """Other bytes in the largest data file, with an MD5 that fits."""
    path = data_file(own)
    path.write_bytes(data)
    relist(
        own,
        lambda line: line.update(md5Checksum=md5_of(data)) if line["dataFileS3Key"].endswith(path.name) else None,
    )


def cut(own: Path) -> None:
    path = data_file(own)
    path.write_bytes(path.read_bytes()[:-12])


def cut_with_its_md5(own: Path) -> None:
    replace_data(own, data_file(own).read_bytes()[:-12])


def lose(own: Path) -> None:
    data_file(own).unlink()


def swap_a_letter(own: Path) -> None:
    data_file(own).write_bytes(packed([LINES[0], LINES[1], LINES[2], LINES[3].replace(b"u1", b"u2")]))


def miscount(own: Path) -> None:
    relist(own, lambda line: line.update(itemCount=line["itemCount"] + 1))


def missum(own: Path) -> None:
    relist(own, lambda line: line.update(itemCount=line["itemCount"] + 1), summed=False)


def lose_summary(own: Path) -> None:
    (own / "manifest-summary.json").unlink()


def lose_file_list(own: Path) -> None:
    (own / "manifest-files.json").unlink()


def lose_checksum(own: Path) -> None:
    (own / "manifest-files.md5").unlink()


def change_summary(own: Path) -> None:
    path = own / "manifest-summary.json"
    path.write_bytes(path.read_bytes() + b" ")


def ion(own: Path) -> None:
    summary = json.loads((own / "manifest-summary.json").read_bytes())
    resum(own, "manifest-summary", json.dumps({**summary, "outputFormat": "ION"}).encode())


def timeless(own: Path) -> None:
    summary = json.loads((own / "manifest-summary.json").read_bytes())
    resum(own, "manifest-summary", json.dumps({**summary, "exportTime": None}).encode())


def no_json(own: Path) -> None:
    resum(own, "manifest-files", b"itemCount: 7\n")


def climb(own: Path) -> None:
    relist(own, lambda line: line.update(dataFileS3Key="AWSDynamoDB/../../secret/data/../x.json.gz"))


def no_gzip(own: Path) -> None:
    replace_data(own, b"".join(LINES))


def no_utf8(own: Path) -> None:
    replace_data(own, packed([*LINES[3:6], LINES[6].replace("あ".encode(), "あ".encode()[:2])]))


def control_character(own: Path) -> None:
    replace_data(own, packed([*LINES[3:6], LINES[6].replace(b"u1", b"u\x01")]))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut, "MD5"),
        (cut_with_its_md5, "cut short"),
        (lose, "is missing"),
        (swap_a_letter, "MD5"),
        (miscount, "its manifest says"),
        (missum, "its files list"),
        (lose_summary, "no manifest-summary.json"),
        (lose_file_list, "has no manifest-files.json"),
        (lose_checksum, "no checksum file"),
        (change_summary, "MD5"),
        (ion, "ION"),
        (timeless, "at what time"),
        (no_json, "cannot be read"),
        (climb, "no place of an export"),
        (no_gzip, "no gzip file"),
        (no_utf8, "no UTF-8"),
        (control_character, "control characters"),
    ],
)
def test_an_export_that_is_not_whole_is_refused(
    lake: Lake, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    own = elsewhere(tmp_path / "x")
    spoil(own)
    with pytest.raises(RecordInvalid) as caught:
        import_native(lake, own)
    assert said in caught.value.message and caught.value.code == "E003" and caught.value.remedy
    assert raw_keys(lake) == []


def test_a_line_without_end_is_bounded(lake: Lake, tmp_path: Path) -> None:
    own = elsewhere(tmp_path / "x")
    replace_data(own, gzip.compress(b'{"Item":"' + b"a" * (native_files.MAX_LINE_BYTES + 1024)))
    with pytest.raises(BoundMet) as caught:
        import_native(lake, own)
    assert caught.value.code == "E009" and raw_keys(lake) == []


def test_lines_that_are_no_record_are_counted_and_the_file_kept(lake: Lake, tmp_path: Path) -> None:
    bad = [b'{"Item":', b"NaN", b'{"Item":7}', b'{"Thing":{}}']
    folder = tmp_path / "x"
    own = folder / write_export(into(folder), "", "app", [[*LINES, *bad]], at=NOON)
    manifest = import_native(lake, own)
    assert manifest.rows == len(LINES) + len(bad)
    assert manifest.details["native"]["unreadable_lines"] == len(bad)
    assert len(read(lake, manifest)) + manifest.details["native"]["unreadable_lines"] == manifest.rows
    assert lake.storage.get(manifest.parts[0].key) == data_file(own).read_bytes()


def test_a_file_full_of_something_else_is_refused(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    lines = [b"2026-11-23,%d" % number for number in range(native_files.MAX_UNREADABLE_LINES + 1)]
    own = folder / write_export(into(folder), "", "app", [lines], at=NOON)
    with pytest.raises(RecordInvalid, match="no DynamoDB JSON"):
        import_native(lake, own)
    assert raw_keys(lake) == []


def test_two_exports_in_one_folder_must_be_named(lake: Lake, tmp_path: Path) -> None:
    first, second = elsewhere(tmp_path / "x"), elsewhere(tmp_path / "x")
    with pytest.raises(RecordInvalid) as caught:
        import_native(lake, tmp_path / "x")
    assert first.name in caught.value.message and second.name in caught.value.message
    for path in (tmp_path / "none", "s3://just-a-bucket"):
        with pytest.raises(RecordInvalid):
            import_native(lake, path)


def test_the_command_takes_an_export_and_says_what_is_wrong(tmp_path: Path) -> None:
    own = elsewhere(tmp_path / "x")
    done = mcraft("import", "dynamodb-export", str(own), "--table", "mine", cwd=tmp_path)
    assert done.returncode == 0 and "7 items of mine" in done.stderr, done.stderr
    swap_a_letter(other := elsewhere(tmp_path / "y"))
    failed = mcraft("import", "dynamodb-export", str(other), cwd=tmp_path)
    assert failed.returncode == 1 and "E003 DATA_VALIDATION" in failed.stderr and "Next:" in failed.stderr


def test_gzip_of_several_members_and_of_nothing() -> None:
    data = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    assert b"".join(native_files.unpacked([data[:5], data[5:30], data[30:]], "x")) == b"one\ntwo\n"
    assert list(native_files.unpacked([], "x")) == []
    bomb = gzip.compress(b"\0" * 40_000_000)
    assert max(map(len, native_files.unpacked([bomb], "x"))) <= 1024 * 1024


def with_text(value: Any) -> Any:
    """DynamoDB JSON as it is written: bytes as Base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: with_text(inner) for name, inner in value.items()}
    return [with_text(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(items=st.lists(ITEMS, max_size=4))
@example(items=TRAPS)
def test_any_item_goes_into_raw_and_comes_back_equal(
    lake: Lake, tmp_path: Path, items: list[Mapping[str, Any]]
) -> None:
    written = [with_text(each) for each in items]
    folder = tmp_path / uuid.uuid4().hex
    own = folder / write_export(into(folder), "", "app", [[full_line(each) for each in written]], at=NOON)
    manifest = import_native(lake, own)
    assert [revived(line) for part in manifest.parts for line in read_items(lake, part)] == items
    for new, old in pairwise([*written, *written[:1]]):
        record = native_record(change_line({"PK": new["PK"], "SK": new["SK"]}, new, old))
        assert json.loads(record.item) == new and json.loads(record.old) == old
