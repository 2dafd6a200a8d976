"""A CSV as daily measures: what is a measure, what each day's value is, what is refused and why."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec

from moderation_craft.errors import RecordInvalid, SetupError
from moderation_craft.lake import Refusal
from moderation_craft.sources.csv.cells import EARLIEST_DAY, parse_day
from moderation_craft.sources.csv.column_map import GUESSED_DATE_COLUMNS, CsvMap
from moderation_craft.sources.csv.columns import LeftOut, MeasureColumn, read_columns
from moderation_craft.sources.csv.table import Table, read_table

LATEST_DAYS_AHEAD = 366
_COLUMNS_SHOWN = 30


@dataclass(frozen=True)
class Context:
    """Where a file came from: what refusals and errors call it, and the day it was imported."""

    name: str
    origin: str
    imported_on: date


@dataclass
class DayRow:
    """One row of the file: whose day, and the values measured on it by measure's name."""

    number: int
    cells: list[str]
    user_id: str = ""
    day: date | None = None
    values: dict[str, float] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    is_lost: bool = False


@dataclass(frozen=True)
class Parsed:
    """A file read: `days` are its good rows in order; `plan` is the map with every guess written down."""

    plan: CsvMap
    row_count: int
    repeated_count: int
    days: list[DayRow]
    measures: list[MeasureColumn]
    left_out: list[LeftOut]
    refusals: list[Refusal]


def parse(data: bytes, plan: CsvMap, context: Context) -> Parsed:
    """A CSV's measures; RecordInvalid where it does not fit its map, SetupError where nobody is named."""
    table = read_table(data, plan, context.name)
    plan = _completed(plan, table, context.name)
    rows = [_row(number, cells, table.header, plan, context) for number, cells in table.rows]
    _require_days(rows, plan, context.name)
    whole = [row for row in rows if len(row.cells) == len(table.header)]
    measures, left_out = read_columns(table.header, whole, plan)
    if not measures:
        raise RecordInvalid(
            f"{context.name} has no column of numbers or yes/no beside the date and the person.",
            remedy="name a column under [measures] in a map; its bad cells are then refused, the rest kept.",
        )
    repeated_count = _settle_repeats(rows)
    return Parsed(
        plan=plan,
        row_count=len(rows),
        repeated_count=repeated_count,
        days=[row for row in rows if not row.is_lost],
        measures=measures,
        left_out=left_out,
        refusals=[_refusal(row, table.header, context) for row in rows if row.reasons],
    )


def values_of(parsed: Parsed) -> Iterator[tuple[DayRow, MeasureColumn, float]]:
    """Every measured value, row by row in the file's order."""
    for row in parsed.days:
        for measure in parsed.measures:
            if measure.name in row.values:
                yield row, measure, row.values[measure.name]


def _completed(plan: CsvMap, table: Table, name: str) -> CsvMap:
    if plan.date is None:
        guessed = [column for column in table.header if column.lower() in GUESSED_DATE_COLUMNS]
        if not guessed:
            raise RecordInvalid(
                f"{name} has no column named date, 日付 or day, and no map says which one is the date. "
                f"Its columns: {_listed(table.header)}.",
                remedy='write a map with date = "the column" and give it with --map.',
            )
        plan = msgspec.structs.replace(plan, date=guessed[0])
    wanted = [("date", plan.date), ("user", plan.user)]
    wanted += [("skip", column) for column in plan.skip]
    wanted += [(f"measures.{measure}", column) for column, (measure, _) in plan.named_columns().items()]
    for key, column in wanted:
        if column is not None and column not in table.header:
            raise _no_such_column(key, column, table.header, name)
    if plan.user is None and plan.user_id is None:
        raise SetupError(
            f"Nothing says whose days {name} holds. Its columns: {_listed(table.header)}.",
            remedy='add --user ID, or user = "the column that names the person" to the map.',
        )
    return msgspec.structs.replace(plan, encoding=table.encoding, delimiter=table.delimiter)


def _no_such_column(key: str, column: str, header: Sequence[str], name: str) -> RecordInvalid:
    close = difflib.get_close_matches(column.casefold(), [known.casefold() for known in header], n=1)
    meant = next((known for known in header if close and known.casefold() == close[0]), None)
    hint = f'write "{meant}"' if meant else "write one of its columns"
    return RecordInvalid(
        f"{name} has no column {column!r}, which the map names as {key}. Its columns: {_listed(header)}.",
        remedy=f"{hint} in the map, then import again; nothing was written.",
    )


def _listed(header: Sequence[str]) -> str:
    shown = ", ".join(column or "(no name)" for column in header[:_COLUMNS_SHOWN])
    more = len(header) - _COLUMNS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _row(number: int, cells: list[str], header: list[str], plan: CsvMap, context: Context) -> DayRow:
    row = DayRow(number, cells)
    if len(cells) != len(header):
        row.reasons.append(f"it has {len(cells)} cells where the header has {len(header)}")
    else:
        _read_day(row, cells[header.index(plan.date or "")], plan, context)
        row.user_id = plan.user_id or cells[header.index(plan.user or "")].strip()
        if not row.user_id:
            row.reasons.append(f"the column {plan.user!r} names nobody")
    row.is_lost = bool(row.reasons)
    return row


def _read_day(row: DayRow, text: str, plan: CsvMap, context: Context) -> None:
    row.day = parse_day(text, plan.date_format)
    latest = context.imported_on + timedelta(days=LATEST_DAYS_AHEAD)
    if row.day is None:
        wanted = plan.date_format or "YYYY-MM-DD"
        row.reasons.append(f"{text!r} in the column {plan.date!r} is no date of the form {wanted}")
    elif not EARLIEST_DAY <= row.day <= latest:
        row.reasons.append(f"the date {row.day} lies outside {EARLIEST_DAY} to {latest}")


def _require_days(rows: list[DayRow], plan: CsvMap, name: str) -> None:
    if all(row.is_lost for row in rows):
        raise RecordInvalid(
            f"No row of {name} can be used; row {rows[0].number}: {rows[0].reasons[0]}.",
            remedy='mend the map: date_format = "%m/%d/%Y" reads 4/12/2016, delimiter = ";" splits at '
            "semicolons; docs/custom-measures.md has more.",
        )


def _settle_repeats(rows: list[DayRow]) -> int:
    """Keep one row a person and day: equal ones collapse, of different ones the last stays."""
    kept: dict[tuple[str, date | None], DayRow] = {}
    repeated_count = 0
    for row in rows:
        if row.is_lost or not row.values:
            continue
        earlier = kept.get((row.user_id, row.day))
        if earlier is not None:
            earlier.is_lost = True
            if earlier.values == row.values:
                repeated_count += 1
            else:
                earlier.reasons.append(f"row {row.number} says otherwise of the same person and day")
        kept[row.user_id, row.day] = row
    return repeated_count


def _refusal(row: DayRow, header: list[str], context: Context) -> Refusal:
    fits = len(row.cells) == len(header)
    record = dict(zip(header, row.cells, strict=True)) if fits else row.cells
    return Refusal(
        source="csv",
        dt=row.day or context.imported_on,
        code=RecordInvalid.code,
        reason="; ".join(row.reasons),
        origin=f"{context.origin}#row={row.number}",
        record=msgspec.json.encode(record).decode(),
    )
