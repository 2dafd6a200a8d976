"""One day's figures out of what archives say of it, by minute: none counts twice however often it comes.

A figure's place is the column that it becomes. Within one way in: of one file the newest archive counts; the same
minute in two files counts once; of several devices one is taken, never their sum; the old layout, which Fitbit had
merged over devices, comes before the new.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from moderation_craft.sources.fitbit.archive_envelopes import Envelope
from moderation_craft.sources.fitbit.archive_measures import SUMMED
from moderation_craft.sources.fitbit.archive_readers import Beats, Read

_MIRROR: Final = "health connect"


@dataclass(frozen=True)
class Figure:
    """A value of one person's day; `rank` is 0 for the layout that counts first."""

    user_id: str
    date: date
    way_in: str
    measure: str
    value: float
    rank: int


def figures(found: Iterable[tuple[Envelope, Read]]) -> Iterator[Figure]:
    """The figures of each person's days, from envelopes oldest first."""
    merged: dict[tuple[str, date, str], dict[tuple[str, str], dict[str, Any]]] = {}
    for envelope, read in found:
        day = merged.setdefault((envelope.user_id, envelope.date, envelope.stream), {})
        for device, series in read.items():
            day.setdefault(device, {}).update(series)
    for (user_id, day_, stream), measured in sorted(merged.items()):
        way_in, rank = (
            ("legacy", 0) if stream.startswith("legacy-") else ("takeout", stream.startswith("takeout-csv-"))
        )
        for measure, value in _totals(measured):
            yield Figure(user_id, day_, way_in, measure, round(value, 6), int(rank))


def _totals(measured: dict[tuple[str, str], dict[str, Any]]) -> Iterator[tuple[str, float]]:
    for measure in sorted({measure for measure, _ in measured}):
        devices = {device: series for (name, device), series in measured.items() if name == measure and series}
        own = {device: series for device, series in devices.items() if _MIRROR not in device.lower()} or devices
        if not own:
            continue
        if measure == "heart_rate":
            best = max(sorted(own), key=lambda device: sum(beats[1] for beats in own[device].values()))
            yield from _heart(own[best])
        elif measure in SUMMED:
            yield measure, max(math.fsum(series.values()) for _, series in sorted(own.items()))
        else:
            yield measure, max((max(series), series[max(series)]) for _, series in sorted(own.items()))[1]


def _heart(minutes: Beats) -> Iterator[tuple[str, float]]:
    counted = sum(count for _, count, _, _ in minutes.values())
    yield "heart_rate_mean_bpm", math.fsum(minutes[key][0] for key in sorted(minutes)) / counted
    yield "heart_rate_min_bpm", min(least for _, _, least, _ in minutes.values())
    yield "heart_rate_max_bpm", max(most for _, _, _, most in minutes.values())
