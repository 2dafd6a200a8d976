"""Any item of DynamoDB's type system goes into raw and comes back equal, from two servers, in both formats."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from moderation_craft.lake import Lake
from moderation_craft.sources.dynamodb.export import export_table
from moderation_craft.sources.dynamodb.exports import items
from tests.dynamodb.servers import make_app_table
from tests.dynamodb.tables import client
from tests.dynamodb.test_export import exporter

Item = Mapping[str, Any]


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number as DynamoDB takes it: at most 38 digits, magnitude 1E-130 to 9.99…E+125, or 0 with any sign."""
    if draw(st.booleans()):
        return draw(st.sampled_from(["0", "-0", "-0.0", "0E5", "1E-130", "-1E-130", "9" * 38, f"-{'9' * 38}"]))
    digits = draw(st.integers(1, 38).flatmap(lambda size: st.text("0123456789", min_size=size, max_size=size)))
    digits = "1" + digits[1:]
    exponent = draw(st.integers(-130, 125))
    written = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    sign = draw(st.sampled_from(["", "-"]))
    return f"{sign}{written}E{exponent}" if exponent else f"{sign}{written}"


def _binary(data: bytes) -> Item:
    return {"B": data}


NAMES = st.one_of(
    st.sampled_from(["メモ", "x#y", "🎉", "a.b", "NaN", "Item", "S"]), st.text(min_size=1, max_size=8)
)
TEXTS = st.one_of(
    st.sampled_from(["", "🎉", "NaN", "-Infinity", "null", "1e400", '"\\', "\u2028\u0000\x7f", "\n"]), st.text()
)
SCALARS: st.SearchStrategy[Item] = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    numbers().map(lambda number: {"N": number}),
    st.binary().map(_binary),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
    st.sets(st.text(min_size=1), min_size=1, max_size=4).map(lambda texts: {"SS": sorted(texts)}),
    st.sets(st.integers(-(10**37), 10**37), min_size=1, max_size=4).map(lambda n: {"NS": [str(i) for i in n]}),
    st.sets(st.binary(min_size=1), min_size=1, max_size=4).map(lambda blobs: {"BS": sorted(blobs)}),
)
VALUES: st.SearchStrategy[Item] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: {"L": values}),
        st.dictionaries(NAMES, inner, max_size=3).map(lambda values: {"M": values}),
    ),
    max_leaves=8,
)
KEYS = st.one_of(st.sampled_from(["USER#🎉", "a#b#", " ", "NaN"]), st.text(min_size=1, max_size=20))
KEY_COLUMNS = {"entity_type", "user_id", "id", "updated_at"}
ITEMS: st.SearchStrategy[Item] = st.builds(
    lambda pk, sk, attributes, columns: {**attributes, **columns, "PK": {"S": pk}, "SK": {"S": sk}},
    KEYS,
    KEYS,
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.dictionaries(st.sampled_from(sorted(KEY_COLUMNS)), VALUES, max_size=4),
)
TRAPS: list[Item] = [
    {
        "PK": {"S": "USER#🎉"},
        "SK": {"S": "#"},
        "n": {"N": "9" * 38},
        "zero": {"N": "-0"},
        "tiny": {"N": "-1E-130"},
    },
    {"PK": {"S": "NaN"}, "SK": {"S": "null"}, "a": {"S": ""}, "b": {"B": b""}, "🎉": {"S": "🎉"}},
    {"PK": {"S": "p"}, "SK": {"S": "s"}, "l": {"L": []}, "m": {"M": {"": {"M": {}}}}, "big": {"N": "-9.9E125"}},
    {
        "PK": {"S": "p"},
        "SK": {"S": "t"},
        "id": {"N": "7"},
        "user_id": {"NULL": True},
        "entity_type": {"SS": ["a"]},
    },
]


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_any_item_goes_into_raw_and_comes_back_equal(lake: Lake, any_dynamodb: str, format: Any) -> None:
    table = make_app_table(any_dynamodb, index=None)
    dynamodb = client(any_dynamodb)

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(put=st.lists(ITEMS, max_size=4))
    @example(put=TRAPS)
    def round_trip(put: list[Item]) -> None:
        for each in put:
            dynamodb.put_item(TableName=table, Item=each)
        there = scanned(any_dynamodb, table)
        with exporter(any_dynamodb) as reading:
            manifest = export_table(lake, reading, table, format=format, segments=1)
        assert manifest.rows == len(there)
        assert read_back(items(lake, manifest)) == there
        for each in there:
            dynamodb.delete_item(TableName=table, Key={"PK": each["PK"], "SK": each["SK"]})

    round_trip()


def scanned(endpoint: str, table: str) -> list[Item]:
    """What boto3 reads from the table, in order of key; numbers are the texts that the server sent."""
    found: list[Item] = []
    for page in client(endpoint).get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        found += page["Items"]
    return in_order(found)


def read_back(lines: Iterable[bytes]) -> list[Item]:
    """Raw's items as boto3 would give them, in order of key."""
    return in_order(revived(line) for line in lines)


def revived(line: bytes) -> Item:
    return {name: _revived_value(value) for name, value in json.loads(line).items()}


def _revived_value(value: Item) -> Item:
    ((kind, inner),) = value.items()
    match kind:
        case "B":
            return {"B": base64.b64decode(inner)}
        case "BS":
            return {"BS": [base64.b64decode(each) for each in inner]}
        case "L":
            return {"L": [_revived_value(each) for each in inner]}
        case "M":
            return {"M": {name: _revived_value(each) for name, each in inner.items()}}
        case _:
            return value


def in_order(found: Iterator[Item] | Iterable[Item]) -> list[Item]:
    return sorted(found, key=lambda each: (each["PK"]["S"], each["SK"]["S"]))
