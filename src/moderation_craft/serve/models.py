"""What the API answers, as the OpenAPI document shows it."""

from __future__ import annotations

import datetime
import re
from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from moderation_craft.errors import SetupError

T = TypeVar("T")

_CIVIL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _as_written(value: object) -> object:
    """Numbers and looser spellings, which pydantic would take, are not what the document says."""
    if value is not None and not (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        raise ValueError("it is no instant with its zone, such as 2026-11-01T00:00:00Z")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_as_written)]


def _day_as_written(value: object) -> object:
    """An instant or a number, which pydantic would take for a date, is not what the document says."""
    if value is not None and not (isinstance(value, str) and _CIVIL_DATE.fullmatch(value)):
        raise ValueError("it is no date such as 2026-11-01")
    return value


CivilDate = Annotated[date, BeforeValidator(_day_as_written)]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ApiError(_Model):
    code: str = Field(examples=["E006"])
    name: str = Field(examples=["EXTERNAL_API"])
    message: str
    remedy: str


class Envelope(_Model, Generic[T]):
    """Every answer of the API: the data, or the error, and when."""

    success: bool
    data: T | None = None
    error: ApiError | None = None
    timestamp: str


class Refusal(_Model):
    """Every answer that is not the data asked for."""

    success: Literal[False]
    data: None
    error: ApiError
    timestamp: str


def refusals(*more: int) -> dict[int | str, dict[str, Any]]:
    """A route's `responses`: the statuses that a lake or a wrong request leads to, and more of its own."""
    return {status: {"model": Refusal} for status in sorted({409, 422, 503, *more})}


class ExportRequest(_Model):
    """What to export; everything has a default. What is not known here is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")

    table_name: str | None = Field(default=None, max_length=255, pattern=r"^[A-Za-z0-9_.-]{3,255}$")
    mode: Literal["full", "incremental"] | None = Field(
        default=None, description="full by default; incremental where a date is named"
    )
    format: Literal["json", "parquet"] | None = None
    start_date: Instant | None = Field(default=None, description="with incremental: changes from here on")
    end_date: Instant | None = Field(default=None, description="with incremental: changes up to here")

    def check(self) -> None:
        """SetupError where the fields do not go together."""
        if self.mode == "full" and (self.start_date or self.end_date):
            raise SetupError(
                "startDate and endDate go with mode incremental; a full export has no window.",
                remedy="leave the dates out, or the mode.",
            )
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise SetupError("endDate is before startDate.", remedy="turn them round.")

    @property
    def wanted_mode(self) -> Literal["full", "incremental"]:
        return self.mode or ("incremental" if self.start_date or self.end_date else "full")


class AmountModel(_Model):
    done: int
    total: int | None
    unit: str


class StepModel(_Model):
    name: Literal["export", "fetch", "prepare", "transform", "analyse", "publish"]
    status: Literal["waiting", "running", "done", "skipped", "failed"]
    detail: str
    facts: dict[str, int]
    duration_seconds: float | None
    progress: AmountModel | None


class SchemaChangeModel(_Model):
    kind: Literal["new_entity", "new_attribute", "new_type", "vanished"]
    door: str
    entity_type: str
    attribute: str
    old_types: list[str]
    new_types: list[str]
    items: int
    entity_items: int
    is_read: bool


class WarningModel(ApiError):
    """What somebody should know although the job went on."""

    change: SchemaChangeModel | None


class FetchedModel(_Model):
    """What a fetch did for one source; `recordCount` are the records that raw did not hold before."""

    source: str
    status: Literal["completed", "partial", "skipped", "failed"]
    record_count: int
    unchanged_count: int
    detail: str
    error: ApiError | None


class JobModel(_Model):
    job_id: str
    kind: Literal["run", "export", "fetch", "rebuild"]
    trigger: Literal["manual", "schedule", "catch_up", "cli", "demo"]
    status: Literal["initiated", "processing", "completed", "failed"]
    started_at: str
    completed_at: str | None
    duration_seconds: float | None
    table_name: str | None
    record_count: int | None
    s3_location: str | None = Field(alias="s3Location")
    progress: AmountModel | None
    steps: list[StepModel]
    error: ApiError | None
    warnings: list[WarningModel]
    fetched: list[FetchedModel] = Field(description="the sources that were asked, as far as they are done")


class ExportModel(_Model):
    export_id: str
    job_id: str | None
    table_name: str
    export_mode: Literal["full", "incremental", "pitr"]
    format: Literal["json", "parquet", "dynamodb_json"]
    status: Literal["completed"]
    is_delta: bool = Field(description="only what changed from `changesSince` to `asOf`")
    as_of: str = Field(description="the instant whose state it shows")
    changes_since: str | None
    record_count: int
    deleted_count: int
    bytes: int
    s3_location: str | None = Field(alias="s3Location")
    started_at: str
    completed_at: str
    unchanged: bool


class ExportMetadataModel(BaseModel):
    table_name: str
    exported_at: str
    export_version: str
    export_mode: Literal["full", "incremental", "pitr"]
    record_count: int


class ExportDocumentModel(BaseModel):
    """An export as one document; each item as plain JSON."""

    export_metadata: ExportMetadataModel
    data: list[dict[str, Any]]


class ExportsModel(_Model):
    exports: list[ExportModel]
    total_count: int
    latest_export: ExportModel | None


class RunsModel(_Model):
    runs: list[JobModel]


class LayerPartModel(_Model):
    name: str
    state: str
    objects: int
    rows: int
    fresh_at: str | None
    detail: str


class LayerModel(_Model):
    name: Literal["sources", "raw", "staging", "gold", "pages"]
    state: Literal["fresh", "stale", "empty", "failed"]
    objects: int
    rows: int
    bytes: int
    fresh_at: str | None
    detail: str
    parts: list[LayerPartModel]


class DemoModel(_Model):
    days: int
    users: int
    seed: int
    last_day: str


class LayersModel(_Model):
    layers: list[LayerModel]
    demo: DemoModel | None


class AttributeTypeModel(_Model):
    """A type of an attribute: in how many present records, since which day; `isNew` in the last 30 days."""

    type: str
    items: int
    since: str
    last_seen: str
    is_new: bool


class AttributeModel(_Model):
    name: str
    types: list[AttributeTypeModel]
    items: int
    missing_share: float | None
    since: str
    last_seen: str
    is_new: bool
    is_mixed: bool
    is_gone: bool
    is_read: bool


class EntityModel(_Model):
    door: Literal["dynamodb", "indexeddb"]
    entity_type: str
    items: int
    since: str
    is_new: bool
    attributes: list[AttributeModel]


class AppSchemaModel(_Model):
    """What the app's records are made of, as it was when this version of gold was published."""

    gold_version: str | None
    entities: list[EntityModel]


class UploadModel(_Model):
    """What became of a browser's upload; the counts are those of its manifest."""

    upload_id: str | None
    manifest_id: str
    rows: int
    deleted: int
    refused: int
    already_held: bool


class ScheduleModel(_Model):
    enabled: bool
    cron: str
    timezone: str
    time: str
    next_run_at: str | None
    last_run_at: str | None


class SourceModel(_Model):
    name: str
    enabled: bool
    detail: str


class SettingsModel(_Model):
    lake: str
    table_name: str
    dynamodb_endpoint: str | None
    region: str
    version: str
    schedule: ScheduleModel
    sources: list[SourceModel]


DayState = Literal["complete", "open", "partial", "missing", "refused"]


class StreamModel(_Model):
    """One kind of record of a source; `shape` snapshot and changes have no days that could be missing."""

    name: str
    description: str
    entity: str
    unit: str
    shape: Literal["daily", "snapshot", "changes"]
    open_days: int
    is_optional: bool


class HeldStreamModel(_Model):
    """What is held of one stream of one person: days by state, the last look, and what went wrong last."""

    stream: str
    days: dict[DayState, int] = Field(description="days in each state that occurs")
    first_day: str | None
    last_day: str | None
    last_looked_at: str | None
    reason: str | None


class SourcePersonModel(_Model):
    """A source as one person has it: `isConnected` where it can be asked, else `reason` says why not.

    `days` counts days over all streams together; a person who never had the source has none.
    """

    user_id: str
    is_connected: bool
    reason: str | None
    days: dict[DayState, int]
    first_day: str | None
    last_day: str | None
    last_looked_at: str | None
    streams: list[HeldStreamModel]


class SourceHoldingsModel(_Model):
    name: str
    streams: list[StreamModel]
    people: list[SourcePersonModel]


class SourcesModel(_Model):
    """Every outside source: its streams, and of each person what it holds and lacks."""

    sources: list[SourceHoldingsModel]


class StateRunModel(_Model):
    """Neighbouring days of one stream in one state, both ends included; `reason` where one is known."""

    first: date
    last: date
    state: DayState
    reason: str | None
    code: str | None
    remedy: str | None


class StreamRunsModel(_Model):
    stream: str
    runs: list[StateRunModel]


class SourceDaysModel(_Model):
    """Neighbouring days of a source over its streams: partial where some streams lack them or a part of them."""

    first: date
    last: date
    state: DayState
    streams_expected: int
    streams_held: int
    lacking: list[str] = Field(description="the streams that are missing, refused or partial on these days")
    reason: str | None


class SourceCompletenessModel(_Model):
    """`days` and the streams' `runs` are oldest first and without overlap; days nobody expects are in none."""

    source: str
    is_connected: bool
    reason: str | None
    days: list[SourceDaysModel]
    streams: list[StreamRunsModel]


class CompletenessModel(_Model):
    """One person's days from `from` to `to` (not past today where they are), by source and stream."""

    user_id: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    sources: list[SourceCompletenessModel]


class RefreshRequest(_Model):
    """What to fetch now; everything has a default. What is held and closed already is not fetched again."""

    model_config = ConfigDict(extra="forbid")

    data_sources: list[Annotated[str, Field(min_length=1, max_length=50)]] | None = Field(
        default=None, max_length=20, description="all where none is named"
    )
    user_id: str | None = Field(default=None, min_length=1, max_length=200, description="everybody where absent")
    date: CivilDate | None = Field(default=None, description="one day; not together with a range")
    start_date: CivilDate | None = Field(default=None, description="may reach further back than history_days")
    end_date: CivilDate | None = None

    def window(self) -> tuple[datetime.date | None, datetime.date | None]:
        """First and last day (None: as the settings say); SetupError where the dates do not go together."""
        if self.date and (self.start_date or self.end_date):
            raise SetupError("date goes without startDate and endDate.", remedy="give one day or a range.")
        first, last = self.date or self.start_date, self.date or self.end_date
        if first and last and last < first:
            raise SetupError("endDate is before startDate.", remedy="turn them round.")
        return first, last


class RefreshModel(_Model):
    job_id: str
    sources: list[FetchedModel]


class ConnectionWarningModel(_Model):
    """What a person should know of a connection; `name` is for pages that say it in their own language."""

    name: Literal["dies_soon", "withdrawn", "died", "unreadable", "scopes_missing"]
    message: str
    remedy: str


class ConnectionModel(_Model):
    """One person's connection to one service. Instants are ISO 8601 in UTC; null is unknown, or endless."""

    service: Literal["fitbit", "google"]
    user_id: str
    state: Literal["connected", "fixed", "gone", "unreadable", "none"] = Field(
        description="fixed: by a token in the environment; gone: withdrawn or died; unreadable: damaged here"
    )
    is_connected: bool
    scopes: list[str]
    missing_scopes: list[str]
    connected_at: str | None
    expires_at: str | None = Field(description="of the access token, which is renewed by itself")
    refresh_dies_at: str | None = Field(description="when the consent ends by itself: in Google's testing mode")
    warning: ConnectionWarningModel | None
    last_fetch: str | None
    remedy: str | None


class ServiceModel(_Model):
    """A service to consent to, and the source that can then be fetched."""

    service: Literal["fitbit", "google"]
    title: str
    source: str
    scopes: list[str]
    cannot_connect: str | None = Field(description="what has to be set up before anybody can connect")
    people: list[ConnectionModel]


class IntegrationsModel(_Model):
    services: list[ServiceModel]


class WhoseModel(_Model):
    """Whose connection it is about."""

    model_config = ConfigDict(extra="forbid")

    user_id: str = Field(min_length=1, max_length=200)


class ActedModel(_Model):
    """What came of it; `outcome` is for pages that say it in their own language."""

    works: bool
    outcome: Literal["answered", "revoked", "unknown_there", "gone_before", "not_told", "fixed", "nothing"]
    detail: str


class PersonModel(BaseModel):
    user_id: str
    name: str
    timezone: str
    first_date: str
    last_date: str
    url: str
    bytes: int


class PeopleModel(BaseModel):
    version: str | None
    people: list[PersonModel]


class ColumnModel(BaseModel):
    name: str
    type: str


class RowsModel(BaseModel):
    columns: list[ColumnModel]
    rows: list[dict[str, Any]]


class HealthModel(_Model):
    status: Literal["ok", "empty"]
    version: str
    gold_version: str | None
    layers: dict[str, str | None]
