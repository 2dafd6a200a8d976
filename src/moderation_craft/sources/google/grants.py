"""What the stand-in gives out: codes and tokens that carry their meaning, so that a restart forgets none."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

import msgspec

from moderation_craft.clock import Clock

LIFETIME = timedelta(seconds=3599)
TESTING_LIFETIME = timedelta(seconds=604_799)
ACCESS, REFRESH = "ya29.a0", "1//0e"


class Meaning(msgspec.Struct, frozen=True):
    """Whose token it is, what it allows, of which consent and which turn of it, and when it was made."""

    person: str
    scopes: list[str]
    grant: str
    turn: int
    made_at: float
    salt: str


@dataclass
class Grants:
    """Signs and reads tokens; remembers what was revoked and, where it rotates, the newest turn of a consent."""

    clock: Clock
    key: bytes
    lifetime: timedelta = LIFETIME
    testing: bool = False
    rotates: bool = False
    omits_refresh_token: bool = True
    revoked: set[str] = field(default_factory=set)
    turns: dict[str, int] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)

    def start(self, person: str, scopes: list[str]) -> Meaning:
        """A new consent."""
        consent = Meaning(person, scopes, secrets.token_hex(8), 0, self._now(), secrets.token_hex(4))
        self.given[consent.grant] = person
        return consent

    def answer(self, consent: Meaning, *, is_first: bool) -> dict[str, str | int]:
        """The token endpoint's answer, as Google gives it: a refresh repeats no refresh token."""
        turn = consent.turn + (1 if self.rotates and not is_first else 0)
        self.turns[consent.grant] = turn
        new = msgspec.structs.replace(consent, turn=turn, made_at=self._now(), salt=secrets.token_hex(4))
        found: dict[str, str | int] = {
            "access_token": self._signed(ACCESS, new),
            "expires_in": int(self.lifetime.total_seconds()),
            "scope": " ".join(consent.scopes),
            "token_type": "Bearer",
        }
        if is_first or self.rotates or not self.omits_refresh_token:
            found["refresh_token"] = self._signed(REFRESH, msgspec.structs.replace(new, made_at=consent.made_at))
        if self.testing:
            left = consent.made_at + TESTING_LIFETIME.total_seconds() - self._now()
            found["refresh_token_expires_in"] = max(0, int(left))
        return found

    def refreshable(self, token: str) -> Meaning | None:
        """The consent of a refresh token; None where it is revoked, replaced, dead or not ours."""
        meaning = self._read(REFRESH, token)
        if meaning is None or meaning.grant in self.revoked:
            return None
        if self.rotates and meaning.turn < self.turns.get(meaning.grant, 0):
            return None
        is_dead = self.testing and self._now() - meaning.made_at > TESTING_LIFETIME.total_seconds()
        return None if is_dead else meaning

    def owner(self, token: str) -> tuple[str, frozenset[str]] | None:
        """Whose access token it is and what it allows; None where it is revoked, too old or not ours."""
        meaning = self._read(ACCESS, token)
        if meaning is None or meaning.grant in self.revoked:
            return None
        is_dead = self._now() - meaning.made_at > self.lifetime.total_seconds()
        return None if is_dead else (meaning.person, frozenset(meaning.scopes))

    def revoke(self, token: str) -> bool:
        """Take the whole consent of either token back; whether it was known."""
        meaning = self._read(REFRESH, token) or self._read(ACCESS, token)
        if meaning is None or meaning.grant in self.revoked:
            return False
        self.revoked.add(meaning.grant)
        return True

    def withdraw(self, person: str) -> None:
        """What a person does on Google's own page: take back every consent given since this server started."""
        self.revoked |= {grant for grant, owner in self.given.items() if owner == person}

    def _signed(self, prefix: str, meaning: Meaning) -> str:
        text = base64.urlsafe_b64encode(msgspec.json.encode(meaning)).decode().rstrip("=")
        return f"{prefix}{text}.{self._mac(prefix + text)}"

    def _read(self, prefix: str, token: str) -> Meaning | None:
        text, _, mac = token.removeprefix(prefix).partition(".")
        if not token.startswith(prefix) or not hmac.compare_digest(mac, self._mac(prefix + text)):
            return None
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Meaning)

    def _mac(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), sha256).hexdigest()[:32]

    def _now(self) -> float:
        return self.clock.now().timestamp()
