"""Who is connected to a service, and with which access token; sources ask here and hold no token themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import NoReturn, Protocol

from pydantic import SecretStr

from moderation_craft.clock import Clock, iso
from moderation_craft.errors import AuthFailed, McraftError
from moderation_craft.logs import get_logger
from moderation_craft.settings import Settings
from moderation_craft.sources.oauth.connection import Connection, ConsentGone, Trouble
from moderation_craft.sources.oauth.provider import GrantRefused, Provider
from moderation_craft.sources.oauth.services import SERVICE_NAMES, ServiceName
from moderation_craft.sources.oauth.vault import Unreadable, Vault, open_vault

__all__ = ["FixedTokens", "ServiceName", "Tokens", "VaultTokens", "connected_people", "tokens_for"]

log = get_logger("oauth")

_CALM_SECONDS = 30.0
"""For how long nobody asks again after a refresh that failed."""


class Tokens(Protocol):
    """Access tokens of one service by person. A token is for a request's header: never log, keep or show it."""

    def is_connected(self, user_id: str) -> bool:
        """Whether this person ever consented and did not disconnect (the consent may be gone since)."""
        ...

    def access_token(self, user_id: str) -> str | None:
        """A token that is valid now, refreshed where it had expired; None where the person is not connected.

        Raises AuthFailed where the consent is gone, Unavailable or TimedOut where a refresh got no answer.
        """
        ...

    def renewed(self, user_id: str, refused: str) -> str | None:
        """Another token after `refused` met a 401, or None where there is none to be had."""
        ...

    def scopes(self, user_id: str) -> frozenset[str]:
        """What the person granted; empty where that is not known, so that only asking tells."""
        ...


class FixedTokens:
    """Tokens that somebody set by hand: they cannot be refreshed, and what they allow is not known."""

    def __init__(self, tokens: Mapping[str, SecretStr | str]) -> None:
        self._tokens = {
            user_id: token.get_secret_value() if isinstance(token, SecretStr) else token
            for user_id, token in tokens.items()
        }

    def is_connected(self, user_id: str) -> bool:
        return user_id in self._tokens

    def access_token(self, user_id: str) -> str | None:
        return self._tokens.get(user_id)

    def renewed(self, user_id: str, refused: str) -> str | None:
        return None

    def scopes(self, user_id: str) -> frozenset[str]:
        return frozenset()


class VaultTokens:
    """The vault's connections to one service, refreshed once an expiry however many threads and processes ask;
    for people who have none there, the tokens set by hand."""

    def __init__(
        self,
        service: ServiceName,
        vault: Vault,
        settings: Settings,
        clock: Clock,
        fixed: FixedTokens | None = None,
    ) -> None:
        self._service = service
        self._vault = vault
        self._settings = settings.connections
        self._clock = clock
        self._fixed = fixed or FixedTokens({})
        self._calm = _Calm()

    def is_connected(self, user_id: str) -> bool:
        return self._vault.has(self._service, user_id) or self._fixed.is_connected(user_id)

    def access_token(self, user_id: str) -> str | None:
        held = self._held(user_id)
        if held is None:
            return self._fixed.access_token(user_id)
        return (
            held.access_token if held.is_fresh(self._clock.now()) else self._refreshed(user_id, held.access_token)
        )

    def renewed(self, user_id: str, refused: str) -> str | None:
        held = self._held(user_id)
        if held is None:
            return self._fixed.renewed(user_id, refused)
        return self._refreshed(user_id, refused)

    def scopes(self, user_id: str) -> frozenset[str]:
        try:
            held = self._vault.get(self._service, user_id)
        except Unreadable:
            return frozenset()  # asking for a token says why
        return frozenset(held.scopes) if held else self._fixed.scopes(user_id)

    def _held(self, user_id: str) -> Connection | None:
        """What the vault holds and can be used; ConsentGone where only the person can help."""
        try:
            held = self._vault.get(self._service, user_id)
        except Unreadable as error:
            log.warning("a connection cannot be read", service=self._service, reason=error.message)
            raise AuthFailed(error.message, remedy=error.remedy) from error
        if held is not None and held.trouble is not None:
            raise ConsentGone(self._service, user_id, held.trouble)
        return held

    def _refreshed(self, user_id: str, stale: str) -> str | None:
        """A token other than `stale`: another worker's, or a new one, which is stored before it is given out."""
        self._calm.check(user_id)
        with self._vault.held(self._service, user_id):
            held = self._held(user_id)
            if held is None:
                return None
            now = self._clock.now()
            if held.access_token != stale and held.is_fresh(now):
                return held.access_token
            if held.access_token == stale and held.was_renewed_just_now(now) and held.is_fresh(now):
                return None  # it is new, and refused all the same: another would be too
            self._calm.check(user_id)
            renewed = self._ask(held)
            self._vault.put(renewed)
        if renewed.dies_within(timedelta(days=self._settings.warn_days), now):
            ends = iso(renewed.refresh_dies_at or now)
            log.warning("a consent ends soon: connect again", service=self._service, user_id=user_id, ends=ends)
        return renewed.access_token

    def _ask(self, held: Connection) -> Connection:
        now = self._clock.now()
        if held.refresh_token is None:
            self._give_up(held, "died")
        try:
            answer = Provider(self._settings).refresh(held.refresh_token)
        except GrantRefused:
            self._give_up(held, "died" if held.dies_within(timedelta(0), now) else "withdrawn")
        except McraftError as error:
            self._calm.keep(held.user_id, error)
            raise
        log.info("access renewed", service=self._service, user_id=held.user_id)
        return held.renewed(answer, now)

    def _give_up(self, held: Connection, trouble: Trouble) -> NoReturn:
        self._vault.put(held.with_trouble(trouble))
        log.warning("a consent is gone", service=self._service, user_id=held.user_id, why=trouble)
        raise ConsentGone(self._service, held.user_id, trouble)


class _Calm:
    """Remembers a failed refresh for a while, so that many workers do not each try it on a failing server."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[float, McraftError]] = {}
        self._lock = threading.Lock()

    def keep(self, user_id: str, error: McraftError) -> None:
        with self._lock:
            self._failures[user_id] = (time.monotonic() + _CALM_SECONDS, error)

    def check(self, user_id: str) -> None:
        with self._lock:
            until, error = self._failures.get(user_id, (0.0, None))
        if error is not None and time.monotonic() < until:
            kind = type(error)
            raise kind(error.message, remedy=error.remedy)


def tokens_for(service: ServiceName, settings: Settings, clock: Clock) -> Tokens:
    """The tokens of a service: those of the vault, and for whom it has none, those that the settings carry."""
    return VaultTokens(service, open_vault(settings), settings, clock, fixed_tokens(service, settings))


def fixed_tokens(service: ServiceName, settings: Settings) -> FixedTokens:
    """The tokens that the settings carry."""
    return FixedTokens(_in_settings(service, settings))


def connected_people(settings: Settings) -> set[str]:
    """Everyone with a connection to any service, also where the consent is gone."""
    vault = open_vault(settings)
    in_vault = [vault.people(service) for service in SERVICE_NAMES]
    return set().union(*in_vault, *(_in_settings(service, settings) for service in SERVICE_NAMES))


def _in_settings(service: ServiceName, settings: Settings) -> Mapping[str, SecretStr]:
    return settings.fitbit.access_tokens if service == "fitbit" else {}
