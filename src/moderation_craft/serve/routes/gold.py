"""/api/gold: who is there, a person's rows, and the files that the browser attaches."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.parquet as pq
from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response

from moderation_craft.lake import Lake
from moderation_craft.pipeline.steps import Context
from moderation_craft.serve.answers import NotFound, ok
from moderation_craft.serve.models import Envelope, PeopleModel, RowsModel, refusals
from moderation_craft.warehouse.gold import Gold
from moderation_craft.warehouse.runner import cache_folder

_BROWSER_FILE = re.compile(r"gold/browser/user=[A-Za-z0-9._@+~-]+/gold-([0-9a-f]{16})\.duckdb")
_FOREVER = "private, max-age=31536000, immutable"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}},
    206: {"content": {"application/octet-stream": {}}},
    416: {"content": {"text/plain": {}}},
    **refusals(404),
}
_ROWS: dict[int | str, dict[str, Any]] = {
    200: {"model": Envelope[RowsModel], "content": {"application/vnd.apache.parquet": {}}},
    **refusals(404),
}


def router(context: Context) -> APIRouter:
    """The endpoints over one lake's published gold."""
    api = APIRouter(prefix="/api/gold", tags=["gold"])
    lake = context.lake

    @api.get("/people", response_model=Envelope[PeopleModel], responses=refusals())
    def people() -> dict[str, Any]:
        """Everyone with published days, and the file that holds theirs."""
        gold = Gold.open_or_none(lake)
        if gold is None:
            return ok({"version": None, "people": []})
        shown = [
            {
                "user_id": person.user_id,
                "name": person.name,
                "timezone": person.timezone,
                "first_date": person.first_date,
                "last_date": person.last_date,
                "url": f"/api/gold/files/{person.key}",
                "bytes": person.bytes,
            }
            for person in gold.people
        ]
        return ok({"version": gold.version, "people": shown})

    @api.head("/files/{key:path}", response_class=FileResponse, responses=_FILE)
    @api.get("/files/{key:path}", response_class=FileResponse, responses=_FILE)
    def browser_file(key: str) -> FileResponse:
        """A person's DuckDB file; ranges, strong ETag, and a name that changes with its content."""
        match = _BROWSER_FILE.fullmatch(key)
        if match is None or ".." in key:
            raise NotFound(f"There is no file {key!r}.", remedy="GET /api/gold/people names the files.")
        headers = {"etag": f'"{match[1]}"', "cache-control": _FOREVER}
        return FileResponse(_local_file(context, key), media_type="application/octet-stream", headers=headers)

    @api.get("/{mart}", response_model=None, responses=_ROWS)
    def rows(
        mart: str,
        user_id: Annotated[str, Query(min_length=1, max_length=200)],
        first: Annotated[date | None, Query(alias="from")] = None,
        to: date | None = None,
        last: Annotated[int | None, Query(ge=1, le=4000)] = None,
        format: Literal["json", "parquet"] = "json",
    ) -> dict[str, Any] | Response:
        """One person's rows of a mart, oldest first; `last` keeps the newest so many."""
        gold = Gold.open(lake)
        if mart not in gold.marts:
            raise NotFound(f"There is no mart {mart!r}.", remedy=f"there are: {', '.join(sorted(gold.marts))}.")
        table = gold.person_rows(mart, user_id, first=first, to=to, last=last)
        if format == "parquet":
            out = io.BytesIO()
            pq.write_table(table, out)
            return Response(out.getvalue(), media_type="application/vnd.apache.parquet")
        columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
        return ok({"columns": columns, "rows": table.to_pylist()})

    return api


def _local_file(context: Context, key: str) -> Path:
    """The file on this machine: in the lake's folder, or fetched once from S3."""
    lake = context.lake
    if lake.storage.is_folder:
        path = lake.storage.folder / key
        if not path.is_file():
            raise _gone(key)
        return path
    return _fetched_once(lake, key, cache_folder(lake, context.settings) / "served" / Path(key).name)


def _fetched_once(lake: Lake, key: str, path: Path) -> Path:
    if not path.exists():
        data = lake.storage.get_or_none(key)
        if data is None:
            raise _gone(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.write_bytes(data)
        partial.replace(path)
    return path


def _gone(key: str) -> NotFound:
    return NotFound(f"The file {key!r} is not there any more.", remedy="load the page again.")
