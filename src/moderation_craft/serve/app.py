"""The server: API and pages for one lake, on loopback, with a policy that lets pages talk to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moderation_craft import __version__
from moderation_craft.errors import AuthFailed
from moderation_craft.pipeline import status
from moderation_craft.pipeline.schedule import DailySchedule
from moderation_craft.pipeline.steps import Context
from moderation_craft.serve.answers import install_error_answers, ok, refused
from moderation_craft.serve.job_service import JobService
from moderation_craft.serve.models import Envelope, HealthModel, refusals
from moderation_craft.serve.routes import gold as gold_routes
from moderation_craft.serve.routes import ingest as ingest_routes
from moderation_craft.serve.routes import integrations as integration_routes
from moderation_craft.serve.routes import pipeline as pipeline_routes
from moderation_craft.serve.routes import sources as source_routes
from moderation_craft.warehouse.gold import Gold

STATIC = Path(__file__).parent / "static"
PAGES = ("/", "/debug/pipeline", "/settings/integrations")
LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
    "img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; font-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_POLICY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_PUBLIC_CODE = {"access-control-allow-origin": "*", "cache-control": "no-cache"}
"""For /sync: the app, which is of another origin, imports the module that stands there."""
_NOT_BUILT = (
    "<!doctype html><title>mcraft</title><p>The pages are not built yet: run <code>make web</code>. "
    "The API is described at <a href='/api/openapi.json'>/api/openapi.json</a>.</p>"
)


def create_app(context: Context, *, with_schedule: bool = True) -> FastAPI:
    """The API, the pages and the daily schedule over one lake."""
    jobs = JobService(context)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        schedule = context.settings.schedule
        if with_schedule and schedule.enabled:
            with DailySchedule(context.lake, schedule, jobs.start_daily):
                yield
        else:
            yield
        await run_in_threadpool(jobs.wait)

    app = FastAPI(
        title="ModerationCraft data pipeline",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    install_error_answers(app)
    app.add_middleware(_Guard, cross_origin=ingest_routes.CrossOrigin(context.settings.ingest.allowed_origins))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK)
    app.include_router(pipeline_routes.router(context, jobs))
    app.include_router(source_routes.router(context))
    app.include_router(integration_routes.router(context))
    app.include_router(gold_routes.router(context))
    app.include_router(ingest_routes.router(context))
    _add_health(app, context)
    _add_pages(app)
    return app


class _Guard:
    """Refuses writes that a page of another origin sends, but for what the settings let it send to /api/ingest;
    tells pages what they may load.
    """

    def __init__(self, app: ASGIApp, cross_origin: ingest_routes.CrossOrigin) -> None:
        self._app = app
        self._cross_origin = cross_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        policy = _POLICY_HEADERS
        is_write = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if origin is not None and self._cross_origin.allows(scope["path"], origin):
            preflight = self._cross_origin.preflight(scope["method"], headers)
            if preflight is not None:
                await preflight(scope, receive, send)
                return
            policy = policy | self._cross_origin.headers(origin)
        elif is_write and origin is not None and urlparse(origin).netloc != headers.get("host"):
            remedy = self._cross_origin.remedy(scope["path"]) or "use this server's own pages."
            error = AuthFailed(f"A page of {origin} may not do this.", remedy=remedy)
            await refused(error, 403)(scope, receive, send)
            return

        if scope["path"].startswith("/sync/"):
            policy = policy | _PUBLIC_CODE

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(policy)
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _add_health(app: FastAPI, context: Context) -> None:
    @app.get("/api/health", response_model=Envelope[HealthModel], responses=refusals(), tags=["health"])
    def health() -> dict[str, Any]:
        """Liveness, readiness, and the freshness of each layer."""
        gold = Gold.open_or_none(context.lake)
        fresh = {layer.name: layer.fresh_at for layer in status.layers(context.lake, context.settings)}
        return ok(
            {
                "status": "ok" if gold else "empty",
                "version": __version__,
                "goldVersion": gold.version if gold else None,
                "layers": fresh,
            }
        )


class _Files(Mount):
    """The pages' files; the API's paths are left to the API, which knows what each allows."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.NONE, {}) if scope["path"].startswith("/api/") else super().matches(scope)


def _add_pages(app: FastAPI) -> None:
    index = STATIC / "index.html"

    def page() -> Response:
        if not index.exists():
            return HTMLResponse(_NOT_BUILT, status_code=503)
        return FileResponse(index, headers={"cache-control": "no-cache"})

    for path in PAGES:
        app.add_api_route(path, page, include_in_schema=False)
    if STATIC.is_dir():
        app.router.routes.append(_Files("/", StaticFiles(directory=STATIC)))
