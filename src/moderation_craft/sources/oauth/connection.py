"""One person's connection to one service: the tokens, what they allow, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from moderation_craft.errors import AuthFailed
from moderation_craft.sources.oauth.services import ServiceName

_LEEWAY = timedelta(minutes=5)
_LEAST_LIFETIME_SECONDS = 60.0
JUST_NOW = timedelta(seconds=60)

Trouble = Literal["withdrawn", "died", "unreadable"]
"""Why a connection is of no use: the provider refuses it, its time is over, or what we hold cannot be read."""


class TokenAnswer(msgspec.Struct, frozen=True):
    """What a token endpoint answers; never shown."""

    access_token: str
    expires_in: float = 3600.0
    refresh_token: str | None = None
    scope: str = ""
    refresh_token_expires_in: float | None = None

    @property
    def lifetime(self) -> timedelta:
        """How long the access token is good; never nothing, which would mean a refresh for every request."""
        return timedelta(seconds=max(self.expires_in, _LEAST_LIFETIME_SECONDS))

    def __repr__(self) -> str:
        return f"TokenAnswer(expires_in={self.expires_in}, scope={self.scope!r})"


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A consent and its tokens. `refresh_dies_at` is None where the provider names no end of the consent."""

    service: ServiceName
    user_id: str
    client_id: str
    access_token: str
    refresh_token: str | None
    scopes: tuple[str, ...]
    connected_at: datetime
    renewed_at: datetime
    expires_at: datetime
    refresh_dies_at: datetime | None = None
    trouble: Trouble | None = None

    def __repr__(self) -> str:
        return f"Connection({self.service}, {self.user_id!r}, until {self.expires_at}, trouble={self.trouble})"

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token is good for minutes to come, also if clocks differ by some.

        A clock that was set back since makes it stale: it would seem good for longer than it ever was.
        """
        lifetime = self.expires_at - self.renewed_at
        left = self.expires_at - now
        return min(_LEEWAY, lifetime / 4) < left <= lifetime + _LEEWAY

    def was_renewed_just_now(self, now: datetime) -> bool:
        return abs(now - self.renewed_at) < JUST_NOW

    def dies_within(self, span: timedelta, now: datetime) -> bool:
        return self.refresh_dies_at is not None and self.refresh_dies_at - now <= span

    def renewed(self, answer: TokenAnswer, now: datetime) -> Connection:
        """The connection after a refresh: what the answer leaves out stays as it was."""
        left = answer.refresh_token_expires_in
        scopes = tuple(answer.scope.split()) or self.scopes
        return msgspec.structs.replace(
            self,
            access_token=answer.access_token,
            refresh_token=answer.refresh_token or self.refresh_token,
            scopes=scopes,
            renewed_at=now,
            expires_at=now + answer.lifetime,
            refresh_dies_at=self.refresh_dies_at if left is None else now + timedelta(seconds=left),
            trouble=None,
        )

    def with_trouble(self, trouble: Trouble) -> Connection:
        """The connection as of no use any more; its tokens are dropped, since nobody takes them."""
        return msgspec.structs.replace(self, trouble=trouble, access_token="", refresh_token=None)


def connect(
    service: ServiceName, user_id: str, client_id: str, asked: tuple[str, ...], answer: TokenAnswer, now: datetime
) -> Connection:
    """A new connection out of the answer to an authorization code."""
    left = answer.refresh_token_expires_in
    return Connection(
        service=service,
        user_id=user_id,
        client_id=client_id,
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        scopes=tuple(answer.scope.split()) or asked,
        connected_at=now,
        renewed_at=now,
        expires_at=now + answer.lifetime,
        refresh_dies_at=None if left is None else now + timedelta(seconds=left),
    )


class ConsentGone(AuthFailed):
    """The person's consent is of no use any more; only they can give it again."""

    def __init__(self, service: str, user_id: str, trouble: Trouble) -> None:
        why = {
            "withdrawn": "the consent was withdrawn, or the password changed, or it was not used for long",
            "died": "the consent's time is over (seven days while the Google Cloud project is in testing)",
            "unreadable": "what is kept of the consent here cannot be read",
        }[trouble]
        super().__init__(
            f"{user_id} is not connected to {service} any more: {why}.",
            remedy=f"connect again: `mcraft connect {service} --user {user_id}`, or /settings/integrations; "
            "nothing that was fetched is lost, and the next run fills the gap.",
        )
        self.trouble: Trouble = trouble
