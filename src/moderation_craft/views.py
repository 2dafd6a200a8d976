"""How results are printed: tables for people, JSON and CSV for scripts."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from moderation_craft.doctor import Check
    from moderation_craft.pipeline.status import Report
    from moderation_craft.warehouse.gold import QueryResult

_MARKS = {"good": "✓", "note": "–", "bad": "✗"}


def rows_as_json(result: QueryResult) -> str:
    """`{"columns": [{"name","type"}], "rows": [{column: value}]}`; NaN and infinities become null."""
    columns = [{"name": column.name, "type": column.type} for column in result.columns]
    names = [column.name for column in result.columns]
    rows = [dict(zip(names, map(_plain, row), strict=True)) for row in result.rows]
    return json.dumps({"columns": columns, "rows": rows}, ensure_ascii=False)


def rows_as_csv(result: QueryResult) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in result.columns])
    writer.writerows([["" if value is None else _plain(value) for value in row] for row in result.rows])
    return out.getvalue().rstrip("\n")


def table(result: QueryResult) -> str:
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in result.columns:
        shown.add_column(column.name, justify="right" if _is_number(column.type) else "left")
    for row in result.rows:
        shown.add_row(*["" if value is None else str(_plain(value)) for value in row])
    return f"{_rendered(shown)}\n({len(result.rows):,} rows)"


def status_as_json(report: Report) -> str:
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()


def status_text(report: Report) -> str:
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("layer", "state"):
        shown.add_column(name)
    for name in ("objects", "rows", "MB"):
        shown.add_column(name, justify="right")
    shown.add_column("fresh at (UTC)")
    shown.add_column("")
    for layer in report.layers:
        size = f"{layer.bytes / 1e6:,.1f}" if layer.bytes else ""
        amounts = (f"{layer.objects:,}", f"{layer.rows:,}", size)
        shown.add_row(layer.name, layer.state, *amounts, _minute(layer.fresh_at), layer.detail)
    lines = [f"Lake {report.lake}", _rendered(shown), ""]
    if report.quarantined:
        lines.append(f"{report.quarantined} refused records are kept whole under quarantine/.")
    for run in report.runs:
        lines.append(f"{_minute(run.started_at)}  {run.kind:<8} {run.status}")
        lines += [f"{'':<18}! {warning.code} {warning.message}" for warning in run.warnings]
    return "\n".join(lines).rstrip()


def checks_as_json(found: Sequence[Check]) -> str:
    return json.dumps([check.as_dict() for check in found], ensure_ascii=False)


def checks(found: Sequence[Check]) -> str:
    lines = []
    for check in found:
        lines.append(f"{_MARKS[check.state]} {check.name:<12} {check.found}")
        if check.remedy:
            lines.append(f"  {'':<12} → {check.remedy}")
    return "\n".join(lines)


def _minute(instant: str | None) -> str:
    return instant[:16].replace("T", " ") if instant else "never"


def _is_number(type_name: str) -> bool:
    return type_name.startswith(("DOUBLE", "FLOAT", "DECIMAL", "BIGINT", "INTEGER", "HUGEINT", "SMALLINT", "U"))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | bool) or value is None else str(value)


def _rendered(shown: Table) -> str:
    console = Console(width=200, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(shown)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
