"""Staging of archives and old answers: which objects there should be, and how each is made from raw alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from moderation_craft.errors import RecordInvalid
from moderation_craft.lake import Lake, Refusal
from moderation_craft.sources.fitbit import archive_exercises, archive_sleep
from moderation_craft.sources.fitbit.archive_envelopes import Envelope, HeldPart, envelopes, held_parts, newest
from moderation_craft.sources.fitbit.archive_exercises import exercise_rows, read_exercises
from moderation_craft.sources.fitbit.archive_figures import figures
from moderation_craft.sources.fitbit.archive_measures import is_believable, is_nothing
from moderation_craft.sources.fitbit.archive_readers import read_envelope
from moderation_craft.sources.fitbit.archive_sleep import read_sleep, sleep_rows

VERSION: Final = 1

Rows = list[tuple[Any, ...]]

_INSTANT: Final = pa.timestamp("us")

SCHEMAS: Final = {
    "fitbit_archive_days": pa.schema(
        [
            ("user_id", pa.string()),
            ("date", pa.date32()),
            ("way_in", pa.string()),
            ("measure", pa.string()),
            ("value", pa.float64()),
            ("rank", pa.int32()),
        ]
    ),
    "fitbit_archive_sleep": pa.schema(
        [
            ("user_id", pa.string()),
            ("way_in", pa.string()),
            ("log_id", pa.string()),
            ("date", pa.date32()),
            ("log_type", pa.string()),
            ("is_main", pa.bool_()),
            ("started_at", _INSTANT),
            ("ended_at", _INSTANT),
            ("start_offset_seconds", pa.float64()),
            ("end_offset_seconds", pa.float64()),
            ("minutes_in_bed", pa.float64()),
            ("minutes_asleep", pa.float64()),
            ("minutes_awake", pa.float64()),
            ("deep_minutes", pa.float64()),
            ("light_minutes", pa.float64()),
            ("rem_minutes", pa.float64()),
            ("restless_minutes", pa.float64()),
        ]
    ),
    "fitbit_archive_exercises": pa.schema(
        [
            ("user_id", pa.string()),
            ("way_in", pa.string()),
            ("log_id", pa.string()),
            ("date", pa.date32()),
            ("activity_name", pa.string()),
            ("started_at", _INSTANT),
            ("ended_at", _INSTANT),
            ("start_offset_seconds", pa.float64()),
            ("end_offset_seconds", pa.float64()),
            ("active_minutes", pa.float64()),
            ("steps", pa.float64()),
            ("distance_km", pa.float64()),
            ("energy_kcal", pa.float64()),
            ("heart_rate_mean_bpm", pa.float64()),
        ]
    ),
}


@dataclass(frozen=True)
class Batch:
    """Raw parts that one staging object is made of: what names it, and how its rows are made."""

    told: Sequence[object]
    make: Callable[[], tuple[Rows, list[Refusal]]]


def batches(lake: Lake, kind: str) -> Iterator[Batch]:
    """The objects of `fitbit_archive_days` (one a month or year), `…_sleep` and `…_exercises` (one each)."""
    entity = kind.removeprefix("fitbit_archive_")
    by_period: dict[str, list[HeldPart]] = {}
    for held in held_parts(lake):
        if held.entity == entity:
            by_period.setdefault(held.period if entity == "days" else "", []).append(held)
    for period, parts in sorted(by_period.items()):
        told = [VERSION, entity, period, [[held.part.sha256, *sorted(held.restated)] for held in parts]]
        yield Batch(told, _maker(lake, entity, parts))


def _maker(lake: Lake, entity: str, parts: list[HeldPart]) -> Callable[[], tuple[Rows, list[Refusal]]]:
    make = {"days": _day_rows, "sleep": _sleep_rows, "exercises": _exercise_rows}[entity]
    return lambda: make(lake, parts)


def _day_rows(lake: Lake, parts: list[HeldPart]) -> tuple[Rows, list[Refusal]]:
    refusals: list[Refusal] = []

    def read(envelope: Envelope) -> Any:
        return read_envelope(envelope, lambda reason, element: refusals.append(envelope.refusal(reason, element)))

    found = newest((each for each in envelopes(lake, parts) if not each.is_future), read)
    rows: Rows = []
    for figure in figures(found):
        if is_believable(figure.measure, figure.value):
            rows.append((figure.user_id, figure.date, figure.way_in, figure.measure, figure.value, figure.rank))
        elif not is_nothing(figure.measure, figure.value):
            reason = f"{figure.measure} cannot be {figure.value:g}"
            told = f"{figure.user_id} {figure.date} {figure.way_in}"
            refusals.append(Refusal("fitbit", figure.date, RecordInvalid.code, reason, f"{told} archives", told))
    return sorted(rows), refusals


def _sleep_rows(lake: Lake, parts: list[HeldPart]) -> tuple[Rows, list[Refusal]]:
    rows, refusals = sleep_rows(newest(envelopes(lake, parts), read_sleep))
    return [archive_sleep.as_tuple(row) for row in rows], refusals


def _exercise_rows(lake: Lake, parts: list[HeldPart]) -> tuple[Rows, list[Refusal]]:
    rows, refusals = exercise_rows(newest(envelopes(lake, parts), read_exercises))
    return [archive_exercises.as_tuple(row) for row in rows], refusals
