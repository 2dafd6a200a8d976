"""`mcraft connect`: the whole consent from the shell, with a browser on this machine."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable

from moderation_craft.clock import Clock
from moderation_craft.settings import Settings
from moderation_craft.sources.oauth.connection import Connection
from moderation_craft.sources.oauth.consent import Consents
from moderation_craft.sources.oauth.loopback import LoopbackServer
from moderation_craft.sources.oauth.services import SERVICES, ServiceName

Say = Callable[[str], None]


def connect_from_shell(
    settings: Settings,
    clock: Clock,
    service: ServiceName,
    user_id: str,
    *,
    wait_seconds: float,
    opens_browser: bool,
    say: Say,
) -> Connection:
    """Ask for the consent, wait for it, store it; AuthFailed where it is refused, TimedOut where none came."""
    consents = Consents(settings, clock)
    with LoopbackServer(settings.connections.redirect_port) as server:
        begun = consents.begin(service, user_id, server.redirect_uri)
        opened = opens_browser and webbrowser.open(begun.url)
        say(f"Consent for {user_id} to {SERVICES[service].title}:")
        say(f"  {begun.url}")
        say(
            f"  {'your browser opens that page' if opened else 'open that page in a browser on this machine'}; "
            f"waiting up to {wait_seconds / 60:.3g} minutes (Ctrl-C stops)."
        )
        return server.await_answer(lambda answer: consents.complete(service, begun.session, answer), wait_seconds)


def granted_sentences(connection: Connection) -> list[str]:
    """What was granted and what was not, in words."""
    service = SERVICES[connection.service]
    granted = frozenset(connection.scopes)
    lines = [f"{connection.user_id} is connected to {service.title}. Granted: {service.spelled(granted)}."]
    if missing := service.missing(granted):
        lines.append(
            f"  not granted: {service.spelled(frozenset(missing))}; that is not fetched. Connect again to grant."
        )
    if connection.refresh_token is None:
        lines.append("  Google gave nothing to refresh with: this connection ends within the hour.")
    if connection.refresh_dies_at is not None:
        lines.append(
            f"  this consent ends on {connection.refresh_dies_at:%Y-%m-%d %H:%M} UTC, since the Google Cloud "
            "project is in testing (docs/connect.md)."
        )
    return lines
