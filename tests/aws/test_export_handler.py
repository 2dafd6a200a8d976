"""The packed function under AWS's runtime interface emulator, against DynamoDB and S3 on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from moderation_craft.clock import SystemClock
from moderation_craft.lake import Lake, Manifest, zones
from moderation_craft.pipeline.lock import Lease, run_lease
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient
from moderation_craft.sources.dynamodb.export import export_table
from moderation_craft.sources.dynamodb.exports import items, list_exports
from tests.aws.rie import Relay, events_of, sandbox
from tests.conftest import wait_until
from tests.dynamodb.faults import FaultProxy, fault_proxy, refused, slow
from tests.dynamodb.servers import make_app_table, put_items
from tests.dynamodb.tables import item

ITEMS = 500
PAGE_ITEMS = 10
PAGE_SECONDS = 0.12
SHORT_SECONDS = 4


@pytest.fixture
def table(aws_endpoint: str) -> str:
    return make_app_table(aws_endpoint, [item(n, note={"S": f"note {n} é🎈"}) for n in range(ITEMS)])


@pytest.fixture
def slow_dynamodb(aws_endpoint: str) -> Iterator[FaultProxy]:
    """The same tables in small pages that take their time, so that no short invocation can read them all."""
    with fault_proxy(aws_endpoint, page_items=PAGE_ITEMS) as proxy:
        proxy.inject(slow(PAGE_SECONDS), times=None)
        yield proxy


@pytest.fixture
def around(aws_endpoint: str, bucket: str, lambda_endpoint: Relay) -> dict[str, str]:
    """The function's environment."""
    return {
        "MCRAFT_LAKE": f"s3://{bucket}/lake",
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_ENDPOINT_URL_LAMBDA": lambda_endpoint.endpoint,
    }


@pytest.fixture
def s3_lake(around: dict[str, str]) -> Lake:
    return Lake.open(around["MCRAFT_LAKE"])


def direct(aws_endpoint: str, table: str, folder: Path) -> list[bytes]:
    """The items of an export without Lambda."""
    lake = Lake.open(str(folder))
    keys = AwsKeys("test", "test-secret")
    with DynamoDBClient(region="ap-northeast-1", endpoint_url=aws_endpoint, keys=keys) as dynamodb:
        return content(lake, export_table(lake, dynamodb, table))


def content(lake: Lake, manifest: Manifest) -> list[bytes]:
    return sorted(items(lake, manifest))


def only_export(lake: Lake) -> Manifest:
    (manifest,) = list_exports(lake)
    return manifest


def test_an_invocation_exports_a_table(
    task: Path, tmp_path: Path, around: dict[str, str], s3_lake: Lake, aws_endpoint: str, table: str
) -> None:
    with sandbox(task, tmp_path / "log", around) as function:
        answer = function.invoke({"tableName": table, "mode": "full"})
        manifest = only_export(s3_lake)
        assert answer == {
            "statusCode": 200,
            "body": {
                "message": f"Exported {ITEMS} items of {table}.",
                "tableName": table,
                "exportMode": "full",
                "itemCount": ITEMS,
                "s3Location": s3_lake.storage.url(manifest.parts[0].key),
                "exportDate": manifest.completed_at,
            },
        }
        assert content(s3_lake, manifest) == direct(aws_endpoint, table, tmp_path / "direct")

        again = function.invoke({"tableName": table, "mode": "full"})
        assert again["body"]["s3Location"] == answer["body"]["s3Location"], "named by its content"
        newest, oldest = list_exports(s3_lake)
        assert newest.content_digest == oldest.content_digest

        put_items(aws_endpoint, table, [item(7, updated_at={"S": "2099-01-01T00:00:00Z"})])
        changes = function.invoke({"tableName": table, "mode": "incremental"})
        assert (changes["body"]["exportMode"], changes["body"]["itemCount"]) == ("incremental", 1)
    assert s3_lake.storage.get_or_none(zones.state("run.lock")) is None


def test_cut_off_by_its_time_it_finishes_over_several_invocations(
    task: Path,
    tmp_path: Path,
    around: dict[str, str],
    s3_lake: Lake,
    aws_endpoint: str,
    table: str,
    slow_dynamodb: FaultProxy,
    lambda_endpoint: Relay,
) -> None:
    around["AWS_ENDPOINT_URL_DYNAMODB"] = slow_dynamodb.endpoint
    with sandbox(task, tmp_path / "log", around, timeout_seconds=SHORT_SECONDS) as function:
        first = function.invoke({"tableName": table, "mode": "full"})
        assert first["statusCode"] == 202
        assert first["body"]["message"].endswith("the export continues in invocation 2.")
        assert 0 < first["body"]["itemCount"] < ITEMS
        assert list_exports(s3_lake) == []
        answers = lambda_endpoint.deliver_all(function)
    assert [answer["statusCode"] for answer in answers] == [202] * (len(answers) - 1) + [200]
    assert answers[-1]["body"]["itemCount"] == ITEMS
    assert content(s3_lake, only_export(s3_lake)) == direct(aws_endpoint, table, tmp_path / "direct")
    assert len(slow_dynamodb.of("Scan")) <= ITEMS / PAGE_ITEMS + 3 * len(answers), "but for pages read ahead"
    for request in lambda_endpoint.requests:
        assert request["x-amz-invocation-type"] == "Event"
        assert "/lambda/aws4_request" in request["authorization"]
        assert request["path"].startswith("/2015-03-31/functions/arn:aws:lambda:")
    hops = [line for line in events_of(tmp_path / "log") if line.get("status") in (200, 202)]
    assert len(hops) == len(answers) + 1


def test_killed_half_way_through_a_continuation_it_finishes_when_that_is_delivered_again(
    task: Path,
    tmp_path: Path,
    around: dict[str, str],
    s3_lake: Lake,
    aws_endpoint: str,
    table: str,
    slow_dynamodb: FaultProxy,
    lambda_endpoint: Relay,
) -> None:
    around["AWS_ENDPOINT_URL_DYNAMODB"] = slow_dynamodb.endpoint
    with sandbox(task, tmp_path / "log", around, timeout_seconds=SHORT_SECONDS) as function:
        assert function.invoke({"tableName": table})["statusCode"] == 202
    event = lambda_endpoint.events.get_nowait()
    seen = len(slow_dynamodb.of("Scan"))
    with sandbox(task, tmp_path / "log", around) as function, ThreadPoolExecutor(1) as pool:
        lost = pool.submit(function.invoke, event)
        wait_until(lambda: len(slow_dynamodb.of("Scan")) > seen + 3, "the continuation does not read")
        function.kill()
        assert lost.exception() is not None
    assert list_exports(s3_lake) == []
    let_the_lease_run_out(s3_lake)
    with sandbox(task, tmp_path / "log", around) as function:
        assert function.invoke(event)["statusCode"] == 200
        delivered_again = function.invoke(event)
    assert delivered_again["body"]["itemCount"] == ITEMS
    manifest = only_export(s3_lake)
    assert content(s3_lake, manifest) == direct(aws_endpoint, table, tmp_path / "direct")
    assert manifest.details["job_id"] == event["continuation"]["requestId"]


def test_delivered_twice_at_once_the_second_joins_the_first(
    task: Path, tmp_path: Path, around: dict[str, str], s3_lake: Lake, table: str, slow_dynamodb: FaultProxy
) -> None:
    around["AWS_ENDPOINT_URL_DYNAMODB"] = slow_dynamodb.endpoint
    event = {"tableName": table, "mode": "full"}
    with (
        sandbox(task, tmp_path / "one", around) as one,
        sandbox(task, tmp_path / "other", around) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = [
            future.result() for future in [pool.submit(one.invoke, event), pool.submit(other.invoke, event)]
        ]
    assert answers[0] == answers[1]
    assert only_export(s3_lake).rows == answers[0]["body"]["itemCount"] == ITEMS
    assert len(slow_dynamodb.of("Scan")) <= ITEMS / PAGE_ITEMS + 1


def test_while_another_is_alive_it_says_so(
    task: Path, tmp_path: Path, around: dict[str, str], s3_lake: Lake, table: str
) -> None:
    s3_lake.write_state("lambda-export.json", {"holder": "elsewhere", "table_name": table})
    with sandbox(task, tmp_path / "log", around) as function, held_elsewhere(s3_lake):
        same = function.invoke({"tableName": table})
        other = function.invoke({"tableName": "another-table"})
    assert (same["statusCode"], same["body"]["itemCount"]) == (202, 0)
    assert "already under way" in same["body"]["message"]
    assert (other["statusCode"], other["body"]["code"]) == (503, "E004")
    assert list_exports(s3_lake) == []


def test_what_goes_wrong_is_said_with_code_and_remedy_and_without_secrets(
    task: Path, tmp_path: Path, around: dict[str, str], aws_endpoint: str, table: str
) -> None:
    with sandbox(task, tmp_path / "log", around) as function:
        missing = function.invoke({"tableName": "no-such-table"})
        wrong_mode = function.invoke({"tableName": table, "mode": "everything"})
        no_event = function.invoke(["what"])
        no_speed = function.invoke({"tableName": table, "maxRcu": 0})
        no_pitr = function.invoke({"tableName": "no-such-table", "mode": "pitr"})
        not_read = function.invoke({"detail-type": "Scheduled", "detail": {"mode": "everything"}})
        raised = function.invoke({"detail-type": "Scheduled", "detail": {"tableName": "no-such-table"}})
    with fault_proxy(aws_endpoint) as proxy:
        proxy.inject(refused("UnrecognizedClientException"), None, times=None)
        around |= {"AWS_ENDPOINT_URL_DYNAMODB": proxy.endpoint}
        with sandbox(task, tmp_path / "log", around) as function:
            refusal = function.invoke({"tableName": table})
    with sandbox(task, tmp_path / "log", around | {"MCRAFT_LAKE": str(tmp_path)}) as function:
        no_lake = function.invoke({"tableName": table})
    expected = [
        (missing, 409, "E011"),
        (wrong_mode, 422, "E003"),
        (no_event, 422, "E003"),
        (no_speed, 422, "E003"),
        (no_pitr, 409, "E011"),
        (refusal, 401, "E001"),
        (no_lake, 409, "E011"),
    ]
    for answer, status, code in expected:
        body = answer["body"]
        assert (answer["statusCode"], body["code"]) == (status, code), answer
        assert body["message"] and body["remedy"]
    assert not_read["errorType"] == "RecordInvalid"
    assert raised["errorType"] == "SetupError", "nobody reads a schedule's answer, so the invocation fails"
    assert "test-secret" not in (tmp_path / "log").read_text()
    assert "test-secret" not in json.dumps([answer for answer, *_ in expected])


def test_what_does_not_get_on_ends(
    task: Path,
    tmp_path: Path,
    around: dict[str, str],
    s3_lake: Lake,
    table: str,
    slow_dynamodb: FaultProxy,
    lambda_endpoint: Relay,
) -> None:
    around["AWS_ENDPOINT_URL_DYNAMODB"] = slow_dynamodb.endpoint
    stalled = {"requestId": "r", "hop": 8, "items": ITEMS, "stalled": 2}
    with sandbox(task, tmp_path / "log", around, timeout_seconds=SHORT_SECONDS) as function:
        ended = function.invoke({"tableName": table, "onFailure": "answer", "continuation": stalled})
        assert (ended["statusCode"], ended["body"]["code"]) == (504, "E008")
        assert lambda_endpoint.requests == []

        lambda_endpoint.status = 403
        forbidden = function.invoke({"tableName": table})
        assert (forbidden["statusCode"], forbidden["body"]["code"]) == (401, "E001")
        assert "lambda:InvokeFunction" in forbidden["body"]["remedy"]
        lambda_endpoint.status = 202
        answers = [function.invoke({"tableName": table}), *lambda_endpoint.deliver_all(function)]
    assert answers[-1]["statusCode"] == 200
    assert only_export(s3_lake).rows == ITEMS


def let_the_lease_run_out(lake: Lake) -> None:
    """What a minute without its holder does."""
    lease = run_lease(lake)
    assert lease is not None
    hold(lake, lease.holder, timedelta(seconds=-1))


def hold(lake: Lake, holder: str, ahead: timedelta) -> None:
    lease = Lease(holder, SystemClock().now() + ahead)
    lake.storage.put(zones.state("run.lock"), msgspec.json.encode(lease))


@contextmanager
def held_elsewhere(lake: Lake) -> Iterator[None]:
    """Somebody alive holds the run lock: the lease is prolonged again and again."""
    over = threading.Event()

    def prolong() -> None:
        while not over.wait(0.5):
            hold(lake, "elsewhere", timedelta(seconds=60))

    hold(lake, "elsewhere", timedelta(seconds=60))
    thread = threading.Thread(target=prolong)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        lake.storage.delete([zones.state("run.lock")])
