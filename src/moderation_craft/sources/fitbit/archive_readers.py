"""What one envelope of an archive says, by minute and device, in the units of the normal form."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from moderation_craft.sources.fitbit.archive_envelopes import Envelope
from moderation_craft.sources.fitbit.archive_measures import (
    BOUNDS,
    COLUMNS,
    LEGACY_SERIES,
    LEGACY_VALUES,
    MINUTES,
    POUND_KG,
    SUMMARY,
    SUMMED,
    is_nothing,
    number_of,
)

Series = dict[str, float]
"""Value by minute (or time) as text."""
Beats = dict[str, tuple[float, int, float, float]]
"""Sum, count, least and most of a minute's heart rates."""
Read = dict[tuple[str, str], dict[str, Any]]
"""Series or Beats by measure and device."""

Bad = Callable[[str, str], None]
"""Called with a reason and the element that it is about."""


class _Said(msgspec.Struct):
    dateTime: str
    value: str | int | float


class _Rate(msgspec.Struct):
    bpm: float


class _Beat(msgspec.Struct):
    dateTime: str
    value: _Rate


_SAID: Final = msgspec.json.Decoder(list[_Said])
_BEATS: Final = msgspec.json.Decoder(list[_Beat])


def read_envelope(envelope: Envelope, bad: Bad) -> Read:
    """What one envelope says, by measure and device; elements that cannot be read are told to `bad`."""
    stream = envelope.stream
    if stream == "takeout-heart-rate":
        return _heartbeats(envelope, bad)
    if stream in MINUTES:
        return _minutes(envelope, bad)
    if stream.startswith("takeout-csv-"):
        return _columns(envelope, bad)
    return _answers(envelope, bad)


def _heartbeats(envelope: Envelope, bad: Bad) -> Read:
    rates: dict[str, float] = {}
    for beat in _decoded(_BEATS, _Beat, envelope, bad):
        rates[beat.dateTime] = beat.value.bpm
    return {("heart_rate", ""): _by_minute(rates)}


def _by_minute(rates: dict[str, float]) -> Beats:
    least_sane, most_sane = BOUNDS["heart_rate"]
    minutes: Beats = {}
    for at, bpm in rates.items():
        if not least_sane <= bpm <= most_sane:
            continue
        minute = at[:-3] if at[2:3] == "/" else at[:16]
        held = minutes.get(minute)
        if held is None:
            minutes[minute] = (bpm, 1, bpm, bpm)
        else:
            total, count, least, most = held
            minutes[minute] = (total + bpm, count + 1, bpm if bpm < least else least, bpm if bpm > most else most)
    return minutes


def _minutes(envelope: Envelope, bad: Bad) -> Read:
    measure, factor = MINUTES[envelope.stream]
    twice = _hours_shown_twice(envelope) if envelope.stream == "takeout-calories" else frozenset()
    series: Series = {}
    for said in _decoded(_SAID, _Said, envelope, bad):
        value = number_of(said.value)
        if value is None or value < 0:
            bad(f"{measure}: {said.value!r} is no count", said.dateTime)
            continue
        key = said.dateTime
        if key in series and key[9:11] in twice:
            key += " again"
        series[key] = value * factor
    return {(measure, ""): series}


def _hours_shown_twice(envelope: Envelope) -> frozenset[str]:
    """The hours (`01`) that the wall clock shows twice that day."""
    zone = ZoneInfo(envelope.timezone)
    start = datetime.combine(envelope.date, time())
    hours = [start + timedelta(hours=hour) for hour in range(24)]
    shown = [
        hour
        for hour in hours
        if hour.replace(tzinfo=zone).utcoffset() > hour.replace(tzinfo=zone, fold=1).utcoffset()  # type: ignore[operator]
    ]
    return frozenset(f"{hour:%H}" for hour in shown)


def _decoded(decoder: msgspec.json.Decoder[Any], shape: Any, envelope: Envelope, bad: Bad) -> Iterator[Any]:
    """The envelope's elements; where one does not fit, each by itself."""
    try:
        yield from decoder.decode(envelope.data)
        return
    except msgspec.ValidationError:
        pass
    for raw in msgspec.json.decode(envelope.data, type=list[msgspec.Raw]):
        try:
            yield msgspec.json.decode(raw, type=shape)
        except msgspec.ValidationError as error:
            bad(f"{envelope.stream}: {error}", bytes(raw).decode())


class Rows(msgspec.Struct):
    """A CSV file's lines of one day."""

    columns: str
    rows: list[str]

    def records(self) -> Iterator[dict[str, str]]:
        names = [name.strip().lower() for name in next(csv.reader([self.columns.lstrip("\ufeff")]))]
        for cells in csv.reader(self.rows):
            yield dict(zip(names, (cell.strip() for cell in cells), strict=False))


def _columns(envelope: Envelope, bad: Bad) -> Read:
    read: Read = {}
    rates: dict[str, dict[str, float]] = {}
    wanted = COLUMNS.get(envelope.stream, {})
    for number, row in enumerate(msgspec.json.decode(envelope.data, type=Rows).records()):
        at, device = row.get("timestamp") or row.get("date_time") or "", row.get("data source", "")
        if envelope.stream == "takeout-csv-heart-rate":
            if (bpm := number_of(row.get("beats per minute"))) is not None:
                rates.setdefault(device, {})[at] = bpm
        elif envelope.stream == "takeout-csv-daily-sleep-temperature-derivations":
            _temperature(row, at, read)
        for column, (measure, factor) in wanted.items():
            value = number_of(row.get(column))
            if value is None:
                continue
            if measure in SUMMED:
                # A zone that changes within a minute has two rows for it; a device never two for the same zone.
                key = f"{at} {row.get('heart rate zone') or row.get('heart_zone_id') or ''}"
                if value < 0:
                    bad(f"{measure}: {value} is no count", f"row {number + 1}: {row}")
                    continue
                read.setdefault((measure, device), {})[key] = value * factor
            elif not is_nothing(measure, value * factor):
                read.setdefault((measure, device), {})[at] = value * factor
    return read | {("heart_rate", device): _by_minute(beats) for device, beats in rates.items()}


def _temperature(row: dict[str, str], at: str, read: Read) -> None:
    nightly = number_of(row.get("nightly temperature celsius"))
    baseline = number_of(row.get("baseline temperature celsius"))
    if nightly is not None and baseline is not None and nightly > 0 and baseline > 0:
        read.setdefault(("skin_temperature_delta_celsius", ""), {})[at] = nightly - baseline


def _answers(envelope: Envelope, bad: Bad) -> Read:
    """The old layout's vitals and weight, and the old Web API's answers: few records a day, read one by one."""
    data = msgspec.json.decode(envelope.data)
    read: Read = {}

    def say(measure: str, at: str, value: Any, factor: float = 1.0) -> None:
        number = number_of(value)
        if number is not None and not is_nothing(measure, number * factor):
            read.setdefault((measure, ""), {})[at] = number * factor

    if envelope.stream == "legacy-activities-date":
        _summary(data.get("summary"), say)
        return read
    records = data if isinstance(data, list) else next((v for v in data.values() if isinstance(v, list)), [])
    for record in records if records or not isinstance(data, dict) else [data]:
        if not isinstance(record, dict):
            bad(f"{envelope.stream}: a record is no object", str(record))
            continue
        value = record.get("value")
        at = str(record.get("dateTime") or record.get("date") or "") + str(record.get("time") or "")
        if envelope.stream == "takeout-resting-heart-rate":
            say("resting_heart_rate_bpm", at, value.get("value") if isinstance(value, dict) else value)
        elif envelope.stream in ("takeout-weight", "legacy-body-weight"):
            factor = POUND_KG if envelope.stream == "takeout-weight" else 1.0
            say("weight_kg", str(record.get("time") or at), record.get("weight"), factor)
        elif envelope.stream in LEGACY_SERIES:
            say(LEGACY_SERIES[envelope.stream], at, value)
        elif envelope.stream in LEGACY_VALUES and isinstance(value, dict):
            member, measure = LEGACY_VALUES[envelope.stream]
            say(measure, at, value.get(member))
    return read


def _summary(summary: Any, say: Callable[..., None]) -> None:
    if not isinstance(summary, dict):
        return
    for member, measure in SUMMARY.items():
        say(measure, "", summary.get(member))
    for distance in summary.get("distances") or []:
        if isinstance(distance, dict) and distance.get("activity") == "total":
            say("distance_km", "", distance.get("distance"))
    zones = summary.get("activeZoneMinutes")
    if isinstance(zones, dict):
        say("active_zone_minutes", "", zones.get("totalMinutes"))
