"""The transport, over real loopback connections."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from moderation_craft.clock import SystemClock
from moderation_craft.errors import (
    AuthFailed,
    McraftError,
    RateLimited,
    RetryError,
    SchemaChanged,
    SetupError,
    TimedOut,
    Unavailable,
)
from moderation_craft.sources import http as http_module
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.http import Forbidden, Http, polite_backoff
from moderation_craft.sources.http_errors import other_sides_message, retry_after_seconds
from moderation_craft.sources.stand_in import serve
from moderation_craft.sources.throttle import Throttle


async def _echo(request: Request) -> Response:
    body = await request.body()
    return JSONResponse(
        {
            "authorization": request.headers.get("authorization"),
            "query": dict(request.query_params),
            "body": body.decode(),
        },
        headers={"X-RateLimit-Remaining": "42"},
    )


@contextmanager
def _service(*faults: Fault) -> Iterator[tuple[str, Faulty]]:
    faulty = Faulty(Starlette(routes=[Route("/echo", _echo, methods=["GET", "POST"])]))
    faulty.faults.extend(faults)
    with serve(faulty) as url:
        yield f"{url}/echo", faulty


def _http(**options: Any) -> Http:
    return Http("Example", attempts=3, backoff=lambda error: 0.0, **options)


def test_get_and_post_carry_token_query_and_body() -> None:
    with _service() as (url, _):
        http = _http()
        got = http.get(url, params={"filter": 'a >= "1"'}, token="tok-123456")
        posted = http.post(url, json={"a": 1})
    said = got.json(dict[str, Any])
    assert (said["authorization"], said["query"]) == ("Bearer tok-123456", {"filter": 'a >= "1"'})
    assert posted.json(dict[str, Any])["body"] == '{"a":1}'
    assert got.request == "GET /echo?filter=a+%3E%3D+%221%22"
    assert got.rate_limit_remaining == 42


@pytest.mark.parametrize(
    ("status", "expected", "requests"),
    [
        (400, SchemaChanged, 1),
        (401, AuthFailed, 1),
        (403, Forbidden, 1),
        (404, SchemaChanged, 1),
        (408, TimedOut, 3),
        (410, SchemaChanged, 1),
        (429, RateLimited, 3),
        (302, Unavailable, 3),
        (500, Unavailable, 3),
        (504, TimedOut, 3),
    ],
)
def test_a_status_is_an_error_of_the_tree(status: int, expected: type[McraftError], requests: int) -> None:
    with _service(Fault(status, b'{"error": {"status": "WHY", "message": "the reason"}}')) as (url, faulty):
        with pytest.raises(expected, match="WHY the reason") as caught:
            _http().get(url)
        assert len(faulty.requests) == requests
    assert type(caught.value) is expected
    assert caught.value.remedy


def test_retries_stop_at_the_first_good_answer() -> None:
    with _service(Fault(503, times=2)) as (url, faulty):
        assert _http().get(url).body
        assert len(faulty.requests) == 3


def test_a_wait_that_is_too_long_is_left_to_the_next_run() -> None:
    with _service(Fault(429, headers={"Retry-After": "86400"})) as (url, faulty):
        with pytest.raises(RateLimited) as caught:
            Http("Example").get(url)
        assert len(faulty.requests) == 1
    assert caught.value.retry_after_seconds == 86_400


def test_backoff_asks_stamina_or_obeys_the_other_side() -> None:
    def error(seconds: float | None) -> RetryError:
        return RateLimited("x", remedy="y", retry_after_seconds=seconds)

    assert polite_backoff(Unavailable("x", remedy="y")) is True
    assert 60 <= 3 * float(polite_backoff(error(None))) <= 66, "three waits outlast a minute's limit"
    assert polite_backoff(error(3.0)) == 3.0
    assert polite_backoff(error(1e6)) is False


def test_retry_after_is_seconds_or_a_date() -> None:
    in_a_minute = format_datetime(SystemClock().now() + timedelta(seconds=60), usegmt=True)
    assert retry_after_seconds("12") == 12
    assert 50 < (retry_after_seconds(in_a_minute) or 0) <= 60
    assert retry_after_seconds("soon") is None
    assert retry_after_seconds(None) is None


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"RateLimit-Reset": "30"}, 30, 30),
        ({"x-ratelimit-reset": "17"}, 17, 17),
        ({"X-RateLimit-Reset": str(int(time.time()) + 4000)}, 3000, 4001),
        ({"X-RateLimit-Reset": str(int(time.time() + 4000) * 1000)}, 3000, 4001),
        ({"RateLimit": '"default";r=0;t=25'}, 25, 25),
        ({"RateLimit": "limit=300, remaining=0, reset=5"}, None, None),
        ({"X-RateLimit-Reset": "soon"}, None, None),
        ({"Retry-After": "9", "X-RateLimit-Reset": "17"}, 9, 9),
        ({}, None, None),
    ],
)
def test_a_limit_says_when_it_starts_anew(
    headers: dict[str, str], least: float | None, most: float | None
) -> None:
    with _service(Fault(429, headers=headers)) as (url, _), pytest.raises(RateLimited) as caught:
        _http().get(url)
    seconds = caught.value.retry_after_seconds
    if least is None or most is None:
        assert seconds is None
    else:
        assert least <= (seconds or 0) <= most


def test_a_limit_that_is_used_up_is_waited_for_before_it_refuses() -> None:
    pauses: list[float] = []

    def no_time_passes(seconds: float) -> None:
        pauses.append(seconds)
        raise InterruptedError

    spent = Faulty(Starlette(routes=[Route("/echo", _spent)]))
    with serve(spent) as url:
        http = _http(sleep=no_time_passes)
        http.get(f"{url}/echo", account="a")
        http.get(f"{url}/echo", account="b")
        with pytest.raises(InterruptedError):
            http.get(f"{url}/echo", account="a")
    assert 25 < pauses[0] <= 30
    assert len(spent.requests) == 2


async def _spent(_: Request) -> Response:
    return JSONResponse({}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"})


def test_a_projects_limit_holds_everybody_back() -> None:
    pauses: list[float] = []

    def no_time_passes(seconds: float) -> None:
        pauses.append(seconds)
        raise InterruptedError

    with _service() as (url, _):
        http = _http(per_minute=3, project_per_minute=4, sleep=no_time_passes)
        for account in ("a", "a", "b", "c"):
            http.get(url, account=account)
        with pytest.raises(InterruptedError):
            http.get(url, account="d")
    assert 50 < pauses[0] <= 60


def test_a_full_window_lets_the_next_request_out_when_its_oldest_leaves() -> None:
    """300 a minute is not 300, then a minute of silence: what leaves the window is used at once."""
    now = [1_000_000.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: now[0])
        throttle = Throttle("Example", 3, sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
        out = []
        for number in range(8):
            throttle.await_turn("mina")
            out.append(now[0] - 1_000_000)
            now[0] += 1 if number < 3 else 0
    assert out[:3] == [0, 1, 2]
    assert [round(moment) for moment in out[3:]] == [60, 61, 62, 120, 121]


def test_a_service_that_only_fails_is_not_asked_twice() -> None:
    with _service(Fault(503)) as (url, faulty):
        http = Http("Example", attempts=4, backoff=lambda error: 0.0, dead_after_seconds=0.0)
        for _ in range(3):
            with pytest.raises(Unavailable):
                http.get(url)
        assert len(faulty.requests) == 3
        faulty.faults.clear()
        assert http.get(url).body
        faulty.faults.append(Fault(429))
        with pytest.raises(RateLimited):
            http.get(url)
        assert len(faulty.requests) == 8, "a refusal for now is an answer: it is asked again"


def test_no_answer_in_time_is_timed_out() -> None:
    with _service(Fault(is_silent=True)) as (url, faulty):
        with pytest.raises(TimedOut, match=r"within 0\.05 s"):
            _http(timeout_seconds=0.05).get(url)
        assert len(faulty.requests) == 3


def test_an_answer_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "MAX_BODY_BYTES", 10)
    with _service() as (url, _), pytest.raises(SchemaChanged, match="more than 10 bytes"):
        _http().get(url)


@pytest.mark.parametrize("body", [b"<html>", b"", b"{'a': 1}", b'{"a": "\xff"}'])
def test_what_is_not_json_is_garbage(body: bytes) -> None:
    with _service(Fault(200, body)) as (url, _), pytest.raises(Unavailable, match="not JSON"):
        _http().get(url)


def test_text_may_be_anything() -> None:
    with _service(Fault(200, b"BEGIN:VCALENDAR")) as (url, _):
        assert _http().get(url, expect="text").body == b"BEGIN:VCALENDAR"


def test_another_shape_says_which_request() -> None:
    with _service() as (url, _), pytest.raises(SchemaChanged, match=r"GET /echo.*Expected `array`"):
        _http().get(url).json(list[int])


def test_a_token_is_never_in_an_error() -> None:
    token = "ya29.very-secret"
    echo = Fault(401, b'{"error": {"message": "unknown ya29.very-secret"}}')
    with _service(echo) as (url, _), pytest.raises(AuthFailed) as caught:
        _http().get(url, token=token)
    assert token not in caught.value.paragraph()


@pytest.mark.parametrize("token", ["two words", "日本語", "a\nb"])
def test_a_token_that_is_none_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(AuthFailed) as caught:
        _http().get("http://127.0.0.1:1", token=token)
    assert token not in caught.value.paragraph()


def test_a_secret_address_is_shown_by_another_name() -> None:
    with _service(Fault(404)) as (url, _), pytest.raises(SchemaChanged) as caught:
        _http().get(f"{url}?key=private", shown_as="GET calendar ics-1")
    assert "private" not in caught.value.message
    assert "ics-1" in caught.value.message


def test_an_address_that_is_none_stops() -> None:
    with pytest.raises(SetupError, match="is no URL"):
        _http().get("http://127.0.0.1:not-a-port")


def test_a_service_may_read_its_errors_itself() -> None:
    special = AuthFailed("not linked", remedy="link it")
    with _service(Fault(400, b'{"error": {"message": "no", "details": [{"reason": "NOT_LINKED"}]}}')) as (url, _):
        http = _http(explain=lambda status, said: special if "NOT_LINKED" in said else None)
        with pytest.raises(AuthFailed, match="not linked"):
            http.get(url)


def test_the_limit_holds_each_account_back_alone() -> None:
    pauses: list[float] = []

    def no_time_passes(seconds: float) -> None:
        pauses.append(seconds)
        raise InterruptedError

    with _service() as (url, _):
        http = _http(per_minute=3, sleep=no_time_passes)
        http.get(url, account="a", cost=2)
        http.get(url, account="a")
        http.get(url, account="b")
        with pytest.raises(InterruptedError):
            http.get(url, account="a")
    assert 50 < pauses[0] <= 60


def test_the_reason_is_found_in_every_known_error_body() -> None:
    google = {
        "error": {
            "status": "INVALID_ARGUMENT",
            "message": "Invalid filter.",
            "details": [{"reason": "BAD"}, {"fieldViolations": [{"description": "Member 'x' is unknown"}]}],
        }
    }
    assert other_sides_message(msgspec.json.encode(google)) == (
        "INVALID_ARGUMENT Invalid filter. [BAD] [Member 'x' is unknown]"
    )
    assert other_sides_message(b'{"error": true, "reason": "out of range"}') == "out of range"
    assert other_sides_message(b'{"cod": 401, "message": "Invalid key"}') == "Invalid key"
    assert other_sides_message(b'{"error": "invalid_grant"}') == "invalid_grant"
    assert other_sides_message(b"  two\n  lines \xff") == "two lines �"
    assert other_sides_message(b"") == "no reason given"
    assert len(other_sides_message(b"x" * 10_000)) == 300


def test_a_server_is_gone_after_it_was_served() -> None:
    with _service() as (url, _):
        started = time.monotonic()
    assert time.monotonic() - started < 5
    with pytest.raises(Unavailable, match="ConnectError"):
        _http().get(url)
