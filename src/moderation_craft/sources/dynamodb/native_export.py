"""AWS's own export to S3: started, waited for, verified, registered where it lies; windows chained without a gap.

The table's point-in-time recovery is read, not the table: no read capacity, one consistent instant. The first run
makes a full export, every later one a window of changes from exactly where the last ended.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlparse

import msgspec

from moderation_craft.clock import iso
from moderation_craft.errors import (
    AuthFailed,
    LakeRefused,
    McraftError,
    RecordInvalid,
    SetupError,
    SkipError,
    Unavailable,
)
from moderation_craft.lake import Lake, Manifest, zones
from moderation_craft.lake.chain import as_of
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.dynamodb.client import AccessDenied, DynamoDBClient
from moderation_craft.sources.dynamodb.native_answers import (
    BackupsAnswer,
    Described,
    Description,
    ExportPage,
    ExportSummary,
    Recovery,
)
from moderation_craft.sources.dynamodb.native_chain import (
    NEW_CHAIN,
    check_chain,
    commit,
    instant,
    native_exports,
    registered,
    split_windows,
    whole_second,
)
from moderation_craft.sources.dynamodb.native_files import (
    EXPORTS_FOLDER,
    SUMMARY,
    ExportFolder,
    VerificationPaused,
    VerifiedExport,
    VerifiedFile,
    verify,
)

_USUAL_LAG = timedelta(minutes=5)
_LONGEST_PAUSE_SECONDS = 60.0
_LONGEST_PAUSE_BEFORE_DEADLINE_SECONDS = 5.0
_PERMISSIONS = (
    "let this role or user do dynamodb:ExportTableToPointInTime, DescribeExport, ListExports, "
    "DescribeContinuousBackups, DescribeTable, and s3:PutObject, s3:PutObjectAcl, s3:AbortMultipartUpload on "
    "the lake's bucket (docs/native-export.md has the policy)."
)


def export_native(
    lake: Lake,
    client: DynamoDBClient,
    table: str,
    *,
    new_chain: bool = False,
    job_id: str | None = None,
    poll_seconds: float = 10.0,
    deadline: Callable[[], bool] | None = None,
    progress: Progress = no_progress,
) -> Manifest:
    """Bring the table's native chain up to date and return its newest link, which is an older one where less than
    15 minutes have passed since.

    The first run, a run after `new_chain`, and one whose chain ended before what point-in-time recovery still
    holds make a full export; any other the windows since, each at most 24 hours, each committed by itself. A run
    that was cut off goes on with the exports it had started.

    Raises SetupError (E011) without an s3:// lake, table or point-in-time recovery, RecordInvalid (E003) for
    files or windows that do not agree, Unavailable (E006) or LakeRefused (E004) for an export that AWS says
    failed, ExportPaused where `deadline` turned true.
    """
    bucket, lake_prefix = _bucket_of(lake)
    described = client.describe(table)
    links = [] if new_chain else check_chain(native_exports(lake, table))
    run = _Run(
        lake=lake,
        client=client,
        table=table,
        table_arn=described.arn,
        bucket=bucket,
        lake_prefix=lake_prefix,
        poll_seconds=poll_seconds,
        deadline=deadline or (lambda: False),
        longest_pause=_LONGEST_PAUSE_SECONDS if deadline is None else _LONGEST_PAUSE_BEFORE_DEADLINE_SECONDS,
        progress=progress,
        cursor=_Cursor.load(lake, table, described.arn),
    )
    if new_chain and run.cursor.wanted and run.cursor.wanted[0].first is not None:
        run.cursor.clear()
    run.is_resumed = bool(run.cursor.wanted)
    if not run.cursor.wanted:
        run.plan(links[-1] if links else None)
    while run.cursor.wanted:
        links.append(run.finish_first(job_id))
    return links[-1]


class _Wanted(msgspec.Struct):
    """One export that this lake asked for, or is about to: `first` is null for a full export."""

    first: str | None
    last: str
    day: str
    token: str
    started_at: str
    arn: str | None = None
    verified: list[VerifiedFile] = []


class _CursorState(msgspec.Struct):
    table_arn: str = ""
    wanted: list[_Wanted] = []


class _Cursor:
    """What was asked for and is not registered yet; kept in the lake, so that a killed wait goes on."""

    def __init__(self, lake: Lake, table: str, table_arn: str, wanted: list[_Wanted]) -> None:
        self._lake = lake
        self._name = zones.native_export_state(table)
        self._table_arn = table_arn
        self.wanted = wanted

    @classmethod
    def load(cls, lake: Lake, table: str, table_arn: str) -> _Cursor:
        held = lake.read_state(zones.native_export_state(table))
        try:
            state = _CursorState() if held is None else msgspec.convert(held, _CursorState)
        except msgspec.ValidationError:  # another version's: what is under way is found by asking AWS
            state = _CursorState()
        return cls(lake, table, table_arn, state.wanted if state.table_arn == table_arn else [])

    def save(self) -> None:
        if self.wanted:
            self._lake.write_state(self._name, msgspec.to_builtins(_CursorState(self._table_arn, self.wanted)))
        else:
            self._lake.storage.delete([zones.state(self._name)])

    def drop_first(self) -> None:
        self.wanted = self.wanted[1:]
        self.save()

    def clear(self) -> None:
        self.wanted = []
        self.save()


@dataclass
class _Run:
    """One call of export_native."""

    lake: Lake
    client: DynamoDBClient
    table: str
    table_arn: str
    bucket: str
    lake_prefix: str
    poll_seconds: float
    deadline: Callable[[], bool]
    longest_pause: float
    progress: Progress
    cursor: _Cursor
    is_resumed: bool = False

    def plan(self, newest: Manifest | None) -> None:
        """Decide which exports bring the chain up to date and write them down before any is asked for."""
        recovery = self._recovery()
        latest = self._latest(recovery)
        earliest = recovery.earliest_restorable_date_time
        if newest is not None and earliest is not None and instant(as_of(newest)).timestamp() < int(earliest):
            self._say(
                f"the chain ended at {as_of(newest)}, recovery reaches back to {_iso_of(earliest)} only: "
                "a full export again"
            )
            newest = None
        if newest is None:
            asked = [self._want(None, latest)]
        else:
            windows = split_windows(whole_second(instant(as_of(newest))), latest)
            if not windows:
                self._say(f"native export: up to date until {as_of(newest)}, less than 15 minutes ago")
            asked = [self._want(first, last) for first, last in windows]
        if asked:
            self.cursor.wanted = self._under_way(asked[0], latest) or asked
            self.cursor.save()

    def finish_first(self, job_id: str | None) -> Manifest:
        """Start what is not started, wait for the oldest, verify and commit it."""
        self._start_all()
        wanted = self.cursor.wanted[0]
        description = self._wait(wanted)
        folder = self._folder(wanted, description)
        held = registered(self.lake, self.table, description.export_arn)
        if held is None:
            held = self._take(wanted, folder, job_id)
        self.cursor.drop_first()
        return held

    def _take(self, wanted: _Wanted, folder: ExportFolder, job_id: str | None) -> Manifest:
        known = {file.key: file for file in wanted.verified}
        try:
            verified = verify(folder, self.progress, known=known, stop=self.deadline)
            _check_answers(wanted, verified, self.table_arn)
            return commit(self.lake, self.table, verified, wanted.started_at, job_id)
        except RecordInvalid:
            self.cursor.clear()  # what is wrong with it stays wrong: the next run asks for a new one
            raise
        except VerificationPaused as paused:
            wanted.verified = list(known.values())
            self.cursor.save()
            raise _paused(sum(file.lines for file in wanted.verified)) from paused

    def _recovery(self) -> Recovery:
        answer = self._call("DescribeContinuousBackups", {"TableName": self.table}, BackupsAnswer)
        found = answer.continuous_backups_description.point_in_time_recovery_description
        if found.point_in_time_recovery_status != "ENABLED":
            raise SetupError(
                f"Point-in-time recovery of the table {self.table!r} is off; a native export reads from it.",
                remedy=f"turn it on (`aws dynamodb update-continuous-backups --table-name {self.table} "
                "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`), or use "
                "`mcraft export --mode full`.",
            )
        return found

    def _latest(self, recovery: Recovery) -> datetime:
        now = self.lake.clock.now()
        told = recovery.latest_restorable_date_time
        return whole_second(now - _USUAL_LAG if told is None else min(now, datetime.fromtimestamp(told, UTC)))

    def _want(self, first: datetime | None, last: datetime) -> _Wanted:
        now = self.lake.clock.now()
        return _Wanted(
            first=None if first is None else iso(first),
            last=iso(last),
            day=str(now.date()),
            token=str(uuid.uuid4()),
            started_at=iso(now),
        )

    def _under_way(self, wanted: _Wanted, latest: datetime) -> list[_Wanted]:
        """What another run started into this lake and nobody remembers, where it is what is wanted now."""
        for description in self._descriptions(lambda found: found.export_status == "IN_PROGRESS"):
            found = self._as_wanted(description)
            if found is not None and found.first == wanted.first:
                self._say(
                    f"native export {description.export_arn.rsplit('/', 1)[-1]} is under way already: joining it"
                )
                after = split_windows(instant(found.last), latest)
                return [found, *(self._want(first, last) for first, last in after)]
        return []

    def _as_wanted(self, description: Description) -> _Wanted | None:
        """An export as if this run had asked for it; None where it is none of this lake's."""
        day = zones.day_of_native_export((description.s3_prefix or "").removeprefix(self.lake_prefix), self.table)
        window = description.incremental_export_specification
        is_full = description.export_type in (None, "FULL_EXPORT")
        last = description.export_time if is_full else window.export_to_time if window is not None else None
        if description.s3_bucket != self.bucket or day is None or last is None:
            return None
        first = window.export_from_time if window is not None and not is_full else None
        return _Wanted(
            first=None if first is None else _iso_of(first),
            last=_iso_of(last),
            day=day,
            token=description.client_token or "",
            started_at=iso(self.lake.clock.now()),
            arn=description.export_arn,
        )

    def _start_all(self) -> None:
        for wanted in self.cursor.wanted:
            if wanted.arn is None and not self._start(wanted):
                return

    def _start(self, wanted: _Wanted) -> bool:
        """Ask for one export, once; False where AWS refuses it and others that it took are under way."""
        known = next(self._descriptions(lambda _: True, token=wanted.token), None) if self.is_resumed else None
        if known is None:
            try:
                known = self._call("ExportTableToPointInTime", self._request(wanted), Described).export_description
            except SkipError as error:
                if self.cursor.wanted[0].arn is not None:
                    self._say(f"not started yet: {error.message}")
                    return False
                self.cursor.clear()
                raise
        wanted.arn = known.export_arn
        self.cursor.save()
        return True

    def _request(self, wanted: _Wanted) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableArn": self.table_arn,
            "S3Bucket": self.bucket,
            "S3Prefix": self.lake_prefix + self._prefix(wanted),
            "ExportFormat": "DYNAMODB_JSON",
            "ClientToken": wanted.token,
        }
        last = int(instant(wanted.last).timestamp())
        if wanted.first is None:
            return {**request, "ExportType": "FULL_EXPORT", "ExportTime": last}
        window = {
            "ExportFromTime": int(instant(wanted.first).timestamp()),
            "ExportToTime": last,
            "ExportViewType": "NEW_AND_OLD_IMAGES",
        }
        return {**request, "ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": window}

    def _wait(self, wanted: _Wanted) -> Description:
        begun = time.monotonic()
        pause = min(self.poll_seconds, self.longest_pause)
        what = "full export" if wanted.first is None else f"window {wanted.first} … {wanted.last}"
        while True:
            found = self._call("DescribeExport", {"ExportArn": wanted.arn}, Described).export_description
            if found.export_status == "COMPLETED":
                return found
            if found.export_status == "FAILED":
                self.cursor.clear()
                raise _failure(found)
            if self.deadline():
                raise _paused(0)
            self._say(f"waiting for AWS's {what}", int(time.monotonic() - begun))
            time.sleep(pause)
            pause = min(pause * 1.5, self.longest_pause)

    def _prefix(self, wanted: _Wanted) -> str:
        return zones.native_export(date.fromisoformat(wanted.day), self.table)

    def _folder(self, wanted: _Wanted, description: Description) -> ExportFolder:
        export_id = description.export_arn.rsplit("/", 1)[-1]
        if description.export_manifest and description.export_manifest.endswith(f"/{SUMMARY}"):
            export_id = description.export_manifest.split("/")[-2]
        return ExportFolder(self.lake.storage, f"{self._prefix(wanted)}/{EXPORTS_FOLDER}/", export_id)

    def _descriptions(
        self, is_wanted: Callable[[ExportSummary], bool], token: str | None = None
    ) -> Iterator[Description]:
        """The table's exports of the last 90 days, described one by one, newest as AWS lists them."""
        request: dict[str, Any] = {"TableArn": self.table_arn, "MaxResults": 25}
        while True:
            page = self._call("ListExports", request, ExportPage)
            for summary in filter(is_wanted, page.export_summaries):
                found = self._call("DescribeExport", {"ExportArn": summary.export_arn}, Described)
                if token in (None, found.export_description.client_token):
                    yield found.export_description
            if page.next_token is None:
                return
            request["NextToken"] = page.next_token

    def _call(self, operation: str, request: dict[str, Any], shape: type[_Answer]) -> _Answer:
        try:
            answer = self.client.call(operation, request)
        except AccessDenied as error:
            raise AuthFailed(error.message, remedy=_PERMISSIONS) from error
        try:
            return msgspec.json.decode(answer, type=shape)
        except msgspec.DecodeError as error:
            raise Unavailable(
                f"DynamoDB's answer to {operation} cannot be read: {error}.",
                remedy="check the endpoint (dynamodb.endpoint_url); `mcraft doctor` does.",
            ) from error

    def _say(self, text: str, done: int = 0) -> None:
        self.progress(done, None, text if not done else f"s {text}")


_Answer = TypeVar("_Answer", bound=msgspec.Struct)


def _check_answers(wanted: _Wanted, verified: VerifiedExport, table_arn: str) -> None:
    """What lies there is what was asked for; RecordInvalid (E003) where it shows another table or time."""
    summary = verified.summary
    shown = (
        summary.table_arn,
        None if summary.begins is None else iso(whole_second(summary.begins)),
        iso(whole_second(summary.as_of)),
    )
    asked = (table_arn, wanted.first, iso(whole_second(instant(wanted.last))))
    if shown != asked:
        raise RecordInvalid(
            f"The export {verified.folder.export_id} shows {shown[0]} {shown[1] or ''} … {shown[2]}, but "
            f"{asked[0]} {asked[1] or ''} … {asked[2]} was asked for. Nothing was registered.",
            remedy=NEW_CHAIN,
        )


def _paused(items: int) -> Exception:
    # export.py calls this module, so its exception is not at hand while this one loads.
    from moderation_craft.sources.dynamodb.export import ExportPaused

    return ExportPaused(items)


def _failure(found: Description) -> McraftError:
    code = found.failure_code or "no code"
    export_id = found.export_arn.rsplit("/", 1)[-1]
    message = f"AWS's export {export_id} failed: {code}: {found.failure_message or 'no message'}."
    if code.startswith(("S3", "KMS", "AccessDenied")):
        return LakeRefused(message, remedy=f"mend the lake's bucket, then run it again; {_PERMISSIONS}")
    return Unavailable(message, remedy="run the same command again: it asks for a new export.")


def _bucket_of(lake: Lake) -> tuple[str, str]:
    """The lake's bucket and its prefix in it, empty or ending in `/`; SetupError for a lake in a folder."""
    if lake.storage.is_folder:
        raise SetupError(
            f"AWS's native export writes to S3; this lake is the folder {lake.address}.",
            remedy="use an s3:// lake (`lake` in mcraft.toml) for --mode pitr, or export in the console and "
            "`mcraft import dynamodb-export PATH`, or use `mcraft export --mode full`.",
        )
    parsed = urlparse(lake.address)
    prefix = parsed.path.strip("/")
    return parsed.netloc, f"{prefix}/" if prefix else ""


def _iso_of(seconds: float) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))
