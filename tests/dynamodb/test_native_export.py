"""AWS's own export: started, waited for, verified, registered where it lies; windows join or are refused."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation_craft.clock import FixedClock, SystemClock, iso
from moderation_craft.errors import (
    AuthFailed,
    LakeRefused,
    McraftError,
    RecordInvalid,
    SchemaChanged,
    SetupError,
    Unavailable,
)
from moderation_craft.lake import Lake, Manifest, Storage
from moderation_craft.lake.chain import as_of, chain_positions
from moderation_craft.sources.dynamodb import native_files
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient
from moderation_craft.sources.dynamodb.export import ExportPaused
from moderation_craft.sources.dynamodb.native_chain import begins, check_chain, native_exports, split_windows
from moderation_craft.sources.dynamodb.native_export import export_native
from moderation_craft.sources.dynamodb.native_import import import_native
from tests.conftest import wait_until
from tests.dynamodb.native_files import (
    REGION,
    ExportPlane,
    Refused,
    export_plane,
    full_line,
    raw_keys,
    read,
    records,
    table_arn,
    write_export,
)
from tests.dynamodb.tables import client, item, make_table
from tests.dynamodb.test_export import TRICKY
from tests.dynamodb.test_roundtrip import in_order, revived, scanned

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient as Boto3Client

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """moto on loopback: DynamoDB with point-in-time recovery, and S3."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"

    def is_up() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with log.open("wb") as out:
        arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(arguments, stdout=out, stderr=out)
        try:
            wait_until(is_up, f"moto did not start: {log.read_text()[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture
def plane(moto_server: str, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportPlane]:
    """AWS's export control plane before moto, with AWS's usual environment pointing at both."""
    clock.instant = NOON
    with export_plane(moto_server, clock) as plane:
        for name, value in environment(moto_server).items():
            monkeypatch.setenv(name, value)
        yield plane


def environment(moto: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": moto,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


@pytest.fixture
def s3_lake(plane: ExportPlane, clock: FixedClock) -> Lake:
    bucket = f"lake-{uuid.uuid4().hex[:12]}"
    s3(plane).create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Lake.open(f"s3://{bucket}/some/prefix", clock)


@pytest.fixture
def table(plane: ExportPlane) -> str:
    """A table with recovery on, holding TRICKY since an hour."""
    name = recovering_table(plane)
    for each in TRICKY:
        write(plane, name, each, NOON - HOUR)
    return name


def recovering_table(plane: ExportPlane) -> str:
    name = make_table(plane.endpoint)
    dynamodb(plane).update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    return name


@pytest.fixture
def run(plane: ExportPlane, s3_lake: Lake, table: str) -> Callable[..., Manifest]:
    def run(**more: Any) -> Manifest:
        with exporter(plane) as dynamodb:
            return export_native(s3_lake, dynamodb, table, **{"poll_seconds": 0.01, **more})

    return run


def exporter(plane: ExportPlane, **more: Any) -> DynamoDBClient:
    return DynamoDBClient(region=REGION, endpoint_url=plane.endpoint, keys=AwsKeys("test", "test-secret"), **more)


def dynamodb(plane: ExportPlane) -> Boto3Client:
    return client(plane.endpoint)


def s3(plane: ExportPlane) -> Any:
    return boto3.client("s3", endpoint_url=plane.moto, region_name=REGION)


def at(plane: ExportPlane, instant: datetime) -> None:
    assert isinstance(plane.clock, FixedClock)
    plane.clock.instant = instant


def write(plane: ExportPlane, table: str, entry: dict[str, Any], instant: datetime) -> None:
    now = plane.clock.now()
    at(plane, instant)
    dynamodb(plane).put_item(TableName=table, Item=entry)
    at(plane, now)


def delete(plane: ExportPlane, table: str, entry: dict[str, Any], instant: datetime) -> None:
    now = plane.clock.now()
    at(plane, instant)
    dynamodb(plane).delete_item(TableName=table, Key={name: entry[name] for name in ("PK", "SK")})
    at(plane, now)


def started(plane: ExportPlane) -> list[tuple[str, int | None, int]]:
    """Each export that AWS made: type, first and last second."""
    found = []
    for export in plane.exports:
        window = export.request.get("IncrementalExportSpecification", {})
        last = window.get("ExportToTime", export.request.get("ExportTime"))
        found.append((export.request["ExportType"], window.get("ExportFromTime"), last))
    return found


def test_a_full_export_is_registered_where_aws_put_it(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    seen: list[str] = []
    plane.polls = 3
    manifest = run(job_id="job-1", progress=lambda done, total, doing: seen.append(doing))
    assert read(s3_lake, manifest) == scanned(plane.endpoint, table)
    assert manifest.rows == len(TRICKY)
    shows = "2026-11-23T11:55:00.000Z"
    assert {name: value for name, value in manifest.details.items() if name != "native"} == {
        "table_name": table,
        "mode": "pitr",
        "is_delta": False,
        "as_of": shows,
        "from": None,
        "format": "dynamodb_json",
        "region": REGION,
        "job_id": "job-1",
        "window": {"first": shows, "last": shows},
    }
    home = f"raw/internal/dynamodb-exports/dt=2026-11-23/{table}/native/AWSDynamoDB/"
    assert all(part.key.startswith(home) and part.key.endswith(".json.gz") for part in manifest.parts)
    # Nothing stands in raw but what AWS wrote (an empty partition's file included) and the one manifest.
    assert sum(key.startswith(home) for key in raw_keys(s3_lake)) == 5 + 3
    assert len(raw_keys(s3_lake)) == 5 + 3 + 1
    assert len(manifest.parts) == 2
    assert any("waiting for AWS's full export" in doing for doing in seen) and seen[-1] == "items verified"
    assert s3_lake.read_state(f"native-exports/{table}.json") is None


def test_soon_after_there_is_nothing_to_do(plane: ExportPlane, run: Callable[..., Manifest]) -> None:
    first = run()
    at(plane, NOON + timedelta(minutes=14))
    seen: list[str] = []
    assert run(progress=lambda done, total, doing: seen.append(doing)) == first
    assert len(plane.exports) == 1
    assert "less than 15 minutes" in seen[-1]


def test_a_window_holds_what_changed_and_joins(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    full = run()
    changed = {**TRICKY[0], "updated_at": {"S": "2026-11-23T12:10:00Z"}}
    write(plane, table, changed, NOON + timedelta(minutes=10))
    write(plane, table, item(9), NOON + timedelta(minutes=11))
    delete(plane, table, TRICKY[1], NOON + timedelta(minutes=12))
    write(plane, table, item(10), NOON + timedelta(minutes=13))
    delete(plane, table, item(10), NOON + timedelta(minutes=14))
    at(plane, NOON + HOUR)
    window = run()
    assert (begins(window), as_of(window)) == (as_of(full), "2026-11-23T12:55:00.000Z")
    assert window.details["is_delta"] is True and window.details["mode"] == "pitr"
    assert window.rows == 3
    assert {str(entry["SK"]["S"]) for entry in read(s3_lake, window)} == {"MOOD#00001", "MOOD#00009"}
    (gone,) = [record for record in records(s3_lake, window) if record.is_delete]
    assert json.loads(gone.keys)["SK"] == TRICKY[1]["SK"] and json.loads(gone.old)["id"] == TRICKY[1]["id"]

    write(plane, table, item(9, again={"BOOL": True}), NOON + HOUR)
    at(plane, NOON + 2 * HOUR)
    run()
    links = native_exports(s3_lake, table)
    assert [link.id for link in check_chain(links)] == list(chain_positions(links))
    assert list(chain_positions(links).values()) == [0, 1, 2]
    now = {json.dumps(entry["SK"]): entry for entry in read(s3_lake, links[0])}
    for link in check_chain(links)[1:]:
        for record in records(s3_lake, link):
            now.pop(json.dumps(json.loads(record.keys or record.item)["SK"]), None)
            if record.item:
                entry = revived(record.item)
                now[json.dumps(entry["SK"])] = entry
    assert in_order(now.values()) == scanned(plane.endpoint, table)


def test_a_long_gap_is_several_windows(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    run()
    at(plane, NOON + timedelta(hours=48, minutes=5))
    plane.limit = 1
    last = run()
    links = check_chain(native_exports(s3_lake, table))
    assert last == links[-1] and len(links) == 4
    assert as_of(last) == "2026-11-25T12:00:00.000Z"
    spans = [end - (first or end) for _, first, end in started(plane)[1:]]
    assert sum(spans) == (48 * 60 + 5) * 60 and all(15 * 60 <= span <= 24 * 3600 for span in spans)


def test_a_chain_older_than_recovery_starts_again(plane: ExportPlane, run: Callable[..., Manifest]) -> None:
    run()
    at(plane, NOON + timedelta(days=36))
    seen: list[str] = []
    assert run(progress=lambda done, total, doing: seen.append(doing)).details["is_delta"] is False
    assert any("a full export again" in doing for doing in seen)
    plane.enabled_at = NOON + timedelta(days=37)  # recovery was turned off and on again
    at(plane, NOON + timedelta(days=38))
    assert run().details["is_delta"] is False


def test_recovery_that_is_off_is_said_with_the_command(plane: ExportPlane, s3_lake: Lake) -> None:
    name = make_table(plane.endpoint, TRICKY)
    with exporter(plane) as client, pytest.raises(SetupError) as caught:
        export_native(s3_lake, client, name)
    assert "Point-in-time recovery" in caught.value.message and "update-continuous-backups" in caught.value.remedy
    assert raw_keys(s3_lake) == []


def test_a_lake_in_a_folder_is_refused_with_the_way_out(lake: Lake, plane: ExportPlane, table: str) -> None:
    with exporter(plane) as client, pytest.raises(SetupError) as caught:
        export_native(lake, client, table)
    assert caught.value.code == "E011" and "mcraft import dynamodb-export" in caught.value.remedy
    assert plane.exports == []


def test_a_missing_table_is_named(plane: ExportPlane, s3_lake: Lake, table: str) -> None:
    with exporter(plane) as client, pytest.raises(SetupError, match="no-such-table"):
        export_native(s3_lake, client, "no-such-table")


CHILD = """
import sys
from moderation_craft.lake import Lake
from moderation_craft.sources.dynamodb.client import DynamoDBClient
from moderation_craft.sources.dynamodb.native_export import export_native
address, endpoint, table = sys.argv[1:]
with DynamoDBClient(region="ap-northeast-1", endpoint_url=endpoint) as client:
    export_native(Lake.open(address), client, table, poll_seconds=0.01)
"""


def test_a_killed_wait_goes_on_with_the_same_export(plane: ExportPlane, s3_lake: Lake, table: str) -> None:
    plane.clock = s3_lake.clock = SystemClock()
    plane.is_holding = True
    arguments = [sys.executable, "-c", CHILD, s3_lake.address, plane.endpoint, table]
    child = subprocess.Popen(arguments, env={**os.environ, **environment(plane.moto)})
    try:
        wait_until(lambda: plane.calls.count("DescribeExport") > 1, "the wait did not begin")
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(20)
    assert native_exports(s3_lake, table) == []
    plane.is_holding = False
    with exporter(plane) as client:
        manifest = export_native(s3_lake, client, table, poll_seconds=0.01)
    assert len(plane.exports) == 1 and plane.calls.count("ExportTableToPointInTime") == 1
    assert manifest.rows == len(TRICKY)


class Killed(BaseException):
    """As little can be done about it as about SIGKILL."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_step_one_export_is_made_and_registered_once(
    plane: ExportPlane, s3_lake: Lake, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """At every call to DynamoDB and every write to the lake in turn: just before it, or just after."""
    for kill_at in range(1, 100):
        name = recovering_table(plane)
        write(plane, name, item(1), NOON - HOUR)
        steps = 0

        def deadly(real: Callable[..., Any], kill_at: int = kill_at) -> Callable[..., Any]:
            def call(*arguments: Any, **more: Any) -> Any:
                nonlocal steps
                steps += 1
                if steps == kill_at and when == "before":
                    raise Killed
                answer = real(*arguments, **more)
                if steps == kill_at:
                    raise Killed
                return answer

            return call

        with monkeypatch.context() as patched, exporter(plane) as client:
            for owner, method in ((DynamoDBClient, "call"), *((Storage, n) for n in ("put", "put_new", "delete"))):
                patched.setattr(owner, method, deadly(getattr(owner, method)))
            with suppress(Killed):
                export_native(s3_lake, client, name, poll_seconds=0.01)
        with exporter(plane) as client:
            manifest = export_native(s3_lake, client, name, poll_seconds=0.01)
        assert native_exports(s3_lake, name) == [manifest] and manifest.rows == 1
        assert sum(name in export.description["ExportArn"] for export in plane.exports) == 1
        assert s3_lake.read_state(f"native-exports/{name}.json") is None
        if steps < kill_at:
            assert kill_at > 8
            return
    pytest.fail("the export never came to its end")


def test_a_state_that_another_version_wrote_is_no_obstacle(
    s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    s3_lake.write_state(f"native-exports/{table}.json", {"wanted": [{"of": "another version"}]})
    assert run().rows == len(TRICKY)


def test_an_answer_that_got_lost_is_found_again(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    run()
    at(plane, NOON + timedelta(days=2))
    plane.answers_to_lose = 1
    with exporter(plane, attempts=1) as client, pytest.raises(Unavailable):
        export_native(s3_lake, client, table, poll_seconds=0.01)
    assert len(plane.exports) == 2
    at(plane, NOON + timedelta(days=2, hours=1))  # another time, the same windows: they were written down before
    run()
    assert plane.calls.count("ListExports") > 0
    assert len(plane.exports) == 3
    check_chain(native_exports(s3_lake, table))


def test_a_run_killed_right_after_its_commit_commits_once(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    state = f"native-exports/{table}.json"
    plane.is_holding = True
    with pytest.raises(ExportPaused):
        run(deadline=lambda: True)
    remembered = s3_lake.read_state(state)
    assert remembered is not None
    plane.is_holding = False
    manifest = run()
    s3_lake.write_state(state, remembered)
    assert run() == manifest
    assert native_exports(s3_lake, table) == [manifest] and s3_lake.read_state(state) is None


def test_a_permission_that_is_missing_is_named(
    plane: ExportPlane, run: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(request: Any) -> Any:
        raise Refused(
            "AccessDeniedException", "User is not authorized to perform: dynamodb:ExportTableToPointInTime"
        )

    monkeypatch.setattr(plane, "start", refuse)
    with pytest.raises(AuthFailed) as caught:
        run()
    assert "dynamodb:ExportTableToPointInTime" in caught.value.remedy and "s3:PutObject" in caught.value.remedy


def test_a_retried_request_joins_the_same_export(plane: ExportPlane, run: Callable[..., Manifest]) -> None:
    plane.answers_to_lose = 1
    run()
    assert plane.calls.count("ExportTableToPointInTime") == 2 and len(plane.exports) == 1


def test_an_export_under_way_that_nobody_remembers_is_joined(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    plane.is_holding = True
    with pytest.raises(ExportPaused):
        run(deadline=lambda: True)
    s3_lake.storage.delete([f"_state/native-exports/{table}.json"])
    plane.is_holding = False
    ours = plane.exports[0]
    another = replace(ours, description={**ours.description, "S3Prefix": "elsewhere", "ExportArn": "arn:another"})
    plane.exports.insert(0, another)
    at(plane, NOON + HOUR)
    seen: list[str] = []
    assert as_of(run(progress=lambda done, total, doing: seen.append(doing))) == "2026-11-23T12:55:00.000Z"
    assert any("under way already" in doing for doing in seen)
    assert [kind for kind, *_ in started(plane)[1:]] == ["FULL_EXPORT", "INCREMENTAL_EXPORT"]


def test_a_deadline_while_verifying_keeps_what_was_verified(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_files, "_FILES_AT_ONCE", 1)
    asked = iter([False, False, True])  # before the wait, before the first file, before the second
    plane.polls = 1
    with pytest.raises(ExportPaused):
        run(deadline=lambda: next(asked))
    state = s3_lake.read_state(f"native-exports/{table}.json")
    assert state is not None and len(state["wanted"][0]["verified"]) == 1
    assert native_exports(s3_lake, table) == []
    assert run().rows == len(TRICKY) and len(plane.exports) == 1


def test_windows_that_aws_no_longer_makes_do_not_stand_in_the_way(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    run()
    at(plane, NOON + timedelta(hours=49))
    plane.limit, plane.is_holding = 1, True
    with pytest.raises(ExportPaused):
        run(deadline=lambda: True)
    at(plane, NOON + timedelta(days=40))
    plane.is_holding = False
    with pytest.raises(SchemaChanged, match="InvalidExportTimeException"):
        run()  # the window that was under way is finished; the one after it came too late
    assert [link.details["is_delta"] for link in check_chain(native_exports(s3_lake, table))] == [False, True]
    assert run().details["is_delta"] is False


def test_a_new_chain_does_not_wait_for_windows_of_the_old(
    plane: ExportPlane, run: Callable[..., Manifest]
) -> None:
    run()
    at(plane, NOON + HOUR)
    plane.is_holding = True
    with pytest.raises(ExportPaused):
        run(deadline=lambda: True)
    plane.is_holding = False
    assert run(new_chain=True).details["is_delta"] is False
    assert [kind for kind, *_ in started(plane)] == ["FULL_EXPORT", "INCREMENTAL_EXPORT", "FULL_EXPORT"]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (("S3NoSuchBucket", "The specified bucket does not exist"), LakeRefused),
        (("InternalServerError", "an internal error"), Unavailable),
    ],
)
def test_an_export_that_failed_says_why_and_is_asked_for_anew(
    plane: ExportPlane,
    s3_lake: Lake,
    run: Callable[..., Manifest],
    failure: tuple[str, str],
    expected: type[McraftError],
) -> None:
    plane.fails_with = failure
    with pytest.raises(expected) as caught:
        run()
    assert failure[1] in caught.value.message
    assert raw_keys(s3_lake) == []
    plane.fails_with = None
    assert run().rows == len(TRICKY)


def test_files_that_do_not_agree_are_not_registered(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    plane.is_holding = True
    with pytest.raises(ExportPaused):
        run(deadline=lambda: True)
    data = max((key for key in raw_keys(s3_lake) if "/data/" in key), key=s3_lake.storage.size)
    s3_lake.storage.put(data, s3_lake.storage.get(data)[:-20])
    plane.is_holding = False
    with pytest.raises(RecordInvalid, match="MD5"):
        run()
    assert native_exports(s3_lake, table) == []
    assert run().rows == len(TRICKY) and len(plane.exports) == 2


def test_the_answer_to_another_question_is_not_registered(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    at(plane, NOON + 3 * HOUR)
    monkeypatch.setattr(
        plane,
        "window",
        lambda request, name: plane.write(request, name, [[]], window=(NOON + HOUR, NOON + 2 * HOUR)),
    )
    with pytest.raises(RecordInvalid, match="asked for"):
        run()
    assert len(native_exports(s3_lake, table)) == 1


def test_a_service_that_only_says_completed_is_not_believed(plane: ExportPlane, s3_lake: Lake, table: str) -> None:
    """moto alone writes one data file and no manifest."""
    alone = DynamoDBClient(region=REGION, endpoint_url=plane.moto, keys=AwsKeys("test", "test-secret"))
    with alone as client, pytest.raises(RecordInvalid, match=r"has no manifest-summary\.json"):
        export_native(s3_lake, client, table, poll_seconds=0.01)
    assert native_exports(s3_lake, table) == []


def test_a_chain_with_a_link_missing_is_refused(
    plane: ExportPlane, s3_lake: Lake, table: str, run: Callable[..., Manifest]
) -> None:
    for hours in range(4):
        at(plane, NOON + hours * HOUR)
        run()
    links = check_chain(native_exports(s3_lake, table))
    lost = links[2]
    s3_lake.storage.delete([f"raw/internal/dynamodb-exports/_manifests/{lost.id}.json"])
    at(plane, NOON + 5 * HOUR)
    with pytest.raises(RecordInvalid) as caught:
        run()
    assert as_of(links[1]) in caught.value.message and str(begins(links[3])) in caught.value.message
    assert "a gap" in caught.value.message and "--new-chain" in caught.value.remedy
    assert len(plane.exports) == 4
    again = run(new_chain=True)
    assert again.details["is_delta"] is False
    assert check_chain(native_exports(s3_lake, table)) == [again]


def made(*spans: tuple[str | None, str], table: str = "t") -> list[Manifest]:
    return [
        Manifest(
            id=f"run-{number}",
            kind="dynamodb_export",
            source="dynamodb",
            started_at="",
            completed_at="",
            parts=[],
            rows=0,
            details={
                "table_name": table,
                "mode": "pitr",
                "is_delta": first is not None,
                "from": first,
                "as_of": last,
            },
        )
        for number, (first, last) in enumerate(spans)
    ]


def hour(number: float) -> str:
    return iso(NOON + timedelta(hours=number))


def test_only_windows_that_join_are_a_chain() -> None:
    whole = made((None, hour(0)), (hour(0), hour(1)), (hour(1), hour(2)))
    assert check_chain(reversed(whole)) == whole
    older = made((None, hour(-9)), (hour(-8), hour(-7)))  # before the newest full one: history
    assert check_chain([*older, *whole]) == whole
    assert check_chain(made((None, "2026-11-23T12:00:00.900Z"), (hour(0), hour(1))))
    assert check_chain([]) == []


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([(None, hour(0)), (hour(0.5), hour(1))], "a gap"),
        ([(None, hour(1)), (hour(0.5), hour(2))], "an overlap"),
        ([(None, hour(0)), (hour(0), hour(1)), (hour(0), hour(1))], "an overlap"),
        ([(None, hour(0)), (hour(0), hour(1)), (hour(1.0001), hour(2))], "a gap"),
        ([(hour(0), hour(1))], "no full native export"),
    ],
)
def test_windows_that_do_not_join_are_refused(spans: list[tuple[str | None, str]], said: str) -> None:
    with pytest.raises(RecordInvalid, match=said):
        check_chain(made(*spans))


@given(minutes=st.integers(0, 60 * 24 * 40))
def test_any_span_is_split_into_windows_that_aws_takes(minutes: int) -> None:
    end = NOON + timedelta(minutes=minutes)
    windows = split_windows(NOON, end)
    if minutes < 15:
        assert windows == []
        return
    assert windows[0][0] == NOON and windows[-1][1] == end
    assert all(before[1] == after[0] for before, after in pairwise(windows))
    assert all(timedelta(minutes=15) <= last - first <= timedelta(hours=24) for first, last in windows)


def test_an_export_in_the_lakes_own_bucket_is_not_copied(plane: ExportPlane, s3_lake: Lake) -> None:
    lines = [full_line(item(number)) for number in range(7)]
    bucket = s3_lake.address.split("/")[2]

    def put(key: str, data: bytes) -> None:
        s3(plane).put_object(Bucket=bucket, Key=key, Body=data)

    inside = "some/prefix/raw/internal/dynamodb-exports/dt=2026-11-01/app/native"
    folder = write_export(put, inside, "app", [lines], at=NOON)
    before = raw_keys(s3_lake)
    manifest = import_native(s3_lake, f"s3://{bucket}/{folder}/")
    assert len(raw_keys(s3_lake)) == len(before) + 1
    assert manifest.parts[0].key in before and manifest.rows == 7

    outside = write_export(put, "exports of mine", "other", [lines], at=NOON)
    copied = import_native(s3_lake, f"s3://{bucket}/{outside}")
    assert copied.parts[0].key.startswith("raw/internal/dynamodb-exports/dt=2026-11-23/other/native/")
    assert read(s3_lake, copied) == read(s3_lake, manifest)


def test_the_bucket_is_named_as_aws_names_it(s3_lake: Lake, run: Callable[..., Manifest]) -> None:
    native = run().details["native"]
    assert native["table_arn"].startswith("arn:aws:dynamodb:") and native["export_arn"].startswith(
        native["table_arn"]
    )
    assert s3_lake.storage.exists(f"{native['folder']}/manifest-summary.json")
    assert table_arn("x").endswith(":table/x")
