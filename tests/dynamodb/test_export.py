"""A full export holds exactly what the table held, on a folder and on S3, and says clearly what went wrong."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

import pyarrow.parquet as pq
import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.errors import AuthFailed, RetryError, SetupError, Throttled, Unavailable
from moderation_craft.lake import Lake
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient
from moderation_craft.sources.dynamodb.export import export_table
from moderation_craft.sources.dynamodb.exports import document, items, latest_export, parquet_document
from tests.dynamodb.tables import client, item, make_table

TRICKY = [
    item(1, n={"N": "12345678901234567890123456789012345678"}, small={"N": "1E-130"}),
    item(2, notes={"S": '集中できた 🎉\n"quoted" \u2028'}, empty={"S": ""}),
    item(3, tags={"SS": ["a", "b"]}, raw={"B": b"\x00\xff"}, nothing={"NULL": True}),
    item(4, deep={"M": {"l": {"L": [{"BOOL": False}, {"N": "-0"}]}}}),
]


def exporter(endpoint: str, **more: Any) -> DynamoDBClient:
    return DynamoDBClient(
        region="ap-northeast-1", endpoint_url=endpoint, keys=AwsKeys("test", "test-secret"), **more
    )


def scanned(endpoint: str, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in client(endpoint).get_paginator("scan").paginate(TableName=table):
        found += page["Items"]
    return sorted(found, key=lambda entry: str(entry["SK"]))


def read_back(lines: Iterator[bytes]) -> list[dict[str, Any]]:
    import base64

    def revive(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"B"}:
            return {"B": base64.b64decode(value["B"])}
        if isinstance(value, dict):
            return {name: revive(inner) for name, inner in value.items()}
        return [revive(inner) for inner in value] if isinstance(value, list) else value

    return sorted((revive(json.loads(line)) for line in lines), key=lambda entry: str(entry["SK"]))


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_what_the_table_held_is_in_raw(any_lake: Lake, aws_endpoint: str, format: Any) -> None:
    table = make_table(aws_endpoint, TRICKY)
    with exporter(aws_endpoint) as dynamodb:
        manifest = export_table(any_lake, dynamodb, table, format=format, segments=3)
    assert manifest.rows == len(TRICKY)
    assert read_back(items(any_lake, manifest)) == scanned(aws_endpoint, table)
    assert all(part.key.startswith("raw/internal/dynamodb-exports/dt=2026-11-23/") for part in manifest.parts)


def test_pages_are_read_to_the_end(lake: Lake, aws_endpoint: str) -> None:
    table = make_table(aws_endpoint, [item(number, text={"S": "あ" * 100_000}) for number in range(12)])
    seen: list[int] = []
    with exporter(aws_endpoint) as dynamodb:
        manifest = export_table(lake, dynamodb, table, segments=2, progress=lambda done, *_: seen.append(done))
    assert manifest.rows == 12
    assert seen == sorted(seen) and seen[-1] == 12


def test_an_unchanged_table_gives_the_same_parts(lake: Lake, clock: FixedClock, aws_endpoint: str) -> None:
    table = make_table(aws_endpoint, TRICKY)
    with exporter(aws_endpoint) as dynamodb:
        first = export_table(lake, dynamodb, table)
        clock.instant += timedelta(minutes=1)
        second = export_table(lake, dynamodb, table)
    assert first.content_digest == second.content_digest
    assert [part.key for part in first.parts] == [part.key for part in second.parts]
    assert latest_export(lake) == second


def test_the_document_is_one_json_and_one_parquet(lake: Lake, aws_endpoint: str) -> None:
    table = make_table(aws_endpoint, TRICKY)
    with exporter(aws_endpoint) as dynamodb:
        manifest = export_table(lake, dynamodb, table)
    whole = json.loads(b"".join(document(lake, manifest)))
    assert whole["export_metadata"]["record_count"] == len(whole["data"]) == len(TRICKY)
    read = pq.read_table(io.BytesIO(b"".join(parquet_document(lake, manifest))))
    assert sorted(read["id"].to_pylist()) == ["m1", "m2", "m3", "m4"]


def test_an_empty_table_is_an_export_of_nothing(lake: Lake, aws_endpoint: str) -> None:
    with exporter(aws_endpoint) as dynamodb:
        manifest = export_table(lake, dynamodb, make_table(aws_endpoint))
    assert (manifest.rows, manifest.parts) == (0, [])
    assert json.loads(b"".join(document(lake, manifest)))["data"] == []
    assert pq.read_table(io.BytesIO(b"".join(parquet_document(lake, manifest)))).num_rows == 0


def test_a_missing_table_names_those_that_are_there(lake: Lake, aws_endpoint: str) -> None:
    table = make_table(aws_endpoint)
    with exporter(aws_endpoint) as dynamodb, pytest.raises(SetupError) as caught:
        export_table(lake, dynamodb, "no-such-table")
    assert table in caught.value.message
    assert lake.manifests("dynamodb") == []


def test_an_unreachable_server_says_where_and_what_next(lake: Lake) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with exporter(endpoint, attempts=2) as dynamodb, pytest.raises(Unavailable) as caught:
            export_table(lake, dynamodb, "moderation-craft-data")
    assert endpoint in caught.value.message
    assert lake.manifests("dynamodb") == []


Answer: TypeAlias = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers in turn, the last for ever; yields its address and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, headers, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.headers["x-amz-target"].rsplit(".", 1)[-1])
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refusal(kind: str) -> bytes:
    return json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": "said so"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, refusal("ProvisionedThroughputExceededException"), Throttled),
        (400, refusal("UnrecognizedClientException"), AuthFailed),
        (503, b"<html>busy</html>", Unavailable),
    ],
)
def test_refusals_are_named_by_what_can_be_done(status: int, body: bytes, expected: type[Exception]) -> None:
    with answering((status, {}, body)) as (endpoint, asked), exporter(endpoint, attempts=2) as dynamodb:
        with pytest.raises(expected):
            dynamodb.call("Scan", {"TableName": "t"})
        assert len(asked) == (2 if issubclass(expected, RetryError) else 1)


def test_a_throttle_that_passes_is_waited_out() -> None:
    throttle: Answer = (400, {}, refusal("ThrottlingException"))
    with answering(throttle, (200, {}, b"{}")) as (endpoint, asked), exporter(endpoint) as dynamodb:
        assert dynamodb.call("Scan", {}) == b"{}"
        assert asked == ["Scan", "Scan"]


def test_a_damaged_answer_is_asked_for_again() -> None:
    damaged: Answer = (200, {"x-amz-crc32": "1"}, b'{"Items":[]}')
    with answering(damaged, (200, {}, b"{}")) as (endpoint, asked), exporter(endpoint) as dynamodb:
        assert dynamodb.call("Scan", {}) == b"{}"
        assert len(asked) == 2


def test_no_credentials_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    nobody = DynamoDBClient(region="ap-northeast-1", endpoint_url="http://127.0.0.1:9")
    with nobody as dynamodb, pytest.raises(AuthFailed, match="No AWS credentials"):
        dynamodb.call("Scan", {})
