"""A server of ICS addresses, as calendar services publish them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


def create_app(calendars: Mapping[str, str]) -> Starlette:
    """Serve each path's iCalendar text, read anew at every request; an ETag answers If-None-Match by 304."""

    async def calendar(request: Request) -> Response:
        path = request.path_params["path"]
        text = calendars.get(path, calendars.get(f"/{path}"))
        if text is None:
            return PlainTextResponse("Not Found", status_code=404)
        body = text.encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(
            body,
            headers={"Content-Type": "text/calendar; charset=utf-8", "ETag": etag, "Cache-Control": "private"},
        )

    return Starlette(routes=[Route("/{path:path}", calendar)])
