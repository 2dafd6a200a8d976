"""`mcraft`: parses, calls, prints; no logic. Results go to stdout, talk to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from moderation_craft import logs
from moderation_craft.errors import McraftError
from moderation_craft.settings import Settings, load_settings

if TYPE_CHECKING:
    from moderation_craft.pipeline.jobs import Job, JobKind
    from moderation_craft.pipeline.steps import Context
    from moderation_craft.talk import Talk

WAIT_FOR_OTHER_RUN_SECONDS = 3600.0

app = typer.Typer(
    name="mcraft",
    help="ModerationCraft's data pipeline: from your raw days to what can honestly be said about them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
import_app = typer.Typer(help="Files into raw.", no_args_is_help=True)
app.add_typer(import_app, name="import")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
LakeAddress = Annotated[
    str | None, typer.Option("--lake", help="A folder or s3://bucket/prefix.", envvar="MCRAFT_LAKE")
]
User = Annotated[str | None, typer.Option("--user", help="Whose it is.")]


def _settings(lake: str | None) -> Settings:
    return load_settings(**({"lake": lake} if lake else {}))


@contextmanager
def _context(lake: str | None, *, talk: Talk | None = None, live: bool = False) -> Iterator[Context]:
    """The lake with its settings; `live` starts a demo lake's servers again for as long as it is used."""
    from moderation_craft.demo.session import demo_context, is_demo
    from moderation_craft.lake import Lake
    from moderation_craft.pipeline.steps import Context

    settings = _settings(lake)
    opened = Lake.open(settings.lake)
    if live and is_demo(opened):
        with demo_context(settings, opened, say=talk.say if talk else lambda _: None) as context:
            yield context
    else:
        yield Context(settings, opened)


def _run(kind: JobKind, lake: str | None, as_json: bool, **request: Any) -> None:
    from moderation_craft.pipeline.run import run_job
    from moderation_craft.pipeline.steps import Request
    from moderation_craft.talk import Talk

    live = kind != "rebuild"
    with Talk() as talk, _context(lake, talk=talk, live=live) as context:
        talk.say(f"{kind} on {context.lake.address}")
        job = run_job(
            context,
            Request(kind, **request),
            listener=talk.job,
            wait_seconds=WAIT_FOR_OTHER_RUN_SECONDS,
            on_wait=lambda: talk.say("  another run is under way here; waiting for it to end"),
        )
    _report(job, as_json)


def _report(job: Job, as_json: bool) -> None:
    if as_json:
        import msgspec

        print(msgspec.json.encode(job).decode())
    if job.error is not None:
        print(_paragraph(job.error), file=sys.stderr)
        raise typer.Exit(1)


def _paragraph(error: dict[str, str]) -> str:
    return f"{error['code']} {error['name']}: {error['message']} Next: {error['remedy']}"


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=7, max=1500, help="Civil days of data a person.")] = 180,
    users: Annotated[int, typer.Option(min=1, max=50, help="How many people.")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    unconnected: Annotated[
        bool, typer.Option("--unconnected", help="Leave the last person's Fitbit to be connected.")
    ] = False,
    serve_after: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the dashboard when it is done.")
    ] = True,
    port: Annotated[int | None, typer.Option(min=0, max=65535)] = None,
    lake: LakeAddress = None,
) -> None:
    """Make believable people, run the whole job over their data, and serve the dashboard."""
    from moderation_craft.demo.session import run_demo
    from moderation_craft.serve.server import check_port
    from moderation_craft.talk import Talk

    settings = _settings(lake)
    if serve_after:
        check_port(settings.serve.host, settings.serve.port if port is None else port)
    with Talk() as talk:
        job = run_demo(
            settings,
            days=days,
            users=users,
            seed=seed,
            unconnected=unconnected,
            listener=talk.job,
            say=talk.say,
        )
    _report(job, as_json=False)
    if serve_after:
        serve(lake=lake, port=port)
    else:
        print(
            f"The demo is in {settings.lake}. `mcraft serve` shows it; `mcraft query` asks it.",
            file=sys.stderr,
        )


@app.command()
def run(lake: LakeAddress = None, as_json: AsJson = False) -> None:
    """The daily job: export, fetch, transform, publish; what is up to date is skipped."""
    _run("run", lake, as_json)


@app.command()
def export(
    table: Annotated[str | None, typer.Option(help="The app's table.")] = None,
    mode: Annotated[
        Literal["full", "incremental", "pitr"],
        typer.Option(help="Everything, what changed since the last export, or AWS's own export to S3."),
    ] = "full",
    format: Annotated[
        Literal["json", "parquet"] | None, typer.Option(help="How raw keeps it.  [default: parquet]")
    ] = None,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="With incremental: compare all keys, to find what was deleted.")
    ] = False,
    since: Annotated[
        datetime | None, typer.Option(help="With incremental: changes from here on, UTC, instead of the last.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="With incremental: changes up to here, UTC.")] = None,
    new_chain: Annotated[
        bool, typer.Option("--new-chain", help="With pitr: a full export again instead of the next window.")
    ] = False,
    max_rcu: Annotated[
        float | None, typer.Option("--max-rcu", min=0.5, help="The most read capacity units a second.")
    ] = None,
    segments: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many readers.  [default: by size]")
    ] = None,
    lake: LakeAddress = None,
    as_json: AsJson = False,
) -> None:
    """The app's data out of DynamoDB into raw; an export that was cut off goes on."""
    if mode != "incremental" and (reconcile or since or until):
        raise typer.BadParameter("--reconcile, --since and --until go with --mode incremental.")
    if mode != "pitr" and new_chain:
        raise typer.BadParameter("--new-chain goes with --mode pitr.")
    _run(
        "export",
        lake,
        as_json,
        table=table,
        mode=mode,
        format=format,
        reconcile=reconcile,
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC),
        new_chain=new_chain,
        max_rcu=max_rcu,
        segments=segments,
    )


@app.command()
def fetch(
    source: Annotated[list[str] | None, typer.Argument(help="Which sources; all where none is named.")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="From this day on, however far back.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Up to this day.  [default: today]")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="For this person only.")] = None,
    lake: LakeAddress = None,
    as_json: AsJson = False,
) -> None:
    """Outside sources into raw: the gaps, and the days still open to change."""
    if first and last and last < first:
        raise typer.BadParameter("--to is before --from.")
    days = {"first_day": first and first.date(), "last_day": last and last.date()}
    _run("fetch", lake, as_json, sources=tuple(source or ()), user_id=user, **days)


@app.command()
def sources(
    source: Annotated[list[str] | None, typer.Argument(help="Which sources; all where none is named.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Of this person only.")] = None,
    lake: LakeAddress = None,
    as_json: AsJson = False,
) -> None:
    """What each outside source holds and lacks, day by day, and why."""
    from moderation_craft import views
    from moderation_craft.pipeline.holdings import holdings
    from moderation_craft.talk import Talk

    with Talk() as talk, _context(lake, talk=talk, live=True) as context:
        found = holdings(context.lake, context.settings, names=source or (), user_id=user)
    print(views.sources_as_json(found) if as_json else views.sources_text(found))


@app.command()
def transform(lake: LakeAddress = None, as_json: AsJson = False) -> None:
    """Raw to gold, from scratch."""
    _run("rebuild", lake, as_json)


@app.command()
def rebuild(lake: LakeAddress = None, as_json: AsJson = False) -> None:
    """Everything below raw again, from raw alone."""
    _run("rebuild", lake, as_json)


ServiceArgument = Annotated[
    Literal["fitbit", "google"], typer.Argument(help="fitbit (Google Health), or google (Google Calendar).")
]


@app.command()
def connect(
    service: ServiceArgument,
    user: Annotated[str | None, typer.Option("--user", help="Who consents.  [default: the only person]")] = None,
    browser: Annotated[
        bool | None,
        typer.Option("--browser/--no-browser", help="Open the page, or only print it.  [default: on a terminal]"),
    ] = None,
    wait_minutes: Annotated[float, typer.Option("--wait", min=0.01, max=60, help="How long, in minutes.")] = 5.0,
    lake: LakeAddress = None,
) -> None:
    """Consent to a service in your browser; what it gives is kept encrypted, never in the lake."""
    from moderation_craft.pipeline.people import the_person
    from moderation_craft.sources.oauth.shell import connect_from_shell, granted_sentences
    from moderation_craft.talk import Talk

    with Talk() as talk, _context(lake, talk=talk, live=True) as context:
        made = connect_from_shell(
            context.settings,
            context.lake.clock,
            service,
            the_person(context.lake, context.settings, user),
            wait_seconds=wait_minutes * 60,
            opens_browser=sys.stderr.isatty() if browser is None else browser,
            say=talk.say,
        )
        for line in granted_sentences(made):
            talk.say(line)
    print("Next: `mcraft run` fetches it.", file=sys.stderr)


@app.command()
def disconnect(
    service: ServiceArgument,
    user: Annotated[str | None, typer.Option("--user", help="Whose.  [default: the only person's]")] = None,
    lake: LakeAddress = None,
    as_json: AsJson = False,
) -> None:
    """Take a consent back, there and here; what was fetched stays."""
    from moderation_craft import views
    from moderation_craft.pipeline.people import the_person
    from moderation_craft.sources.oauth.overview import disconnect as forget
    from moderation_craft.talk import Talk

    with Talk() as talk, _context(lake, talk=talk, live=True) as context:
        done = forget(context.settings, service, the_person(context.lake, context.settings, user))
    print(views.forgotten_as_json(done) if as_json else views.forgotten(done))


@import_app.command("csv")
def import_csv(
    path: Annotated[Path, typer.Argument(help="A CSV file with a date column.")],
    map_path: Annotated[Path | None, typer.Option("--map", help="What its columns are (TOML).")] = None,
    user: User = None,
    lake: LakeAddress = None,
) -> None:
    """A spreadsheet of your own measures."""
    from moderation_craft.sources.csv.importer import import_csv as import_file
    from moderation_craft.talk import Talk

    with Talk() as talk, _context(lake) as context:
        result = import_file(context.lake, path, map_path=map_path, user=user, progress=talk.advance)
        talk.say(result.sentence())
        for column in result.left_out:
            talk.say(f"  left out: {column.column} ({column.reason})")
        if result.first_refusal:
            talk.say(f"  {result.refused_rows} rows are in quarantine; the first: {result.first_refusal}")
    _next_run()


@import_app.command("dexie")
def import_dexie(
    path: Annotated[Path, typer.Argument(help="A dexie-export-import dump (.json or .json.gz).")],
    user: Annotated[str, typer.Option("--user", help="Whose browser it comes from.")],
    device: Annotated[str, typer.Option("--device", help="Which of their browsers, by any name.")] = "",
    lake: LakeAddress = None,
) -> None:
    """What the app's own browser database holds."""
    from moderation_craft.sources.indexeddb.dump import import_dexie as import_file
    from moderation_craft.talk import Talk

    with Talk() as talk, _context(lake) as context:
        max_bytes = context.settings.ingest.max_bytes
        manifest = import_file(context.lake, path, user, talk.advance, device_id=device, max_bytes=max_bytes)
        refused = f"; {manifest.refused:,} that are none are in quarantine" if manifest.refused else ""
        talk.say(f"{manifest.rows:,} rows of {user} are in raw{refused}.")
    _next_run()


@import_app.command("dynamodb-export")
def import_dynamodb_export(
    path: Annotated[str, typer.Argument(help="AWS's own export: its folder, here or s3://bucket/prefix.")],
    table: Annotated[str | None, typer.Option(help="The table's name here, if another.")] = None,
    lake: LakeAddress = None,
) -> None:
    """A table export that AWS made: full, or the changes of a window."""
    from moderation_craft.sources.dynamodb.native_import import import_native
    from moderation_craft.talk import Talk

    with Talk() as talk, _context(lake) as context:
        manifest = import_native(context.lake, path, table, progress=talk.advance)
        talk.say(f"{manifest.rows:,} items of {manifest.details['table_name']} are in raw.")
    _next_run()


@import_app.command("ics")
def import_ics(
    path: Annotated[Path, typer.Argument(help="An iCalendar file.")],
    user: Annotated[str, typer.Option("--user", help="Whose calendar it is.")],
    lake: LakeAddress = None,
) -> None:
    """A calendar file; only busy times leave raw."""
    from moderation_craft.sources.calendar.import_ics import import_ics as import_file
    from moderation_craft.talk import Talk

    with Talk() as talk, _context(lake) as context:
        timezone = context.settings.timezone
        manifest = import_file(context.lake, path, user, timezone=timezone, progress=talk.advance)
        talk.say(f"The calendar {path.name} of {user} is in raw{'' if manifest else ' already'}.")
    _next_run()


@import_app.command("takeout")
def import_takeout(
    path: Annotated[list[Path], typer.Argument(help="Google Takeout: its zips, or the unpacked folder.")],
    user: Annotated[str | None, typer.Option("--user", help="Whose it is.  [default: the only person]")] = None,
    lake: LakeAddress = None,
) -> None:
    """Years of Fitbit out of Google Takeout; what is held already is not written again."""
    from moderation_craft.sources.fitbit.takeout import import_takeout as import_files

    _import_archive(import_files, path, user, lake)


@import_app.command("fitbit-legacy")
def import_fitbit_legacy(
    path: Annotated[list[Path], typer.Argument(help="Saved answers of the old Fitbit Web API: files or folders.")],
    user: Annotated[str | None, typer.Option("--user", help="Whose it is.  [default: the only person]")] = None,
    lake: LakeAddress = None,
) -> None:
    """What the old Fitbit Web API answered, where you kept it."""
    from moderation_craft.sources.fitbit.legacy import import_legacy as import_files

    _import_archive(import_files, path, user, lake)


def _import_archive(take: Callable[..., Any], paths: list[Path], user: str | None, lake: str | None) -> None:
    from moderation_craft.pipeline.people import person_named
    from moderation_craft.talk import Talk

    with Talk() as talk, _context(lake) as context:
        person = person_named(context.lake, context.settings, user)
        result = take(context.lake, paths, person, progress=talk.advance)
        talk.say(result.sentence())
        for note in result.details():
            talk.say(f"  {note}")
    _next_run()


def _next_run() -> None:
    print("Next: `mcraft run` brings it into the marts and the dashboard.", file=sys.stderr)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement over the marts.")],
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the result as CSV.")] = False,
    lake: LakeAddress = None,
) -> None:
    """Ask the published gold; there is no way to change it from here."""
    from moderation_craft import views
    from moderation_craft.warehouse.gold import Gold

    with _context(lake) as context:
        result = Gold.open(context.lake).query(sql)
    print(views.rows_as_json(result) if as_json else views.rows_as_csv(result) if as_csv else views.table(result))


@app.command()
def analyse(
    user: User = None,
    strongest: Annotated[
        int, typer.Option("--strongest", min=1, help="How many links a person, the surest first.")
    ] = 10,
    lake: LakeAddress = None,
    as_json: AsJson = False,
) -> None:
    """What goes together in your days, and how sure that is: links found by the daily job's analysis."""
    from moderation_craft import views
    from moderation_craft.insights.findings import read_findings

    with _context(lake) as context:
        found = read_findings(context.lake, user)
    print(views.findings_as_json(found) if as_json else views.findings_text(found, strongest))


@app.command()
def status(lake: LakeAddress = None, as_json: AsJson = False) -> None:
    """Each layer's objects, rows and freshness, the last runs, what is in quarantine."""
    from moderation_craft import views
    from moderation_craft.pipeline.status import report

    with _context(lake) as context:
        found = report(context.lake, context.settings)
    print(views.status_as_json(found) if as_json else views.status_text(found))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="127.0.0.1, ::1 or localhost; nothing else.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535)] = None,
    lake: LakeAddress = None,
) -> None:
    """The API, the pages and the daily schedule, on this machine only."""
    from moderation_craft.serve.server import check_port, serve_forever
    from moderation_craft.talk import Talk

    settings = _settings(lake)
    wanted_host = host or settings.serve.host
    if wanted_host not in ("127.0.0.1", "localhost", "::1"):
        raise typer.BadParameter(
            f"{wanted_host!r} is not this machine's own address; put a proxy with a login before mcraft.",
            param_hint="--host",
        )
    wanted_port = settings.serve.port if port is None else port
    check_port(wanted_host, wanted_port)
    with Talk() as talk, _context(lake, talk=talk, live=True) as context:
        serve_forever(context, host=wanted_host, port=wanted_port, say=talk.say)


@app.command()
def doctor(
    print_config: Annotated[bool, typer.Option("--print-config", help="Print every setting as TOML.")] = False,
    lake: LakeAddress = None,
    as_json: AsJson = False,
) -> None:
    """Check settings, lake, endpoints and versions; say what to mend."""
    from moderation_craft import doctor as checks
    from moderation_craft import views

    settings = _settings(lake)
    if print_config:
        print(checks.config_as_toml(settings))
        return
    found = checks.examine(settings)
    print(views.checks_as_json(found) if as_json else views.checks(found))
    if any(check.state == "bad" for check in found):
        raise typer.Exit(1)


@app.callback()
def _main(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
) -> None:
    logs.configure(verbose=verbose, as_json=os.environ.get("MCRAFT_LOG_FORMAT") == "json")


def main() -> None:
    """Run `mcraft`: exit 0 done, 1 failed with code, cause and next step, 2 wrong usage, 130 stopped by Ctrl-C."""
    try:
        app()
    except McraftError as error:
        print(error.paragraph(), file=sys.stderr)
        sys.exit(1)
