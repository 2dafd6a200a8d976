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

from moderation_craft.pipeline import source_view

if TYPE_CHECKING:
    from moderation_craft.doctor import Check
    from moderation_craft.insights.findings import PersonFindings
    from moderation_craft.pipeline.holdings import Holding
    from moderation_craft.pipeline.status import Report
    from moderation_craft.sources.oauth.overview import Forgotten
    from moderation_craft.sources.states import DayRun, SourceStates
    from moderation_craft.warehouse.gold import QueryResult

_DAY_MARKS = {"complete": "█", "open": "▒", "partial": "◧", "missing": "·", "refused": "×"}
_MONTHS_SHOWN = 12
_GAPS_SHOWN = 5
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


def findings_as_json(people: Sequence[PersonFindings]) -> str:
    return msgspec.json.format(msgspec.json.encode(people), indent=2).decode()


def findings_text(people: Sequence[PersonFindings], strongest: int) -> str:
    """Each person's surest links as sentences; association only, which the last line says."""
    lines = []
    for person in people:
        lines += [person.user_id, f"  {person.summary}"]
        lines += [f"  - {finding.sentence}" for finding in person.findings[:strongest]]
        more = len(person.findings) - strongest
        lines += [f"  ({more} more: --strongest {len(person.findings)})"] if more > 0 else []
        lines.append("")
    said = "Going together is not one bringing the other about; only an experiment can show that."
    return "\n".join([*lines, said]) if lines else "There is nobody with days yet."


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
    lines += [f"{gap.source} of {gap.user_id}: {gap.sentence()}" for gap in report.gaps]
    if report.gaps:
        lines += ["`mcraft sources` says which days and why; the next `mcraft fetch` asks for them again.", ""]
    for run in report.runs:
        lines.append(f"{_minute(run.started_at)}  {run.kind:<8} {run.status}")
        lines += [f"{'':<18}! {warning.code} {warning.message}" for warning in run.warnings]
    return "\n".join(lines).rstrip()


def sources_as_json(found: Sequence[Holding]) -> str:
    """The summary of each source, and the runs of days of everybody."""
    shown = {"sources": source_view.summary(found), "completeness": source_view.completeness(found)}
    return json.dumps(shown, ensure_ascii=False, indent=2)


def sources_text(found: Sequence[Holding]) -> str:
    """Each source and person: days by state, a row a month with a mark a day, the newest gaps with reasons."""
    lines = [f"A mark a day: {', '.join(f'{mark} {state}' for state, mark in _DAY_MARKS.items())}."]
    for holding in found:
        lines += ["", holding.source.name]
        those = [person for person in holding.people if person.refusal is None or person.days]
        for person in those:
            lines += _person_lines(person)
        others = [person for person in holding.people if person not in those]
        if others:
            whose = f"{len(others)} people" if len(others) > 1 else others[0].user_id
            lines.append(f"  {whose}: {others[0].refusal}")
        if not holding.people:
            lines.append("  nobody is known yet: no profile in the app's data, nobody in the settings")
    return "\n".join(lines)


def _person_lines(person: SourceStates) -> list[str]:
    counts = ", ".join(f"{days:,} {state}" for state, days in person.counts.items())
    looked = f"last looked at {_minute(person.last_looked_at)}"
    refusal = "" if person.refusal is None else f"; {person.refusal}"
    lines = [f"  {person.user_id}: {counts or 'nothing yet'}; {looked}{refusal}"]
    lines += [f"    {month} {marks}" for month, marks in _months(person.days)]
    gaps = [run for run in reversed(person.days) if run.lacking]
    for run in gaps[:_GAPS_SHOWN]:
        days = str(run.first) if run.first == run.last else f"{run.first} to {run.last}"
        why = f": {run.reason}" if run.reason else ""
        lines.append(f"    ! {days} {run.state}: {', '.join(run.lacking)}{why}")
    if len(gaps) > _GAPS_SHOWN:
        lines.append(f"    ! and {len(gaps) - _GAPS_SHOWN} more; --json lists them")
    return lines


def _months(runs: Sequence[DayRun]) -> list[tuple[str, str]]:
    """The newest months, oldest first, each with a mark for every day from its first on; a blank: not expected."""
    marks: dict[str, list[str]] = {}
    for run in runs:
        for ordinal in range(run.first.toordinal(), run.last.toordinal() + 1):
            day = date.fromordinal(ordinal)
            marks.setdefault(f"{day:%Y-%m}", [" "] * 31)[day.day - 1] = _DAY_MARKS[run.state]
    return [(month, "".join(marks[month]).rstrip()) for month in sorted(marks)[-_MONTHS_SHOWN:]]


def forgotten_as_json(done: Forgotten) -> str:
    return json.dumps({"outcome": done.outcome, "note": done.note})


def forgotten(done: Forgotten) -> str:
    """What came of a disconnect, in a line."""
    return f"{'Not disconnected' if done.outcome in ('fixed', 'nothing') else 'Disconnected'}: {done.note}."


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
