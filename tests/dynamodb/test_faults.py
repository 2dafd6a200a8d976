"""Bad input, bad networks: an export holds exactly the table, or says what went wrong and commits nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from moderation_craft.errors import AuthFailed, McraftError, SetupError, Throttled, TimedOut, Unavailable
from moderation_craft.lake import Lake
from moderation_craft.sources.dynamodb.capacity import ReadCapacity
from moderation_craft.sources.dynamodb.export import export_table
from moderation_craft.sources.dynamodb.exports import items
from tests.dynamodb.faults import (
    Answer,
    Exchange,
    Fault,
    FaultProxy,
    busy,
    capacity,
    cut,
    flipped,
    gone,
    refused,
    reset,
    shortened,
    silent,
    slow,
)
from tests.dynamodb.servers import make_app_table
from tests.dynamodb.tables import client, item
from tests.dynamodb.test_export import exporter
from tests.dynamodb.test_roundtrip import read_back, scanned

HALF_A_HUNDRED = [item(number) for number in range(50)]


@pytest.fixture
def without_waiting() -> Iterator[None]:
    """Retries follow each other at once; how many there are stays the client's affair."""
    stamina.set_testing(True, attempts=1000, cap=True)
    try:
        yield
    finally:
        stamina.set_testing(False)


PASSING: dict[str, Fault] = {
    "throughput": refused("ProvisionedThroughputExceededException"),
    "throttling": refused("ThrottlingException"),
    "request-limit": refused("RequestLimitExceeded"),
    "internal": refused("InternalServerError", 500),
    "unavailable": refused("ServiceUnavailable", 503),
    "html": busy,
    "reset-at-once": reset(0.0),
    "reset-mid-body": reset(0.5),
    "cut": cut,
    "short-with-crc": shortened(with_crc=True),
    "short-without-crc": shortened(with_crc=False),
    "bit-flipped": flipped,
    "slow": slow(0.2),
}


@pytest.mark.usefixtures("without_waiting")
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_waited_out_and_nothing_is_lost(lake: Lake, proxy: FaultProxy, fault: str) -> None:
    table = make_app_table(proxy.upstream, HALF_A_HUNDRED)
    proxy.inject(PASSING[fault], skip=2, times=2)
    with exporter(proxy.endpoint) as dynamodb:
        manifest = export_table(lake, dynamodb, table, segments=2)
    assert [call.fault for call in proxy.of("Scan")].count(PASSING[fault].__name__) == 2
    assert (manifest.rows, manifest.refused) == (50, 0)
    assert read_back(items(lake, manifest)) == scanned(proxy.upstream, table)


@pytest.mark.usefixtures("without_waiting")
@pytest.mark.parametrize(
    ("fault", "error", "code", "says", "asked"),
    [
        (refused("ProvisionedThroughputExceededException"), Throttled, "E005", "--max-rcu", 3),
        (refused("InternalServerError", 500), Unavailable, "E006", "again", 3),
        (reset(0.5), Unavailable, "E006", "again", 3),
        (cut, Unavailable, "E006", "again", 3),
        (flipped, Unavailable, "E006", "again", 3),
        (shortened(with_crc=False), Unavailable, "E006", "again", 3),
        (refused("UnrecognizedClientException"), AuthFailed, "E001", "AWS_ACCESS_KEY_ID", 1),
        (refused("ExpiredTokenException"), AuthFailed, "E001", "aws sso login", 1),
        (refused("AccessDeniedException"), AuthFailed, "E001", "policy", 1),
    ],
)
def test_what_stays_is_said_and_nothing_is_committed(
    lake: Lake, proxy: FaultProxy, fault: Fault, error: type[McraftError], code: str, says: str, asked: int
) -> None:
    table = make_app_table(proxy.upstream, HALF_A_HUNDRED)
    proxy.inject(fault, times=None)
    with exporter(proxy.endpoint, attempts=3) as dynamodb, pytest.raises(error) as caught:
        export_table(lake, dynamodb, table, segments=1)
    assert caught.value.code == code
    assert says in caught.value.remedy
    assert len(proxy.of("Scan")) == asked
    assert lake.manifests("dynamodb") == []


def test_a_throttle_for_minutes_ends_at_the_clients_patience(lake: Lake, proxy: FaultProxy) -> None:
    table = make_app_table(proxy.upstream, HALF_A_HUNDRED)
    proxy.inject(refused("ThrottlingException"), skip=1, times=None)
    with exporter(proxy.endpoint, attempts=1000, patience_seconds=1) as dynamodb, pytest.raises(Throttled):
        export_table(lake, dynamodb, table, segments=1)
    assert len(proxy.of("Scan")) >= 3
    assert lake.manifests("dynamodb") == []


def test_no_answer_at_all_is_a_timeout(lake: Lake, proxy: FaultProxy) -> None:
    table = make_app_table(proxy.upstream, HALF_A_HUNDRED)
    over = threading.Event()
    proxy.inject(silent(over), times=None)
    with exporter(proxy.endpoint, attempts=2, timeout_seconds=0.3) as dynamodb, pytest.raises(TimedOut) as caught:
        export_table(lake, dynamodb, table, segments=1)
    over.set()
    assert caught.value.code == "E008"
    assert lake.manifests("dynamodb") == []


def test_refused_credentials_are_said_before_anything_is_read(lake: Lake, proxy: FaultProxy) -> None:
    proxy.inject(refused("UnrecognizedClientException"), None, times=None)
    with exporter(proxy.endpoint) as dynamodb, pytest.raises(AuthFailed) as caught:
        export_table(lake, dynamodb, "moderation-craft-data")
    assert caught.value.code == "E001"
    assert len(proxy.calls) == 1


def test_a_table_that_is_not_there_names_those_that_are(lake: Lake, proxy: FaultProxy) -> None:
    table = make_app_table(proxy.upstream)
    with exporter(proxy.endpoint) as dynamodb, pytest.raises(SetupError) as caught:
        export_table(lake, dynamodb, f"{table}-typo")
    assert caught.value.code == "E011"
    assert table in caught.value.message


@pytest.mark.usefixtures("without_waiting")
@pytest.mark.parametrize("format", ["json", "parquet"])
@pytest.mark.parametrize("has_scratch", [True, False])
def test_an_endpoint_gone_half_way_is_gone_on_with(
    lake: Lake, proxy: FaultProxy, tmp_path: Path, format: Any, has_scratch: bool
) -> None:
    table = make_app_table(proxy.upstream, [item(number) for number in range(200)])
    scratch = tmp_path / "scratch" if has_scratch else None
    proxy.inject(gone, skip=9)
    with exporter(proxy.endpoint, attempts=2) as dynamodb:
        with pytest.raises(Unavailable) as caught:
            export_table(lake, dynamodb, table, format=format, segments=2, scratch=scratch)
        assert caught.value.code == "E006"
        assert lake.manifests("dynamodb") == []
        read_before = sum(call.items for call in proxy.of("Scan") if call.status == 200)
        proxy.forget()
        proxy.arrive()
        manifest = export_table(lake, dynamodb, table, format=format, segments=2, scratch=scratch)
    assert read_back(items(lake, manifest)) == scanned(proxy.upstream, table)
    assert manifest.rows == 200
    # An answer that was on its way when the connection broke is asked for again; nothing else is.
    assert 200 <= read_before + sum(call.items for call in proxy.of("Scan")) <= 200 + 2 * 10


BAD_ITEMS = {
    "400-kb": item(1, blob={"S": "あ" * 133_000}),
    "sets": item(2, s={"SS": ["", "🎉"]}, n={"NS": ["1", "-2.5"]}, b={"BS": [b"", b"\x00\xff"]}),
    "binary": item(3, b={"B": b"\x00\xff\n{}"}, empty={"B": b""}),
    "empty-strings": item(4, s={"S": ""}, m={"M": {"": {"S": ""}}}, l={"L": []}),
    "38-digits": item(5, n={"N": "9" * 38}, small={"N": "1." + "1" * 37 + "E-93"}, big={"N": "9E125"}),
    "minus-zero": item(6, n={"N": "-0"}, s={"S": "-0"}),
    "nan-like": item(7, a={"S": "NaN"}, b={"S": "-Infinity"}, c={"S": "1e400"}, d={"S": "null"}),
    "odd-keys": {**item(8), "PK": {"S": "USER#🎉#x"}, "SK": {"S": "a#b\n\u2028\u0000"}, "x#🎉": {"S": "y"}},
    "no-entity-type": {k: v for k, v in item(9).items() if k != "entity_type"},
    "no-identity": {"PK": {"S": "p"}, "SK": {"S": "s"}},
    "other-types": {**item(10), "id": {"N": "7"}, "user_id": {"NULL": True}, "user": {"L": [{"SS": ["a"]}]}},
}


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_odd_items_are_kept_as_they_are(lake: Lake, any_dynamodb: str, format: Any) -> None:
    table = make_app_table(any_dynamodb, list(BAD_ITEMS.values()))
    with exporter(any_dynamodb) as dynamodb:
        manifest = export_table(lake, dynamodb, table, format=format, segments=3)
    assert (manifest.rows, manifest.refused) == (len(BAD_ITEMS), 0)
    assert read_back(items(lake, manifest)) == scanned(any_dynamodb, table)


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_items_of_400_kb_go_by_the_page(lake: Lake, dynalite_endpoint: str, format: Any) -> None:
    table = make_app_table(dynalite_endpoint)
    for number in range(7):
        client(dynalite_endpoint).put_item(TableName=table, Item=item(number, blob={"B": bytes(409_000)}))
    with exporter(dynalite_endpoint) as dynamodb:
        manifest = export_table(lake, dynamodb, table, format=format, segments=2)
    assert read_back(items(lake, manifest)) == scanned(dynalite_endpoint, table)


SENT = (
    rb'{"PK":{"S":"p"},"SK":{"S":"\ud83c\udf89"},"zero":{"N":"-0"},"tiny":{"N":"1E-130"},"one":{"N":"1.000"}}',
    b'{ "PK" : {"S":"p"} , "SK":{"S":"\xf0\x9f\x8e\x89 2"},\n "n":{"N":"12345678901234567890123456789012345678"}}',
    b'{"PK":{"S":"p"},"SK":{"S":"3"},"new":{"XX":[1.50,1e5,null]}}',
)


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_items_are_the_bytes_that_were_sent(lake: Lake, proxy: FaultProxy, format: Any) -> None:
    """Even numbers that no server stores, escapes, layout, and types that do not exist yet."""
    table = make_app_table(proxy.upstream)

    def say(exchange: Exchange) -> None:
        page = b'{"Count":3,"Items":[' + b",".join(SENT) + b"]}"
        exchange.send(Answer(200, {"content-type": "application/x-amz-json-1.0"}, page))

    proxy.inject(say)
    with exporter(proxy.endpoint) as dynamodb:
        manifest = export_table(lake, dynamodb, table, format=format, segments=1)
    kept = list(items(lake, manifest))
    assert kept[::2] == list(SENT[::2])
    # A line of JSON holds no bare line feed; it stood between two tokens.
    assert kept[1].replace(b"\n", b" ") == SENT[1].replace(b"\n", b" ")


def test_capacity_stays_under_its_cap_over_the_whole_run(lake: Lake, proxy: FaultProxy) -> None:
    proxy.page_items = 40
    table = make_app_table(proxy.upstream, [item(number, text={"S": "x" * 2000}) for number in range(400)])
    with exporter(proxy.endpoint) as dynamodb:
        began = time.monotonic()
        manifest = export_table(lake, dynamodb, table, segments=4, max_rcu=60)
        seconds = time.monotonic() - began
    calls = proxy.of("Scan")
    assert all(call.request["ReturnConsumedCapacity"] == "TOTAL" for call in calls)
    a_page = max(call.capacity for call in calls)
    # The first page of each segment is on the house, as DynamoDB's own burst is.
    assert capacity(calls) <= 60 * seconds + 4 * a_page
    assert manifest.rows == 400


class Timeline:
    """A clock that moves by sleeping alone, a microsecond at least."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 1e-6)


@pytest.mark.parametrize("page_rcu", [0.5, 16, 128.5])
@pytest.mark.parametrize("max_rcu", [10, 100, 3000])
def test_paced_readers_average_their_cap(max_rcu: float, page_rcu: float) -> None:
    timeline = Timeline()
    pace = ReadCapacity(max_rcu, now=timeline.now, sleep=timeline.sleep)
    pages = 400
    for _ in range(pages):
        pace.wait()
        pace.spend(page_rcu)
        timeline.sleep(0.001)
    spent = pages * page_rcu
    assert spent <= max_rcu * timeline.seconds + 2 * page_rcu
    if spent > 2 * max_rcu:
        assert spent / timeline.seconds == pytest.approx(max_rcu, rel=0.25)


def test_a_throttle_slows_the_readers_and_success_speeds_them_up() -> None:
    timeline = Timeline()
    pace = ReadCapacity(100, now=timeline.now, sleep=timeline.sleep)

    def spent_in(seconds: float) -> float:
        end, before = timeline.seconds + seconds, pace.consumed
        while timeline.seconds < end:
            pace.wait()
            pace.spend(5)
            timeline.sleep(0.001)
        return pace.consumed - before

    at_first = spent_in(10)
    pace.throttled()
    slowed = spent_in(2)
    spent_in(60)
    again = spent_in(10)
    assert slowed / 2 < 0.7 * at_first / 10
    assert again == pytest.approx(at_first, rel=0.1)
