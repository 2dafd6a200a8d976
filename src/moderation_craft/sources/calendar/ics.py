"""Calendars as ICS addresses, one snapshot a day and address; an address is a secret and never leaves here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from urllib.parse import urlsplit

import msgspec

from moderation_craft.errors import McraftError, RecordInvalid, RetryError, SkipError
from moderation_craft.sources.calendar.streams import said_of
from moderation_craft.sources.contract import Person, Record
from moderation_craft.sources.http import Http

API_VERSION = "rfc5545"


class IcsFeeds:
    """The ICS addresses of each person, by the names that the person gave them."""

    def __init__(self, feeds: Mapping[str, Mapping[str, str]], http: Http) -> None:
        self._feeds = feeds
        self._http = http

    def has(self, person: Person) -> bool:
        return bool(self._feeds.get(person.user_id))

    def fetch(self, person: Person, day: date) -> Iterator[Record]:
        """One record a calendar. A calendar that fails does not keep the others out; the first failure is
        raised at the end (RecordInvalid where an answer is no calendar)."""
        failures: list[McraftError] = []
        for name, address in self._feeds.get(person.user_id, {}).items():
            try:
                text = self._text(address, name, person)
            except (RetryError, SkipError) as error:
                failures.append(error)
                continue
            yield Record(day, msgspec.json.encode(text), metadata(name, day, person.timezone_on(day)))
        if failures:
            raise failures[0]

    def _text(self, address: str, name: str, person: Person) -> str:
        with _address_kept_out(address, name):
            reply = self._http.get(
                _as_http(address, name), account=person.user_id, expect="text", shown_as=f"GET {name}"
            )
        return calendar_text(reply.body, name)


def metadata(calendar: str, day: date, timezone: str) -> dict[str, object]:
    """What an envelope says beside the text.

    The series is the calendar and the month: an unchanged calendar is kept once a month, so that its window
    moves on.
    """
    return {
        **said_of(calendar, day, timezone),
        "api_version": API_VERSION,
        "request": f"GET {calendar}",
        "series": f"{calendar} {day:%Y-%m}",
    }


def calendar_text(body: bytes, name: str) -> str:
    """The iCalendar text in an answer or a file; RecordInvalid where it is another thing or cut short."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordInvalid(
            f"The calendar {name} is not UTF-8 text: {error}.",
            remedy="iCalendar is UTF-8; export the calendar again, or check its address.",
        ) from error
    ends = text.strip().upper()
    if not ends.startswith("BEGIN:VCALENDAR"):
        raise RecordInvalid(
            f"The calendar {name} does not begin with BEGIN:VCALENDAR; perhaps it is a sign-in page.",
            remedy="check that the address is the calendar's ICS address, or the file an .ics export.",
        )
    if not ends.endswith("END:VCALENDAR"):
        raise RecordInvalid(
            f"The calendar {name} is cut short: it does not end with END:VCALENDAR.",
            remedy="fetch or export it again; what is held already stays as it is.",
        )
    return text


def _as_http(address: str, name: str) -> str:
    scheme, _, rest = address.partition("://")
    if scheme.lower() in ("webcal", "webcals") and rest:
        return f"https://{rest}"
    if scheme.lower() not in ("http", "https") or not rest:
        raise RecordInvalid(
            f"The address of the calendar {name} is no http(s) or webcal address.",
            remedy="copy the calendar's secret ICS address into the settings again (calendar.feeds).",
        )
    return address


@contextmanager
def _address_kept_out(address: str, name: str) -> Iterator[None]:
    """The other side may repeat the address in its answer: take it out of what an error says."""
    try:
        yield
    except McraftError as error:
        for secret in _secrets_of(address):
            error.message = error.message.replace(secret, name)
            error.remedy = error.remedy.replace(secret, name)
        error.args = (error.message,)
        raise


def _secrets_of(address: str) -> list[str]:
    """The address and each of its parts that could be the secret one, longest first."""
    parts = urlsplit(address)
    pieces = re.split(r"[/?&=]", f"{parts.path}?{parts.query}")
    return sorted({address, *(piece for piece in pieces if _may_be_secret(piece))}, key=len, reverse=True)


def _may_be_secret(piece: str) -> bool:
    is_plain_word = piece.isalpha() and piece.islower() and len(piece) < 16
    return len(piece) >= 8 and not is_plain_word
