"""Publishes the warehouse: staging and gold objects named by content, then one pointer swapped."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from moderation_craft.errors import TransformFailed
from moderation_craft.lake import Lake, Refusal, zones
from moderation_craft.lake.quarantine import quarantine
from moderation_craft.settings import Settings
from moderation_craft.warehouse import gold_model, runner
from moderation_craft.warehouse.browser_file import BrowserDatabase, write_browser_databases
from moderation_craft.warehouse.catalog import MARTS, MartSpec
from moderation_craft.warehouse.connection import identifier, quoted
from moderation_craft.warehouse.gold_model import Column, GoldFile, GoldPerson, GoldVersion, Mart, Pointer
from moderation_craft.warehouse.object_writer import ObjectWriter
from moderation_craft.warehouse.retention import sweep_gold, sweep_staging

Progress = Callable[[int, int | None, str], None]


@dataclass(frozen=True)
class Publication:
    """What publishing came to; `changed` where readers now see another version than before."""

    version: str
    changed: bool
    marts: int
    people: int
    rows: int
    files_written: int
    files_removed: int
    quarantined: int

    def sentence(self) -> str:
        if not self.changed:
            return f"gold {self.version} unchanged"
        people = "1 person" if self.people == 1 else f"{self.people} people"
        return (
            f"gold {self.version}: {self.marts} marts, {self.rows:,} rows, {people}; "
            f"{self.files_written} files new, {self.files_removed} old ones removed"
        )


def publish(lake: Lake, settings: Settings, progress: Progress = lambda done, total, doing: None) -> Publication:
    """Publish the last finished build; TransformFailed where there is none or it cannot be read.

    Objects first, the version's document, then the pointer: a reader sees the old version or the new one.
    """
    path, fingerprint = _last_build(lake, settings)
    before = gold_model.read_pointer(lake)
    with _writer(lake, path) as writer:
        staged = _publish_staging(writer)
        marts = []
        for done, spec in enumerate(MARTS):
            progress(done, len(MARTS) + 1, f"publishing {spec.name}")
            marts.append(_publish_mart(writer, spec))
        progress(len(MARTS), len(MARTS) + 1, "publishing the browser files")
        people = _publish_people(writer, path)
        refused = _publish_quarantine(lake, writer.connection)
    version = gold_model.make_version(marts, people)
    _swap(lake, version, before)
    gold_model.write_fingerprint(lake, version.version, fingerprint)
    sweep_staging(lake, gold_model.PublishedStaging(staged, refused))
    removed = sweep_gold(lake, version, before, settings.keep_gold_versions)
    progress(len(MARTS) + 1, len(MARTS) + 1, "published")
    return Publication(
        version=version.version,
        changed=before is None or before.version != version.version,
        marts=len(marts),
        people=len(people),
        rows=sum(mart.rows for mart in marts),
        files_written=writer.written,
        files_removed=removed,
        quarantined=len(refused),
    )


def _last_build(lake: Lake, settings: Settings) -> tuple[Path, str]:
    found = runner.last_build(lake, settings)
    if found is None:
        raise TransformFailed(
            "There is no finished build to publish.", remedy="run `mcraft run`, or `mcraft rebuild`."
        )
    return found


@contextmanager
def _writer(lake: Lake, path: Path) -> Iterator[ObjectWriter]:
    held = {stored.key: stored.size for zone in (zones.STAGING, zones.GOLD) for stored in lake.storage.list(zone)}
    try:
        with (
            tempfile.TemporaryDirectory(prefix="publish-", dir=path.parent) as folder,
            duckdb.connect(str(path), read_only=True, config={"threads": 1}) as connection,
        ):
            connection.execute("set TimeZone = 'UTC'")
            yield ObjectWriter(lake, connection, Path(folder), held)
    except duckdb.Error as error:
        raise TransformFailed(
            f"The warehouse file {str(path)!r} cannot be read: {str(error).splitlines()[0]}",
            remedy="`mcraft rebuild` makes it anew from raw; the last good gold stays in place.",
        ) from error


def _publish_staging(writer: ObjectWriter) -> list[gold_model.StagedTable]:
    names = writer.connection.execute(
        "select table_name from duckdb_tables() "
        "where schema_name = 'main' and starts_with(table_name, 'stg_') order by table_name"
    ).fetchall()
    return [_publish_staged(writer, str(name)) for (name,) in names]


def _publish_staged(writer: ObjectWriter, name: str) -> gold_model.StagedTable:
    source, entity = name.removeprefix("stg_").split("__", 1)
    key, size, rows = writer.parquet(
        f"select * from {identifier(name)} order by all",
        lambda digest: zones.staged(source, entity, digest),
    )
    return gold_model.StagedTable(name=f"{source}/{entity}", key=key, rows=rows, bytes=size)


def _publish_mart(writer: ObjectWriter, spec: MartSpec) -> Mart:
    months = _months(writer.connection, spec) if spec.is_monthly else []
    files = [_publish_file(writer, spec, month) for month in months or [None]]
    return Mart(
        name=spec.name,
        keys=list(spec.keys),
        order=list(spec.order_by),
        columns=[Column(name, kind) for name, kind in writer.columns(spec.name)],
        rows=sum(file.rows for file in files),
        files=files,
    )


def _months(connection: duckdb.DuckDBPyConnection, spec: MartSpec) -> list[str | None]:
    found = connection.execute(
        f"select distinct strftime(date, '%Y-%m') as month from {identifier(spec.name)} order by month"
    ).fetchall()
    return [str(month) for (month,) in found]


def _publish_file(writer: ObjectWriter, spec: MartSpec, month: str | None) -> GoldFile:
    within = f"where strftime(date, '%Y-%m') = {quoted(month)}" if month else ""
    key, size, rows = writer.parquet(
        f"select * from {identifier(spec.name)} {within} order by {', '.join(spec.order_by)}",
        lambda digest: zones.gold_file(spec.name, month, digest),
    )
    return GoldFile(key=key, bytes=size, rows=rows, month=month)


def _publish_people(writer: ObjectWriter, warehouse: Path) -> list[GoldPerson]:
    people = writer.connection.execute(
        "select u.user_id, u.name, u.timezone, min(m.date)::varchar, max(m.date)::varchar "
        "from dim_user as u inner join mart_productivity_daily as m on u.user_id = m.user_id "
        "where not u.is_deleted group by all order by u.user_id"
    ).fetchall()
    columns = {spec.name: _browser_columns(writer, spec) for spec in MARTS}
    databases = [
        BrowserDatabase(writer.temporary(".duckdb"), _browser_tables(columns, str(person[0]))) for person in people
    ]
    write_browser_databases(warehouse, databases)
    return [
        _publish_person(writer, database.path, *map(str, person))
        for database, person in zip(databases, people, strict=True)
    ]


def _publish_person(
    writer: ObjectWriter, path: Path, user_id: str, name: str, timezone: str, first_date: str, last_date: str
) -> GoldPerson:
    key, size = writer.file(path, lambda digest: zones.gold_browser_file(user_id, digest))
    return GoldPerson(user_id, name, timezone, first_date, last_date, key, size)


def _browser_columns(writer: ObjectWriter, spec: MartSpec) -> str:
    return ", ".join(identifier(name) for name, _ in writer.columns(spec.name) if name not in spec.not_in_browser)


def _browser_tables(columns: dict[str, str], user_id: str) -> dict[str, str]:
    return {
        spec.name: f"select {columns[spec.name]} from w.main.{spec.name} "
        + (f"where user_id = {quoted(user_id)} " if spec.is_personal else "")
        + f"order by {', '.join(spec.order_by)}"
        for spec in MARTS
    }


def _publish_quarantine(lake: Lake, connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select source, dt, code, reason, origin, record from quarantined_records order by all"
    ).fetchall()
    return sorted({quarantine(lake.storage, Refusal(*row)) for row in rows})


def _swap(lake: Lake, version: GoldVersion, before: Pointer | None) -> None:
    pointer = Pointer(version.version)
    lake.storage.put_new(zones.gold_version(version.version), gold_model.encode(version))
    if pointer != before:
        lake.storage.put(zones.GOLD_POINTER, gold_model.encode(pointer))
