"""The API's one answer form, for data and for errors alike."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from moderation_craft.clock import SystemClock, iso
from moderation_craft.errors import HTTP_STATUS, McraftError, RecordInvalid


def ok(data: object) -> dict[str, Any]:
    """An envelope around data (msgspec structs included)."""
    return {
        "success": True,
        "data": msgspec.to_builtins(data),
        "error": None,
        "timestamp": iso(SystemClock().now()),
    }


def refused(error: McraftError, status: int | None = None) -> JSONResponse:
    body = {"success": False, "data": None, "error": error.as_dict(), "timestamp": iso(SystemClock().now())}
    return JSONResponse(body, status_code=status or HTTP_STATUS.get(error.code, 500))


class NotFound(RecordInvalid):
    """What was asked for is not there."""


def install_error_answers(app: FastAPI) -> None:
    """Answer every failure in the one form."""

    @app.exception_handler(NotFound)
    def not_found(_: Request, error: NotFound) -> JSONResponse:
        return refused(error, 404)

    @app.exception_handler(McraftError)
    def known(_: Request, error: McraftError) -> JSONResponse:
        return refused(error)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return refused(
            RecordInvalid(f"The request's {where} is wrong: {first['msg']}.", remedy="see /api/openapi.json."),
            422,
        )

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> JSONResponse:
        answer = refused(RecordInvalid(f"{error.detail}.", remedy="see /api/openapi.json."), error.status_code)
        answer.headers.update(error.headers or {})
        return answer
