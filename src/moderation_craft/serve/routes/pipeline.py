"""/api/pipeline: start jobs, follow them, list and download exports, look at every layer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from moderation_craft import __version__
from moderation_craft.clock import iso, today_in
from moderation_craft.errors import SetupError
from moderation_craft.lake import Lake, Manifest
from moderation_craft.lake.chain import as_of, is_delta
from moderation_craft.pipeline import schema_view, schema_watch, status
from moderation_craft.pipeline.holdings import fetch_window
from moderation_craft.pipeline.jobs import read_job, read_jobs
from moderation_craft.pipeline.schedule import aws_cron, next_run
from moderation_craft.pipeline.steps import Context
from moderation_craft.pipeline.steps import Request as JobRequest
from moderation_craft.serve.answers import NotFound, ok
from moderation_craft.serve.job_service import JobService
from moderation_craft.serve.models import (
    AppSchemaModel,
    Envelope,
    ExportDocumentModel,
    ExportRequest,
    ExportsModel,
    JobModel,
    LayersModel,
    RefreshModel,
    RefreshRequest,
    RunsModel,
    SettingsModel,
    refusals,
)
from moderation_craft.settings import DEFAULT_TABLE
from moderation_craft.sources.dynamodb import exports

Format = Annotated[Literal["json", "parquet"], Query(description="JSON document or Parquet")]
Mode = Annotated[
    Literal["full", "incremental", "pitr"] | None, Query(description="only exports of this mode; any by default")
]
_DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {"model": ExportDocumentModel, "content": {"application/vnd.apache.parquet": {}}},
    **refusals(404),
}
MOST_DAYS_AT_ONCE = 92
_PIECE_BYTES = 256 * 1024


def router(context: Context, jobs: JobService) -> APIRouter:
    """The endpoints over one lake."""
    api = APIRouter(prefix="/api/pipeline", tags=["pipeline"])
    lake = context.lake

    @api.post("/export", status_code=202, response_model=Envelope[JobModel], responses=refusals(400, 403))
    def start_export(request: Annotated[ExportRequest | None, Body()] = None) -> dict[str, Any]:
        """Start an export of the app's table, or join the job under way."""
        asked = request or ExportRequest()
        asked.check()
        return ok(
            jobs.start(
                JobRequest(
                    "export",
                    "manual",
                    asked.table_name,
                    asked.format,
                    mode=asked.wanted_mode,
                    since=asked.start_date,
                    until=asked.end_date,
                )
            )
        )

    @api.post("/run", status_code=202, response_model=Envelope[JobModel], responses=refusals(403))
    def start_run() -> dict[str, Any]:
        """Start the whole daily job, or join the job under way."""
        return ok(jobs.start(JobRequest("run", "manual")))

    @api.post("/refresh", response_model=Envelope[RefreshModel], responses=refusals(400, 403))
    def refresh(request: Annotated[RefreshRequest | None, Body()] = None) -> dict[str, Any]:
        """Fetch now what is missing or open, to the end; a source that fails leaves the others' results."""
        asked = request or RefreshRequest()
        first_day, last_day = fetch_window(lake, context.settings, *asked.window())
        if asked.start_date and (last_day - first_day).days >= MOST_DAYS_AT_ONCE:
            raise SetupError(
                f"From {first_day} to {last_day} is more than {MOST_DAYS_AT_ONCE} days at once.",
                remedy=f"ask for fewer, or run `mcraft fetch --from {first_day} --to {last_day}`.",
            )
        job = jobs.run(
            JobRequest(
                "fetch",
                "manual",
                sources=tuple(asked.data_sources or ()),
                user_id=asked.user_id,
                first_day=first_day,
                last_day=last_day,
            )
        )
        return ok({"jobId": job.job_id, "sources": job.fetched})

    @api.get("/status", response_model=Envelope[ExportsModel], responses=refusals())
    def list_exports(days: Annotated[int, Query(ge=1, le=36_500)] = 7) -> dict[str, Any]:
        """Exports of the last days, newest first; complete however many there are."""
        found = _exports(lake)
        since = iso(lake.clock.now() - timedelta(days=days))
        recent = [export for export in found if export["completedAt"] >= since]
        latest = found[0] if found else None
        return ok({"exports": recent, "totalCount": len(recent), "latestExport": latest})

    @api.get("/status/{job_id}", response_model=Envelope[JobModel], responses=refusals(404))
    def one_job(job_id: str) -> dict[str, Any]:
        """One job: its state, steps, progress and error."""
        current = jobs.current()
        job = current if current and current.job_id == job_id else read_job(lake, job_id)
        if job is None:
            raise NotFound(f"There is no job {job_id!r}.", remedy="GET /api/pipeline/runs lists them.")
        return ok(job)

    @api.get("/runs", response_model=Envelope[RunsModel], responses=refusals())
    def list_runs(limit: Annotated[int, Query(ge=1, le=500)] = 50) -> dict[str, Any]:
        """Recorded jobs of every kind, newest first."""
        return ok({"runs": read_jobs(lake, limit)})

    @api.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[ServerSentEvent]:
        """Running jobs as server-sent events named `job`."""
        async for job in jobs.events():
            yield ServerSentEvent(event="job", raw_data=job.decode())

    @api.get("/latest", response_class=StreamingResponse, responses=_DOCUMENT)
    def latest(format: Format = "json", mode: Mode = None) -> StreamingResponse:
        """The newest export (of a mode, if one is named) as one document, streamed."""
        manifest = exports.latest_export(lake, mode=mode)
        if manifest is None:
            raise NotFound("Nothing was exported yet.", remedy="POST /api/pipeline/export makes an export.")
        return _download(lake, manifest, format)

    @api.get("/exports/{export_id}/download", response_class=StreamingResponse, responses=_DOCUMENT)
    def download(export_id: str, format: Format = "json") -> StreamingResponse:
        """One export as one document, streamed."""
        for manifest in exports.list_exports(lake):
            if manifest.id == export_id:
                return _download(lake, manifest, format)
        raise NotFound(f"There is no export {export_id!r}.", remedy="GET /api/pipeline/status lists them.")

    @api.get("/layers", response_model=Envelope[LayersModel], responses=refusals())
    def layers() -> dict[str, Any]:
        """The five stations of the data's way: what each holds and how fresh it is."""
        return ok({"layers": status.layers(lake, context.settings), "demo": status.demo_marker(lake)})

    @api.get("/schema", response_model=Envelope[AppSchemaModel], responses=refusals())
    def app_schema() -> dict[str, Any]:
        """The app's records by entity and attribute: types, since when, how many lack it, and what is new."""
        found = schema_watch.published(lake)
        today = today_in(lake.clock, context.settings.timezone)
        version = found.version if found else None
        return ok({"goldVersion": version, "entities": schema_view.entities(found, today)})

    @api.get("/settings", response_model=Envelope[SettingsModel], responses=refusals())
    def show_settings() -> dict[str, Any]:
        """Resources, schedule and sources as this server uses them; no secret among them."""
        return ok(_settings(context))

    return api


def _exports(lake: Lake) -> list[dict[str, Any]]:
    """Every export, newest first; `unchanged` where it found nothing that the one before it did not have."""
    shown = []
    digests: dict[str, str] = {}
    for manifest in reversed(exports.list_exports(lake)):
        table, changes_only = manifest.details["table_name"], is_delta(manifest)
        unchanged = manifest.rows == 0 if changes_only else digests.get(table) == manifest.content_digest
        items = exports.item_count(manifest)
        shown.append(
            {
                "exportId": manifest.id,
                "jobId": manifest.details.get("job_id"),
                "tableName": table,
                "exportMode": manifest.details["mode"],
                "format": manifest.details["format"],
                "status": "completed",
                "isDelta": changes_only,
                "asOf": as_of(manifest),
                "changesSince": manifest.details.get("from"),
                "recordCount": items,
                "deletedCount": manifest.rows - items,
                "bytes": manifest.bytes,
                "s3Location": lake.storage.url(manifest.parts[0].key) if manifest.parts else None,
                "startedAt": manifest.started_at,
                "completedAt": manifest.completed_at,
                "unchanged": unchanged,
            }
        )
        if not changes_only:
            digests[table] = manifest.content_digest
        elif not unchanged:
            digests.pop(table, None)
    return shown[::-1]


def _download(lake: Lake, manifest: Manifest, format: str) -> StreamingResponse:
    name = f"{manifest.details['table_name']}-{manifest.id}.{format}"
    chunks: Iterator[bytes]
    if format == "parquet":
        chunks, media = exports.parquet_document(lake, manifest), "application/vnd.apache.parquet"
    else:
        chunks, media = exports.document(lake, manifest), "application/json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_gathered(chunks), media_type=media, headers=headers)


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces: each piece that is sent costs a turn of a thread."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        if len(waiting) >= _PIECE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _settings(context: Context) -> dict[str, Any]:
    settings, now = context.settings, context.lake.clock.now()
    schedule = settings.schedule
    whole_runs = [job.started_at for job in read_jobs(context.lake) if job.kind == "run"]
    return {
        "lake": context.lake.address,
        "tableName": settings.dynamodb.table or DEFAULT_TABLE,
        "dynamodbEndpoint": settings.dynamodb.endpoint_url,
        "region": settings.dynamodb.region,
        "version": __version__,
        "schedule": {
            "enabled": schedule.enabled,
            "cron": aws_cron(schedule, now),
            "timezone": schedule.timezone,
            "time": schedule.time,
            "nextRunAt": iso(next_run(schedule, now)) if schedule.enabled else None,
            "lastRunAt": whole_runs[0] if whole_runs else None,
        },
        "sources": status.source_notes(context.lake, settings),
    }
