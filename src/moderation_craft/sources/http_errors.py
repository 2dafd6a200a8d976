"""HTTP answers as the error tree, with the other side's own words and without anybody's secrets."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import msgspec

from moderation_craft.clock import SystemClock
from moderation_craft.errors import AuthFailed, McraftError, RateLimited, SchemaChanged, TimedOut, Unavailable

Explain = Callable[[int, str], McraftError | None]
"""A service's own reading of a status and what the other side said, where it differs from the usual one."""

MAX_MESSAGE_CHARACTERS = 300
UNIX_TIME_BEGINS = 1e9
"""A reset that is larger than this is a moment (2001 or later), not seconds from now."""


class Forbidden(AuthFailed):
    """The credentials are good, but not for this: leave this stream out, the person's others may work."""


@dataclass(frozen=True)
class Refusal:
    """An answer that is no success, and what was asked (spelled without secrets)."""

    service: str
    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def as_error(refusal: Refusal, *, secret: str | None, auth_remedy: str, explain: Explain | None) -> McraftError:
    """The error that a refusal stands for: 401 E001, 403 Forbidden, 408 and 504 E008, 429 E002,
    other 4xx E010, everything else E006."""
    status, service = refusal.status, refusal.service
    said = other_sides_message(refusal.body)
    said = said.replace(secret, "***") if secret else said
    if explain and (special := explain(status, said)):
        return special
    what = f"{service} answered {refusal.asked!r} with {status}: {said}"
    wait_seconds = retry_after_seconds(refusal.headers.get("retry-after"))
    if status == 401:
        return AuthFailed(f"{service} refused the credentials (401): {said}", remedy=auth_remedy)
    if status == 403:
        return Forbidden(f"{service} does not allow this (403): {said}", remedy=auth_remedy)
    if status == 429:
        return RateLimited(
            what,
            remedy="wait a few minutes and run again: only what is missing is asked for.",
            retry_after_seconds=reset_seconds(refusal.headers) if wait_seconds is None else wait_seconds,
        )
    if status in (408, 504):
        return TimedOut(what, remedy="nothing was lost; the next run asks again.")
    if 400 <= status < 500:
        return SchemaChanged(
            what,
            remedy="the days stay open; upgrade moderation-craft, or report this if yours is the newest.",
        )
    return Unavailable(
        what,
        remedy="the other side is failing; nothing was lost, and the next run asks again.",
        retry_after_seconds=wait_seconds,
    )


def other_sides_message(body: bytes) -> str:
    """The reason in an error body, in the shapes services use; else the body's beginning, on one line."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    text = _reason(found) if isinstance(found, dict) else ""
    text = text or body[: 4 * MAX_MESSAGE_CHARACTERS].decode("utf-8", "replace")
    return " ".join(text.split())[:MAX_MESSAGE_CHARACTERS] or "no reason given"


def _reason(body: Mapping[str, object]) -> str:
    inner = body.get("error")
    if isinstance(inner, dict):
        said = " ".join(str(inner[key]) for key in ("status", "message") if key in inner)
        return said + "".join(f" [{reason}]" for reason in _google_reasons(inner.get("details")))
    for key in ("reason", "message", "error_description", "error"):
        if body.get(key):
            return str(body[key])
    return ""


def _google_reasons(details: object) -> list[str]:
    """The reasons and descriptions in the details of a google.rpc error."""
    found: list[str] = []
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict):
            found += [str(detail["reason"])] if "reason" in detail else []
            broken = detail.get("fieldViolations")
            found += [str(field.get("description")) for field in broken or [] if isinstance(field, dict)]
    return found


def reset_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds until a limit starts anew, from the headers that services use for it; None where there are none.

    `RateLimit-Reset` and `X-RateLimit-Reset` are seconds from now or a moment of Unix time (in seconds or
    milliseconds); `RateLimit` (the IETF's later draft) carries `t=` seconds.
    """
    for name in ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"):
        try:
            said = float(headers.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(said):
            return _from_now(said)
    found = re.search(r"(?:^|[;,\s])t=(\d{1,9})\b", headers.get("ratelimit", ""))
    return float(found[1]) if found else None


def _from_now(said: float) -> float:
    if said < UNIX_TIME_BEGINS:
        return max(0.0, said)
    moment = said / 1000 if said > UNIX_TIME_BEGINS * 1000 else said
    return max(0.0, moment - SystemClock().now().timestamp())


def retry_after_seconds(header: str | None) -> float | None:
    """Seconds from a Retry-After header, which is a number or an HTTP date; None where it is neither."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - SystemClock().now()).total_seconds())
    except (TypeError, ValueError):
        return None
