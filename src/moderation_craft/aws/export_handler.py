"""`moderation-craft-export-dynamodb`: the export as an AWS Lambda function, over as many invocations as it takes.

In: `{"tableName": …, "mode": "full" | "incremental" | "pitr"}`, optionally `format`, `maxRcu`, `onFailure`.
Out: `{"statusCode", "body": {"message", "tableName", "exportMode", "itemCount", "s3Location", "exportDate"}}`; a
failure's body holds `message`, `code`, `name` and `remedy`. docs/lambda.md tells the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Protocol

import msgspec

from moderation_craft import logs
from moderation_craft.aws.invoke import invoke_later
from moderation_craft.clock import iso
from moderation_craft.errors import HTTP_STATUS, McraftError, RecordInvalid, SetupError, TimedOut
from moderation_craft.lake import Lake, Manifest, zones
from moderation_craft.lake.manifest import decode
from moderation_craft.pipeline.lock import Lease, RunLockHeld, run_lease, run_lock
from moderation_craft.sources.dynamodb.client import DynamoDBClient
from moderation_craft.sources.dynamodb.export import ExportMode, ExportPaused, export_table
from moderation_craft.sources.dynamodb.parts import ExportFormat

_DEFAULT_TABLE = "moderation-craft-data"
_DEFAULT_REGION = "ap-northeast-1"
_LONGEST_MARGIN_SECONDS = 60.0
_SHORTEST_ANSWER_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 75.0
"""A lease whose holder died is over in 60 seconds."""
_HOPS_WITHOUT_PROGRESS: dict[ExportMode, int] = {"full": 3, "incremental": 3, "pitr": 100}
"""AWS's own export shows no progress until it is done, which may take hours."""
_RECENT_MANIFESTS = 20
_MARK = "lambda-export.json"

log = logs.get_logger("lambda")


class LambdaContext(Protocol):
    """What AWS hands to a handler beside the event."""

    aws_request_id: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int: ...


class Continuation(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What one invocation tells the next: the first one's request, invocations and items so far, stalled ones."""

    request_id: str
    hop: int
    items: int
    stalled: int


class ExportEvent(msgspec.Struct, frozen=True, rename="camel"):
    table_name: str | None = None
    mode: ExportMode = "full"
    format: ExportFormat = "parquet"
    max_rcu: Annotated[float, msgspec.Meta(gt=0)] | None = None
    reconcile: bool = False
    """Whether an incremental export also compares all keys, to notice deletions."""
    on_failure: Literal["answer", "raise"] = "answer"
    """raise: the invocation fails, so that AWS counts it, tries again and tells its destination."""
    continuation: Continuation | None = None

    @property
    def table(self) -> str:
        return self.table_name or os.environ.get("MCRAFT_DYNAMODB__TABLE") or _DEFAULT_TABLE


def handle(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One invocation: export to the end, or up to the time's and then hand over to the next."""
    logs.configure(verbose=True, as_json=True)
    wanted = ExportEvent(on_failure="raise" if _is_wrapped(event) else "answer")
    try:
        wanted = read_event(event)
        answer = _export(wanted, context)
    except McraftError as error:
        log.error("export failed", table=wanted.table, mode=wanted.mode, **error.as_dict())
        if wanted.on_failure == "raise":
            raise
        return {
            "statusCode": HTTP_STATUS.get(error.code, 500),
            "body": {**error.as_dict(), "tableName": wanted.table},
        }
    log.info(answer["body"]["message"], status=answer["statusCode"], table=wanted.table, mode=wanted.mode)
    return answer


def read_event(event: Mapping[str, Any]) -> ExportEvent:
    """The request in an event, also as EventBridge wraps it (`detail`), whose failures nobody would read."""
    is_wrapped = _is_wrapped(event)
    try:
        wanted = msgspec.convert((event["detail"] or {}) if is_wrapped else event, ExportEvent)
    except msgspec.ValidationError as error:
        raise RecordInvalid(
            f"The event is wrong: {error}.",
            remedy='send {"tableName": "…", "mode": "full" | "incremental" | "pitr"}; docs/lambda.md tells more.',
        ) from error
    return msgspec.structs.replace(wanted, on_failure="raise") if is_wrapped else wanted


def _is_wrapped(event: object) -> bool:
    return isinstance(event, Mapping) and {"detail-type", "detail"} <= event.keys()


def _export(wanted: ExportEvent, context: LambdaContext) -> dict[str, Any]:
    remaining = context.get_remaining_time_in_millis() / 1000
    margin = min(_LONGEST_MARGIN_SECONDS, remaining / 3)
    lake = _open_lake()
    arrived = iso(lake.clock.now())
    request = wanted.continuation.request_id if wanted.continuation else context.aws_request_id
    try:
        with run_lock(
            lake,
            wait_seconds=min(_LONGEST_WAIT_SECONDS, remaining - margin),
            on_wait=_leaves_it_to_the_living(lake, wanted.table),
        ):
            manifest = _joined(lake, wanted, request, arrived)
            if manifest is None:
                _say_whose(lake, wanted.table)
                manifest = _run(lake, wanted, context, request, margin)
    except _UnderWay:
        return _answer(202, "This table's export is already under way; it is left to that one.", lake, wanted)
    except ExportPaused as paused:
        return _hand_over(lake, wanted, context, request, paused.items)
    return _answer(200, f"Exported {manifest.rows:,} items of {wanted.table}.", lake, wanted, manifest)


def _open_lake() -> Lake:
    address = os.environ.get("MCRAFT_LAKE", "")
    if not address.startswith("s3://"):
        raise SetupError(
            "The function has no lake that outlives it.",
            remedy="set MCRAFT_LAKE to s3://bucket or s3://bucket/prefix.",
        )
    return Lake.open(address)


def _run(lake: Lake, wanted: ExportEvent, context: LambdaContext, request: str, margin: float) -> Manifest:
    """The export; within the margin every call ends, parts reach the lake and the cursor is saved."""
    with DynamoDBClient(
        region=_region(),
        endpoint_url=os.environ.get("MCRAFT_DYNAMODB__ENDPOINT_URL"),
        timeout_seconds=max(margin / 4, _SHORTEST_ANSWER_SECONDS),
        patience_seconds=max(margin / 2, _SHORTEST_ANSWER_SECONDS),
    ) as client:
        return export_table(
            lake,
            client,
            wanted.table,
            mode=wanted.mode,
            format=wanted.format,
            max_rcu=wanted.max_rcu,
            reconcile=wanted.reconcile,
            deadline=lambda: context.get_remaining_time_in_millis() / 1000 < margin,
            job_id=request,
        )


def _hand_over(
    lake: Lake, wanted: ExportEvent, context: LambdaContext, request: str, items: int
) -> dict[str, Any]:
    """Invoke this same function (and version) again; the run lock is free by now."""
    before = wanted.continuation or Continuation(request, 0, -1, 0)
    stalled = 0 if items > before.items else before.stalled + 1
    if stalled >= _HOPS_WITHOUT_PROGRESS[wanted.mode]:
        raise TimedOut(
            f"The export of {wanted.table} has not got on for {stalled} invocations ({items:,} items so far).",
            remedy="give the function more time or a higher maxRcu, and invoke it again: it goes on.",
        )
    following = Continuation(request, before.hop + 1, items, stalled)
    onward = msgspec.structs.replace(wanted, on_failure="raise", continuation=following)
    invoke_later(context.invoked_function_arn, msgspec.to_builtins(onward), region=_region())
    message = f"{items:,} items so far; the export continues in invocation {following.hop + 1}."
    answer = _answer(202, message, lake, wanted)
    answer["body"]["itemCount"] = items
    return answer


class _Mark(msgspec.Struct):
    """Which lease of the run lock is whose export."""

    holder: str
    table_name: str


class _UnderWay(Exception):
    """The same table's export runs elsewhere, and is alive."""


def _say_whose(lake: Lake, table: str) -> None:
    lease = run_lease(lake)
    if lease is not None:
        lake.write_state(_MARK, msgspec.to_builtins(_Mark(lease.holder, table)))


def _leaves_it_to_the_living(lake: Lake, table: str) -> Callable[[], None]:
    """Called while the run lock is held elsewhere: a lease that is prolonged has a living holder.

    Raises _UnderWay where that is an export of the same table, RunLockHeld where it is anything else; a lease
    that nobody prolongs is waited for.
    """
    first: Lease | None = None

    def look() -> None:
        nonlocal first
        lease = run_lease(lake)
        first = first or lease
        if lease is None or lease == first:
            return
        if lake.read_state(_MARK) == msgspec.to_builtins(_Mark(lease.holder, table)):
            raise _UnderWay
        raise RunLockHeld(
            f"Another run is under way on {lake.address}.",
            remedy="invoke the function again when it is done (`mcraft status` shows it).",
        )

    return look


def _joined(lake: Lake, wanted: ExportEvent, request: str, arrived: str) -> Manifest | None:
    """An export that answers this request: the same request's, delivered before (AWS delivers an event at least
    once), or one that was under way when this request came and is done now."""
    stored = [found.key for found in lake.storage.list(zones.manifests_prefix("dynamodb"))]
    for key in reversed(stored[-_RECENT_MANIFESTS:]):
        try:
            manifest = decode(lake.storage.get(key), key)
        except RecordInvalid as error:
            log.warning("manifest left out", key=key, reason=error.message)
            continue
        if manifest.details.get("table_name") == wanted.table and (
            manifest.details.get("job_id") == request
            or (manifest.details.get("mode") == wanted.mode and manifest.completed_at >= arrived)
        ):
            return manifest
    return None


def _answer(
    status: int, message: str, lake: Lake, wanted: ExportEvent, manifest: Manifest | None = None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "message": message,
        "tableName": wanted.table,
        "exportMode": wanted.mode,
        "itemCount": 0,
        "s3Location": None,
        "exportDate": None,
    }
    if manifest is not None:
        first = manifest.parts[0].key if manifest.parts else zones.manifest(manifest.source, manifest.id)
        body |= {
            "exportMode": manifest.details["mode"],
            "itemCount": manifest.rows,
            "s3Location": lake.storage.url(first),
            "exportDate": manifest.completed_at,
        }
    return {"statusCode": status, "body": body}


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _DEFAULT_REGION
