"""Reading gold: people, rows, SQL, and everything that SQL must not reach."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from moderation_craft.errors import SetupError
from moderation_craft.lake import Lake
from moderation_craft.warehouse.gold import Gold
from tests.warehouse.conftest import Built
from tests.warehouse.made_lake import AOI


def test_nothing_published_yet(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path))
    assert Gold.open_or_none(lake) is None
    with pytest.raises(SetupError, match="Nothing is published"):
        Gold.open(lake)


def test_person_rows_in_order(built: Built) -> None:
    gold = Gold.open(built.lake)
    newest = gold.person_rows("mart_productivity_daily", AOI, last=2).column("date").to_pylist()
    assert newest == [date(2026, 3, 4), date(2026, 3, 5)]
    within = gold.person_rows("mart_productivity_daily", AOI, first=date(2026, 3, 2), to=date(2026, 3, 3))
    assert within.num_rows == 2
    assert gold.person_rows("dim_project", AOI, first=date(2026, 3, 2)).num_rows == 1
    assert gold.person_rows("fct_sleep", "nobody'; drop view fct_sleep; --").num_rows == 0


def test_staging_is_listed(built: Built) -> None:
    staged = {name: rows for name, rows, _ in Gold.open(built.lake).staging}
    assert staged["app/users"] == 2
    assert staged["fitbit/sleep_logs"] == 3


def test_wrong_sql_says_why(built: Built) -> None:
    with pytest.raises(SetupError, match="no_such_column"):
        Gold.open(built.lake).query("select no_such_column from dim_user")


@pytest.mark.parametrize(
    "sql",
    [
        "copy dim_user to '{lake}/gold/x.parquet'",
        "explain analyze copy dim_user to '{lake}/gold/x.parquet'",
        "/* */ explain analyze copy dim_user to '{lake}/gold/x.parquet'",
        "select getenv('HOME')",
        "select 1; select 2",
        "attach '{lake}/x.duckdb'",
        "set enable_external_access = true",
        "select * from read_text('{lake}/raw/external/fitbit/_manifests/20260308T210000000Z-0004.json')",
        "select * from read_csv('/etc/passwd')",
        "select * from glob('/etc/*')",
        "install httpfs",
        "",
    ],
)
def test_sql_reaches_gold_only(built: Built, sql: str) -> None:
    with pytest.raises(SetupError):
        Gold.open(built.lake).query(sql.format(lake=built.lake.address))


def test_describe_and_show_are_answered(built: Built) -> None:
    gold = Gold.open(built.lake)
    assert len(gold.query("show tables").rows) == len(gold.marts)
    assert gold.query("describe dim_user").rows
    assert gold.query("explain analyze select count(*) from dim_user").rows
    assert gold.query("with a as (select 1 as x) select * from a").rows == [(1,)]
