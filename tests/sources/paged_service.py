"""A made-up service over HTTP with a dozen streams and pages newest first, what was asked of it, its source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from moderation_craft.sources.contract import Person, Record, Stream, Window
from moderation_craft.sources.http import Http

STREAMS: Sequence[Stream] = (
    *(Stream(f"daily-{number}", max_window_days=14, open_days=7) for number in range(8)),
    *(Stream(f"paged-{number}", max_window_days=90, open_days=7, page_size=25) for number in range(4)),
)


class Answer(msgspec.Struct):
    days: list[msgspec.Raw]
    older: str | None = None


class Day(msgspec.Struct):
    date: date


class PagedSource:
    """Yields each day as soon as its page came: pages hold whole days, newest first."""

    name = "paged"
    streams = STREAMS

    def __init__(self, base_url: str, http: Http) -> None:
        self._base_url = base_url
        self._http = http

    def refusal(self, person: Person) -> str | None:
        return None

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        until: str | None = str(window.last)
        while until:
            params: dict[str, str | int | float] = {
                "from": str(window.first),
                "until": until,
                "size": stream.page_size or 366,
            }
            url = f"{self._base_url}/{person.user_id}/{stream.name}"
            answer = self._http.get(url, params=params, account=person.user_id).json(Answer)
            for day in answer.days:
                yield Record(msgspec.json.decode(day, type=Day).date, bytes(day))
            until = answer.older


@dataclass(frozen=True)
class Asked:
    """One request: what of, and whether its answer was the window's last page."""

    user_id: str
    stream: str
    first: date
    last: date
    is_last_page: bool

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=back) for back in range((self.last - self.first).days + 1)]


@dataclass
class Service:
    """The server; `before_answer` is called with the number of each request."""

    before_answer: Callable[[int], None] = lambda number: None
    asked: list[Asked] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{user}/{stream}", self.answer)])

    def answer(self, request: Request) -> JSONResponse:
        query = request.query_params
        first, last = date.fromisoformat(query["from"]), date.fromisoformat(query["until"])
        page_first = max(first, last - timedelta(days=int(query["size"]) - 1))
        user, stream = request.path_params["user"], request.path_params["stream"]
        asked = Asked(user, stream, page_first, last, page_first == first)
        self.asked.append(asked)
        self.before_answer(len(self.asked))
        days = [{"date": str(day), "value": day.toordinal() * len(stream)} for day in reversed(asked.days)]
        older = None if asked.is_last_page else str(page_first - timedelta(days=1))
        return JSONResponse({"days": days, "older": older})
