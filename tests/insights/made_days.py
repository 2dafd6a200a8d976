"""A warehouse file with the tables that the analysis reads and the empty one, under its model's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import yaml

import moderation_craft.warehouse
from moderation_craft.insights.correlations import Floats
from moderation_craft.insights.factors import DAILY
from moderation_craft.insights.promises import TABLE

FIRST_DAY = date(2026, 1, 1)
_MODEL = Path(moderation_craft.warehouse.__file__).parent / "marts" / f"{TABLE}.yml"


def make_warehouse(
    path: Path, people: Mapping[str, Mapping[str, Floats]], own: Sequence[tuple[Any, ...]] = ()
) -> Path:
    """`people`: by user, columns of the day (NaN: unknown); `own`: user, date, measure, value, kind."""
    with duckdb.connect(str(path)) as connection:
        columns = ", ".join(
            f"{m.name} {'timestamp' if m.name == 'sleep_start_local' else 'double'}" for m in DAILY
        )
        connection.execute(f"create table mart_productivity_daily (user_id varchar, date date, {columns})")
        connection.execute(
            "create table fct_daily_measures (user_id varchar, date date, measure varchar, value double, "
            "kind varchar, unit varchar, label_en varchar, label_ja varchar)"
        )
        connection.execute(_contract())
        for user_id, held in people.items():
            names = ", ".join(held)
            for day, values in enumerate(zip(*held.values(), strict=True)):
                known = [None if np.isnan(value) else float(value) for value in values]
                connection.execute(
                    f"insert into mart_productivity_daily (user_id, date, {names}) "
                    f"values ({', '.join('?' * (len(known) + 2))})",
                    [user_id, FIRST_DAY + timedelta(days=day), *known],
                )
        for row in own:
            connection.execute(
                "insert into fct_daily_measures (user_id, date, measure, value, kind) values (?, ?, ?, ?, ?)", row
            )
    return path


def _contract() -> str:
    """The table as dbt makes it from the model's YAML."""
    model = yaml.safe_load(_MODEL.read_text())["models"][0]
    lines = [
        f"{column['name']} {column['data_type']} {' '.join(map(_constraint, column.get('constraints', [])))}"
        for column in model["columns"]
    ]
    return f"create table {TABLE} ({', '.join([*lines, *map(_constraint, model['constraints'])])})"


def _constraint(declared: Mapping[str, Any]) -> str:
    match declared["type"]:
        case "check":
            return f"check ({declared['expression']})"
        case _:
            return "not null"


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()
