"""A faithful local server of the Google Health API v4, as far as the fitbit source asks it, quirks included.

Newest first; sleep and exercise by pages of 25; after a full first page comes an empty page with a token; where
the last page would be empty it is `{}`; a list gives several devices' points, reconcile and roll-ups count them
once; answers are spread over lines with two spaces, as Google writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moderation_craft.clock import Clock
from moderation_craft.sources.fitbit import stand_in_filters as filters
from moderation_craft.sources.fitbit import stand_in_points as points
from moderation_craft.sources.fitbit import stand_in_shapes as shapes
from moderation_craft.sources.fitbit.stand_in_doors import BadDays, Doors, Who
from moderation_craft.sources.fitbit.stand_in_errors import Refused, answer, refuse
from moderation_craft.sources.fitbit.stand_in_people import (
    HealthDay,
    HealthPerson,
    LoggedMood,
    Night,
    Workout,
    seeded_person,
)

__all__ = [
    "BadDays",
    "HealthDay",
    "HealthPerson",
    "LoggedMood",
    "Night",
    "Who",
    "Workout",
    "create_app",
    "seeded_person",
]

SHORT_ROLL_UPS = ("heart-rate", "active-minutes", "total-calories", "calories-in-heart-rate-zone")
SHORT_DAYS, LONG_DAYS = 14, 90
SESSIONS = ("sleep", "exercise")
SESSIONS_MOST, POINTS_MOST, POINTS_USUAL = 25, 10_000, 1440


def create_app(
    people: Sequence[HealthPerson],
    *,
    empty_pages: bool = True,
    who: Who | None = None,
    bad_days: BadDays | None = None,
    clock: Clock | None = None,
) -> Starlette:
    """The server for these people.

    `empty_pages` off leaves out the empty page in the middle; `who` knows the tokens in place of the people's own;
    `bad_days` are faults to switch on; the `clock` counts the minutes of quotas.
    """
    server = _Server(Doors(people, who, bad_days or BadDays(), clock), empty_pages)
    data_points = "/v4/users/me/dataTypes/{data_type}/dataPoints"
    return Starlette(
        routes=[
            Route("/v4/users/me/identity", server.identity, methods=["GET"]),
            Route(data_points, server.list_points, methods=["GET"]),
            Route(f"{data_points}:reconcile", server.reconcile_points, methods=["GET"]),
            Route(f"{data_points}:dailyRollUp", server.daily_roll_up, methods=["POST"]),
        ],
        exception_handlers={Refused: refuse},
    )


class _Server:
    def __init__(self, doors: Doors, empty_pages: bool) -> None:
        self._doors = doors
        self._empty_pages = empty_pages

    async def identity(self, request: Request) -> Response:
        person = self._doors.person(request)
        return answer({"name": "users/me/identity", "legacyUserId": person.user_id})

    async def list_points(self, request: Request) -> Response:
        data_type = _known(request)
        person = self._doors.person(request, data_type)
        if data_type not in points.LISTED:
            raise _unsupported(data_type, "ListDataPoints")
        found, page_size = _filtered(request, data_type)
        kept = points.listed(person, data_type, *filters.days_within(found))
        field = _field(data_type)
        rows = [point.listed(field, data_type) for point in kept if filters.holds(found, point.times)]
        return answer(self._page("dataPoints", rows, page_size, request.query_params.get("pageToken", "")))

    async def reconcile_points(self, request: Request) -> Response:
        data_type = _known(request)
        person = self._doors.person(request, data_type)
        if data_type not in points.LISTED or data_type in points.NOT_RECONCILED:
            raise _unsupported(data_type, "ReconcileDataPoints")
        found, page_size = _filtered(request, data_type)
        kept = points.reconciled(person, data_type, *filters.days_within(found))
        field = _field(data_type)
        rows = [point.reconciled(field, data_type) for point in kept if filters.holds(found, point.times)]
        return answer(self._page("dataPoints", rows, page_size, request.query_params.get("pageToken", "")))

    async def daily_roll_up(self, request: Request) -> Response:
        data_type = _known(request)
        person = self._doors.person(request, data_type)
        if data_type not in shapes.ROLL_UPS:
            raise _unsupported(data_type, "DailyRollUpDataPoints")
        question, newest_first = await _roll_up_question(request, data_type)
        value_of, field = shapes.ROLL_UPS[data_type], _field(data_type)
        values = ((day, value_of(person.days[day])) for day in newest_first if day in person.days)
        rows = [shapes.rolled_up(day, field, value) for day, value in values if value is not None]
        most = _most_days(data_type)
        return answer(
            self._page("rollupDataPoints", rows, min(question.pageSize or most, most), question.pageToken)
        )

    def _page(self, key: str, rows: list[dict[str, Any]], size: int, token: str) -> dict[str, Any]:
        """One page: `{}` where nothing is left; the page after a full first one is empty, with a token."""
        offset, has_paused = filters.opened(token)
        if self._empty_pages and offset and not has_paused:
            return {"nextPageToken": filters.sealed(offset, True)}
        page: dict[str, Any] = {key: rows[offset : offset + size]} if rows[offset:] else {}
        if len(rows[offset:]) >= size:
            page["nextPageToken"] = filters.sealed(offset + size, offset > 0)
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


async def _roll_up_question(request: Request, data_type: str) -> tuple[_RollUpQuestion, list[date]]:
    """The question and the days it asks for, newest first."""
    try:
        question = msgspec.json.decode(await request.body(), type=_RollUpQuestion)
        first, after_last = question.range.start.midnight(), question.range.end.midnight()
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        raise Refused(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from error
    days, most = (after_last - first).days, _most_days(data_type)
    if not 0 < days <= most or question.windowSizeDays != 1:
        message = f"The maximum range for {data_type} is {most} days; the requested range is {days} days."
        raise Refused(400, "INVALID_ARGUMENT", message, "INVALID_ROLL_UP_RANGE")
    return question, [after_last - timedelta(days=back) for back in range(1, days + 1)]


def _filtered(request: Request, data_type: str) -> tuple[list[filters.Condition], int]:
    """The filter and the page size of a question."""
    members, _ = points.LISTED[data_type]
    found = filters.conditions(request.query_params.get("filter", ""), data_type, members)
    most = SESSIONS_MOST if data_type in SESSIONS else POINTS_MOST
    asked = filters.whole(request.query_params.get("pageSize", "0"))
    return found, min(asked or min(most, POINTS_USUAL), most)


def _most_days(data_type: str) -> int:
    return SHORT_DAYS if data_type in SHORT_ROLL_UPS else LONG_DAYS


def _field(data_type: str) -> str:
    first, *rest = data_type.split("-")
    return first + "".join(word.capitalize() for word in rest)


def _known(request: Request) -> str:
    data_type = str(request.path_params["data_type"])
    if data_type not in points.LISTED and data_type not in shapes.ROLL_UPS:
        message = f"Invalid data type ID referenced in the parent data type collection: {data_type}."
        raise Refused(404, "NOT_FOUND", message, "INVALID_PARENT_DATA_TYPE_COLLECTION")
    return data_type


def _unsupported(data_type: str, method: str) -> Refused:
    return Refused(400, "INVALID_ARGUMENT", f"Data type ID {data_type} is not supported by {method}.")
