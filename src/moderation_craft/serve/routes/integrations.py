"""/api/integrations: connect, test and take back the consents that outside sources need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from moderation_craft.errors import HTTP_STATUS, AuthFailed, McraftError, SetupError
from moderation_craft.lake import Lake
from moderation_craft.pipeline.people import find_people
from moderation_craft.pipeline.steps import Context
from moderation_craft.serve.answers import ok
from moderation_craft.serve.models import (
    ActedModel,
    ConnectionModel,
    Envelope,
    IntegrationsModel,
    WhoseModel,
    refusals,
)
from moderation_craft.sources.held import Held
from moderation_craft.sources.oauth.consent import GOOD_FOR, AnswerRefused, Consents
from moderation_craft.sources.oauth.overview import connection_state, disconnect
from moderation_craft.sources.oauth.pages import refusal_page
from moderation_craft.sources.oauth.probe import probe
from moderation_craft.sources.oauth.provider import ClientRefused, Provider
from moderation_craft.sources.oauth.services import SERVICES, ServiceName

PAGE = "/settings/integrations"
_PREFIX = "/api/integrations"
_USER = Annotated[str, Query(min_length=1, max_length=200, description="whose connection")]
_GIVEN = Annotated[str, Query(max_length=4096)]
_READABLE: dict[str, Any] = {"description": "a page that says what went wrong", "content": {"text/html": {}}}
_TO_GOOGLE: dict[int | str, dict[str, Any]] = {303: {"description": "on to the consent"}, 409: _READABLE}
_BACK: dict[int | str, dict[str, Any]] = {303: {"description": "back to the settings page"}, 403: _READABLE}


def router(context: Context) -> APIRouter:
    """The endpoints over one lake and the vault that its settings name."""
    api = APIRouter(prefix=_PREFIX, tags=["integrations"])
    lake, settings = context.lake, context.settings
    consents = Consents(settings, lake.clock)

    def shown(service: ServiceName, user_id: str, last_fetches: Mapping[str, str]) -> dict[str, Any]:
        state = connection_state(settings, lake.clock, service, user_id)
        return {
            **asdict(state),
            "is_connected": state.is_connected,
            "last_fetch": last_fetches.get(user_id),
            "remedy": state.warning.remedy if state.warning else None,
        }

    @api.get("", response_model=Envelope[IntegrationsModel], responses=refusals(401, 502, 504))
    def integrations() -> dict[str, Any]:
        """Every service with the state of everybody's connection to it; nobody outside is asked."""
        people = [person.user_id for person in find_people(lake, settings)]
        services = []
        for service in SERVICES.values():
            last_fetches = _last_fetches(lake, service.source)
            services.append(
                {
                    "service": service.name,
                    "title": service.title,
                    "source": service.source,
                    "scopes": list(service.scopes),
                    "cannot_connect": _cannot_connect(context),
                    "people": [shown(service.name, user_id, last_fetches) for user_id in people],
                }
            )
        return ok({"services": services})

    @api.get("/{service}/status", response_model=Envelope[ConnectionModel], responses=refusals(401, 502, 504))
    def status(service: ServiceName, user: _USER) -> dict[str, Any]:
        """One person's connection to one service, as it is held here."""
        return ok(shown(service, user, _last_fetches(lake, SERVICES[service].source)))

    @api.get("/{service}/authorize", response_class=RedirectResponse, status_code=303, responses=_TO_GOOGLE)
    def authorize(service: ServiceName, user: _USER, request: Request) -> Response:
        """Send the browser to the consent; a cookie of ten minutes ties the answer to this browser."""
        redirect_uri = f"{request.base_url}{_PREFIX[1:]}/{service}/callback"
        try:
            begun = consents.begin(service, user, redirect_uri)
        except McraftError as error:
            return HTMLResponse(refusal_page(error, PAGE), HTTP_STATUS.get(error.code, 409))
        answer = RedirectResponse(begun.url, status_code=303)
        answer.set_cookie(
            _cookie(begun.state),
            begun.session,
            max_age=int(GOOD_FOR.total_seconds()),
            path=f"{_PREFIX}/{service}/callback",
            httponly=True,
            samesite="lax",
        )
        answer.headers["cache-control"] = "no-store"
        return answer

    @api.get("/{service}/callback", response_class=RedirectResponse, status_code=303, responses=_BACK)
    def callback(
        service: ServiceName, request: Request, state: _GIVEN = "", code: _GIVEN = "", error: _GIVEN = ""
    ) -> Response:
        """Where the consent comes back to: stores what it gives, then back to the settings page."""
        given = {"state": state, "code": code, "error": error}
        name = _cookie(state)
        try:
            made = consents.complete(service, request.cookies.get(name), given)
        except AnswerRefused as refusal:
            return HTMLResponse(refusal_page(refusal, PAGE), status_code=403, headers=_UNKEPT)
        except McraftError as failure:
            answer = _back({"refused": service, "why": _why(failure, error)})
        else:
            answer = _back({"connected": service, "user": made.user_id})
        answer.delete_cookie(name, path=f"{_PREFIX}/{service}/callback")
        return answer

    @api.post(
        "/{service}/test", response_model=Envelope[ActedModel], responses=refusals(400, 401, 403, 429, 502, 504)
    )
    def test(service: ServiceName, whose: WhoseModel) -> dict[str, Any]:
        """Ask the service one small question with this connection; the error says why it does not work."""
        detail = probe(settings, lake.clock, service, whose.user_id)
        return ok({"works": True, "outcome": "answered", "detail": detail})

    @api.post("/{service}/revoke", response_model=Envelope[ActedModel], responses=refusals(400, 401, 403, 502))
    def revoke(service: ServiceName, whose: WhoseModel) -> dict[str, Any]:
        """Take the consent back there and forget it here; forgotten it is also where nobody answers there."""
        done = disconnect(settings, service, whose.user_id)
        return ok({"works": False, "outcome": done.outcome, "detail": done.note})

    return api


_UNKEPT = {"cache-control": "no-store"}


def _cookie(state: str) -> str:
    """A name of its own for each consent, so that two tabs do not take each other's."""
    return f"mcraft_consent_{sha256(state.encode()).hexdigest()[:16]}"


def _back(told: Mapping[str, str]) -> Response:
    return RedirectResponse(f"{PAGE}?{urlencode(told)}", status_code=303, headers=_UNKEPT)


def _why(failure: McraftError, error: str) -> str:
    """Why nothing came of it, in a word that the page has a sentence for."""
    if error == "access_denied":
        return "denied"
    if isinstance(failure, ClientRefused):
        return "client"
    return "refused" if isinstance(failure, AuthFailed) else "unavailable"


def _cannot_connect(context: Context) -> str | None:
    try:
        Provider(context.settings.connections)
    except SetupError as error:
        return error.remedy
    return None


def _last_fetches(lake: Lake, source: str) -> dict[str, str]:
    """When each person's data of a source were last asked for and answered."""
    held = Held.read(lake, source)
    found: dict[str, str] = {}
    for (_, user_id), days in held.days.items():
        newest = max((day.fetched_at for day in days.values()), default="")
        found[user_id] = max(found.get(user_id, ""), newest)
    for (_, user_id), at in held.looked_at.items():
        found[user_id] = max(found.get(user_id, ""), at)
    return {user_id: at for user_id, at in found.items() if at}
