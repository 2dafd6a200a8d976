"""Errors in the shape of Google's APIs, for the stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response


class Refused(Exception):
    """A request that the API answers with an error; `reason` and `description` become its details."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        reason: str = "",
        description: str = "",
        *,
        domain: str = "health.googleapis.com",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        details: list[dict[str, Any]] = []
        if reason:
            details.append(
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain}
            )
        if description:
            violation = {"field": "filter", "description": description}
            details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
        error: dict[str, Any] = {"code": status, "message": message, "status": kind}
        self.status = status
        self.headers = dict(headers or {})
        self.body = {"error": error | ({"details": details} if details else {})}


async def refuse(_: Request, error: Exception) -> Response:
    """A Refused as the answer it stands for."""
    if not isinstance(error, Refused):
        return answer({}, 500)
    return answer(error.body, error.status, error.headers)


def answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer as Google writes it: over several lines, two spaces deep."""
    text = msgspec.json.format(msgspec.json.encode(body), indent=2)
    return Response(text, status, headers, media_type="application/json; charset=UTF-8")
