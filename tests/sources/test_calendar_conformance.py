"""The conformance suite over Google Calendar, a source of changes."""

from __future__ import annotations

from collections.abc import Sequence

from moderation_craft.clock import FixedClock
from moderation_craft.sources.calendar.google import GoogleCalendars
from moderation_craft.sources.calendar.google_stand_in import StandInAccount, StandInCalendar, create_app
from moderation_craft.sources.calendar.source import CalendarSource
from moderation_craft.sources.conformance import NEW_FIELD, NOON, Case, SourceConformance
from moderation_craft.sources.contract import Stream
from moderation_craft.sources.faults import App
from moderation_craft.sources.http import Http
from moderation_craft.sources.oauth.tokens import FixedTokens
from tests.sources.google_calendar import MINA, TOKEN, timed, whole_day


def app() -> App:
    calendar = StandInCalendar("mina@example.com", "Mina", is_primary=True, has_odd_pages=True)
    calendar.put(
        timed(
            "standup", "2026-11-16T10:00:00+09:00", "2026-11-16T10:30:00+09:00", recurrence=["RRULE:FREQ=DAILY"]
        ),
        whole_day("trip", "2026-11-20", "2026-11-22"),
    )
    return create_app([StandInAccount("mina", [calendar])], {TOKEN: "mina"})


class OnlyGoogle(CalendarSource):
    """The source without ICS addresses, so that every stream has something to say."""

    @property
    def streams(self) -> Sequence[Stream]:
        return [stream for stream in super().streams if stream.shape == "changes"]


def google(base_url: str, http: Http, clock: FixedClock) -> CalendarSource:
    calendars = GoogleCalendars(f"{base_url}/calendar/v3", FixedTokens({"mina": TOKEN}), http, clock, {})
    return OnlyGoogle({}, http, google=calendars)


class TestGoogleCalendar(SourceConformance):
    case = Case(
        app=app,
        build=google,
        person=MINA,
        now=NOON,
        paths=lambda stream: "/calendars/primary/events",
        with_new_field=lambda body: body.replace(b'"items":[{', b'"items":[{' + NEW_FIELD + b",", 1),
        secrets=(TOKEN,),
    )
