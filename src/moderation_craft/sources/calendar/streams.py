"""The ways in to a calendar as data, and what their envelopes say beside the data."""

from __future__ import annotations

from datetime import date, timedelta

from moderation_craft.sources.contract import Stream

SOURCE = "calendar"
DAYS_BACK = 400
DAYS_AHEAD = 60

ICS = Stream(
    "ics",
    max_window_days=1,
    open_days=0,
    shape="snapshot",
    description="the calendar as iCalendar text, whole, as it is at the fetch",
    key="UID",
    cursor="snapshot",
    entity="schedule",
)

CALDAV = Stream(
    "caldav",
    max_window_days=1,
    open_days=0,
    shape="snapshot",
    description="every event of a calendar as its server holds it, whole, as it is at the fetch",
    path="calendar-query",
    key="UID",
    cursor="snapshot",
    entity="schedule",
    is_optional=True,
)

GOOGLE = Stream(
    "google",
    max_window_days=1,
    open_days=0,
    shape="changes",
    description="pages of events that changed, as Google answered them; the first sync brings all",
    path="calendars/{calendarId}/events",
    key="id",
    cursor="token",
    page_size=2500,
    entity="schedule",
    is_optional=True,
)


def said_of(calendar: str, day: date, timezone: str) -> dict[str, object]:
    """The calendar, the zone that reads times without one, and the window that bounds repetition."""
    return {
        "calendar": calendar,
        "timezone": timezone,
        "window_first": str(day - timedelta(days=DAYS_BACK)),
        "window_last": str(day + timedelta(days=DAYS_AHEAD)),
    }
