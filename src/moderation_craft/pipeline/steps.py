"""The daily job's steps, each one call to the layer that does it and a sentence about what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from moderation_craft.clock import new_run_id
from moderation_craft.errors import McraftError
from moderation_craft.lake import Lake, Manifest
from moderation_craft.lake.chain import is_delta
from moderation_craft.pipeline import schema_watch
from moderation_craft.pipeline.holdings import asked_streams, fetch_window, wanted, wanted_people
from moderation_craft.pipeline.jobs import FetchedSource, Job, JobKind, JobWarning, StepName, StepStatus, Trigger
from moderation_craft.pipeline.people import find_people
from moderation_craft.settings import DEFAULT_TABLE, Settings
from moderation_craft.sources import prepare, registry
from moderation_craft.sources.contract import Progress
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient
from moderation_craft.sources.dynamodb.export import ExportMode, export_table
from moderation_craft.sources.dynamodb.exports import export_sentence, item_count, latest_export, reconciled_at
from moderation_craft.sources.dynamodb.parts import ExportFormat
from moderation_craft.sources.fetch import FetchResult, fetch_source
from moderation_craft.sources.http_errors import Forbidden
from moderation_craft.warehouse import publish, runner
from moderation_craft.warehouse.gold import Gold

PREPARED_SOURCES = tuple(prepare.ENTITIES)


@dataclass(frozen=True)
class Request:
    """What somebody asked for; None: as the settings say.

    `sources` (empty: all), `user_id` (None: everybody) and the days concern fetching, the rest exports.
    """

    kind: JobKind
    trigger: Trigger = "cli"
    table: str | None = None
    format: ExportFormat | None = None
    sources: tuple[str, ...] = ()
    user_id: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    job_id: str | None = None
    mode: ExportMode | None = None
    reconcile: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    new_chain: bool = False
    max_rcu: float | None = None
    segments: int | None = None


@dataclass(frozen=True)
class Context:
    """What every step works with; `keys` only where the app's server has its own (the demo)."""

    settings: Settings
    lake: Lake
    keys: AwsKeys | None = None

    @property
    def has_app_table(self) -> bool:
        return bool(self.settings.dynamodb.table or self.settings.dynamodb.endpoint_url)


@dataclass(frozen=True)
class Outcome:
    """How a step ended: a sentence for the log, its figures for pages, the error if it failed."""

    status: StepStatus
    detail: str
    error: McraftError | None = None
    facts: Mapping[str, int] = field(default_factory=dict)


Action = Callable[[Context, Request, Job, Progress], Outcome]


def export(context: Context, request: Request, job: Job, progress: Progress) -> Outcome:
    if request.kind == "run" and not context.has_app_table:
        return Outcome("skipped", "no app table is set (dynamodb.table in mcraft.toml)")
    settings = context.settings.dynamodb
    table = request.table or settings.table or DEFAULT_TABLE
    before = latest_export(context.lake, table)
    with _client(context) as client:
        manifest = export_table(
            context.lake,
            client,
            table,
            mode=request.mode or (settings.run_mode if request.kind == "run" else "full"),
            format=request.format or settings.format,
            segments=request.segments or settings.segments,
            max_rcu=request.max_rcu or settings.max_rcu,
            overlap_hours=settings.overlap_hours,
            reconcile=_reconciles(context, request, table),
            since=request.since,
            until=request.until,
            new_chain=request.new_chain,
            scratch=runner.cache_folder(context.lake, context.settings),
            job_id=job.job_id,
            progress=progress,
        )
    job.record_count = item_count(manifest)
    job.s3_location = context.lake.storage.url(manifest.parts[0].key) if manifest.parts else None
    is_new = bool(manifest.rows) if is_delta(manifest) else not _same_content(before, manifest)
    count = item_count(manifest)
    facts = {"changed": count, "deleted": manifest.rows - count} if is_delta(manifest) else {"items": count}
    return Outcome("done" if is_new else "skipped", export_sentence(manifest, is_new=is_new), facts=facts)


def _same_content(before: Manifest | None, manifest: Manifest) -> bool:
    return before is not None and before.content_digest == manifest.content_digest


def _reconciles(context: Context, request: Request, table: str) -> bool:
    """Whether keys are to be compared: as asked, else in a daily run once the settings' hours have passed."""
    if request.reconcile is not None or request.kind != "run":
        return bool(request.reconcile)
    last = reconciled_at(context.lake, table)
    age = timedelta.max if last is None else context.lake.clock.now() - datetime.fromisoformat(last)
    return age >= timedelta(hours=context.settings.dynamodb.reconcile_every_hours)


def _client(context: Context) -> DynamoDBClient:
    settings = context.settings.dynamodb
    return DynamoDBClient(region=settings.region, endpoint_url=settings.endpoint_url, keys=context.keys)


def fetch(context: Context, request: Request, job: Job, progress: Progress) -> Outcome:
    """Ask the sources for what is missing or open between the request's days (else the settings')."""
    sources = wanted(registry.build_sources(context.settings, context.lake.clock), request.sources)
    people = wanted_people(find_people(context.lake, context.settings), request.user_id)
    if not people:
        return Outcome("skipped", "nobody to fetch for: no profile in the app's data, nobody in the settings")
    first_day, last_day = fetch_window(context.lake, context.settings, request.first_day, request.last_day)
    results = []
    for source in sources:
        result = fetch_source(
            context.lake,
            source,
            people,
            first_day=first_day,
            last_day=last_day,
            run_id=new_run_id(context.lake.clock),
            progress=progress,
        )
        results.append(result)
        job.fetched.append(_fetched(result))
        job.warnings += _warnings(result)
    return _fetch_outcome(results)


def _fetched(result: FetchResult) -> FetchedSource:
    first_error = next(iter(result.errors), None)
    answered = result.records + result.unchanged
    status: Literal["completed", "partial", "skipped", "failed"] = "completed"
    if first_error is not None:
        status = "partial" if answered else "failed"
    elif result.skipped and not result.days_asked:
        status = "skipped"
    elif any(skip.window for skip in result.skipped):
        status = "partial"
    return FetchedSource(
        result.source,
        status,
        result.records,
        result.unchanged,
        result.sentence(),
        first_error.as_dict() if first_error else None,
    )


def _fetch_outcome(results: list[FetchResult]) -> Outcome:
    detail = "; ".join(result.sentence() for result in results)
    error = next((error for result in results for error in result.errors if not _is_left_out(result, error)), None)
    if error is not None:
        return Outcome("failed", detail, error)
    facts = {"new": sum(r.records for r in results), "unchanged": sum(r.unchanged for r in results)}
    return Outcome("done" if facts["new"] else "skipped", detail, facts=facts)


def _is_left_out(result: FetchResult, error: McraftError) -> bool:
    """Whether a person chose not to allow this kind of data while the source answers the rest: no failed run."""
    return isinstance(error, Forbidden) and bool(result.records + result.unchanged)


def _warnings(result: FetchResult) -> list[JobWarning]:
    left_out = [error for error in result.errors if _is_left_out(result, error)]
    return [JobWarning(error.code, error.name, error.message, error.remedy) for error in left_out]


def prepare_step(context: Context, request: Request, job: Job, progress: Progress) -> Outcome:
    made = prepare.prepare_all(context.lake, progress, titles_of=context.settings.calendar.show_titles)
    if made:
        detail = f"{len(made)} calendar and spreadsheet objects read"
        return Outcome("done", detail, facts={"objects": len(made)})
    return Outcome("skipped", "no new calendar or spreadsheet")


def transform(context: Context, request: Request, job: Job, progress: Progress) -> Outcome:
    titles_of = context.settings.calendar.show_titles
    prepared = {
        source: prepare.prepared_keys(context.lake, source, titles_of=titles_of) for source in PREPARED_SOURCES
    }
    asked = asked_streams(context.lake, context.settings)
    fingerprint = runner.fingerprint(context.lake, context.settings, prepared, asked)
    published = Gold.open_or_none(context.lake)
    if request.kind == "run" and published is not None and published.fingerprint == fingerprint:
        return Outcome("skipped", f"nothing new in raw since gold {published.version}")
    try:
        result = runner.build(context.lake, context.settings, prepared, progress, asked=asked)
    finally:
        job.warnings += schema_watch.look(context.lake, context.settings)
    return Outcome("done", result.sentence(), facts={"models": result.models, "tests": result.tests})


def analyse_step(context: Context, request: Request, job: Job, progress: Progress) -> Outcome:
    if job.step("transform").status == "skipped":
        return Outcome("skipped", "nothing new since the last analysis")
    from moderation_craft.insights import analysis  # SciPy takes half a second; only here is it needed

    found = analysis.analyse(runner.warehouse_path(context.lake, context.settings), progress)
    facts = {"people": found.people, "tests": found.tests, "links": found.links}
    return Outcome("done", found.sentence(), facts=facts)


def publish_step(context: Context, request: Request, job: Job, progress: Progress) -> Outcome:
    if job.step("transform").status == "skipped":
        return Outcome("skipped", "gold is up to date")
    publication = publish.publish(context.lake, context.settings, progress)
    schema_watch.publish(context.lake, context.settings, publication.version)
    facts = {"marts": publication.marts, "rows": publication.rows, "people": publication.people}
    return Outcome("done" if publication.changed else "skipped", publication.sentence(), facts=facts)


ACTIONS: dict[StepName, Action] = {
    "export": export,
    "fetch": fetch,
    "prepare": prepare_step,
    "transform": transform,
    "analyse": analyse_step,
    "publish": publish_step,
}
