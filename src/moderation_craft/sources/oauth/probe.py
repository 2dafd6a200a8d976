"""Does a connection work? One small question to the service itself, with the token that a fetch would use."""

from __future__ import annotations

from moderation_craft.clock import Clock
from moderation_craft.errors import AuthFailed
from moderation_craft.settings import Settings
from moderation_craft.sources.http import Http
from moderation_craft.sources.http_errors import Forbidden
from moderation_craft.sources.oauth.services import SERVICES, ServiceName
from moderation_craft.sources.oauth.tokens import tokens_for


def probe(settings: Settings, clock: Clock, service: ServiceName, user_id: str) -> str:
    """What the service answered, in a sentence; AuthFailed where it takes the token no more."""
    title = SERVICES[service].title
    tokens = tokens_for(service, settings, clock)
    token = tokens.access_token(user_id)
    if token is None:
        raise AuthFailed(f"{user_id} is not connected to {title}.", remedy=f"`mcraft connect {service}` does it.")
    http = Http(title, attempts=1, auth_remedy="connect again: `mcraft connect`, or /settings/integrations.")
    address, params = _question(settings, service)
    try:
        http.get(address, params=params, token=token)
    except Forbidden:
        raise
    except AuthFailed:
        renewed = tokens.renewed(user_id, token)
        if renewed is None:
            raise
        http.get(address, params=params, token=renewed)
    return f"{title} answered"


def _question(settings: Settings, service: ServiceName) -> tuple[str, dict[str, str | int | float]]:
    if service == "fitbit":
        return f"{settings.fitbit.base_url.rstrip('/')}/users/me/identity", {}
    return f"{settings.calendar.google_base_url.rstrip('/')}/users/me/calendarList", {"maxResults": 1}
