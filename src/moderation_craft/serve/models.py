"""What the API answers, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")


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
    mode: Literal["full"] = "full"
    format: Literal["json", "parquet"] = "json"


class AmountModel(_Model):
    done: int
    total: int | None
    unit: str


class StepModel(_Model):
    name: Literal["export", "fetch", "prepare", "transform", "publish"]
    status: Literal["waiting", "running", "done", "skipped", "failed"]
    detail: str
    facts: dict[str, int]
    duration_seconds: float | None
    progress: AmountModel | None


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


class ExportModel(_Model):
    export_id: str
    job_id: str | None
    table_name: str
    export_mode: Literal["full"]
    format: Literal["json", "parquet"]
    status: Literal["completed"]
    record_count: int
    bytes: int
    s3_location: str | None = Field(alias="s3Location")
    started_at: str
    completed_at: str
    unchanged: bool


class ExportMetadataModel(BaseModel):
    table_name: str
    exported_at: str
    export_version: str
    export_mode: Literal["full"]
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
