"""A stand-in of Google Calendar v3 for reading: calendar lists, events, sync tokens, their expiry, odd pages."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TokenOwner = Mapping[str, str] | Callable[[str], str | None]
"""Who an access token belongs to; None where it is not (or no longer) good."""

Event = dict[str, Any]

_MOST = {"events": (250, 2500), "calendarList": (100, 250)}
_NOT_WITH_SYNC_TOKEN = {"iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty"}
_NOT_WITH_SYNC_TOKEN |= {"timeMax", "timeMin", "updatedMin"}
_NOT_COMPARED = frozenset({"syncToken", "pageToken", "maxResults"})
_KEPT_OF_A_CANCELLED = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")


@dataclass
class StandInCalendar:
    """One calendar: its events as Google spells them, and every change in order.

    With `has_odd_pages`, pages are now and then short or empty, as Google's may be.
    """

    id: str
    summary: str
    timezone: str = "Asia/Tokyo"
    is_primary: bool = False
    is_selected: bool = True
    has_odd_pages: bool = False
    events: dict[str, Event] = field(default_factory=dict)
    changed_at: dict[str, int] = field(default_factory=dict)
    oldest_token: int = 0
    _count: int = 0

    def put(self, *events: Event) -> None:
        """Add events, or change those of the same id."""
        for event in events:
            self._count += 1
            self.events[event["id"]] = {**event, "etag": f'"{self._count:016d}"'}
            self.changed_at[event["id"]] = self._count

    def cancel(self, event_id: str) -> None:
        """Delete an event; a series takes its exceptions along."""
        gone = [event_id]
        gone += [key for key, event in self.events.items() if event.get("recurringEventId") == event_id]
        self.put(*({**self.events[key], "status": "cancelled"} for key in gone))

    def forget(self, event_id: str) -> None:
        """Lose an event without a trace, as happens when the deletions before a full sync are not told."""
        self._count += 1
        del self.events[event_id], self.changed_at[event_id]

    def expire_tokens(self) -> None:
        """Every sync token given so far answers 410 from now on."""
        self._count += 1
        self.oldest_token = self._count

    @property
    def position(self) -> int:
        return self._count


@dataclass
class StandInAccount:
    """A person's account: its calendars, in the order of the list."""

    user_id: str
    calendars: Sequence[StandInCalendar]

    def named(self, calendar_id: str) -> StandInCalendar | None:
        for each in self.calendars:
            if calendar_id == each.id or (calendar_id == "primary" and each.is_primary):
                return each
        return None


class _Refused(Exception):
    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.answer = _error(status, reason, message)


def create_app(accounts: Sequence[StandInAccount], token_owner: TokenOwner) -> Starlette:
    """The service over these accounts, at Google's own paths (below /calendar/v3)."""
    by_user = {account.user_id: account for account in accounts}

    def account_of(request: Request) -> StandInAccount:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        owner = (token_owner(token) if callable(token_owner) else token_owner.get(token)) if token else None
        if scheme.lower() != "bearer" or owner not in by_user:
            raise _Refused(401, "authError", "Invalid Credentials")
        return by_user[owner]

    async def events(request: Request) -> Response:
        try:
            calendar = account_of(request).named(request.path_params["calendar_id"])
            if calendar is None:
                raise _Refused(404, "notFound", "Not Found")
            return JSONResponse(_events(calendar, request))
        except _Refused as refused:
            return refused.answer

    async def calendar_list(request: Request) -> Response:
        try:
            return JSONResponse(_calendar_list(account_of(request), request))
        except _Refused as refused:
            return refused.answer

    return Starlette(
        routes=[
            Route("/calendar/v3/calendars/{calendar_id}/events", events),
            Route("/calendar/v3/users/me/calendarList", calendar_list),
        ]
    )


def _events(calendar: StandInCalendar, request: Request) -> dict[str, Any]:
    asked = request.query_params
    if asked.get("singleEvents") == "true":
        raise _Refused(400, "badRequest", "This stand-in does not expand recurring events.")
    done, page, until = _position(calendar, asked)
    since = _synced_until(calendar, asked)
    rows = _rows(calendar, max(since or 0, done), until, is_full=since is None)
    size = _page_size("events", asked)
    if calendar.has_odd_pages:
        size = (size, 0, max(1, size // 2))[page % 3]
    answer = _head(calendar, until)
    answer["items"] = [_with_guests(event, asked) for _, event in rows[:size]]
    if size < len(rows):
        done = rows[size - 1][0] if size else done
        answer["nextPageToken"] = _packed([done, page + 1, until])
    else:
        answer["nextSyncToken"] = _packed([calendar.id, until, _terms(asked)])
    return answer


def _synced_until(calendar: StandInCalendar, asked: Mapping[str, str]) -> int | None:
    token = asked.get("syncToken")
    if token is None:
        return None
    if clash := sorted(_NOT_WITH_SYNC_TOKEN & set(asked)):
        raise _Refused(400, "badRequest", f"Sync token cannot be used with: {', '.join(clash)}.")
    try:
        calendar_id, position, terms = _unpacked(token)
    except ValueError:
        raise _Refused(400, "invalid", "Invalid sync token value.") from None
    if position < calendar.oldest_token or calendar_id != calendar.id:
        message = "Sync token is no longer valid, a full sync is required."
        raise _Refused(410, "fullSyncRequired", message)
    if terms != _terms(asked):
        raise _Refused(400, "badRequest", "The parameters differ from those of the first sync.")
    return int(position)


def _position(calendar: StandInCalendar, asked: Mapping[str, str]) -> tuple[int, int, int]:
    """The change that the page before ended with, this page's number, the change up to which the list goes."""
    if "pageToken" not in asked:
        return 0, 0, calendar.position
    try:
        done, page, until = _unpacked(asked["pageToken"])
    except ValueError:
        raise _Refused(400, "invalid", "Invalid page token value.") from None
    return int(done), int(page), int(until)


def _rows(calendar: StandInCalendar, since: int, until: int, *, is_full: bool) -> list[tuple[int, Event]]:
    """What changed after `since`, oldest change first; in a full list, of what is deleted only occurrences of a
    series that lives. Something that changes while pages are read leaves this list for the next one."""
    found = []
    for key, changed_at in sorted(calendar.changed_at.items(), key=lambda item: item[1]):
        event = calendar.events[key]
        is_gone = event.get("status") == "cancelled"
        if not since < changed_at <= until:
            continue
        if is_full and is_gone and not _lives(calendar, event.get("recurringEventId")):
            continue
        kept = {name: event[name] for name in _KEPT_OF_A_CANCELLED if name in event} if is_gone else event
        found.append((changed_at, kept))
    return found


def _lives(calendar: StandInCalendar, event_id: str | None) -> bool:
    return event_id in calendar.events and calendar.events[event_id].get("status") != "cancelled"


def _with_guests(event: Event, asked: Mapping[str, str]) -> Event:
    guests = event.get("attendees", [])
    if "maxAttendees" not in asked or len(guests) <= int(asked["maxAttendees"]):
        return event
    return {**event, "attendees": [each for each in guests if each.get("self")], "attendeesOmitted": True}


def _head(calendar: StandInCalendar, until: int) -> dict[str, Any]:
    return {
        "kind": "calendar#events",
        "etag": f'"p{until:016d}"',
        "summary": calendar.summary,
        "updated": "2026-11-23T00:00:00.000Z",
        "timeZone": calendar.timezone,
        "accessRole": "owner",
        "defaultReminders": [{"method": "popup", "minutes": 30}],
    }


def _calendar_list(account: StandInAccount, request: Request) -> dict[str, Any]:
    asked = request.query_params
    size = _page_size("calendarList", asked)
    at = int(_unpacked(asked["pageToken"])[0]) if "pageToken" in asked else 0
    answer: dict[str, Any] = {"kind": "calendar#calendarList", "etag": '"l1"'}
    answer["items"] = [_entry(each) for each in account.calendars[at : at + size]]
    if at + size < len(account.calendars):
        answer["nextPageToken"] = _packed([at + size])
    else:
        answer["nextSyncToken"] = _packed([account.user_id])
    return answer


def _entry(calendar: StandInCalendar) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "kind": "calendar#calendarListEntry",
        "etag": '"e1"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.timezone,
        "colorId": "14",
        "backgroundColor": "#9fe1e7",
        "foregroundColor": "#000000",
        "accessRole": "owner",
        "defaultReminders": [],
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    flags = {"selected": calendar.is_selected, "primary": calendar.is_primary}
    return entry | {name: True for name, holds in flags.items() if holds}  # Google leaves out what is false


def _page_size(kind: str, asked: Mapping[str, str]) -> int:
    usual, most = _MOST[kind]
    return max(1, min(int(asked.get("maxResults", usual)), most))


def _terms(asked: Mapping[str, str]) -> str:
    terms = sorted((name, value) for name, value in asked.items() if name not in _NOT_COMPARED)
    return hashlib.sha256(repr(terms).encode()).hexdigest()[:8]


def _packed(value: list[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def _unpacked(token: str) -> list[Any]:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=list[Any])
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(token) from error


def _error(status: int, reason: str, message: str) -> JSONResponse:
    details = [{"domain": "global", "reason": reason, "message": message}]
    body = {"error": {"errors": details, "code": status, "message": message}}
    return JSONResponse(body, status_code=status)
