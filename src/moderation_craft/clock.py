"""The only place that knows what time it is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    def now(self) -> datetime:
        """The current instant, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that stands still until it is set; for tests and replays."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


def today_in(clock: Clock, timezone: str) -> date:
    """The civil date in an IANA time zone."""
    return clock.now().astimezone(ZoneInfo(timezone)).date()


def iso(instant: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_run_id(clock: Clock) -> str:
    """An id that sorts by time: `20261123T050000123Z-9f2c41d7`."""
    now = clock.now()
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{secrets.token_hex(4)}"
