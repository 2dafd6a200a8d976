"""A faithful local server of the Google Health API v4, as far as the fitbit source asks it, quirks included.

Newest first; sleep by pages of 25; after a full first page comes an empty page with a token; where the last
page would be empty it is `{}`; answers are spread over lines with two spaces, as Google writes them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moderation_craft.sources.fitbit import stand_in_shapes as shapes
from moderation_craft.sources.fitbit.stand_in_errors import Refused, answer, refuse
from moderation_craft.sources.fitbit.stand_in_shapes import HealthDay, HealthPerson, Night

__all__ = ["HealthDay", "HealthPerson", "Night", "create_app"]

ROLL_UPS: Mapping[str, tuple[int, Callable[[HealthDay], dict[str, Any] | None]]] = {
    "steps": (90, shapes.steps_value),
    "active-minutes": (14, shapes.active_minutes_value),
    "total-calories": (14, shapes.calories_value),
}
DAILIES: Mapping[str, Callable[[HealthDay], dict[str, Any] | None]] = {
    "daily-resting-heart-rate": shapes.resting_heart_rate_point,
    "daily-heart-rate-variability": shapes.heart_rate_variability_point,
}
SLEEP_MEMBERS = ("sleep.interval.end_time", "sleep.interval.civil_end_time")
_Condition: TypeAlias = tuple[str, str, datetime]
CONDITION = re.compile(r'^\s*([a-z_.]+)\s*(>=|<)\s*"([^"]+)"\s*$')


def create_app(people: Sequence[HealthPerson], *, empty_pages: bool = True) -> Starlette:
    """The server for these people; `empty_pages` off leaves out the empty page in the middle."""
    server = _Server({person.access_token: person for person in people}, empty_pages)
    data_points = "/v4/users/me/dataTypes/{data_type}/dataPoints"
    return Starlette(
        routes=[
            Route("/v4/users/me/identity", server.identity, methods=["GET"]),
            Route(data_points, server.list_points, methods=["GET"]),
            Route(f"{data_points}:dailyRollUp", server.daily_roll_up, methods=["POST"]),
        ],
        exception_handlers={Refused: refuse},
    )


class _Server:
    def __init__(self, people: Mapping[str, HealthPerson], empty_pages: bool) -> None:
        self._people = people
        self._empty_pages = empty_pages

    async def identity(self, request: Request) -> Response:
        person = self._person(request)
        return answer({"name": "users/me/identity", "legacyUserId": person.user_id})

    async def list_points(self, request: Request) -> Response:
        person, data_type = self._person(request), _known(request)
        question = request.query_params
        if data_type == "sleep":
            points, most = _nights(person, question.get("filter", "")), 25
        elif data_type in DAILIES:
            points, most = _daily_points(person, data_type, question.get("filter", "")), 10_000
        else:
            raise _unsupported(data_type, "ListDataPoints")
        page_size = min(_whole(question.get("pageSize", "0")) or min(most, 1440), most)
        return answer(self._page("dataPoints", points, page_size, question.get("pageToken", "")))

    async def daily_roll_up(self, request: Request) -> Response:
        person, data_type = self._person(request), _known(request)
        if data_type not in ROLL_UPS:
            raise _unsupported(data_type, "DailyRollUpDataPoints")
        try:
            question = msgspec.json.decode(await request.body(), type=_RollUpQuestion)
            first, after_last = question.range.start.midnight(), question.range.end.midnight()
        except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
            raise Refused(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from error
        most, value_of = ROLL_UPS[data_type]
        days = (after_last - first).days
        if not 0 < days <= most or question.windowSizeDays != 1:
            raise Refused(
                400,
                "INVALID_ARGUMENT",
                f"The maximum range for {data_type} is {most} days; the requested range is {days} days.",
                "INVALID_ROLL_UP_RANGE",
            )
        newest_first = [after_last - timedelta(days=back) for back in range(1, days + 1)]
        values = ((day, value_of(person.days[day])) for day in newest_first if day in person.days)
        points = [shapes.rolled_up(day, value) for day, value in values if value is not None]
        page_size = min(question.pageSize or most, most)
        return answer(self._page("rollupDataPoints", points, page_size, question.pageToken))

    def _person(self, request: Request) -> HealthPerson:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        person = self._people.get(token) if scheme.lower() == "bearer" else None
        if person is None:
            raise Refused(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
                "or other valid authentication credential. See "
                "https://developers.google.com/identity/sign-in/web/devconsole-project.",
                "ACCESS_TOKEN_TYPE_UNSUPPORTED" if token else "CREDENTIALS_MISSING",
            )
        return person

    def _page(self, key: str, points: list[dict[str, Any]], size: int, token: str) -> dict[str, Any]:
        """One page: `{}` where nothing is left; the page after a full first one is empty, with a token."""
        offset, has_paused = _opened(token)
        if self._empty_pages and offset and not has_paused:
            return {"nextPageToken": _sealed(offset, True)}
        page: dict[str, Any] = {key: points[offset : offset + size]} if points[offset:] else {}
        if len(points[offset:]) >= size:
            page["nextPageToken"] = _sealed(offset + size, offset > 0)
        return page


class _Ymd(msgspec.Struct):
    year: int
    month: int
    day: int


class _CivilTime(msgspec.Struct):
    ymd: _Ymd = msgspec.field(name="date")
    clock: dict[str, int] = msgspec.field(name="time", default_factory=dict)

    def midnight(self) -> date:
        if any(self.clock.values()):
            raise ValueError("The start time must be aligned with the aggregation window.")
        return date(self.ymd.year, self.ymd.month, self.ymd.day)


class _CivilRange(msgspec.Struct):
    start: _CivilTime
    end: _CivilTime


class _RollUpQuestion(msgspec.Struct):
    range: _CivilRange
    windowSizeDays: int = 1
    pageSize: int = 0
    pageToken: str = ""


def _known(request: Request) -> str:
    data_type = str(request.path_params["data_type"])
    if data_type != "sleep" and data_type not in ROLL_UPS and data_type not in DAILIES:
        message = f"Invalid data type ID referenced in the parent data type collection: {data_type}."
        raise Refused(404, "NOT_FOUND", message, "INVALID_PARENT_DATA_TYPE_COLLECTION")
    return data_type


def _unsupported(data_type: str, method: str) -> Refused:
    return Refused(400, "INVALID_ARGUMENT", f"Data type ID {data_type} is not supported by {method}.")


def _nights(person: HealthPerson, expression: str) -> list[dict[str, Any]]:
    conditions = _conditions(expression, SLEEP_MEMBERS)
    newest_first = sorted(person.nights, key=lambda night: night.start, reverse=True)
    return [
        shapes.sleep_point(night)
        for night in newest_first
        if _holds(
            conditions,
            {SLEEP_MEMBERS[0]: night.end.astimezone(UTC).replace(tzinfo=None), SLEEP_MEMBERS[1]: night.civil_end},
        )
    ]


def _daily_points(person: HealthPerson, data_type: str, expression: str) -> list[dict[str, Any]]:
    member = f"{data_type.replace('-', '_')}.date"
    conditions = _conditions(expression, (member,))
    points = (
        DAILIES[data_type](person.days[day])
        for day in sorted(person.days, reverse=True)
        if _holds(conditions, {member: datetime.combine(day, time())})
    )
    return [point for point in points if point]


def _conditions(expression: str, members: Sequence[str]) -> list[_Condition]:
    """An AIP-160 filter of `>=` and `<` joined by AND, read; refuses what the API refuses."""
    found = []
    for part in expression.split(" AND ") if expression.strip() else []:
        match = CONDITION.match(part)
        if not match:
            raise _bad_filter("INVALID_DATA_POINT_FILTER_SYNTAX", f"Cannot parse {part.strip()!r}.")
        member, operator, literal = match.groups()
        if member not in members:
            raise _bad_filter(
                "INVALID_DATA_POINT_FILTER_DATA_TYPE_MEMBER",
                f"Member '{member}' is not supported for filtering. (at line 1, column 1)",
            )
        try:
            bound = datetime.fromisoformat(literal).replace(tzinfo=None)
        except ValueError:
            raise _bad_filter("INVALID_DATA_POINT_FILTER_LITERAL", f"Invalid literal {literal!r}.") from None
        found.append((member, operator, bound))
    return found


def _holds(conditions: Sequence[_Condition], values: Mapping[str, datetime]) -> bool:
    return all(
        values[member] >= bound if operator == ">=" else values[member] < bound
        for member, operator, bound in conditions
    )


def _bad_filter(reason: str, description: str) -> Refused:
    message = f"Invalid data point filter: {reason}."
    return Refused(400, "INVALID_ARGUMENT", message, "INVALID_DATA_POINT_FILTER", description)


def _sealed(offset: int, has_paused: bool) -> str:
    return base64.urlsafe_b64encode(f"{offset}:{int(has_paused)}".encode()).decode()


def _opened(token: str) -> tuple[int, bool]:
    if not token:
        return 0, False
    try:
        offset, has_paused = base64.urlsafe_b64decode(token.encode()).decode().split(":")
        return int(offset), has_paused == "1"
    except ValueError:
        raise Refused(400, "INVALID_ARGUMENT", "Invalid page token.") from None


def _whole(text: str) -> int:
    if not text.isdigit():
        raise Refused(400, "INVALID_ARGUMENT", f"Invalid value at 'page_size': {text!r}")
    return int(text)
