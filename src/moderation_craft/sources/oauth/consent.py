"""The way to a consent and back: a state that is good once, for ten minutes, for the browser it was given to."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from moderation_craft.clock import Clock
from moderation_craft.errors import AuthFailed
from moderation_craft.logs import get_logger
from moderation_craft.settings import Settings
from moderation_craft.sources.oauth.connection import Connection, connect
from moderation_craft.sources.oauth.provider import Provider, as_error
from moderation_craft.sources.oauth.services import SERVICES, ServiceName
from moderation_craft.sources.oauth.vault import Vault, open_vault

log = get_logger("oauth")

GOOD_FOR = timedelta(minutes=10)
_MOST_UNDER_WAY = 200
_VERIFIER_BYTES = 64


@dataclass(frozen=True)
class Begun:
    """A consent under way: where the browser goes, and what it must bring back beside the state."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    session: str = field(repr=False)


@dataclass(frozen=True)
class _UnderWay:
    service: ServiceName
    user_id: str
    redirect_uri: str
    verifier: str = field(repr=False)
    session: str = field(repr=False)
    begun_at: datetime


class AnswerRefused(AuthFailed):
    """An answer that nobody here waits for: forged, replayed, from another browser, or too late."""


class Consents:
    """Consents under way in this process, and what becomes of them. A restart forgets them: start again then."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._under_way: dict[str, _UnderWay] = {}
        self._lock = threading.Lock()

    @cached_property
    def _vault(self) -> Vault:
        return open_vault(self._settings)

    def begin(self, service: ServiceName, user_id: str, redirect_uri: str) -> Begun:
        """Start one; SetupError where no client is set up."""
        state, session = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        verifier = secrets.token_urlsafe(_VERIFIER_BYTES)
        provider = Provider(self._settings.connections)
        url = provider.consent_url(SERVICES[service], redirect_uri, state, verifier)
        under_way = _UnderWay(service, user_id, redirect_uri, verifier, session, self._clock.now())
        with self._lock:
            while len(self._under_way) >= _MOST_UNDER_WAY:
                del self._under_way[next(iter(self._under_way))]
            self._under_way[state] = under_way
        return Begun(url, state, session)

    def complete(self, service: ServiceName, session: str | None, answer: Mapping[str, str]) -> Connection:
        """The connection that the answer's code stands for, stored.

        AnswerRefused where the answer is none that is waited for; AuthFailed where the person refused.
        """
        under_way = self._take(service, session, answer.get("state", ""))
        if error := answer.get("error"):
            raise as_error(error)
        code = answer.get("code", "")
        if not code:
            raise AnswerRefused("The answer carries neither a code nor an error.", remedy=_START_AGAIN)
        provider = Provider(self._settings.connections)
        tokens = provider.exchange(code, under_way.verifier, under_way.redirect_uri)
        asked = tuple(SERVICES[service].scopes)
        made = connect(service, under_way.user_id, provider.client_id, asked, tokens, self._clock.now())
        with self._vault.held(service, under_way.user_id):
            self._vault.put(made)
        log.info("connected", service=service, user_id=under_way.user_id)
        return made

    def _take(self, service: ServiceName, session: str | None, state: str) -> _UnderWay:
        """What this state stands for, which from now on stands for nothing."""
        with self._lock:
            found = self._under_way.get(state)
            if found is None or found.service != service:
                raise AnswerRefused(
                    "Nobody waits for this answer: it was used already, or it was not asked for here.",
                    remedy=_START_AGAIN,
                )
            if session is None or not hmac.compare_digest(session.encode(), found.session.encode()):
                raise AnswerRefused(
                    "This answer belongs to another browser than the one that asked.", remedy=_START_AGAIN
                )
            del self._under_way[state]
        if self._clock.now() - found.begun_at > GOOD_FOR:
            raise AnswerRefused("This answer came after more than ten minutes.", remedy=_START_AGAIN)
        return found


_START_AGAIN = "start again: `mcraft connect`, or /settings/integrations."
