"""Every request to Google Calendar and every answer of the stand-in, held against the discovery document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from moderation_craft.sources.calendar.google_people import made_up_account
from moderation_craft.sources.calendar.google_stand_in import StandInCalendar
from moderation_craft.sources.faults import App, Faulty, Message, Receive, Scope, Send
from tests.sources.google_calendar import World, exception, guests, timed, whole_day, world

KINDS: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}


@pytest.fixture(scope="module")
def document(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "specs" / "calendar.v3.json").read_text())
    return found


class Listening:
    """An app, and everything that was asked of it and answered."""

    def __init__(self, app: App) -> None:
        self.said: list[tuple[str, list[tuple[str, str]], int, Any]] = []
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self._app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in messages)
        asked = parse_qsl(scope["query_string"].decode(), strict_parsing=bool(scope["query_string"]))
        self.said.append((scope["path"], asked, messages[0]["status"], json.loads(body)))


def problems(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    """Where a value breaks its schema: another type, a field that is not declared, a bad format."""
    if "$ref" in schema:
        schema = document["schemas"][schema["$ref"]]
    kind = KINDS[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return [f"{where}: {value!r} is no {schema['type']}"]
    if isinstance(value, list):
        found = [problems(document, schema["items"], each, f"{where}[]") for each in value]
    elif isinstance(value, dict):
        found = [_field(document, schema, name, each, where) for name, each in value.items()]
    else:
        return [*_of_format(schema, value, where)]
    return [problem for each in found for problem in each]


def _field(document: Mapping[str, Any], schema: Mapping[str, Any], name: str, value: Any, where: str) -> list[str]:
    known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
    return problems(document, known, value, f"{where}.{name}") if known else [f"{where}.{name} is not declared"]


def _of_format(schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    try:
        if schema.get("format") in ("date-time", "date"):
            datetime.fromisoformat(value)
    except ValueError:
        return [f"{where}: {value!r} is no {schema['format']}"]
    return []


def method_of(document: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The GET method that answers at a path; AssertionError where there is none."""
    base = document["servicePath"]
    methods = [document["resources"][name]["methods"]["list"] for name in ("events", "calendarList")]
    for method in methods:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(f"/{base}{method['path']}"))
        if method["httpMethod"] == "GET" and re.fullmatch(pattern, path):
            return method  # type: ignore[no-any-return]
    raise AssertionError(f"{path} is no path of the document")


def lived_in(tmp_path: Path) -> Any:
    primary = StandInCalendar("mina@example.com", "Mina", is_primary=True, has_odd_pages=True)
    morning = ("2026-11-02T09:00:00+09:00", "2026-11-02T10:00:00+09:00")
    series = timed("series", *morning, recurrence=["RRULE:FREQ=DAILY;COUNT=5"])
    original = "2026-11-03T09:00:00+09:00"
    primary.put(
        series,
        exception("series_a", series, original, "2026-11-03T15:00:00+09:00", "2026-11-03T16:00:00+09:00"),
        exception("series_b", series, "2026-11-04T09:00:00+09:00", *morning),
        timed("declined", *morning, attendees=guests("declined"), transparency="transparent"),
        whole_day("trip", "2026-11-27", "2026-11-29", visibility="private"),
        *(timed(f"e{number}", *morning) for number in range(5000)),
    )
    primary.cancel("series_b")
    days = [date(2026, 9, 1) + timedelta(days=number) for number in range(84)]
    return world(tmp_path, primary, *made_up_account("nao", 7, days).calendars, chosen=["primary", "all"])


def test_requests_and_answers_keep_to_the_document(tmp_path: Path, document: dict[str, Any]) -> None:
    with lived_in(tmp_path) as made:
        heard = listened(made)
        made.calendar.put(whole_day("late", "2026-12-01", "2026-12-02"))
        made.calendar.cancel("series")
        made.fetch()
        made.calendar.expire_tokens()
        made.fetch()
    statuses = [status for _, _, status, _ in heard.said]
    assert statuses.count(410) == 1
    assert statuses.count(200) >= 8
    for path, asked, status, body in heard.said:
        method = method_of(document, path)
        allowed = {name: said for name, said in method["parameters"].items() if said["location"] == "query"}
        assert {name for name, _ in asked} <= set(allowed)
        assert all(value.isdigit() for name, value in asked if allowed[name]["type"] == "integer")
        if status == 200:
            assert problems(document, method["response"], body, method["response"]["$ref"]) == []
            assert ("nextPageToken" in body) != ("nextSyncToken" in body)


def listened(made: World) -> Listening:
    """What goes over the wire from the first fetch on."""
    heard = Listening(made.faulty._app)
    made.faulty._app = heard
    assert isinstance(made.faulty, Faulty)
    made.fetch()
    return heard


def test_the_walk_would_find_what_is_wrong(document: dict[str, Any]) -> None:
    wrong = {"kind": 1, "items": [{"start": {"dateTime": "soon"}, "sequence": "0", "ofTomorrow": True}]}
    assert len(problems(document, {"$ref": "Events"}, wrong, "Events")) == 4


def test_the_address_and_the_scope_are_the_documents(document: dict[str, Any]) -> None:
    from moderation_craft.settings import CalendarSettings

    assert f"{CalendarSettings().google_base_url}/" == document["baseUrl"]
    for name in ("events", "calendarList"):
        scopes = document["resources"][name]["methods"]["list"]["scopes"]
        assert "https://www.googleapis.com/auth/calendar.readonly" in scopes
