"""Which columns are measures, and the value of each of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from moderation_craft.sources.csv.cells import parse_number, parse_yes_no
from moderation_craft.sources.csv.column_map import CsvMap, MeasureMap

YES_NO_UNIT = "yes_no"


class Row(Protocol):
    """A whole row of the file; reading the columns adds its values and the reasons against its cells."""

    number: int
    cells: list[str]
    values: dict[str, float]
    reasons: list[str]


@dataclass(frozen=True)
class MeasureColumn:
    name: str
    column: str
    unit: str | None
    kind: str
    label_ja: str | None
    label_en: str | None


@dataclass(frozen=True)
class LeftOut:
    """A column that became no measure, with the first cell that stood against it."""

    column: str
    reason: str
    example: str | None = None


def read_columns(
    header: Sequence[str], rows: Sequence[Row], plan: CsvMap
) -> tuple[list[MeasureColumn], list[LeftOut]]:
    """Fill every row's values; returns the measures in the file's order and the columns left out."""
    named = plan.named_columns()
    taken_names = {name for name, _ in named.values()}
    measures: list[MeasureColumn] = []
    left_out: list[LeftOut] = []
    for index, column in enumerate(header):
        if column in (plan.date, plan.user):
            continue
        if column in named:
            name, measure_map = named[column]
            measures.append(_read_named(name, column, measure_map, index, rows, plan))
        elif (reason := _why_not_asked(column, plan, taken_names)) is not None:
            left_out.append(LeftOut(column, reason))
        else:
            found = _read_unnamed(column, index, rows, plan)
            if isinstance(found, LeftOut):
                left_out.append(found)
            else:
                measures.append(found)
    return measures, left_out


def _why_not_asked(column: str, plan: CsvMap, taken_names: set[str]) -> str | None:
    if column in plan.skip:
        return "the map skips it"
    if not column:
        return "it has no name"
    if not plan.takes_other_columns:
        return "the map names other columns (other_columns = true takes it too)"
    if column in taken_names:
        return "the map gives its name to another column"
    return None


def _filled(index: int, rows: Sequence[Row], plan: CsvMap) -> list[tuple[Row, str]]:
    cells = ((row, row.cells[index].strip()) for row in rows)
    return [(row, text) for row, text in cells if text and text not in plan.missing]


def _read_unnamed(column: str, index: int, rows: Sequence[Row], plan: CsvMap) -> MeasureColumn | LeftOut:
    filled = _filled(index, rows, plan)
    if not filled:
        return LeftOut(column, "every cell is empty")
    is_yes_no = parse_yes_no(filled[0][1]) is not None
    values = []
    for row, text in filled:
        value = parse_yes_no(text) if is_yes_no else parse_number(text, plan)
        if value is None:
            wanted = "yes/no" if is_yes_no else "a number"
            return LeftOut(column, f"row {row.number} is not {wanted}", text)
        values.append(value)
    for (row, _), value in zip(filled, values, strict=True):
        row.values[column] = value
    return MeasureColumn(column, column, YES_NO_UNIT if is_yes_no else None, "both", None, None)


def _read_named(
    name: str, column: str, measure_map: MeasureMap, index: int, rows: Sequence[Row], plan: CsvMap
) -> MeasureColumn:
    filled = _filled(index, rows, plan)
    is_yes_no = measure_map.unit == YES_NO_UNIT or _holds_only_yes_no(filled, plan)
    for row, text in filled:
        value = _yes_no_or_bit(text, plan) if is_yes_no else parse_number(text, plan)
        if value is None:
            row.reasons.append(f"{text!r} in the column {column!r} is not {_wanted(is_yes_no)}")
        else:
            row.values[name] = value
    unit = measure_map.unit or (YES_NO_UNIT if is_yes_no else None)
    label = measure_map.label
    return MeasureColumn(name, column, unit, measure_map.kind, label.ja, label.en)


def _wanted(is_yes_no: bool) -> str:
    return "yes or no" if is_yes_no else "a number"


def _holds_only_yes_no(filled: list[tuple[Row, str]], plan: CsvMap) -> bool:
    texts = {text for _, text in filled}
    return any(parse_yes_no(text) is not None for text in texts) and all(
        parse_number(text, plan) is None for text in texts
    )


def _yes_no_or_bit(text: str, plan: CsvMap) -> float | None:
    number = parse_number(text, plan)
    return number if number in (0.0, 1.0) else parse_yes_no(text)
