"""The one transport of outside sources: bounded retries, the rate limit, and failures as the error tree."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from typing import Any, Literal, TypeVar

import httpx
import msgspec
import stamina

from moderation_craft.errors import (
    AuthFailed,
    RateLimited,
    RetryError,
    SchemaChanged,
    SetupError,
    TimedOut,
    Unavailable,
)
from moderation_craft.sources.http_errors import Explain, Forbidden, Refusal, as_error, reset_seconds
from moderation_craft.sources.throttle import DEAD_AFTER_SECONDS, METER, Circuit, Throttle

__all__ = ["Backoff", "Explain", "Forbidden", "Http", "Reply", "polite_backoff"]

T = TypeVar("T")

Backoff = Callable[[RetryError], bool | float]
"""Whether to try again after a failure: True (wait exponentially, with jitter), seconds to wait, or False."""

MAX_WAIT_SECONDS = 120.0
LIMITED_WAIT_SECONDS = 21.0  # three such waits outlast a limit that is counted by the minute
MAX_BODY_BYTES = 64 * 1024 * 1024

# httpx logs whole addresses at INFO, and some addresses are secrets (private calendars).
logging.getLogger("httpx").setLevel(logging.WARNING)


def polite_backoff(error: RetryError) -> bool | float:
    """Wait as long as the other side asks; give up where that is longer than two minutes."""
    if error.retry_after_seconds is None:
        return LIMITED_WAIT_SECONDS if isinstance(error, RateLimited) else True
    return error.retry_after_seconds if error.retry_after_seconds <= MAX_WAIT_SECONDS else False


@dataclass(frozen=True)
class Reply:
    """A good answer: its bytes, and the request as it may be kept (method, path, query; never a header)."""

    service: str
    request: str
    body: bytes
    headers: Mapping[str, str]

    def json(self, shape: type[T]) -> T:
        """The body read as a shape; SchemaChanged where it has another."""
        try:
            return msgspec.json.decode(self.body, type=shape)
        except (msgspec.ValidationError, UnicodeDecodeError) as error:
            raise SchemaChanged(
                f"{self.service} answered {self.request!r} in a shape that is not known: {error}.",
                remedy="nothing was lost and the days stay open; upgrade moderation-craft, "
                "or report this message if you have the newest.",
            ) from error

    @property
    def rate_limit_remaining(self) -> int | None:
        """How many requests the other side says are left, where it says so."""
        for name in ("x-ratelimit-remaining", "ratelimit-remaining"):
            left = self.headers.get(name, "")
            if left.isdigit():
                return int(left)
        return None


class Http:
    """A client for one service. A `token` never comes out again, in an error or in a log.

    `per_minute` is the limit of each account, `project_per_minute` that of all together. A service that has
    given no answer for `dead_after_seconds` is asked once a question, no more. Threads may share a client.
    """

    def __init__(
        self,
        service: str,
        *,
        per_minute: int = 300,
        project_per_minute: int | None = None,
        timeout_seconds: float = 30.0,
        attempts: int = 4,
        backoff: Backoff = polite_backoff,
        explain: Explain | None = None,
        auth_remedy: str = "check its credentials in the settings.",
        sleep: Callable[[float], None] = time.sleep,
        dead_after_seconds: float = DEAD_AFTER_SECONDS,
    ) -> None:
        self.service = service
        self.auth_remedy = auth_remedy
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        self._backoff = backoff
        self._explain = explain
        self._throttle = Throttle(service, per_minute, project_per_minute, sleep)
        self._circuit = Circuit(dead_after_seconds)

    @cached_property
    def _client(self) -> httpx.Client:
        client = httpx.Client(
            timeout=self._timeout_seconds,
            headers={"User-Agent": f"moderation-craft/{version('moderation-craft')}"},
            # A proxy of the environment is for the outside, not for servers on this machine.
            mounts={f"all://{host}": httpx.HTTPTransport() for host in ("127.0.0.1", "localhost")},
        )
        weakref.finalize(self, client.close)
        return client

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int | float] | None = None,
        token: str | None = None,
        account: str = "",
        cost: int = 1,
        expect: Literal["json", "text"] = "json",
        shown_as: str | None = None,
    ) -> Reply:
        """GET an address. `account` is whose limit counts, `cost` what the request weighs in it;
        `shown_as` stands for the address in errors and records where the address itself is a secret."""
        request = self._request("GET", url, token, params=params)
        return self._send(request, token, account, cost, expect, shown_as)

    def post(
        self, url: str, *, json: Mapping[str, Any], token: str | None = None, account: str = "", cost: int = 1
    ) -> Reply:
        """POST a JSON question (one that changes nothing on the other side, so that it may be repeated)."""
        request = self._request("POST", url, token, json=json)
        return self._send(request, token, account, cost, "json", None)

    def _request(self, method: str, url: str, token: str | None, **content: Any) -> httpx.Request:
        try:
            return self._client.build_request(method, url, headers=self._headers(token), **content)
        except httpx.InvalidURL as error:
            raise SetupError(
                f"The address set for {self.service} is no URL.", remedy="mend it in mcraft.toml."
            ) from error

    def _headers(self, token: str | None) -> dict[str, str]:
        if token is None:
            return {}
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise AuthFailed(
                f"The access token for {self.service} holds characters that no token has.",
                remedy=self.auth_remedy,
            )
        return {"Authorization": f"Bearer {token}"}

    def _send(
        self,
        request: httpx.Request,
        token: str | None,
        account: str,
        cost: int,
        expect: Literal["json", "text"],
        shown_as: str | None,
    ) -> Reply:
        shown = shown_as or f"{request.method} {request.url.raw_path.decode('ascii')}"
        for attempt in stamina.retry_context(
            on=partial(self._should_retry, account),
            attempts=self._attempts,
            timeout=None,
            wait_initial=1.0,
            wait_max=30.0,
            wait_jitter=1.0,
        ):
            with attempt:
                self._throttle.await_turn(account, cost)
                if meter := METER.get():
                    meter.note(account, self._throttle.per_minute, cost)
                reply = self._ask(request, shown, token, expect)
                if reply.rate_limit_remaining == 0 and (seconds := reset_seconds(reply.headers)):
                    self._throttle.pause(account, min(seconds, MAX_WAIT_SECONDS))
                return reply
        raise AssertionError("stamina returns or raises")

    def _ask(
        self, request: httpx.Request, shown: str, token: str | None, expect: Literal["json", "text"]
    ) -> Reply:
        response, body = self._exchange(request, shown)
        if not response.is_success:
            refusal = Refusal(self.service, shown, response.status_code, response.headers, body)
            raise as_error(refusal, secret=token, auth_remedy=self.auth_remedy, explain=self._explain)
        if expect == "json" and not _is_json(body):
            raise Unavailable(
                f"{self.service} answered {shown!r} with something that is not JSON "
                f"({response.headers.get('content-type', 'no content type')}, {len(body):,} bytes).",
                remedy="a proxy or sign-in page may stand in between; check the connection, then run again.",
            )
        return Reply(self.service, shown, body, response.headers)

    def _should_retry(self, account: str, error: Exception) -> bool | float:
        if not isinstance(error, RetryError) or self._circuit.is_open:
            return False
        wait = self._backoff(error)
        if isinstance(error, RateLimited) and isinstance(wait, float):
            self._throttle.pause(account, wait)
        return wait

    def _exchange(self, request: httpx.Request, shown: str) -> tuple[httpx.Response, bytes]:
        """One round trip that the circuit counts: nobody home, too late or 5xx is no answer."""
        started, is_answered = time.monotonic(), False
        try:
            response, body = self._round_trip(request, shown)
            is_answered = response.status_code < 500
            return response, body
        finally:
            self._circuit.note_attempt(started, is_answered=is_answered)

    def _round_trip(self, request: httpx.Request, shown: str) -> tuple[httpx.Response, bytes]:
        """One round trip, bounded in time and size; httpx's failures as Unavailable or TimedOut."""
        deadline = time.monotonic() + 4 * self._timeout_seconds
        body = bytearray()
        try:
            response = self._client.send(request, stream=True)
            try:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise SchemaChanged(
                            f"{self.service} answered {shown!r} with more than {MAX_BODY_BYTES:,} bytes.",
                            remedy="the days stay open; if this is an address you set, check what it serves.",
                        )
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("the answer trickled in for too long")
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise TimedOut(
                f"{self.service} gave no answer to {shown!r} within {self._timeout_seconds:g} s.",
                remedy="nothing was lost; the next run asks again. If it persists, check your connection.",
            ) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Unavailable(
                f"{self.service} cannot be reached at {request.url.scheme}://{request.url.netloc.decode()}: "
                f"{type(error).__name__}.",
                remedy="check your connection and the address in the settings; the next run asks again.",
            ) from error
        return response, bytes(body)


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        body.decode("utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
