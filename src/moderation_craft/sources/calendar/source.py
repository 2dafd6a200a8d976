"""Calendars by three ways: ICS addresses, CalDAV accounts and a connected Google account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from moderation_craft.clock import Clock
from moderation_craft.errors import AuthFailed
from moderation_craft.settings import CalendarSettings, Settings
from moderation_craft.sources.calendar.google import AUTH_REMEDY, GoogleCalendars, explain
from moderation_craft.sources.calendar.ics import IcsFeeds
from moderation_craft.sources.calendar.streams import CALDAV, GOOGLE, ICS, SOURCE
from moderation_craft.sources.contract import Person, Record, Stream, Window
from moderation_craft.sources.http import Forbidden, Http
from moderation_craft.sources.oauth.tokens import tokens_for

if TYPE_CHECKING:
    from moderation_craft.sources.calendar.caldav import CalDavAccounts

__all__ = ["CALDAV", "GOOGLE", "ICS", "SOURCE", "CalendarSource", "build"]

GOOGLE_REQUESTS_PER_MINUTE = 600


class CalendarSource:
    """A stream a way in; a person may use several, and one that fails does not keep the others out."""

    name = SOURCE

    def __init__(
        self,
        feeds: Mapping[str, Mapping[str, str]],
        http: Http,
        *,
        caldav: CalDavAccounts | None = None,
        google: GoogleCalendars | None = None,
    ) -> None:
        self._ics = IcsFeeds(feeds, http)
        self._caldav = caldav
        self._google = google

    @property
    def streams(self) -> Sequence[Stream]:
        chosen = [(ICS, True), (CALDAV, self._caldav), (GOOGLE, self._google)]
        return [stream for stream, way in chosen if way]

    def uses(self, stream: Stream, person: Person) -> bool:
        """Whether the person set up this way in."""
        if stream == CALDAV:
            return self._caldav is not None and self._caldav.has(person)
        if stream == GOOGLE:
            return self._google is not None and self._google.is_connected(person)
        return self._ics.has(person)

    def refusal(self, person: Person) -> str | None:
        """Why this person's calendars cannot be asked for; None where one way is open."""
        if any(self.uses(stream, person) for stream in self.streams):
            return None
        return (
            "no calendar is set: an ICS address (calendar.feeds), a CalDAV account (calendar.caldav), "
            "or Google (mcraft connect google)"
        )

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        """One record a calendar, dated the window's last day; the first failure is raised after the others."""
        way = self._caldav if stream == CALDAV else self._ics
        if way is None:
            return
        with _alone():
            yield from way.fetch(person, window.last)

    def series_of(self, stream: Stream, person: Person) -> Sequence[str]:
        """The ids of the Google calendars that the person chose."""
        if self._google is None:
            return []
        with _alone():
            return self._google.series_of(person)

    def changes(self, stream: Stream, person: Person, series: str, cursor: str | None) -> Iterator[Record]:
        """What changed in a Google calendar since the cursor; CursorLost where that is too old."""
        if self._google:
            with _alone():
                yield from self._google.changes(person, series, cursor)


def build(settings: Settings, clock: Clock) -> CalendarSource:
    """The source as the settings describe it."""
    chosen = settings.calendar
    feeds = {
        user_id: {name: address.get_secret_value() for name, address in addresses.items()}
        for user_id, addresses in chosen.feeds.items()
    }
    remedy = "copy the calendar's secret ICS address into the settings again (calendar.feeds)."
    google_http = Http(
        "Google Calendar",
        per_minute=GOOGLE_REQUESTS_PER_MINUTE,
        explain=explain,
        auth_remedy=AUTH_REMEDY,
    )
    return CalendarSource(
        feeds,
        Http(SOURCE, per_minute=60, auth_remedy=remedy),
        caldav=_caldav(chosen) if chosen.caldav else None,
        google=GoogleCalendars(
            chosen.google_base_url, tokens_for("google", settings, clock), google_http, clock, chosen.google
        ),
    )


def _caldav(settings: CalendarSettings) -> CalDavAccounts:
    from moderation_craft.sources.calendar.caldav import CalDavAccounts, accounts_of  # slow to import

    return CalDavAccounts(accounts_of(settings))


@contextmanager
def _alone() -> Iterator[None]:
    """Credentials that one way refuses say nothing about the others: the engine goes on with those."""
    try:
        yield
    except Forbidden:
        raise
    except AuthFailed as error:
        raise Forbidden(error.message, remedy=error.remedy) from error
