"""The splitter against msgspec: whatever the chunks, the same values, and the same texts refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation_craft.sources.indexeddb.json_stream import JsonStream, NotJson, TooLong, depth_of

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(['"', "\\", '\\"', "},", "],[", "\u2028😴#", "\n"])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
SPELLINGS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 0, 2, "\t"]),
        "separators": st.sampled_from([None, (",", ":"), (" , ", " : ")]),
    }
)


def cut(text: bytes, places: list[int]) -> Iterator[bytes]:
    """The text in chunks that end at the places given, empty ones among them."""
    borders = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    for start, end in pairwise(borders):
        yield text[start:end]


def values_of(text: bytes, places: list[int]) -> list[bytes]:
    stream = JsonStream(cut(text, places), max_value_bytes=10_000)
    found = list(stream.values())
    stream.end()
    return found


@given(st.lists(VALUES, max_size=8), SPELLINGS, st.lists(st.integers(min_value=0), max_size=12))
def test_any_chunking_gives_what_msgspec_gives(
    rows: list[Any], spelling: dict[str, Any], places: list[int]
) -> None:
    text = json.dumps(rows, **spelling).encode("utf-8", "surrogatepass")
    whole = [bytes(raw) for raw in msgspec.json.decode(text, type=list[msgspec.Raw])]
    assert values_of(text, places) == whole


@given(st.lists(VALUES, max_size=5), SPELLINGS)
def test_a_byte_at_a_time_is_enough(rows: list[Any], spelling: dict[str, Any]) -> None:
    text = json.dumps(rows, **spelling).encode()
    assert values_of(text, list(range(len(text)))) == values_of(text, [])


@given(
    st.lists(VALUES, max_size=4),
    st.lists(st.tuples(st.integers(min_value=0), st.binary(max_size=3)), min_size=1, max_size=3),
    st.lists(st.integers(min_value=0), max_size=8),
)
def test_what_is_taken_value_by_value_is_what_msgspec_takes(
    rows: list[Any], wounds: list[tuple[int, bytes]], places: list[int]
) -> None:
    """Of a text with bytes changed, all is taken with the same values, or it is refused by both."""
    text = bytearray(json.dumps(rows, ensure_ascii=False).encode())
    for place, put in wounds:
        at = place % (len(text) + 1)
        text[at : at + len(put)] = put
    try:
        bytes(text).decode()
        whole = [bytes(raw) for raw in msgspec.json.decode(text, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError):
        with pytest.raises((NotJson, msgspec.DecodeError)):
            for value in values_of(bytes(text), places):
                msgspec.json.decode(value, type=msgspec.Raw)
    else:
        assert values_of(bytes(text), places) == whole


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_text_cut_anywhere_is_refused(rows: list[Any]) -> None:
    text = json.dumps(rows, ensure_ascii=False).encode()
    for end in range(len(text)):
        with pytest.raises(NotJson):
            values_of(text[:end], [])


@pytest.mark.parametrize("nesting", [1, 8, 9, 500, 100_000])
def test_depth_costs_no_recursion(nesting: int) -> None:
    text = b'{"a":[' * nesting + b'"]}"' + b"]}" * nesting
    stream = JsonStream(iter([b"[", text, b",1]"]), max_value_bytes=10_000_000)
    assert list(stream.values()) == [text, b"1"]
    assert depth_of(text) == 2 * nesting


@pytest.mark.parametrize(
    "text", [b'["' + b"x" * 200 + b'"]', b"[" + b"9" * 200 + b"]", b"[[" + b"1," * 100 + b"1]]"]
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_value_beyond_the_bound_is_refused_before_it_is_held(text: bytes, size: int) -> None:
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    with pytest.raises(TooLong):
        list(JsonStream(iter(chunks), max_value_bytes=100).values())


def test_an_endless_value_is_not_read_to_its_end() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield b'["'
        while True:
            read += 1
            yield b"x" * 1000

    with pytest.raises(TooLong):
        list(JsonStream(endless(), max_value_bytes=10_000).values())
    assert read < 20


def test_members_and_elements_are_walked_in_order() -> None:
    text = b' { "a" : 1 , "\\u0062" : [ {"x":2} , [] ] , "c" : { } } \n'
    for size in (1, 3, 100):
        stream = JsonStream((text[at : at + size] for at in range(0, len(text), size)), max_value_bytes=100)
        found: list[Any] = []
        for name in stream.members():
            if name == "b":
                found.append([stream.value() for _ in stream.elements()])
            else:
                found.append((name, stream.value()))
        stream.end()
        assert found == [("a", b"1"), [b'{"x":2}', b"[]"], ("c", b"{ }")]


@pytest.mark.parametrize(
    "text", [b"", b"[", b"[1", b"[1,", b"[1,]", b"[1 2]", b"[1}", b"[]]", b"{}", b"[1]x", b"[\xff]"]
)
def test_what_is_no_array_is_refused(text: bytes) -> None:
    with pytest.raises(NotJson):
        values_of(text, [])
