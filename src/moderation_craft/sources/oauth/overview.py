"""What a person should know of their connections: their state, what was granted, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from moderation_craft.clock import Clock, iso
from moderation_craft.errors import McraftError
from moderation_craft.logs import get_logger
from moderation_craft.settings import Settings
from moderation_craft.sources.oauth.connection import Connection, ConsentGone
from moderation_craft.sources.oauth.provider import Provider
from moderation_craft.sources.oauth.services import SERVICES, ServiceName
from moderation_craft.sources.oauth.tokens import fixed_tokens
from moderation_craft.sources.oauth.vault import Unreadable, open_vault

log = get_logger("oauth")

State = Literal["connected", "fixed", "gone", "unreadable", "none"]
WarningName = Literal["dies_soon", "withdrawn", "died", "unreadable", "scopes_missing"]


@dataclass(frozen=True)
class Warned:
    """What a person is warned of; `name` is for pages that say it in their own language."""

    name: WarningName
    message: str
    remedy: str


@dataclass(frozen=True)
class ConnectionState:
    """One person's connection to one service. Instants are ISO 8601 in UTC; None is unknown or endless."""

    service: ServiceName
    user_id: str
    state: State
    scopes: tuple[str, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    connected_at: str | None = None
    expires_at: str | None = None
    refresh_dies_at: str | None = None
    warning: Warned | None = None

    @property
    def is_connected(self) -> bool:
        return self.state in ("connected", "fixed")


def connection_state(settings: Settings, clock: Clock, service: ServiceName, user_id: str) -> ConnectionState:
    """The state as it is held here; nothing is asked of the provider."""
    try:
        held = open_vault(settings).get(service, user_id)
    except Unreadable as error:
        unreadable = Warned("unreadable", error.message, error.remedy)
        return ConnectionState(service, user_id, "unreadable", warning=unreadable)
    if held is None:
        is_fixed = fixed_tokens(service, settings).is_connected(user_id)
        return ConnectionState(service, user_id, "fixed" if is_fixed else "none")
    gone = held.trouble is not None
    return ConnectionState(
        service,
        user_id,
        "gone" if gone else "connected",
        scopes=held.scopes,
        missing_scopes=tuple(SERVICES[service].missing(frozenset(held.scopes))),
        connected_at=iso(held.connected_at),
        expires_at=None if gone else iso(held.expires_at),
        refresh_dies_at=iso(held.refresh_dies_at) if held.refresh_dies_at else None,
        warning=_warning(held, timedelta(days=settings.connections.warn_days), clock.now()),
    )


def _warning(held: Connection, ahead: timedelta, now: datetime) -> Warned | None:
    again = f"`mcraft connect {held.service} --user {held.user_id}`, or /settings/integrations"
    if held.trouble is not None:
        gone = ConsentGone(held.service, held.user_id, held.trouble)
        return Warned(held.trouble, gone.message, gone.remedy)
    if held.refresh_dies_at is not None and held.dies_within(ahead, now):
        hours = max(0.0, (held.refresh_dies_at - now).total_seconds() / 3600)
        return Warned(
            "dies_soon",
            f"The consent ends {'now' if hours < 1 else f'in {hours / 24:.1f} days'}, as it does every seven days "
            "while the Google Cloud project is in testing.",
            f"connect again before: {again}; or publish the project (docs/connect.md).",
        )
    missing = SERVICES[held.service].missing(frozenset(held.scopes))
    if missing:
        spelled = SERVICES[held.service].spelled(frozenset(missing))
        return Warned("scopes_missing", f"Not granted: {spelled}; that is not fetched.", f"to grant it: {again}.")
    return None


Outcome = Literal["revoked", "unknown_there", "gone_before", "not_told", "fixed", "nothing"]
_THEIR_PAGE = "https://myaccount.google.com/connections"
_NOTES: Mapping[Outcome, str] = {
    "revoked": "Google took the consent back, and nothing of it is kept here",
    "unknown_there": "Google knew nothing of the consent any more, and nothing of it is kept here",
    "gone_before": "the consent was gone before, and nothing of it is kept here",
    "not_told": f"forgotten here, but Google could not be told: take the consent back at {_THEIR_PAGE}",
    "fixed": "its access is set in the environment (MCRAFT_FITBIT__ACCESS_TOKENS): take it out there",
    "nothing": "it was not connected",
}


@dataclass(frozen=True)
class Forgotten:
    """What came of a disconnect. Whatever came, nothing of the consent is kept here afterwards."""

    outcome: Outcome

    @property
    def note(self) -> str:
        return _NOTES[self.outcome]


def disconnect(settings: Settings, service: ServiceName, user_id: str) -> Forgotten:
    """Take the consent back at the provider and forget it here; the second also where the first fails."""
    vault = open_vault(settings)
    if not vault.has(service, user_id):
        return Forgotten("fixed" if fixed_tokens(service, settings).is_connected(user_id) else "nothing")
    with vault.held(service, user_id):
        try:
            outcome = _revoked(settings, vault.get(service, user_id))
        except Unreadable:
            outcome = "not_told"
        vault.delete(service, user_id)
    log.info("disconnected", service=service, user_id=user_id, outcome=outcome)
    return Forgotten(outcome)


def _revoked(settings: Settings, held: Connection | None) -> Outcome:
    if held is None or not (held.refresh_token or held.access_token):
        return "gone_before"
    try:
        known = Provider(settings.connections).revoke(held.refresh_token or held.access_token)
    except McraftError as error:
        log.warning("a consent could not be taken back there", service=held.service, code=error.code)
        return "not_told"
    return "revoked" if known else "unknown_there"
