"""Where a fetch stops asking until the next run: refused people, forbidden streams, services that are dead."""

from __future__ import annotations

import time
from collections import Counter

from moderation_craft.errors import AuthFailed, McraftError, RateLimited, RetryError
from moderation_craft.sources.http_errors import Forbidden

STREAM_FAILURES_MOST = 3
SOURCE_FAILURES_MOST = 6
SOURCE_FAILING_SECONDS_MOST = 180.0
EVERYBODY = "*"
EVERY_STREAM = "*"


class GivingUp:
    """Given up are: a person whose credentials are refused or whose limit is used up; a stream that a person did
    not allow, or that failed three windows in a row for a person; and a source that failed six in a row for all,
    or three minutes long without an answer in between."""

    def __init__(self) -> None:
        self._given_up: dict[tuple[str, str], McraftError] = {}
        self._failures: Counter[tuple[str, str]] = Counter()
        self._failing_since: float | None = None

    def on(self, stream: str, user_id: str) -> McraftError | None:
        """Why a stream of a person is not asked for any more; None where it is."""
        keys = ((EVERY_STREAM, EVERYBODY), (EVERY_STREAM, user_id), (stream, user_id))
        return next((self._given_up[key] for key in keys if key in self._given_up), None)

    @property
    def tries_left(self) -> int:
        """How many more failures in a row the source has before it is given up for all."""
        return max(1, SOURCE_FAILURES_MOST - self._failures[EVERY_STREAM, EVERYBODY])

    def note_answer(self, stream: str, user_id: str) -> None:
        self._failures[stream, user_id] = self._failures[EVERY_STREAM, EVERYBODY] = 0
        self._failing_since = None

    def note_failure(self, stream: str, user_id: str, error: McraftError, started: float) -> None:
        """A window failed that was begun at a moment of the monotonic clock."""
        if isinstance(error, AuthFailed):
            allowed_elsewhere = isinstance(error, Forbidden)
            self._given_up[stream if allowed_elsewhere else EVERY_STREAM, user_id] = error
            return
        self._failures[stream, user_id] += 1
        if self._failures[stream, user_id] >= STREAM_FAILURES_MOST:
            self._given_up[stream, user_id] = error
        if isinstance(error, RateLimited):
            self._given_up[EVERY_STREAM, user_id] = error
        if isinstance(error, RetryError):
            self._note_dead(error, started)

    def _note_dead(self, error: RetryError, started: float) -> None:
        everything = (EVERY_STREAM, EVERYBODY)
        self._failures[everything] += 1
        self._failing_since = self._failing_since or started
        failing_seconds = time.monotonic() - self._failing_since
        if self._failures[everything] >= SOURCE_FAILURES_MOST or failing_seconds >= SOURCE_FAILING_SECONDS_MOST:
            self._given_up[everything] = error
