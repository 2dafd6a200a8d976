"""The lake's bytes behave the same in a folder and in S3."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moderation_craft.errors import LakeRefused, SetupError
from moderation_craft.lake import Lake, Storage, zones
from moderation_craft.lake.codec import compress, decompressed, split_lines
from tests.conftest import SmallDisk


def test_what_is_put_comes_back(any_storage: Storage) -> None:
    any_storage.put("raw/a/one.bin", b"\x00\xff1")
    any_storage.put("raw/a/one.bin", b"2")
    assert any_storage.get("raw/a/one.bin") == b"2"
    assert b"".join(any_storage.stream("raw/a/one.bin")) == b"2"
    assert any_storage.exists("raw/a/one.bin")
    assert any_storage.size("raw/a/one.bin") == 1


def test_put_new_keeps_the_first(any_storage: Storage) -> None:
    assert any_storage.put_new("raw/k", b"first")
    assert not any_storage.put_new("raw/k", b"second")
    assert any_storage.get("raw/k") == b"first"


def test_list_is_sorted_and_bounded_by_its_folder(any_storage: Storage) -> None:
    for key in ("raw/b/2", "raw/b/1", "raw/bb/3", "gold/1"):
        any_storage.put(key, b"x")
    assert [found.key for found in any_storage.list("raw/b/")] == ["raw/b/1", "raw/b/2"]
    assert list(any_storage.list("nothing/")) == []


def test_missing_objects_are_file_not_found(any_storage: Storage) -> None:
    with pytest.raises(FileNotFoundError):
        any_storage.get("raw/none")
    assert any_storage.get_or_none("raw/none") is None
    assert not any_storage.exists("raw/none")
    any_storage.delete(["raw/none"])


def test_a_file_is_uploaded_whole(any_storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"0123456789" * 100_000)
    any_storage.put_file("gold/big", path)
    assert any_storage.get("gold/big") == path.read_bytes()


def test_a_bucket_that_is_not_there_is_refused_with_a_next_step(aws_environment: str) -> None:
    storage = Storage.open("s3://no-such-bucket-here/lake")
    with pytest.raises(LakeRefused, match="could not") as caught:
        storage.put("raw/x", b"1")
    assert "mcraft doctor" in caught.value.remedy


def test_a_full_disk_says_so_and_leaves_nothing(small_disk: SmallDisk) -> None:
    storage = Storage.open(str(small_disk.folder / "lake"))
    storage.put("raw/small", b"1")
    with pytest.raises(LakeRefused, match="the disk is full") as caught:
        storage.put("raw/large", bytes(1_000_000))
    assert caught.value.code == "E004"
    assert [found.key for found in storage.list("raw/")] == ["raw/small"]


def test_an_unknown_address_is_a_setup_error() -> None:
    with pytest.raises(SetupError, match="neither a folder nor s3"):
        Storage.open("gs://bucket")


@given(st.text(min_size=1))
@example(".")
@example("..")
@example("a...b")
def test_any_name_is_one_safe_path_segment(name: str) -> None:
    segment = zones.safe(name)
    assert "/" not in segment and ".." not in segment and segment not in ("", ".")
    assert segment.isascii()


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_names_stay_different(one: str, other: str) -> None:
    assert (zones.safe(one) == zones.safe(other)) == (one == other)


@given(st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line)), st.integers(1, 7))
def test_lines_survive_packing_in_any_chunks(lines: list[bytes], chunk: int) -> None:
    packed = compress(b"".join(line + b"\n" for line in lines))
    chunks = [packed[start : start + chunk] for start in range(0, len(packed), chunk)]
    assert list(split_lines(decompressed("part.jsonl.zst", chunks))) == lines


def test_gzip_of_several_members_is_read_to_its_end() -> None:
    data = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    chunks = [data[place : place + 7] for place in range(0, len(data), 7)]
    assert list(split_lines(decompressed("data.json.gz", chunks))) == [b"one", b"two"]


@pytest.mark.parametrize("name", ["part.json.gz", "part.jsonl.zst"])
def test_a_raw_object_that_was_cut_is_said(lake: Lake, name: str) -> None:
    content = b'{"Item":{"id":{"S":"a"}}}\n' * 1000
    data = gzip.compress(content) if name.endswith("gz") else compress(content)
    lake.storage.put(name, data[: len(data) // 2])
    with pytest.raises(LakeRefused, match="cut or damaged"):
        list(lake.lines(name))
