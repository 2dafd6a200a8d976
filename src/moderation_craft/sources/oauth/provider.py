"""The other side of a consent: Google's authorization server, spoken to through authlib; its answers as errors."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NoReturn, TypeVar

import httpx
import msgspec
import stamina
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2 import OAuth2Client

from moderation_craft.errors import AuthFailed, McraftError, RateLimited, SetupError, TimedOut, Unavailable
from moderation_craft.settings import ConnectionsSettings
from moderation_craft.sources.oauth.connection import TokenAnswer
from moderation_craft.sources.oauth.services import Service

T = TypeVar("T")

_TIMEOUT_SECONDS = 10.0
_ATTEMPTS = 3
_CLIENT_REMEDY = (
    "compare connections.google_client_id and MCRAFT_CONNECTIONS__GOOGLE_CLIENT_SECRET with the client in the "
    "Google Cloud console (docs/connect.md)."
)
_START_AGAIN = "start again: `mcraft connect`, or /settings/integrations."
_IN_BODY = httpx.Auth()
"""Adds nothing: the client's id and secret go in the body, as Google documents it."""


class GrantRefused(AuthFailed):
    """invalid_grant: this code or this refresh token is taken no more."""


class ClientRefused(AuthFailed):
    """The client's id or secret is wrong, or it may not do this."""


class Provider:
    """Google's three addresses for one client. Nothing of what it is given or gets shows up in an error."""

    def __init__(self, settings: ConnectionsSettings) -> None:
        if not settings.google_client_id:
            raise not_set_up()
        secret = settings.google_client_secret
        self.client_id = settings.google_client_id
        self._secret = secret.get_secret_value() if secret else ""
        self._settings = settings

    @functools.cached_property
    def _client(self) -> OAuth2Client:
        session = httpx.Client(
            timeout=_TIMEOUT_SECONDS,
            headers={"User-Agent": f"moderation-craft/{version('moderation-craft')}"},
            # A proxy of the environment is for the outside, not for servers on this machine.
            mounts={f"all://{host}": httpx.HTTPTransport() for host in ("127.0.0.1", "localhost")},
        )
        weakref.finalize(self, session.close)
        client = OAuth2Client(session, self.client_id, code_challenge_method="S256")
        client.oauth_error_class = AuthlibBaseError  # its own class fails on a description with quotes in it
        return client

    def consent_url(self, service: Service, redirect_uri: str, state: str, verifier: str) -> str:
        """Where a person's browser goes to consent; of the verifier only its SHA-256 is in it."""
        url, _ = self._client.create_authorization_url(
            self._settings.authorize_url,
            state=state,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
            scope=" ".join(service.scopes),
            access_type="offline",
            prompt="consent",
            include_granted_scopes="false",
        )
        return str(url)

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> TokenAnswer:
        """Tokens for an authorization code; GrantRefused where it is not good any more."""
        return self._tokens(
            lambda: self._client.fetch_token(
                self._settings.token_url,
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                redirect_uri=redirect_uri,
                auth=_IN_BODY,
                **self._credentials(),
            )
        )

    def refresh(self, refresh_token: str) -> TokenAnswer:
        """A new access token; GrantRefused where the consent is gone."""
        return self._tokens(
            lambda: self._client.refresh_token(
                self._settings.token_url, refresh_token=refresh_token, auth=_IN_BODY, **self._credentials()
            )
        )

    def revoke(self, token: str) -> bool:
        """Take a consent back; False where the provider did not know it any more."""
        reply: httpx.Response = self._asked(
            lambda: self._client.revoke_token(self._settings.revoke_url, token=token, auth=_IN_BODY)
        )
        if reply.status_code >= 500 or reply.status_code == 429:
            self._refuse(reply.status_code)
        return reply.is_success

    def _credentials(self) -> dict[str, str]:
        return {"client_id": self.client_id} | ({"client_secret": self._secret} if self._secret else {})

    def _tokens(self, ask: Callable[[], Any]) -> TokenAnswer:
        try:
            return msgspec.convert(dict(self._asked(ask)), TokenAnswer, strict=False)
        except ValueError:
            # The answer's own words are left out: they are tokens.
            raise Unavailable(
                "Google's authorization server answered with something that is no answer of its kind.",
                remedy="a proxy or sign-in page may stand in between; check connections.token_url and try again.",
            ) from None

    def _asked(self, ask: Callable[[], T]) -> T:
        """One question, asked again where it surely changed nothing: no connection, 5xx, 429."""
        for attempt in stamina.retry_context(
            on=(Unavailable, RateLimited), attempts=_ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=4.0
        ):
            with attempt:
                return self._once(ask)
        raise AssertionError("stamina returns or raises")

    def _once(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except AuthlibBaseError as error:
            raise as_error(str(error.error)) from None
        except httpx.HTTPStatusError as error:
            self._refuse(error.response.status_code)
        except httpx.TimeoutException:
            raise TimedOut(
                "Google's authorization server gave no answer in time.",
                remedy="nothing was lost; check your connection and try again.",
            ) from None
        except httpx.TransportError as error:
            raise Unavailable(
                f"Google's authorization server cannot be reached: {type(error).__name__}.",
                remedy="check your connection and the addresses in connections; then try again.",
            ) from None

    def _refuse(self, status: int) -> NoReturn:
        if status == 429:
            raise RateLimited("Google's authorization server is asked too often.", remedy="wait some minutes.")
        raise Unavailable(
            f"Google's authorization server answers with {status}.", remedy="nothing was lost; try again later."
        )


def as_error(error: str) -> McraftError:
    """An OAuth error code as the error tree's; what the other side says beside it is not repeated."""
    if error == "invalid_grant":
        return GrantRefused(
            "Google takes this consent no more (invalid_grant): used before, too old, or withdrawn.",
            remedy=_START_AGAIN,
        )
    if error in ("invalid_client", "unauthorized_client", "deleted_client", "disabled_client"):
        return ClientRefused(f"Google does not take this client ({error}).", remedy=_CLIENT_REMEDY)
    if error == "access_denied":
        return AuthFailed("The consent was refused.", remedy=f"if that was not meant, {_START_AGAIN}")
    if error in ("server_error", "temporarily_unavailable", "internal_failure"):
        return Unavailable("Google's authorization server is failing.", remedy="try again later.")
    known = error if error.replace("_", "").isalnum() and len(error) < 40 else "an unknown reason"
    return AuthFailed(f"Google refused ({known}).", remedy=_CLIENT_REMEDY)


def not_set_up() -> SetupError:
    return SetupError(
        "No Google Cloud client is set, and without one nobody can consent.",
        remedy="make one (docs/connect.md, ten minutes), put its id into mcraft.toml as "
        "connections.google_client_id and its secret into the environment as "
        "MCRAFT_CONNECTIONS__GOOGLE_CLIENT_SECRET.",
    )
