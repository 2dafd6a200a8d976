"""Sleep logs out of archives and old answers: one row a log, with the instants that its wall clocks stand for.

The old layout's logs say most but no zone; the new layout's say their offsets from UTC. Where both show the same
night, the former is kept with the offsets of the latter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from moderation_craft.lake import Refusal
from moderation_craft.sources.fitbit.archive_envelopes import Envelope
from moderation_craft.sources.fitbit.archive_readers import Rows
from moderation_craft.sources.fitbit.archive_times import parse_offset, parse_time

MAX_LENGTH: Final = timedelta(hours=48)
_LEVELS: Final = ("deep", "light", "rem", "wake", "asleep", "restless", "awake")


@dataclass(frozen=True)
class SleepRow:
    """A sleep log in the normal form; instants are UTC without a zone, minutes NULL where the log does not say."""

    user_id: str
    way_in: str
    log_id: str
    date: date
    log_type: str
    is_main: bool | None
    started_at: datetime
    ended_at: datetime
    start_offset_seconds: float
    end_offset_seconds: float
    minutes_in_bed: float | None
    minutes_asleep: float | None
    minutes_awake: float | None
    deep_minutes: float | None
    light_minutes: float | None
    rem_minutes: float | None
    restless_minutes: float | None

    @property
    def wall_clocks(self) -> tuple[datetime, datetime]:
        return (
            self.started_at + timedelta(seconds=self.start_offset_seconds),
            self.ended_at + timedelta(seconds=self.end_offset_seconds),
        )


class _Level(msgspec.Struct):
    minutes: float | None = None


class _Levels(msgspec.Struct):
    summary: dict[str, _Level] = {}


class _Log(msgspec.Struct):
    startTime: str
    endTime: str
    logId: int | str | None = None
    type: str = ""
    mainSleep: bool | None = None
    isMainSleep: bool | None = None
    duration: float | None = None
    timeInBed: float | None = None
    minutesAsleep: float | None = None
    minutesAwake: float | None = None
    restlessDuration: float | None = None
    levels: _Levels | None = None


class _Answer(msgspec.Struct):
    sleep: list[msgspec.Raw] = []


Found = list[tuple[Envelope, list[Any]]]


def read_sleep(envelope: Envelope) -> list[Any]:
    """An envelope's logs: JSON texts, or a CSV file's rows."""
    if envelope.stream.startswith("takeout-csv-"):
        return list(msgspec.json.decode(envelope.data, type=Rows).records())
    if envelope.stream.startswith("legacy-"):
        return [bytes(raw) for raw in msgspec.json.decode(envelope.data, type=_Answer).sleep]
    return [bytes(raw) for raw in msgspec.json.decode(envelope.data, type=list[msgspec.Raw])]


def sleep_rows(found: Found) -> tuple[list[SleepRow], list[Refusal]]:
    """The logs of each way in, each night once, and those that cannot be read; `found` is oldest first."""
    refusals: list[Refusal] = []
    zoned = _zoned_logs(found, refusals)
    offsets = {(row.user_id, row.wall_clocks): row for row in zoned.values()}
    logs: dict[tuple[str, str, str], SleepRow] = {}
    for envelope, records in found:
        if not envelope.stream.startswith("takeout-csv-"):
            for record in records:
                row = _row_of_log(envelope, record, refusals, offsets)
                if row is not None:
                    logs[row.user_id, row.way_in, row.log_id] = row
    by_clock = {(row.user_id, row.way_in, row.wall_clocks): row for row in logs.values()}
    alone = _without_overlap(zoned.values(), by_clock.values())
    rows = [*by_clock.values(), *alone]
    return sorted(rows, key=lambda row: (row.user_id, row.way_in, row.started_at, row.log_id)), refusals


def _row_of_log(
    envelope: Envelope,
    record: bytes,
    refusals: list[Refusal],
    offsets: Mapping[tuple[str, tuple[datetime, datetime]], SleepRow],
) -> SleepRow | None:
    try:
        log = msgspec.json.decode(record, type=_Log, strict=False)
        start, end = parse_time(log.startTime), parse_time(log.endTime)
    except msgspec.ValidationError as error:
        refusals.append(envelope.refusal(f"a sleep log cannot be read: {error}", record.decode()))
        return None
    if start is None or end is None:
        refusals.append(envelope.refusal("a sleep log's startTime or endTime is no time", record.decode()))
        return None
    known = offsets.get((envelope.user_id, (start, end)))
    if known is not None:
        started_at, ended_at = known.started_at, known.ended_at
    else:
        started_at, ended_at = _instants(start, end, envelope.timezone, log.duration)
    row = _measured(envelope, log, (start, end), (started_at, ended_at))
    reason = _unbelievable(row)
    if reason:
        refusals.append(envelope.refusal(reason, record.decode()))
        return None
    return row


def _instants(start: datetime, end: datetime, zone: str, duration_ms: float | None) -> tuple[datetime, datetime]:
    """The instants of two wall clocks: where an hour comes twice, those as far apart as the log lasts."""
    if start.tzinfo or end.tzinfo:
        return start.replace(tzinfo=None), end.replace(tzinfo=None)
    there = ZoneInfo(zone)
    pairs = [
        tuple(
            clock.replace(tzinfo=there, fold=fold).astimezone(UTC).replace(tzinfo=None)
            for clock, fold in zip((start, end), folds, strict=True)
        )
        for folds in product((0, 1), repeat=2)
    ]
    if duration_ms is not None:
        lasting = timedelta(milliseconds=duration_ms)
        pairs.sort(key=lambda pair: abs(pair[1] - pair[0] - lasting))
    return pairs[0][0], pairs[0][1]


def _measured(
    envelope: Envelope, log: _Log, clocks: tuple[datetime, datetime], instants: tuple[datetime, datetime]
) -> SleepRow:
    summary = log.levels.summary if log.levels else {}
    minutes = {level: summary[level].minutes for level in _LEVELS if level in summary}
    has_stages = log.type == "stages" and any(minutes.get(level) is not None for level in ("deep", "light", "rem"))
    start_offset, end_offset = (
        (clock.replace(tzinfo=None) - instant).total_seconds()
        if clock.tzinfo is None
        else _offset_there(instant, envelope.timezone)
        for clock, instant in zip(clocks, instants, strict=True)
    )
    asleep = _sum_of_stages(minutes) if has_stages else _first(log.minutesAsleep, minutes.get("asleep"))
    return SleepRow(
        user_id=envelope.user_id,
        way_in="legacy" if envelope.stream.startswith("legacy-") else "takeout",
        log_id=str(log.logId) if log.logId is not None else f"{log.startTime}/{log.endTime}",
        date=envelope.date,
        log_type="stages" if has_stages else "classic",
        is_main=_first(log.mainSleep, log.isMainSleep),
        started_at=instants[0],
        ended_at=instants[1],
        start_offset_seconds=start_offset,
        end_offset_seconds=end_offset,
        minutes_in_bed=_first(log.timeInBed, (instants[1] - instants[0]).total_seconds() / 60),
        minutes_asleep=asleep,
        minutes_awake=_first(log.minutesAwake, minutes.get("wake"), minutes.get("awake")),
        deep_minutes=(minutes.get("deep") or 0.0) if has_stages else None,
        light_minutes=(minutes.get("light") or 0.0) if has_stages else None,
        rem_minutes=(minutes.get("rem") or 0.0) if has_stages else None,
        restless_minutes=None if has_stages else _first(minutes.get("restless"), log.restlessDuration),
    )


def _sum_of_stages(minutes: Mapping[str, float | None]) -> float:
    return sum(minutes.get(level) or 0.0 for level in ("deep", "light", "rem"))


def _offset_there(instant: datetime, zone: str) -> float:
    offset = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return offset.total_seconds() if offset else 0.0


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _unbelievable(row: SleepRow) -> str | None:
    if row.ended_at <= row.started_at:
        return "sleep ends before it starts"
    if row.ended_at - row.started_at > MAX_LENGTH:
        return "sleep lasts more than 48 hours"
    return None


def _zoned_logs(found: Found, refusals: list[Refusal]) -> dict[tuple[str, str], SleepRow]:
    """The new layout's logs by person and id, with their stages' minutes."""
    stages: dict[tuple[str, str], dict[str, dict[tuple[str, str], float]]] = defaultdict(lambda: defaultdict(dict))
    for envelope, records in found:
        if envelope.stream == "takeout-csv-user-sleep-stages":
            for record in records:
                _add_stage(stages[envelope.user_id, record.get("sleep_id", "")], record)
    rows: dict[tuple[str, str], SleepRow] = {}
    for envelope, records in found:
        if envelope.stream == "takeout-csv-user-sleeps":
            for record in records:
                key = envelope.user_id, record.get("sleep_id", "")
                minutes = {kind: sum(theirs.values()) for kind, theirs in stages.get(key, {}).items()}
                row = _zoned_row(envelope, record, minutes, refusals)
                if row is not None:
                    rows[key] = row
    return rows


def _add_stage(stages: dict[str, dict[tuple[str, str], float]], record: Mapping[str, str]) -> None:
    start, end = (parse_time(record.get(f"sleep_stage_{side}", "")) for side in ("start", "end"))
    if start and end and end > start:
        interval = record["sleep_stage_start"], record["sleep_stage_end"]
        stages[record.get("sleep_stage_type", "").upper()][interval] = (end - start).total_seconds() / 60


def _zoned_row(
    envelope: Envelope, record: Mapping[str, str], stages: Mapping[str, float], refusals: list[Refusal]
) -> SleepRow | None:
    start, end = (parse_time(record.get(f"sleep_{side}", "")) for side in ("start", "end"))
    offsets = [parse_offset(record.get(f"{side}_utc_offset")) for side in ("start", "end")]
    if start is None or end is None:
        refusals.append(envelope.refusal("a sleep's sleep_start or sleep_end is no time", str(dict(record))))
        return None
    start_offset, end_offset = (
        offset.total_seconds() if offset is not None else 0.0
        for offset in (offsets[0], _first(offsets[1], offsets[0]))
    )
    has_stages = record.get("sleep_type", "").upper() == "STAGES" and any(
        kind in stages for kind in ("LIGHT", "DEEP", "REM")
    )
    whole = {kind: float(int(minutes)) for kind, minutes in stages.items()}
    row = SleepRow(
        user_id=envelope.user_id,
        way_in="takeout",
        log_id=record.get("sleep_id", ""),
        date=envelope.date,
        log_type="stages" if has_stages else "classic",
        is_main=None,
        started_at=start.replace(tzinfo=None),
        ended_at=end.replace(tzinfo=None),
        start_offset_seconds=start_offset,
        end_offset_seconds=end_offset,
        minutes_in_bed=_first(_minutes(record, "minutes_in_sleep_period"), (end - start).total_seconds() / 60),
        minutes_asleep=_first(
            _minutes(record, "minutes_asleep") if not has_stages else None,
            sum(whole.get(kind, 0.0) for kind in ("LIGHT", "DEEP", "REM")) if has_stages else whole.get("ASLEEP"),
        ),
        minutes_awake=_first(_minutes(record, "minutes_awake"), whole.get("AWAKE")),
        deep_minutes=whole.get("DEEP", 0.0) if has_stages else None,
        light_minutes=whole.get("LIGHT", 0.0) if has_stages else None,
        rem_minutes=whole.get("REM", 0.0) if has_stages else None,
        restless_minutes=None if has_stages else whole.get("RESTLESS"),
    )
    reason = _unbelievable(row)
    if reason:
        refusals.append(envelope.refusal(reason, str(dict(record))))
        return None
    return row


def _minutes(record: Mapping[str, str], column: str) -> float | None:
    text = record.get(column, "")
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _without_overlap(zoned: Iterable[SleepRow], kept: Iterable[SleepRow]) -> Iterator[SleepRow]:
    """The new layout's logs of which no kept takeout log covers half or more: that one is the same night."""
    theirs: dict[str, list[SleepRow]] = defaultdict(list)
    for row in kept:
        if row.way_in == "takeout":
            theirs[row.user_id].append(row)
    for row in zoned:
        half = (row.ended_at - row.started_at) / 2
        if not any(
            _shared(row, other) >= min(half, (other.ended_at - other.started_at) / 2)
            for other in theirs[row.user_id]
        ):
            yield row


def _shared(one: SleepRow, other: SleepRow) -> timedelta:
    return min(one.ended_at, other.ended_at) - max(one.started_at, other.started_at)


def as_tuple(row: SleepRow) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in row.__dataclass_fields__)
