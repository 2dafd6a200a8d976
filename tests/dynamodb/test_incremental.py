"""Changes laid over the last export are the table as it is: nothing missed, nothing kept too long, little read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import stamina
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation_craft.clock import FixedClock, iso
from moderation_craft.errors import Unavailable
from moderation_craft.lake import Lake, Manifest
from moderation_craft.lake.chain import chain
from moderation_craft.sources.dynamodb.export import export_table
from tests.conftest import NOON_IN_TOKYO
from tests.dynamodb.faults import (
    Answer,
    Exchange,
    FaultProxy,
    fault_proxy,
    gone,
    refused,
    reset,
    shortened,
)
from tests.dynamodb.servers import delete_items, make_app_table, put_items
from tests.dynamodb.tables import item
from tests.dynamodb.test_export import exporter
from tests.dynamodb.test_roundtrip import in_order, revived, scanned

Item = dict[str, Any]

LONG_AGO = NOON_IN_TOKYO - timedelta(days=30)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    """Retries follow each other at once."""
    stamina.set_testing(True, attempts=1000, cap=True)
    try:
        yield
    finally:
        stamina.set_testing(False)


def record(number: int, at: datetime, *, kind: str = "mood_entry", **more: Any) -> Item:
    """A record as of an instant."""
    return item(number, updated_at={"S": iso(at)}, entity_type={"S": kind}, **more)


def changes(
    lake: Lake, endpoint: str, table: str, *, reconcile: bool = True, segments: int = 2, **more: Any
) -> Manifest:
    with exporter(endpoint, attempts=4) as dynamodb:
        return export_table(
            lake, dynamodb, table, mode="incremental", reconcile=reconcile, segments=segments, **more
        )


def full(lake: Lake, endpoint: str, table: str, **more: Any) -> Manifest:
    with exporter(endpoint, attempts=4) as dynamodb:
        return export_table(lake, dynamodb, table, mode="full", segments=2, **more)


def present(lake: Lake, table: str) -> list[Mapping[str, Any]]:
    """The table's present state by the manifests alone: its chain, link laid over link."""
    state: dict[tuple[str, str], Mapping[str, Any]] = {}
    for link in chain(found for found in lake.manifests("dynamodb") if found.details["table_name"] == table):
        rows = list(_rows(lake, link))
        assert len({key for key, _ in rows}) == len(rows) == link.rows, "a key twice in one export"
        for key, held in rows:
            if held is None:
                state.pop(key, None)
            else:
                state[key] = held
    return in_order(state.values())


def _rows(lake: Lake, manifest: Manifest) -> Iterator[tuple[tuple[str, str], Mapping[str, Any] | None]]:
    """(PK, SK) and the item; None for a tombstone. Read without the exporter's own readers."""
    for part in manifest.parts:
        if part.key.endswith(".parquet"):
            columns = pq.read_table(io.BytesIO(lake.storage.get(part.key)))
            for row in columns.select(["pk", "sk", "item"]).to_pylist():
                yield (row["pk"], row["sk"]), None if row["item"] is None else revived(row["item"].encode())
        else:
            for line in map(json.loads, lake.lines(part.key)):
                ((kind, keys),) = line.items()
                held = revived(json.dumps(keys).encode()) if kind == "Item" else None
                yield (keys["PK"]["S"], keys["SK"]["S"]), held


@pytest.mark.parametrize("format", ["json", "parquet"])
@pytest.mark.parametrize("index", ["ALL", "KEYS_ONLY"])
def test_changes_and_deletions_make_the_table_as_it_is(
    any_lake: Lake, clock: FixedClock, proxy: FaultProxy, index: Any, format: Any
) -> None:
    before = [record(number, LONG_AGO, kind="mood_entry" if number % 3 else "project") for number in range(200)]
    table = make_app_table(proxy.upstream, before, index=index)
    full(any_lake, proxy.endpoint, table, format=format)
    clock.instant += HOUR
    changed = [record(number, clock.instant, mood={"N": "-0.5"}, blob={"B": b"\xff"}) for number in range(10)]
    new = [record(number, clock.instant, kind="work_session") for number in range(200, 205)]
    put_items(proxy.upstream, table, [*changed, *new])
    delete_items(proxy.upstream, table, before[50:57])
    proxy.forget()
    manifest = changes(any_lake, proxy.endpoint, table, format=format)
    assert present(any_lake, table) == scanned(proxy.upstream, table)
    assert manifest.rows == 10 + 5 + 7
    assert (manifest.details["changed"], manifest.details["deleted"], manifest.details["late"]) == (15, 7, 0)
    assert manifest.details["is_delta"] is True
    assert sum(call.items for call in proxy.of("Query")) == 15
    assert sum(call.items for call in proxy.of("BatchGetItem")) == (15 if index == "KEYS_ONLY" else 0)
    assert all("ProjectionExpression" in call.request for call in proxy.of("Scan")), "only keys are listed"


def test_changes_alone_cost_what_changed_and_never_scan(lake: Lake, clock: FixedClock, proxy: FaultProxy) -> None:
    table = make_app_table(proxy.upstream, [record(number, LONG_AGO) for number in range(200)])
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    put_items(proxy.upstream, table, [record(3, clock.instant, new={"BOOL": True})])
    proxy.forget()
    manifest = changes(lake, proxy.endpoint, table, reconcile=False)
    assert (manifest.rows, proxy.of("Scan")) == (1, [])
    assert present(lake, table) == scanned(proxy.upstream, table)
    clock.instant += HOUR
    again = changes(lake, proxy.endpoint, table, reconcile=False)
    assert (again.rows, again.parts) == (0, []), "what the overlap brings again is not written again"


def test_a_late_writer_within_the_overlap_is_seen_and_a_later_one_by_its_key(
    lake: Lake, clock: FixedClock, proxy: FaultProxy
) -> None:
    table = make_app_table(proxy.upstream, [record(number, LONG_AGO) for number in range(20)])
    full(lake, proxy.endpoint, table)
    put_items(proxy.upstream, table, [record(1, clock.instant - 20 * HOUR, late={"BOOL": True})])
    put_items(proxy.upstream, table, [record(2, clock.instant - 100 * HOUR, later={"BOOL": True})])
    put_items(proxy.upstream, table, [record(50, LONG_AGO, kind="brand_new_kind")])
    put_items(proxy.upstream, table, [{"PK": {"S": "odd"}, "SK": {"S": "no type, no time"}}])
    clock.instant += HOUR
    seen = changes(lake, proxy.endpoint, table, reconcile=False)
    assert seen.rows == 1
    clock.instant += HOUR
    manifest = changes(lake, proxy.endpoint, table)
    assert (manifest.details["late"], manifest.rows) == (3, 3)
    assert present(lake, table) == scanned(proxy.upstream, table)


@pytest.mark.parametrize("how", ["no-index", "denied"])
def test_without_the_index_the_whole_table_is_read_and_that_is_said(
    lake: Lake, clock: FixedClock, proxy: FaultProxy, how: str
) -> None:
    table = make_app_table(
        proxy.upstream,
        [record(number, LONG_AGO) for number in range(30)],
        index=None if how == "no-index" else "ALL",
    )
    if how == "denied":
        proxy.inject(refused("AccessDeniedException"), "Query", times=None)
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    delete_items(proxy.upstream, table, [record(1, LONG_AGO)])
    manifest = changes(lake, proxy.endpoint, table)
    assert (manifest.details["mode"], manifest.details["is_delta"]) == ("full", False)
    assert "entity-type-index" in manifest.details["reason"]
    assert present(lake, table) == scanned(proxy.upstream, table)


def test_the_first_time_everything_is_read_and_that_is_said(lake: Lake, proxy: FaultProxy) -> None:
    table = make_app_table(proxy.upstream, [record(number, LONG_AGO) for number in range(30)])
    manifest = changes(lake, proxy.endpoint, table)
    assert manifest.details["is_delta"] is False
    assert manifest.details["reason"]
    assert present(lake, table) == scanned(proxy.upstream, table)


@pytest.mark.parametrize("has_reconcile", [True, False])
def test_a_record_that_goes_back_to_an_earlier_version_goes_back_in_raw(
    lake: Lake, clock: FixedClock, proxy: FaultProxy, has_reconcile: bool
) -> None:
    """A device that was offline sends its old copy, or a backup is restored: the very bytes of before."""
    early = record(1, clock.instant - HOUR, mood={"N": "1"})
    table = make_app_table(proxy.upstream, [early])
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    put_items(proxy.upstream, table, [record(1, clock.instant, mood={"N": "2"})])
    changes(lake, proxy.endpoint, table, reconcile=has_reconcile)
    clock.instant += HOUR
    put_items(proxy.upstream, table, [early])
    changes(lake, proxy.endpoint, table, reconcile=has_reconcile)
    assert present(lake, table) == scanned(proxy.upstream, table)


def test_a_deleted_record_that_comes_back_unchanged_is_back_in_raw(
    lake: Lake, clock: FixedClock, proxy: FaultProxy
) -> None:
    kept = record(1, clock.instant - HOUR)
    table = make_app_table(proxy.upstream, [kept, record(2, LONG_AGO)])
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    delete_items(proxy.upstream, table, [kept])
    assert changes(lake, proxy.endpoint, table).details["deleted"] == 1
    assert len(present(lake, table)) == 1
    clock.instant += HOUR
    put_items(proxy.upstream, table, [kept])
    changes(lake, proxy.endpoint, table)
    assert present(lake, table) == scanned(proxy.upstream, table)


@pytest.mark.parametrize("what", ["deleted", "changed"])
def test_what_changes_between_the_index_and_the_keys_stands_once(
    lake: Lake, clock: FixedClock, proxy: FaultProxy, what: str
) -> None:
    table = make_app_table(proxy.upstream, [record(number, LONG_AGO) for number in range(5)])
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    put_items(proxy.upstream, table, [record(1, clock.instant, version={"N": "2"})])

    def meanwhile(exchange: Exchange) -> None:
        if what == "deleted":
            delete_items(proxy.upstream, table, [record(1, LONG_AGO)])
        else:
            put_items(proxy.upstream, table, [record(1, clock.instant + timedelta(seconds=1), version={"N": "3"})])
        exchange.send(exchange.forward())

    proxy.inject(meanwhile, "Scan")
    changes(lake, proxy.endpoint, table, segments=1)
    assert present(lake, table) == scanned(proxy.upstream, table)


def test_a_scan_that_was_cut_off_does_not_undo_what_came_after_it(
    lake: Lake, clock: FixedClock, proxy: FaultProxy, tmp_path: Path
) -> None:
    table = make_app_table(proxy.upstream, [record(number, LONG_AGO) for number in range(100)])
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    proxy.inject(gone, skip=5)
    with pytest.raises(Unavailable):
        full(lake, proxy.endpoint, table, scratch=tmp_path)
    proxy.arrive()
    proxy.heal()
    for version in ("1", "2"):
        clock.instant += HOUR
        put_items(
            proxy.upstream, table, [record(n, clock.instant, version={"N": version}) for n in range(0, 100, 7)]
        )
        if version == "1":
            delete_items(proxy.upstream, table, [record(99, LONG_AGO)])
            changes(lake, proxy.endpoint, table)
            put_items(proxy.upstream, table, [record(99, clock.instant)])
    clock.instant += HOUR
    full(lake, proxy.endpoint, table, scratch=tmp_path)
    clock.instant += HOUR
    changes(lake, proxy.endpoint, table)
    assert present(lake, table) == scanned(proxy.upstream, table)


@pytest.mark.parametrize("operation", ["Query", "BatchGetItem", "Scan"])
@pytest.mark.parametrize(
    "fault",
    [refused("ThrottlingException"), refused("InternalServerError", 500), reset(0.5), shortened(with_crc=False)],
)
def test_faults_while_changes_are_read_lose_nothing(
    lake: Lake, clock: FixedClock, proxy: FaultProxy, operation: str, fault: Any
) -> None:
    table = make_app_table(proxy.upstream, [record(number, LONG_AGO) for number in range(60)], index="KEYS_ONLY")
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    put_items(proxy.upstream, table, [record(number, clock.instant) for number in range(40, 80)])
    delete_items(proxy.upstream, table, [record(number, LONG_AGO) for number in range(5)])
    proxy.inject(fault, operation, skip=1, times=2)
    manifest = changes(lake, proxy.endpoint, table)
    assert [call.fault for call in proxy.of(operation)].count(fault.__name__) == 2
    assert manifest.rows == 45
    assert present(lake, table) == scanned(proxy.upstream, table)


@pytest.mark.parametrize("operation", ["Query", "BatchGetItem", "Scan"])
def test_an_endpoint_gone_while_changes_are_read_commits_nothing(
    lake: Lake, clock: FixedClock, proxy: FaultProxy, operation: str
) -> None:
    table = make_app_table(proxy.upstream, [record(number, LONG_AGO) for number in range(60)], index="KEYS_ONLY")
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    put_items(proxy.upstream, table, [record(number, clock.instant) for number in range(40, 80)])
    proxy.inject(gone, operation, skip=1)
    with pytest.raises(Unavailable):
        changes(lake, proxy.endpoint, table)
    assert len(lake.manifests("dynamodb")) == 1
    proxy.arrive()
    clock.instant += HOUR
    changes(lake, proxy.endpoint, table)
    assert present(lake, table) == scanned(proxy.upstream, table)


def test_keys_left_unprocessed_by_a_busy_table_are_asked_for_again(
    lake: Lake, clock: FixedClock, proxy: FaultProxy
) -> None:
    """Or by one whose answer would be over 16 MB."""
    table = make_app_table(proxy.upstream, [record(0, LONG_AGO)], index="KEYS_ONLY")
    full(lake, proxy.endpoint, table)
    clock.instant += HOUR
    put_items(proxy.upstream, table, [record(number, clock.instant) for number in range(9)])

    def half(exchange: Exchange) -> None:
        answer = exchange.forward()
        said = json.loads(answer.body)
        given = said["Responses"][table]
        keys = [{"PK": each["PK"], "SK": each["SK"]} for each in given[4:]]
        said |= {"Responses": {table: given[:4]}, "UnprocessedKeys": {table: {"Keys": keys}}}
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "x-amz-crc32"}
        exchange.send(Answer(200, headers, json.dumps(said).encode()))

    proxy.inject(half, "BatchGetItem")
    changes(lake, proxy.endpoint, table)
    assert present(lake, table) == scanned(proxy.upstream, table)


RECORDS = st.integers(0, 2)
AGES = st.sampled_from([timedelta(0), timedelta(0), 20 * HOUR, 40 * HOUR, timedelta(days=90)])
CHANGES = st.one_of(
    st.tuples(st.just("put"), RECORDS, AGES),
    st.tuples(st.just("put again"), RECORDS, st.integers(1, 3)),
    st.tuples(st.just("delete"), RECORDS, st.none()),
    st.tuples(st.just("wait"), st.integers(1, 30), st.none()),
)
EXPORTS = st.sampled_from(["", "", "changes and keys", "changes and keys", "changes", "full", "cut off"])
STEPS = st.tuples(CHANGES, EXPORTS)


@pytest.fixture
def small_pages(dynalite_endpoint: str) -> Iterator[FaultProxy]:
    with fault_proxy(dynalite_endpoint, page_items=2) as between:
        yield between


@pytest.mark.parametrize("index", ["ALL", "KEYS_ONLY"])
def test_whatever_happens_in_whatever_order_raw_follows_the_table(
    small_pages: FaultProxy, tmp_path_factory: pytest.TempPathFactory, index: Any
) -> None:
    """Random lives of a table; after each export that reads all keys, raw's present state is the table."""
    proxy = small_pages

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(steps=st.lists(STEPS, min_size=5, max_size=15))
    def live(steps: list[tuple[tuple[str, Any, Any], str]]) -> None:
        clock = FixedClock(NOON_IN_TOKYO)
        home = tmp_path_factory.mktemp("life")
        lake = Lake.open(str(home / "lake"), clock)
        ever = {number: [record(number, LONG_AGO)] for number in range(3)}
        table = make_app_table(proxy.upstream, [versions[0] for versions in ever.values()], index=index)
        full(lake, proxy.endpoint, table)
        for (change, what, more), export in [*steps, (("wait", 0, None), "changes and keys")]:
            clock.instant += timedelta(minutes=1)
            match change:
                case "put":
                    # A version of its own instant: two contents under one updated_at cannot be told apart by keys.
                    version = sum(map(len, ever.values()))
                    at = clock.instant - more + timedelta(milliseconds=version)
                    ever[what].append(record(what, at, version={"N": str(version)}))
                    put_items(proxy.upstream, table, ever[what][-1:])
                case "put again":
                    put_items(proxy.upstream, table, [ever[what][-min(more, len(ever[what]))]])
                case "delete":
                    delete_items(proxy.upstream, table, ever[what][:1])
                case "wait":
                    clock.instant += what * HOUR
            clock.instant += timedelta(minutes=1)
            is_exact = False
            match export:
                case "full":
                    manifest = full(lake, proxy.endpoint, table, scratch=home)
                    is_exact = manifest.details["sessions"] == 1  # else some of it was read a while ago
                case "cut off":
                    proxy.inject(refused("InternalServerError", 500), skip=1, times=None)
                    with suppress(Unavailable):
                        full(lake, proxy.endpoint, table, scratch=home)
                    proxy.heal()
                case "changes":
                    changes(lake, proxy.endpoint, table, reconcile=False)
                case "changes and keys":
                    changes(lake, proxy.endpoint, table)
                    is_exact = True
            if is_exact:
                assert present(lake, table) == scanned(proxy.upstream, table)

    live()
