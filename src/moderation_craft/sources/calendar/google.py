"""Google Calendar v3: what changed in a person's calendars since the last sync token.

Recurring events are asked for as their series with exceptions (no `singleEvents`) and without any bound of time:
an expanded list would end where Google stops expanding, and its bounds could not move on with the days, for
every request must repeat the first one's parameters while a syncToken allows no timeMin.
https://developers.google.com/workspace/calendar/api/guides/sync
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

import msgspec

from moderation_craft.clock import Clock, iso, today_in
from moderation_craft.errors import AuthFailed, McraftError, RateLimited, SchemaChanged
from moderation_craft.sources.calendar.streams import GOOGLE, said_of
from moderation_craft.sources.contract import CursorLost, Person, Record
from moderation_craft.sources.http import Forbidden, Http, Reply
from moderation_craft.sources.oauth.tokens import Tokens

API_VERSION = "v3"
PAGE_SIZE = GOOGLE.page_size or 2500
LIST_PAGE_SIZE = 250
PAGES_MOST = 2000
AUTH_REMEDY = "connect Google Calendar again: `mcraft connect google`, or the page /settings/integrations."


class _Page(msgspec.Struct):
    items: list[msgspec.Raw] = []
    nextPageToken: str | None = None
    nextSyncToken: str | None = None


class _Listed(msgspec.Struct):
    id: str
    summary: str = ""
    summaryOverride: str = ""
    primary: bool = False
    selected: bool = False
    deleted: bool = False

    def is_called(self, name: str) -> bool:
        return name in (self.id, self.summary, self.summaryOverride) or (name == "primary" and self.primary)


class _ListPage(msgspec.Struct):
    items: list[_Listed] = []
    nextPageToken: str | None = None


class GoogleCalendars:
    """The calendars that people chose of their Google accounts (`chosen`, by person; else the primary one)."""

    def __init__(
        self, base_url: str, tokens: Tokens, http: Http, clock: Clock, chosen: Mapping[str, Sequence[str]]
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._http = http
        self._clock = clock
        self._chosen = chosen

    def is_connected(self, person: Person) -> bool:
        return self._tokens.is_connected(person.user_id)

    def series_of(self, person: Person) -> list[str]:
        """The ids of the person's chosen calendars; Google is asked only where one is named otherwise.

        A name that no calendar has stays as it is: asking for its events then says that it does not exist.
        """
        if not self.is_connected(person):
            return []
        names = list(dict.fromkeys(self._chosen.get(person.user_id) or ["primary"]))
        if all(name == "primary" or "@" in name for name in names):
            return names
        listed = [each for each in self._calendar_list(person) if not each.deleted]
        found = [series for name in names for series in _ids(name, listed)]
        return list(dict.fromkeys(found))

    def changes(self, person: Person, series: str, cursor: str | None) -> Iterator[Record]:
        """A record a page; the last one alone carries the cursor, so that a sync that dies half-way counts for
        nothing. Raises CursorLost where the token is too old (410): a full sync then replaces what is held."""
        month, _, token = (cursor or "").partition(" ")
        today = today_in(self._clock, person.timezone)
        said = {
            **said_of(series, today, person.timezone_on(today)),
            "api_version": API_VERSION,
            "series": series,
            "sync": f"{iso(self._clock.now())} {hashlib.sha256(token.encode()).hexdigest()[:8]}",
            "is_full": not token,
        }
        number = 0
        for number, (reply, page) in enumerate(self._pages(person, series, token)):
            told = {**said, "request": reply.request, "page": number, "is_last": page.nextSyncToken is not None}
            if page.nextSyncToken is None:
                yield Record(today, reply.body, told)
                continue
            told["cursor"] = f"{today:%Y-%m} {page.nextSyncToken}"
            # A quiet calendar is written once a month all the same, so that the days that it covers move on.
            is_news = bool(page.items) or number > 0 or f"{today:%Y-%m}" != month
            yield Record(today, reply.body if is_news else b"", told)

    def _pages(self, person: Person, series: str, token: str) -> Iterator[tuple[Reply, _Page]]:
        path = f"calendars/{quote(series, safe='')}/events"
        # Of several guests only the person is wanted: other people's addresses need not come here.
        asked: dict[str, str | int] = {"maxResults": PAGE_SIZE, "maxAttendees": 1}
        if token:
            asked["syncToken"] = token
        seen: set[str] = set()
        while len(seen) < PAGES_MOST:
            reply = self._get(person, path, asked)
            page = reply.json(_Page)
            if page.nextSyncToken is None and page.nextPageToken is None:
                raise SchemaChanged(
                    f"Google Calendar ended the list of {_shown(series)} without a sync token.",
                    remedy="nothing was lost; the next run asks for the same changes again.",
                )
            yield reply, page
            if page.nextSyncToken is not None:
                return
            assert page.nextPageToken is not None  # noqa: S101 - said above
            if page.nextPageToken in seen:
                break
            seen.add(page.nextPageToken)
            asked["pageToken"] = page.nextPageToken
        raise SchemaChanged(
            f"Google Calendar's list of {_shown(series)} does not end ({len(seen):,} pages).",
            remedy="nothing was lost; the next run asks for the same changes again.",
        )

    def _calendar_list(self, person: Person) -> Iterator[_Listed]:
        asked: dict[str, str | int] = {"maxResults": LIST_PAGE_SIZE}
        for _ in range(PAGES_MOST):
            page = self._get(person, "users/me/calendarList", asked).json(_ListPage)
            yield from page.items
            if page.nextPageToken is None:
                return
            asked["pageToken"] = page.nextPageToken

    def _get(self, person: Person, path: str, asked: Mapping[str, str | int]) -> Reply:
        """One request; a token that is refused is renewed and tried once more."""
        token = self._tokens.access_token(person.user_id)
        if token is None:
            raise AuthFailed("Google Calendar is not connected.", remedy=AUTH_REMEDY)
        url, account = f"{self._base_url}/{path}", person.user_id
        try:
            return self._http.get(url, params=asked, token=token, account=account)
        except Forbidden:
            raise
        except AuthFailed:
            renewed = self._tokens.renewed(person.user_id, token)
            if renewed is None:
                raise
        return self._http.get(url, params=asked, token=renewed, account=account)


def explain(status: int, said: str) -> McraftError | None:
    """What Google Calendar means by a status where it differs from the usual: 403 may be a quota, 410 and
    a 400 about the sync token ask for a full sync, 404 is a calendar that is not there.
    https://developers.google.com/workspace/calendar/api/guides/errors"""
    if status == 410 or (status == 400 and "sync token" in said.lower()):
        return CursorLost(
            f"Google Calendar no longer knows the sync token ({status}): {said}",
            remedy="nothing to do: the whole calendar is read again and compared with what is held.",
        )
    if status == 403 and "exceeded" in said.lower():
        return RateLimited(
            f"Google Calendar's quota is used up (403): {said}", remedy="wait a few minutes and run again."
        )
    if status == 404:
        return SchemaChanged(
            f"Google Calendar has no such calendar for this account (404): {said}",
            remedy="correct its id or title in the settings (calendar.google); your others are read.",
        )
    return None


def _ids(name: str, listed: Sequence[_Listed]) -> list[str]:
    """The calendars that a name means. The primary one is always called so: by its id too it is one series."""
    if name in ("all", "selected"):
        found = [each for each in listed if name == "all" or each.selected]
    else:
        found = [each for each in listed if each.is_called(name)]
        if not found:
            return [name]
    return ["primary" if each.primary else each.id for each in found]


def _shown(series: str) -> str:
    """A calendar's id in a message: most are somebody's mail address."""
    return series if series == "primary" else f"{series[:2]}…"
