"""When a request may go out: the limits a user and a project have, pauses that were asked for, dead services."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

import limits
import limits.storage
import limits.strategies

MINUTE_SECONDS = 60.0
DEAD_AFTER_SECONDS = 90.0
"""How long a service may fail without one answer in between before nothing is asked of it twice."""

_SHORTEST_WAIT_SECONDS = 0.001


class Throttle:
    """The requests of one service, held back by moving windows of a minute: one an account, one for all.

    A full window lets the next request out at the moment its oldest one leaves it, so none of the limit is lost.
    """

    def __init__(
        self,
        service: str,
        per_minute: int,
        project_per_minute: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.per_minute = per_minute
        self._sleep = sleep
        self._limiter = limits.strategies.MovingWindowRateLimiter(limits.storage.MemoryStorage())
        self._service = service
        self._account_limit = limits.RateLimitItemPerMinute(per_minute)
        self._project_limit = limits.RateLimitItemPerMinute(project_per_minute) if project_per_minute else None
        self._paused_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def await_turn(self, account: str, cost: int = 1) -> None:
        """Wait until a request of this weight may go out, and count it."""
        while (seconds := self._seconds_to_wait(account, cost)) > 0:
            self._sleep(seconds)

    def pause(self, account: str, seconds: float) -> None:
        """Let nothing out for an account for a while: the other side said so."""
        with self._lock:
            until = time.monotonic() + seconds
            self._paused_until[account] = max(until, self._paused_until.get(account, 0.0))

    def _seconds_to_wait(self, account: str, cost: int) -> float:
        """0 where the request was counted and may go; both limits count it, or neither."""
        with self._lock:
            paused = self._paused_until.get(account, 0.0) - time.monotonic()
            if paused > 0:
                return paused
            windows = [(self._account_limit, (self._service, "account", account))]
            if self._project_limit:
                windows.append((self._project_limit, (self._service, "project", "")))
            for limit, names in windows:
                if not self._limiter.test(limit, *names, cost=min(cost, limit.amount)):
                    free_at = self._limiter.get_window_stats(limit, *names).reset_time
                    return max(0.0, free_at - time.time()) + _SHORTEST_WAIT_SECONDS
            counted = [self._limiter.hit(limit, *names, cost=min(cost, limit.amount)) for limit, names in windows]
            # At the very moment at which the oldest leaves, `test` and `hit` may differ.
            return 0.0 if counted[0] else _SHORTEST_WAIT_SECONDS


class Circuit:
    """Whether a service is alive. Open (`is_open`): it has only failed for so long that asking twice is waste."""

    def __init__(self, dead_after_seconds: float = DEAD_AFTER_SECONDS) -> None:
        self._dead_after_seconds = dead_after_seconds
        self._failing_since: float | None = None

    @property
    def is_open(self) -> bool:
        since = self._failing_since
        return since is not None and time.monotonic() - since >= self._dead_after_seconds

    def note_attempt(self, started: float, *, is_answered: bool) -> None:
        """One round trip that began at a moment of the monotonic clock: an answer closes the circuit."""
        if is_answered:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = started


@dataclass
class Meter:
    """The requests of one fetch, for an honest time left. Threads share it."""

    per_minute: int = 0
    requests: int = 0
    started: float = field(default_factory=time.monotonic)
    _recent: deque[tuple[float, int]] = field(default_factory=deque)
    _accounts: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, account: str, per_minute: int, cost: int) -> None:
        """One request, of a service with this limit a minute for each account."""
        with self._lock:
            self.per_minute = min(per_minute, self.per_minute or per_minute)
            self.requests += cost
            self._accounts.add(account)
            self._recent.append((time.monotonic(), cost))

    def seconds_left(self, windows_done: int, windows_left: int) -> float | None:
        """The longer of two: at the pace measured so far, and as fast as the limit lets what is left out.

        What is left is windows times the requests that a window took so far. None before the first.
        """
        with self._lock:
            if not windows_done or not self.requests:
                return None
            now = time.monotonic()
            while self._recent and self._recent[0][0] < now - MINUTE_SECONDS:
                self._recent.popleft()
            left = windows_left * self.requests / windows_done
            at_pace = (now - self.started) / self.requests * left
            most = self.per_minute * len(self._accounts)
            over = sum(cost for _, cost in self._recent) + left - most
            return max(at_pace, over / most * MINUTE_SECONDS, 0.0)


METER: ContextVar[Meter | None] = ContextVar("meter", default=None)
"""The meter of the fetch under way, where there is one."""


def in_words(seconds: float) -> str:
    """A time left as a person says it: `less than a minute left`, `about 3 minutes left`, `about 2 hours left`."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
    return f"about {round(minutes / 60)} hours left"
