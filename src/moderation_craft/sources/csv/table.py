"""A CSV's bytes as a header and numbered rows of text."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from moderation_craft.errors import RecordInvalid
from moderation_craft.sources.csv.column_map import CsvMap

_FIELD_LIMIT = 1_000_000
_DELIMITERS = ",\t;"


@dataclass(frozen=True)
class Table:
    """Rows carry the number that a spreadsheet shows: the header is row 1; blank rows are left out."""

    header: list[str]
    rows: list[tuple[int, list[str]]]
    encoding: str
    delimiter: str


def read_table(data: bytes, plan: CsvMap, name: str) -> Table:
    """The table in a CSV's bytes; RecordInvalid where it has no text, no header or broken quotes."""
    encoding = plan.encoding or _encoding_of(data, name)
    text = _decoded(data, encoding, name)
    delimiter = plan.delimiter or _delimiter_of(text)
    rows = list(_rows(text, delimiter, name))
    if not rows:
        raise RecordInvalid(f"{name} is empty.", remedy="give a CSV file with a header and rows below it.")
    (number, first), *rest = rows
    header = [column.strip() for column in first]
    _check_header(header, number, name)
    if not rest:
        raise RecordInvalid(f"{name} has a header and no row below it.", remedy="give a CSV file that holds data.")
    return Table(header, rest, encoding, delimiter)


def _encoding_of(data: bytes, name: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8-sig", "cp932"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise RecordInvalid(
        f"{name} is text neither in UTF-8 nor in Shift_JIS (cp932).",
        remedy='save it as "CSV UTF-8", or say its encoding in the map, such as encoding = "latin-1".',
    )


def _decoded(data: bytes, encoding: str, name: str) -> str:
    try:
        text = data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise RecordInvalid(
            f"{name} cannot be read as {encoding}: {error}.",
            remedy="mend `encoding` in the map, or leave it out.",
        ) from error
    if "\0" in text:
        raise RecordInvalid(
            f"{name} holds zero bytes: it is no CSV text.",
            remedy="save the spreadsheet as CSV first (an .xlsx file is not one).",
        )
    return text


def _delimiter_of(text: str) -> str:
    first_line = text.lstrip("\r\n").split("\n", 1)[0]
    return max(_DELIMITERS, key=first_line.count)


def _rows(text: str, delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_FIELD_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise RecordInvalid(
            f"{name} breaks off at line {reader.line_num}: {error}.",
            remedy="mend the quotes of that line (a quote inside a quoted cell is doubled).",
        ) from error


def _check_header(header: list[str], number: int, name: str) -> None:
    repeated = [column for column in dict.fromkeys(header) if column and header.count(column) > 1]
    if repeated:
        raise RecordInvalid(
            f"{name} has the column {repeated[0]!r} {header.count(repeated[0])} times in its header "
            f"(row {number}).",
            remedy="give every column a name of its own, then import again.",
        )
