"""Open-Meteo's parallel arrays, cut by civil day; every value stays as it was received, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from moderation_craft.errors import SchemaChanged
from moderation_craft.sources.http import Reply

OF_THE_ANSWER = ("generationtime_ms", "utc_offset_seconds", "timezone_abbreviation")
"""Fields about the answer, not about the day: they differ from call to call and are left out."""

UNITS: Mapping[str, str] = {
    "temperature_2m_mean": "°C",
    "temperature_2m_min": "°C",
    "temperature_2m_max": "°C",
    "precipitation_sum": "mm",
    "daylight_duration": "s",
    "relative_humidity_2m_mean": "%",
    "pressure_msl_mean": "hPa",
}
"""The unit that a value must be in, where it is said and the service knows several."""
VALUES = frozenset({*UNITS, "us_aqi", "pm2_5"})

Fields: TypeAlias = dict[str, msgspec.Raw]


@dataclass(frozen=True)
class Cut:
    """One civil day of an answer; `is_blank` where every value that was asked for is null."""

    data: bytes
    is_blank: bool


def by_day(reply: Reply, kind: str, timezone: str | None = None) -> dict[date, Cut]:
    """An answer (`kind` daily or hourly) by civil day; hours in GMT are counted to the days of `timezone`.

    Raises SchemaChanged where the arrays do not fit each other or a value is in another unit.
    """
    fields = reply.json(Fields)
    try:
        arrays = msgspec.json.decode(fields[kind], type=Fields)
        times = msgspec.json.decode(arrays["time"], type=list[str])
        columns = {name: msgspec.json.decode(raw, type=list[msgspec.Raw]) for name, raw in arrays.items()}
        rows: dict[date, list[int]] = {}
        for row, moment in enumerate(times):
            rows.setdefault(_civil_day(moment, timezone), []).append(row)
        if uneven := [name for name, column in columns.items() if len(column) != len(times)]:
            raise ValueError(f"{uneven[0]!r} is not as long as 'time'")
        _check_units(fields.get(f"{kind}_units"))
    except (KeyError, ValueError) as error:
        raise not_known(reply, str(error)) from error
    kept = said(fields)
    return {day: _cut(kept, kind, columns, chosen) for day, chosen in rows.items()}


def said(fields: Fields) -> dict[str, Any]:
    """The fields of an answer that are about the weather."""
    return {name: raw for name, raw in fields.items() if name not in OF_THE_ANSWER}


def not_known(reply: Reply, why: str) -> SchemaChanged:
    return SchemaChanged(
        f"{reply.service} answered {reply.request!r} in a shape that is not known: {why}.",
        remedy="the days stay open; upgrade moderation-craft, or report this if yours is the newest.",
    )


def _civil_day(moment: str, timezone: str | None) -> date:
    if timezone is None:
        return date.fromisoformat(moment[:10])
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).date()


def _check_units(raw: msgspec.Raw | None) -> None:
    stated = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
    for name, unit in UNITS.items():
        if name in stated and stated[name] != unit:
            raise ValueError(f"{name} is in {stated[name]!r}, not in {unit!r}")


def _cut(kept: Mapping[str, Any], kind: str, columns: Mapping[str, list[msgspec.Raw]], rows: Sequence[int]) -> Cut:
    chosen = {name: [column[row] for row in rows] for name, column in columns.items()}
    values = [bytes(value) for name, column in chosen.items() if name in VALUES for value in column]
    is_blank = bool(values) and all(value.strip() == b"null" for value in values)
    return Cut(msgspec.json.encode({**kept, kind: chosen}), is_blank)
