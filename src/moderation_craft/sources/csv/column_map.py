"""The map: which column is the date, whose day it is, and what the measures are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from moderation_craft.errors import SetupError

Kind = Literal["factor", "outcome", "both"]

GUESSED_DATE_COLUMNS = ("date", "日付", "day")


class Label(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    ja: str | None = None
    en: str | None = None


class MeasureMap(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One named measure; `column` only where it differs from the measure's name."""

    column: str | None = None
    unit: str | None = None
    kind: Kind = "both"
    label: Label = Label()


class CsvMap(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one kind of CSV is read; every key is described in docs/custom-measures.md."""

    date: str | None = None
    user: str | None = None
    user_id: str | None = None
    dataset: str | None = None
    date_format: str | None = None
    decimal: Literal[".", ","] = "."
    thousands: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    missing: list[str] = []
    skip: list[str] = []
    other_columns: bool | None = None
    measures: dict[str, MeasureMap] = {}

    @property
    def takes_other_columns(self) -> bool:
        """Whether columns that the map does not name become measures: by default where it names none."""
        return not self.measures if self.other_columns is None else self.other_columns

    def named_columns(self) -> dict[str, tuple[str, MeasureMap]]:
        """Column → (measure's name, its map)."""
        return {measure.column or name: (name, measure) for name, measure in self.measures.items()}

    def normalised(self) -> dict[str, Any]:
        """The map as plain data, defaults left out; what a manifest keeps and `from_normalised` reads."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_normalised(cls, plain: dict[str, Any]) -> CsvMap:
        return msgspec.convert(plain, cls)


def read_map(path: Path) -> CsvMap:
    """A map from its TOML file; SetupError where it is absent, broken or has a key that means nothing."""
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=CsvMap)
    except OSError as error:
        raise SetupError(
            f"The map {str(path)!r} cannot be read: {error.strerror or error}.",
            remedy="give the path of a TOML file; docs/examples holds some to start from.",
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SetupError(
            f"The map {str(path)!r} is wrong: {error}.",
            remedy="mend that line; docs/custom-measures.md lists the keys a map may have.",
        ) from error
    _check(found, path)
    return found


def _check(found: CsvMap, path: Path) -> None:
    def wrong(what: str, remedy: str) -> SetupError:
        return SetupError(f"The map {str(path)!r} is wrong: {what}.", remedy=remedy)

    if found.user and found.user_id:
        raise wrong("it has both `user` (a column) and `user_id` (one person)", "keep one of the two.")
    for key in ("thousands", "delimiter"):
        value = getattr(found, key)
        if value is not None and len(value) != 1:
            raise wrong(f"{key} = {value!r} is not one character", f"mend or remove `{key}`.")
    if found.thousands == found.decimal:
        raise wrong(f"thousands and decimal are both {found.decimal!r}", "mend one of the two.")
    if found.dataset is not None and (not found.dataset.strip() or found.dataset.startswith("_")):
        raise wrong(
            f"dataset = {found.dataset!r}", "give the data set a name that does not start with an underscore."
        )
    columns = [measure.column or name for name, measure in found.measures.items()]
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise wrong(f"two measures read the column {repeated[0]!r}", "keep one of them.")
    clash = sorted({*columns} & {*found.skip, found.date, found.user})
    if clash:
        raise wrong(
            f"the column {clash[0]!r} is a measure and also the date, the person or in `skip`",
            "keep it in one place.",
        )
