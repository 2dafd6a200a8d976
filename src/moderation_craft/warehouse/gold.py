"""Reads what is published: people, marts, and SQL over them with nothing else in reach."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from moderation_craft.errors import LakeRefused, SetupError
from moderation_craft.lake import Lake, zones
from moderation_craft.lake.manifest import check_layout
from moderation_craft.warehouse import gold_model
from moderation_craft.warehouse.connection import enable_lake, identifier, quoted
from moderation_craft.warehouse.gold_model import Column, GoldFile, GoldPerson, GoldVersion, Mart

__all__ = ["Column", "Gold", "GoldFile", "GoldPerson", "Mart", "QueryResult"]

_EXPLAIN = re.compile(r"^\s*explain(\s+analyze)?\s", re.IGNORECASE)


@dataclass(frozen=True)
class QueryResult:
    """The answer to a question in SQL."""

    columns: list[Column]
    rows: list[tuple[Any, ...]]


class Gold:
    """One published version, whole: what is published later does not show in it."""

    def __init__(self, lake: Lake, published: GoldVersion) -> None:
        self._lake = lake
        self._published = published

    @classmethod
    def open(cls, lake: Lake) -> Gold:
        """The version that the pointer names; SetupError where nothing is published yet."""
        found = cls.open_or_none(lake)
        if found is None:
            raise SetupError(
                f"Nothing is published in {lake.address} yet.",
                remedy="run `mcraft run`, or `mcraft demo` to see it with made-up people.",
            )
        return found

    @classmethod
    def open_or_none(cls, lake: Lake) -> Gold | None:
        pointer = gold_model.read_pointer(lake)
        if pointer is None:
            return None
        published = gold_model.read_version(lake, pointer.version)
        if published is None:
            raise LakeRefused(
                f"Gold {pointer.version} is named by {zones.GOLD_POINTER} but its document is missing.",
                remedy="`mcraft rebuild` publishes it again from raw.",
            )
        check_layout(published.layout_version, zones.gold_version(pointer.version))
        return cls(lake, published)

    @property
    def version(self) -> str:
        return self._published.version

    @property
    def fingerprint(self) -> str:
        """What this version was made from, to compare with `runner.fingerprint`; empty where it is not known."""
        return gold_model.read_fingerprint(self._lake, self.version)

    @property
    def people(self) -> list[GoldPerson]:
        return self._published.people

    @property
    def marts(self) -> dict[str, Mart]:
        return {mart.name: mart for mart in self._published.marts}

    @property
    def staging(self) -> list[tuple[str, int, int]]:
        """Staged entities: name, rows, bytes."""
        staged = gold_model.read_published_staging(self._lake)
        return [(table.name, table.rows, table.bytes) for table in staged.tables]

    def connect(self) -> duckdb.DuckDBPyConnection:
        """DuckDB in memory with a view a mart; it can open gold's files and nothing else, and stays so.

        DuckDB's lock knows no reading without writing: give it trusted SQL only, or use `query`.
        """
        connection = duckdb.connect(config={"autoinstall_known_extensions": False})
        try:
            connection.execute("set TimeZone = 'UTC'")
            enable_lake(connection, self._lake.address)
            for mart in self._published.marts:
                connection.execute(f"create view {identifier(mart.name)} as {self._select(mart)}")
            connection.execute(f"set allowed_directories = [{quoted(self._lake.storage.url(zones.GOLD))}]")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
        except duckdb.Error as error:
            connection.close()
            raise _unreadable(error) from error
        return connection

    def query(self, sql: str, parameters: Sequence[object] = ()) -> QueryResult:
        """The answer to one SELECT, WITH, SHOW or EXPLAIN; SetupError with DuckDB's words where it is wrong."""
        with self.connect() as connection:
            _check_reads_only(connection, sql)
            try:
                found = connection.execute(sql, list(parameters))
                columns = [Column(str(each[0]), str(each[1])) for each in found.description or []]
                return QueryResult(columns, found.fetchall())
            except duckdb.Error as error:
                raise _wrong_sql(error) from error

    def person_rows(
        self,
        mart: str,
        user_id: str,
        *,
        first: date | None = None,
        to: date | None = None,
        last: int | None = None,
    ) -> pa.Table:
        """One person's rows of a mart, in its order, oldest first; `last` keeps the newest so many.

        A mart that is the same for everybody gives all its rows.
        """
        found = self.marts[mart]
        has_date = any(column.name == "date" for column in found.columns)
        is_personal = "user_id" in found.keys
        conditions, parameters = (["user_id = ?"], [user_id]) if is_personal else (["true"], [])
        for bound, operator in ((first, ">="), (to, "<=")):
            if bound is not None and has_date:
                conditions.append(f"date {operator} cast(? as date)")
                parameters.append(str(bound))
        select = f"select * from {identifier(mart)} where {' and '.join(conditions)}"
        newest_first = ", ".join(f"{name} desc" for name in found.order)
        limit = f"order by {newest_first} limit {int(last)}" if last is not None else ""
        with self.connect() as connection:
            try:
                return connection.execute(
                    f"select * from ({select} {limit}) order by {', '.join(found.order)}",
                    parameters,
                ).to_arrow_table()
            except duckdb.Error as error:
                raise _unreadable(error) from error

    def _select(self, mart: Mart) -> str:
        urls = ", ".join(quoted(self._lake.storage.url(file.key)) for file in mart.files)
        return f"select * from read_parquet([{urls}], hive_partitioning = false)"


def _check_reads_only(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise _wrong_sql(error) from error
    if len(statements) != 1 or not _only_reads(connection, statements[0]):
        raise SetupError(
            "Only one reading statement at a time is run over gold.",
            remedy="write one SELECT, WITH, DESCRIBE, SHOW or EXPLAIN.",
        )


def _only_reads(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> bool:
    """A SELECT, or EXPLAIN of one: EXPLAIN ANALYZE runs what it explains."""
    if statement.type != duckdb.StatementType.EXPLAIN:
        return statement.type == duckdb.StatementType.SELECT
    explained = connection.extract_statements(_EXPLAIN.sub("", statement.query, count=1))
    return [each.type for each in explained] == [duckdb.StatementType.SELECT]


def _wrong_sql(error: duckdb.Error) -> SetupError:
    return SetupError(f"The SQL is wrong: {error}", remedy="mend it; `show tables` lists what there is.")


def _unreadable(error: duckdb.Error) -> LakeRefused:
    return LakeRefused(
        f"Gold cannot be read: {str(error).splitlines()[0]}",
        remedy="`mcraft rebuild` publishes it again from raw.",
    )
