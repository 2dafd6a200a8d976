"""How fast a table may be read: a cap in read capacity units, slower after throttles, then faster again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SLOWER = 0.5
_FASTER_A_SECOND = 1.1
_LEAST_RATE = 8.0
_FORGOTTEN_AFTER_GROWTH = 8.0
_RECENT_SECONDS = 2.0


class ReadCapacity:
    """Paces the readers of one table together, in read capacity units (RCU) as DynamoDB bills them.

    Each throttle halves the allowed rate (at most once a second), each second of success raises
    it by a tenth, until it is back at `max_rcu` or, without a cap, at eight times the rate that was refused.
    """

    def __init__(
        self,
        max_rcu: float | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.consumed = 0.0
        self.throttles = 0
        self._cap = max_rcu
        self._rate = max_rcu
        self._refused_rate = 0.0
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._owed = 0.0
        self._paid_at = self._raised_at = self._recent_at = now()
        self._slowed_at = float("-inf")
        self._recent = 0.0

    def wait(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Until what was read is paid for at the allowed rate, or the caller is to stop."""
        while not is_over():
            with self._lock:
                self._pay()
                seconds = 0.0 if self._rate is None else self._owed / self._rate
            if seconds <= 0:
                return
            self._sleep(min(seconds, 1.0))

    def count(self, units: float) -> None:
        """Count what was consumed by an earlier process, without paying for it again."""
        with self._lock:
            self.consumed += units

    def spend(self, units: float) -> None:
        """Count what an answer says it consumed; raises the allowed rate after a second of success."""
        with self._lock:
            now = self._now()
            self.consumed += units
            if self._rate is not None:
                self._owed += units
            if now - self._recent_at > _RECENT_SECONDS:
                self._recent, self._recent_at = 0.0, now
            self._recent += units
            if now - max(self._raised_at, self._slowed_at) >= 1:
                self._raise_rate(now)

    def throttled(self) -> None:
        """The other side refused: halve the allowed rate."""
        with self._lock:
            self.throttles += 1
            now = self._now()
            if now - self._slowed_at < 1:
                return
            self._slowed_at = now
            lately = self._recent / max(now - self._recent_at, 0.1)
            was = self._rate if self._rate is not None else max(lately, _LEAST_RATE)
            self._refused_rate = was
            self._rate = max(was * _SLOWER, min(_LEAST_RATE, was))

    def _pay(self) -> None:
        now = self._now()
        if self._rate is not None:
            self._owed = max(0.0, self._owed - (now - self._paid_at) * self._rate)
        self._paid_at = now

    def _raise_rate(self, now: float) -> None:
        self._raised_at = now
        if self._rate is None or self._rate == self._cap:
            return
        self._rate *= _FASTER_A_SECOND
        if self._cap is not None:
            self._rate = min(self._rate, self._cap)
        elif self._rate > self._refused_rate * _FORGOTTEN_AFTER_GROWTH:
            self._rate, self._owed = None, 0.0
