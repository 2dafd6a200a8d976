"""Who may ask the stand-in, for what and how often: tokens, scopes, quotas, and the bad days of all three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from moderation_craft.clock import Clock, SystemClock
from moderation_craft.sources.fitbit.stand_in_errors import Refused
from moderation_craft.sources.fitbit.stand_in_people import HealthPerson
from moderation_craft.sources.fitbit.streams import OPTIONAL_STREAMS, STREAMS

Who = Callable[[str], tuple[str, frozenset[str]] | None]
"""Whose bearer token this is and which scopes it carries (none: all); None where it is unknown or expired."""

SCOPE_OF = {stream.path: stream.scope for stream in (*STREAMS, *OPTIONAL_STREAMS)}


@dataclass
class BadDays:
    """Faults to switch on while the stand-in runs.

    `expired` are tokens, `forbidden` data types, `unlinked` people; `requests_per_minute` is each person's quota.
    """

    expired: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    unlinked: set[str] = field(default_factory=set)
    requests_per_minute: int | None = None


class Doors:
    """Finds the person behind a request, or says why not; counts what each person asked in a clock minute."""

    def __init__(
        self, people: Sequence[HealthPerson], who: Who | None, bad_days: BadDays, clock: Clock | None
    ) -> None:
        self._people: Mapping[str, HealthPerson] = {person.user_id: person for person in people}
        owners = {person.access_token: person.user_id for person in people}
        self._who = who or (lambda token: (owners[token], frozenset()) if token in owners else None)
        self._bad_days = bad_days
        self._clock = clock or SystemClock()
        self._asked: Counter[tuple[str, int]] = Counter()

    def person(self, request: Request, data_type: str = "") -> HealthPerson:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = self._who(token) if scheme.lower() == "bearer" and token not in self._bad_days.expired else None
        person = self._people.get(known[0]) if known else None
        if known is None or person is None:
            raise _unauthenticated(bool(token))
        self._count(person.user_id)
        if person.user_id in self._bad_days.unlinked:
            message = "The account is not linked to Google Health."
            raise Refused(400, "FAILED_PRECONDITION", message, "ACCOUNT_NOT_LINKED", domain="googleapis.com")
        scope = SCOPE_OF.get(data_type)
        if data_type in self._bad_days.forbidden or (scope and known[1] and scope not in known[1]):
            message = "Request had insufficient authentication scopes."
            raise Refused(
                403, "PERMISSION_DENIED", message, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", domain="googleapis.com"
            )
        return person

    def _count(self, user_id: str) -> None:
        now = self._clock.now()
        minute = int(now.timestamp() // 60)
        self._asked[user_id, minute] += 1
        most = self._bad_days.requests_per_minute
        if most is not None and self._asked[user_id, minute] > most:
            raise Refused(
                429,
                "RESOURCE_EXHAUSTED",
                "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service "
                "'health.googleapis.com' for consumer 'project_number:123456789'.",
                "RATE_LIMIT_EXCEEDED",
                domain="googleapis.com",
                headers={"retry-after": str(60 - int(now.timestamp() % 60))},
            )


def _unauthenticated(has_token: bool) -> Refused:
    return Refused(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
        "or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED" if has_token else "CREDENTIALS_MISSING",
    )
