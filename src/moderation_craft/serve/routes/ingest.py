"""/api/ingest: what a browser holds, into raw; who may send it from another origin."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from moderation_craft.errors import BoundMet, RecordInvalid
from moderation_craft.pipeline.steps import Context
from moderation_craft.serve.answers import ok
from moderation_craft.serve.models import Envelope, UploadModel, refusals
from moderation_craft.sources.indexeddb.part_spool import nameless_file
from moderation_craft.sources.indexeddb.reader import APP_DATABASE, REMEDY
from moderation_craft.sources.indexeddb.take import Browser, take
from moderation_craft.sources.indexeddb.unpack import is_gzip
from moderation_craft.warehouse.runner import cache_folder

PREFIX = "/api/ingest"
NAME = "The upload"
_BATCH_BYTES = 1024 * 1024
_PREFLIGHT_SECONDS = "600"

_USER = Annotated[
    str, Query(pattern=r"^[A-Za-z0-9._@+:|-]{1,80}$", description="Whose browser it is: the app's user id.")
]
_DEVICE = Annotated[
    str,
    Query(pattern=r"^[A-Za-z0-9_-]{0,64}$", description="Which of their browsers; any name that stays the same."),
]
_PART = Annotated[
    Literal["whole", "changes"] | None,
    Query(description="All of the database, or what changed; without it, `mcraft` in the body means changes."),
]
_BODY: dict[str, Any] = {
    "description": "A dump as dexie-export-import writes it, plain or gzip (`Content-Encoding: gzip`, or a .gz "
    "file's bytes). With `mcraft` it is a chunk of changes: rows that changed, and the keys of those deleted.",
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["formatName", "data"],
                "properties": {
                    "formatName": {"const": "dexie"},
                    "formatVersion": {"const": 1},
                    "data": {
                        "type": "object",
                        "required": ["databaseName", "data"],
                        "properties": {
                            "databaseName": {"const": APP_DATABASE},
                            "databaseVersion": {"description": "Dexie's version number of the database."},
                            "tables": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "name": {"description": "The table's name."},
                                        "schema": {
                                            "description": "Dexie's schema text; names the primary key first."
                                        },
                                        "rowCount": {"description": "How many rows the table had."},
                                    },
                                },
                            },
                            "data": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["tableName", "rows"],
                                    "properties": {
                                        "tableName": {"type": "string"},
                                        "inbound": {"type": "boolean", "default": True},
                                        "rows": {
                                            "type": "array",
                                            "items": {},
                                            "description": "Objects; with `inbound: false`, [key, value] pairs. "
                                            "Any other row is put into quarantine.",
                                        },
                                    },
                                },
                            },
                        },
                    },
                    "mcraft": {
                        "type": "object",
                        "required": ["upload", "sequence"],
                        "description": "What mcraft's browser module adds to a chunk.",
                        "properties": {
                            "upload": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                            "sequence": {"type": "integer", "minimum": 0, "maximum": 2**31},
                            "last": {"type": "boolean", "default": False},
                            "sentAt": {
                                "type": ["number", "null"],
                                "minimum": 0,
                                "maximum": 8.64e15,
                                "description": "The device's clock, in milliseconds since 1970.",
                            },
                            "deleted": {
                                "type": "object",
                                "additionalProperties": {"type": "array", "items": {}},
                                "description": "By table, the keys of rows that are gone.",
                            },
                        },
                    },
                },
            }
        }
    },
}


def router(context: Context) -> APIRouter:
    """The endpoint over one lake."""
    api = APIRouter(prefix=PREFIX, tags=["ingest"])

    @api.post(
        "/indexeddb",
        response_model=Envelope[UploadModel],
        responses=refusals(400, 403, 413),
        openapi_extra={"requestBody": _BODY},
    )
    async def take_dump(request: Request, user: _USER, device: _DEVICE = "", part: _PART = None) -> dict[str, Any]:
        """Take a Dexie dump, or a chunk of changes, into raw; what is held already is not written again."""
        received_at = context.lake.clock.now()
        max_bytes = context.settings.ingest.max_bytes
        folder = await run_in_threadpool(cache_folder, context.lake, context.settings)
        with nameless_file(folder) as body:
            await _spool(request, body, max_bytes)
            taken = await run_in_threadpool(
                take,
                context.lake,
                body,
                NAME,
                Browser(user, device),
                part=part,
                received_at=received_at,
                max_bytes=max_bytes,
                spool_folder=folder,
            )
        return ok(
            {
                "uploadId": taken.upload.upload if taken.upload else None,
                "manifestId": taken.manifest.id,
                "rows": taken.rows,
                "deleted": taken.deleted,
                "refused": taken.manifest.refused,
                "alreadyHeld": taken.already_held,
            }
        )

    return api


async def _spool(request: Request, body: BinaryIO, max_bytes: int) -> None:
    """The request's body into a file, as it was sent; BoundMet before more than the bound is there."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise RecordInvalid(f"{NAME} is packed as {encoding!r}.", remedy="send the dump plain or as gzip.")
    told = request.headers.get("content-length", "")
    size = int(told) if told.isdecimal() else 0
    waiting = bytearray()
    _check_size(size, max_bytes)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        _check_size(size, max_bytes)
        waiting += chunk
        if len(waiting) >= _BATCH_BYTES:
            await run_in_threadpool(body.write, bytes(waiting))
            waiting.clear()
    await run_in_threadpool(body.write, bytes(waiting))
    if encoding != "identity" and not is_gzip(body):
        raise RecordInvalid(f"{NAME} is no gzip, though its Content-Encoding says so.", remedy=REMEDY)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise BoundMet(
            f"{NAME} is longer than {max_bytes:,} bytes.",
            remedy="send fewer tables or rows at a time, or raise ingest.max_bytes.",
        )


class CrossOrigin:
    """Which other origins' pages may send to /api/ingest: those listed in the settings, there and nowhere else."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(allowed)

    def allows(self, path: str, origin: str | None) -> bool:
        return origin is not None and path.startswith(PREFIX + "/") and origin.lower() in self._allowed

    def preflight(self, method: str, headers: Headers) -> Response | None:
        """The answer to a browser that asks first; None for any other request. Ask `allows` before."""
        if method != "OPTIONS" or headers.get("access-control-request-method") != "POST":
            return None
        told = self.headers(headers["origin"]) | {
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "content-type, content-encoding",
            "access-control-max-age": _PREFLIGHT_SECONDS,
        }
        if headers.get("access-control-request-private-network") == "true":
            told["access-control-allow-private-network"] = "true"
        return Response(status_code=204, headers=told)

    def remedy(self, path: str) -> str | None:
        """What lets a page of another origin send to a path, where anything does."""
        return "list that address in ingest.allowed_origins." if path.startswith(PREFIX + "/") else None

    def headers(self, origin: str) -> dict[str, str]:
        """What lets the page read the answer."""
        return {"access-control-allow-origin": origin, "vary": "origin"}
