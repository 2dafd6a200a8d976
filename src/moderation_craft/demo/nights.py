"""Sleep logs: when, how long, and the stages that add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from moderation_craft.demo.chance import Chance, apportion

Stage = tuple[str, datetime, datetime]
LogType = Literal["STAGES", "CLASSIC"]

_CYCLE_MINUTES = 92
_DEEP_SHARE, _REM_SHARE = 0.17, 0.22


@dataclass(frozen=True)
class SleepLog:
    """One log as a device makes it: instants in UTC with the offsets of where it began and ended."""

    log_id: str
    start: datetime
    end: datetime
    start_utc_offset: timedelta
    end_utc_offset: timedelta
    log_type: LogType
    is_main: bool
    minutes_asleep: int
    stages: Sequence[Stage]

    @property
    def minutes_in_bed(self) -> int:
        return round((self.end - self.start).total_seconds() / 60)


def lay_stages(chance: Chance, start: datetime, asleep: int, awake: int, log_type: LogType) -> tuple[Stage, ...]:
    """Segments without gap or overlap from `start`; those asleep add up to `asleep` minutes."""
    lengths = _cycles(chance, asleep, awake) if log_type == "STAGES" else _classic(chance, asleep, awake)
    stages, at = [], start
    for name, minutes in lengths:
        if minutes:
            stages.append((name, at, at + timedelta(minutes=minutes)))
            at = stages[-1][2]
    return tuple(stages)


def _cycles(chance: Chance, asleep: int, awake: int) -> list[tuple[str, int]]:
    """Cycles of about 90 minutes: deep sleep early in the night, REM late, short wakings between."""
    count = max(1, round(asleep / _CYCLE_MINUTES))
    deep_minutes = round(asleep * _DEEP_SHARE * chance.uniform(0.75, 1.25))
    rem_minutes = round(asleep * _REM_SHARE * chance.uniform(0.8, 1.2))
    deep = apportion(deep_minutes, [(count - cycle) ** 1.3 for cycle in range(count)])
    rem = apportion(rem_minutes, [cycle + 1.0 for cycle in range(count)])
    light = apportion(asleep - deep_minutes - rem_minutes, [chance.uniform(0.7, 1.3) for _ in range(2 * count)])
    waking = apportion(awake, [chance.uniform(0.3, 1.3) for _ in range(count + 1)])
    lengths = [("AWAKE", waking[0])]
    for cycle in range(count):
        lengths += [
            ("LIGHT", light[2 * cycle]),
            ("DEEP", deep[cycle]),
            ("LIGHT", light[2 * cycle + 1]),
            ("REM", rem[cycle]),
            ("AWAKE", waking[cycle + 1]),
        ]
    return lengths


def _classic(chance: Chance, asleep: int, awake: int) -> list[tuple[str, int]]:
    """What a device without a heart-rate signal writes: asleep, broken by restless and awake minutes."""
    count = max(1, asleep // 55)
    blocks = apportion(asleep, [chance.uniform(0.6, 1.4) for _ in range(count)])
    breaks = apportion(awake, [chance.uniform(0.5, 1.5) for _ in range(count)])
    lengths = []
    for number, (block, pause) in enumerate(zip(blocks, breaks, strict=True)):
        lengths += [("ASLEEP", block), ("AWAKE" if number % 4 == 3 else "RESTLESS", pause)]
    return lengths
