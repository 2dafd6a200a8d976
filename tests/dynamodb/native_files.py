"""AWS's table export for tests: its files written as AWS writes them, and its control plane before a moto server.

The files follow the developer guide ("DynamoDB table export output format") and exports seen in buckets. The plane
does what moto's export does not: manifests and checksums, ExportTime, ClientToken, windows of changes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import boto3

from moderation_craft.clock import Clock, iso
from moderation_craft.lake import Lake, Manifest
from moderation_craft.sources.dynamodb.native_files import NativeRecord, native_record
from moderation_craft.sources.dynamodb.parts import read_items
from tests.dynamodb.test_roundtrip import read_back

ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
LAG = timedelta(minutes=5)
_TARGET = "DynamoDB_20120810."

Put = Callable[[str, bytes], object]


def table_arn(table: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


def full_line(item: Mapping[str, Any]) -> bytes:
    return json.dumps({"Item": item}, ensure_ascii=False, separators=(",", ":")).encode()


def change_line(
    keys: Mapping[str, Any],
    new: Mapping[str, Any] | None = None,
    old: Mapping[str, Any] | None = None,
    written: datetime = datetime(2026, 11, 23, tzinfo=UTC),
) -> bytes:
    """One line of a window; without `new` the item was deleted."""
    line: dict[str, Any] = {
        "Metadata": {"WriteTimestampMicros": {"N": str(int(written.timestamp() * 1_000_000))}},
        "Keys": keys,
    }
    if old is not None:
        line["OldImage"] = old
    if new is not None:
        line["NewImage"] = new
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


def packed(lines: Sequence[bytes]) -> bytes:
    return gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)


def md5_of(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def write_export(
    put: Put,
    prefix: str,
    table: str,
    files: Sequence[Sequence[bytes]],
    *,
    at: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
    export_id: str | None = None,
    checksum_suffix: str = ".md5",
    **summary_changes: Any,
) -> str:
    """Write an export of data lines, one list a file, under `prefix` as AWS does; returns its folder's key."""
    number = int((at or (window or (datetime.now(UTC),))[-1]).timestamp() * 1000)
    export_id = export_id or f"0{number}-{uuid.uuid4().hex[:8]}"
    root = f"{prefix}/AWSDynamoDB" if prefix else "AWSDynamoDB"
    folder = f"{root}/{export_id}"
    put(f"{folder}/_started", b"")
    listed = []
    for lines in files:
        data = packed(lines)
        key = f"{folder if window is None else root}/data/{uuid.uuid4().hex[:26]}.json.gz"
        put(key, data)
        listed.append(
            {
                "itemCount": len(lines),
                "md5Checksum": md5_of(data),
                "etag": f"{uuid.uuid4().hex}-1",
                "dataFileS3Key": key,
            }
        )
    common = {
        "exportArn": f"{table_arn(table)}/export/{export_id}",
        "startTime": "2026-11-23T03:00:00.000Z",
        "endTime": "2026-11-23T03:08:00.000Z",
        "tableArn": table_arn(table),
        "tableId": "12345a12-abcd-123a-ab12-1234abc12345",
        "s3Bucket": "a-bucket",
        "s3Prefix": prefix or None,
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"{folder}/manifest-files.json",
        "billedSizeBytes": 1234,
        "itemCount": sum(map(len, files)),
        "outputFormat": "DYNAMODB_JSON",
    }
    if window is None:
        summary = {"version": "2020-06-30", **common, "exportTime": iso(at or datetime.now(UTC))}
    else:
        first, last = window
        summary = {
            "version": "2023-08-01",
            **common,
            "exportFromTime": iso(first),
            "exportToTime": iso(last),
            "outputView": "NEW_AND_OLD_IMAGES",
            "exportType": "INCREMENTAL_EXPORT",
        }
    for name, data in {
        "manifest-files": b"".join(json.dumps(each).encode() + b"\n" for each in listed),
        "manifest-summary": json.dumps({**summary, **summary_changes}, indent=1).encode(),
    }.items():
        put(f"{folder}/{name}.json", data)
        put(f"{folder}/{name}{checksum_suffix}", md5_of(data).encode())
    return folder


@dataclass
class Write:
    """One write to a table, as point-in-time recovery remembers it."""

    at: datetime
    table: str
    keys: dict[str, Any]
    new: dict[str, Any] | None


@dataclass
class Export:
    description: dict[str, Any]
    request: dict[str, Any]
    polls_left: int


class Refused(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class ExportPlane:
    """DynamoDB as AWS would answer: every call goes to moto, but exports are made here.

    A full export asks moto for its own export and adds what moto leaves out; a window is made from the writes
    that came through here. `held` exports stay IN_PROGRESS.
    """

    moto: str
    clock: Clock
    endpoint: str = ""
    polls: int = 1
    is_holding: bool = False
    fails_with: tuple[str, str] | None = None
    answers_to_lose: int = 0
    limit: int = 300
    enabled_at: datetime | None = None
    calls: list[str] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, operation: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        with self.lock:
            self.calls.append(operation)
            request = json.loads(body)
            try:
                match operation:
                    case "ExportTableToPointInTime":
                        return 200, json.dumps({"ExportDescription": self.start(request)}).encode()
                    case "DescribeExport":
                        return 200, json.dumps({"ExportDescription": self.describe(request["ExportArn"])}).encode()
                    case "ListExports":
                        return 200, json.dumps(self.listing(request)).encode()
            except Refused as refused:
                kind = f"com.amazonaws.dynamodb.v20120810#{refused.kind}"
                return 400, json.dumps({"__type": kind, "message": str(refused)}).encode()
            status, answer = self.forward(operation, body, headers)
            if status == 200 and operation in ("PutItem", "DeleteItem"):
                item = request.get("Item")
                keys = {name: (item or request["Key"])[name] for name in ("PK", "SK")}
                self.writes.append(Write(self.clock.now(), request["TableName"], keys, item))
            if status == 200 and operation == "DescribeContinuousBackups":
                answer = self.with_times(answer)
            return status, answer

    def forward(self, operation: str, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        host = urlparse(self.moto).netloc
        connection = http.client.HTTPConnection(host)
        kept = {
            name: value
            for name, value in (headers or {}).items()
            if name.lower() in ("authorization", "x-amz-date", "x-amz-security-token", "content-type")
        }
        kept.setdefault(
            "Authorization",
            f"AWS4-HMAC-SHA256 Credential=test/20261123/{REGION}/dynamodb/aws4_request, Signature=0",
        )
        try:
            connection.request("POST", "/", body, {**kept, "X-Amz-Target": _TARGET + operation})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def with_times(self, answer: bytes) -> bytes:
        """moto tells the moment at which recovery was turned on; AWS moves both ends on with the clock."""
        found = json.loads(answer)
        recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
            recovery["EarliestRestorableDateTime"] = self.earliest.timestamp()
            recovery["LatestRestorableDateTime"] = self.latest.timestamp()
        return json.dumps(found).encode()

    @property
    def latest(self) -> datetime:
        return self.clock.now() - LAG

    @property
    def earliest(self) -> datetime:
        return max(self.enabled_at or datetime(2000, 1, 1, tzinfo=UTC), self.clock.now() - timedelta(days=35))

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        for export in self.exports:
            if export.request.get("ClientToken") == request.get("ClientToken"):
                if export.request != request:
                    raise Refused("ExportConflictException", "Duplicate request detected")
                return self.told(export)
        if sum(export.description["ExportStatus"] == "IN_PROGRESS" for export in self.exports) >= self.limit:
            raise Refused("LimitExceededException", "too many concurrent exports")
        table = request["TableArn"].rsplit("/", 1)[-1]
        backups = json.loads(
            self.forward("DescribeContinuousBackups", json.dumps({"TableName": table}).encode())[1]
        )
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
            raise Refused("PointInTimeRecoveryUnavailableException", "Point in time recovery is not enabled")
        is_full = request.get("ExportType", "FULL_EXPORT") == "FULL_EXPORT"
        if self.fails_with is not None:
            folder = ""
        elif is_full:
            folder = self.full(request, table)
        else:
            folder = self.window(request, table)
        export_id = folder.rsplit("/", 1)[-1] or f"0{len(self.exports)}-failed"
        description = {
            **{name: value for name, value in request.items() if name != "ExportTime"},
            "ExportArn": f"{request['TableArn']}/export/{export_id}",
            "ExportStatus": "IN_PROGRESS",
            "StartTime": self.clock.now().timestamp(),
        }
        if is_full:
            description["ExportTime"] = float(request.get("ExportTime", self.latest.timestamp()))
        if folder:
            description["ExportManifest"] = f"{folder}/manifest-summary.json"
        export = Export(description, request, self.polls)
        self.exports.append(export)
        return self.told(export)

    def told(self, export: Export) -> dict[str, Any]:
        """AWS tells the manifest's place when the export is complete."""
        hidden = {"ExportManifest"} if export.description["ExportStatus"] == "IN_PROGRESS" else set()
        return {name: value for name, value in export.description.items() if name not in hidden}

    def describe(self, arn: str) -> dict[str, Any]:
        export = next((each for each in self.exports if each.description["ExportArn"] == arn), None)
        if export is None:
            raise Refused("ExportNotFoundException", "no such export")
        if export.description["ExportStatus"] == "IN_PROGRESS" and not self.is_holding:
            export.polls_left -= 1
            if export.polls_left < 0 and self.fails_with is not None:
                code, message = self.fails_with
                export.description |= {"ExportStatus": "FAILED", "FailureCode": code, "FailureMessage": message}
            elif export.polls_left < 0:
                export.description["ExportStatus"] = "COMPLETED"
        return self.told(export)

    def listing(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Two at a time, so that callers must turn pages."""
        mine = [each for each in self.exports if each.request["TableArn"] == request["TableArn"]]
        start = int(request.get("NextToken", 0))
        page = [
            {name: each.description[name] for name in ("ExportArn", "ExportStatus")}
            for each in mine[start : start + 2]
        ]
        more = {"NextToken": str(start + 2)} if start + 2 < len(mine) else {}
        return {"ExportSummaries": page, **more}

    def full(self, request: Mapping[str, Any], table: str) -> str:
        at = datetime.fromtimestamp(request["ExportTime"], UTC)
        if not self.earliest <= at <= self.clock.now():
            raise Refused(
                "InvalidExportTimeException", "The specified ExportTime is outside of the recovery window"
            )
        lines = moto_export(self, request)
        third = len(lines) // 3
        files = [lines[:third], [], lines[third:]]
        return self.write(request, table, files, at=at)

    def window(self, request: Mapping[str, Any], table: str) -> str:
        asked = request["IncrementalExportSpecification"]
        first = datetime.fromtimestamp(asked["ExportFromTime"], UTC)
        last = datetime.fromtimestamp(asked["ExportToTime"], UTC)
        if not timedelta(minutes=15) <= last - first <= timedelta(hours=24) or asked["ExportViewType"] != (
            "NEW_AND_OLD_IMAGES"
        ):
            raise Refused("ValidationException", "export period must be between 15 minutes and 24 hours")
        if first < self.earliest or last > self.latest:
            raise Refused("InvalidExportTimeException", "the period is outside of the recovery window")
        return self.write(request, table, [self.changes(table, first, last), []], window=(first, last))

    def changes(self, table: str, first: datetime, last: datetime) -> list[bytes]:
        """One line an item that a write between the two instants left different, as AWS compacts them."""
        mine = [write for write in self.writes if write.table == table]
        lines = []
        for keys in {json.dumps(write.keys, sort_keys=True): write.keys for write in mine}.values():
            own = [write for write in mine if write.keys == keys]
            before = [write.new for write in own if write.at < first]
            within = [write for write in own if first <= write.at < last]
            old = before[-1] if before else None
            if within and (old is not None or within[-1].new is not None):
                lines.append(change_line(keys, within[-1].new, old, within[-1].at))
        return lines

    def write(self, request: Mapping[str, Any], table: str, files: Sequence[Sequence[bytes]], **when: Any) -> str:
        s3 = boto3.client("s3", endpoint_url=self.moto, region_name=REGION)

        def put(key: str, data: bytes) -> None:
            s3.put_object(Bucket=request["S3Bucket"], Key=key, Body=data)

        arn = request["TableArn"]
        folder = write_export(
            put, request["S3Prefix"], table, files, s3Bucket=request["S3Bucket"], tableArn=arn, **when
        )
        return folder


def moto_export(plane: ExportPlane, request: Mapping[str, Any]) -> list[bytes]:
    """The lines of moto's own export of the table as it is now; its file is taken away again."""
    body = json.dumps({**request, "S3Prefix": f"moto-{uuid.uuid4().hex}"}).encode()
    status, answer = plane.forward("ExportTableToPointInTime", body)
    assert status == 200, answer
    started = json.loads(answer)["ExportDescription"]
    arn = json.dumps({"ExportArn": started["ExportArn"]}).encode()
    while (found := json.loads(plane.forward("DescribeExport", arn)[1])["ExportDescription"])["ExportStatus"] != (
        "COMPLETED"
    ):
        assert found["ExportStatus"] == "IN_PROGRESS", found
    s3 = boto3.client("s3", endpoint_url=plane.moto, region_name=REGION)
    (entry,) = s3.list_objects_v2(Bucket=request["S3Bucket"], Prefix=f"{started['S3Prefix']}/")["Contents"]
    data = s3.get_object(Bucket=request["S3Bucket"], Key=entry["Key"])["Body"].read()
    s3.delete_object(Bucket=request["S3Bucket"], Key=entry["Key"])
    return gzip.decompress(data).splitlines()


@contextmanager
def export_plane(moto: str, clock: Clock) -> Iterator[ExportPlane]:
    """The plane on loopback in front of a moto server."""
    plane = ExportPlane(moto, clock)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            operation = self.headers["x-amz-target"].removeprefix(_TARGET)
            status, answer = plane.answer(operation, body, dict(self.headers.items()))
            if operation == "ExportTableToPointInTime" and plane.answers_to_lose:
                plane.answers_to_lose -= 1
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    plane.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield plane
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read(lake: Lake, manifest: Manifest) -> list[Mapping[str, Any]]:
    return read_back(line for part in manifest.parts for line in read_items(lake, part))


def records(lake: Lake, manifest: Manifest) -> list[NativeRecord]:
    return [native_record(line) for part in manifest.parts for line in lake.lines(part.key)]


def raw_keys(lake: Lake) -> list[str]:
    return [stored.key for stored in lake.storage.list("raw/")]


def into(folder: Path) -> Callable[[str, bytes], object]:
    def put(key: str, data: bytes) -> None:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return put
