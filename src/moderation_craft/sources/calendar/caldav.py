"""CalDAV accounts through the caldav library, each calendar whole; nothing but the given server is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec
import requests
import stamina
from caldav.davclient import DAVClient
from caldav.elements import cdav
from caldav.lib import error as dav_error

from moderation_craft.errors import (
    AuthFailed,
    McraftError,
    RateLimited,
    RecordInvalid,
    RetryError,
    SchemaChanged,
    SkipError,
    TimedOut,
    Unavailable,
)
from moderation_craft.settings import CalendarSettings
from moderation_craft.sources.calendar.streams import said_of
from moderation_craft.sources.contract import Person, Record
from moderation_craft.sources.http import MAX_BODY_BYTES, Backoff, Forbidden, polite_backoff
from moderation_craft.sources.http_errors import retry_after_seconds

API_VERSION = "rfc4791"
REMEDY = "correct the account's url, user or (app) password in the settings (calendar.caldav)."
READ_AGAIN = "nothing was lost; the next run asks again."

_NOT_THIS_HOST = "can't be joined"
"""What the library says of an address on another host."""

_EVERY_EVENT = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
    "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
    '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter>'
    "</C:calendar-query>"
)


class Resource(msgspec.Struct):
    """One event of a calendar: where it lies on the server, and its iCalendar text."""

    href: str
    data: str


@dataclass(frozen=True)
class Account:
    """An account to read: which calendars, by name or the last part of their address (none named: all)."""

    url: str
    user: str
    password: str = field(repr=False)
    calendars: Sequence[str] = ()


def accounts_of(settings: CalendarSettings) -> dict[str, dict[str, Account]]:
    """The accounts in the settings, by person and name; one whose password is not set has an empty one."""
    return {
        user_id: {
            name: Account(said.url, said.user, _password(settings, user_id, name), said.calendars)
            for name, said in named.items()
        }
        for user_id, named in settings.caldav.items()
    }


def _password(settings: CalendarSettings, user_id: str, name: str) -> str:
    secret = settings.caldav_passwords.get(user_id, {}).get(name)
    return secret.get_secret_value() if secret else ""


class CalDavAccounts:
    """The accounts of each person, by the names that the person gave them."""

    def __init__(
        self,
        accounts: Mapping[str, Mapping[str, Account]],
        *,
        timeout_seconds: int = 30,
        attempts: int = 4,
        backoff: Backoff = polite_backoff,
    ) -> None:
        self._accounts = accounts
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        self._backoff = backoff

    def has(self, person: Person) -> bool:
        return bool(self._accounts.get(person.user_id))

    def fetch(self, person: Person, day: date) -> Iterator[Record]:
        """One record a calendar: its resources in the order of their addresses. What fails does not keep the
        others out; the first failure is raised at the end."""
        failures: list[McraftError] = []
        for name, account in self._accounts.get(person.user_id, {}).items():
            try:
                with self._client(name, account) as client:
                    yield from self._calendars(client, name, account, person, day, failures)
            except (RetryError, SkipError) as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _calendars(
        self,
        client: DAVClient,
        name: str,
        account: Account,
        person: Person,
        day: date,
        failures: list[McraftError],
    ) -> Iterator[Record]:
        found = self._asked(name, lambda: _addresses(client, account))
        if missing := sorted(set(account.calendars) - {each for names in found.values() for each in names}):
            failures.append(
                RecordInvalid(f"The CalDAV account {name} has no calendar {missing[0]!r}.", remedy=REMEDY)
            )
        for url, names in found.items():
            if account.calendars and not set(names) & set(account.calendars):
                continue
            calendar = f"{name}/{names[0]}"
            try:
                resources = self._asked(calendar, lambda url=url: _resources(client, url))
            except (RetryError, SkipError) as error:
                failures.append(error)
                continue
            said = _metadata(calendar, day, person.timezone_on(day), account.user)
            yield Record(day, msgspec.json.encode(resources), said)

    def _asked(self, shown: str, ask: Any) -> Any:
        """An answer, retried where the server fails for the moment; every failure as one of the error tree."""
        for attempt in stamina.retry_context(
            on=lambda error: isinstance(error, RetryError) and self._backoff(error),
            attempts=self._attempts,
            timeout=None,
            wait_initial=1.0,
            wait_max=30.0,
        ):
            with attempt, _as_ours(shown):
                return ask()
        raise AssertionError("stamina returns or raises")

    @contextmanager
    def _client(self, name: str, account: Account) -> Iterator[DAVClient]:
        url = urlsplit(account.url)
        if url.scheme not in ("http", "https") or not url.hostname or url.username:
            raise RecordInvalid(
                f"The address of the CalDAV account {name} is no http(s) address without a password in it.",
                remedy=REMEDY,
            )
        if not account.password:
            raise AuthFailed(
                f"The CalDAV account {name} has no password.",
                remedy="set it in the environment: MCRAFT_CALENDAR__CALDAV_PASSWORDS (JSON).",
            )
        with DAVClient(
            account.url if url.path else f"{account.url}/",
            username=account.user,
            password=account.password,
            timeout=self._timeout_seconds,
        ) as client:
            client.session.close()
            client.session = _OneServer(url, name)
            yield client


class _ElsewhereError(Exception):
    """The server points to another host."""


class _OneServer(requests.Session):
    """A session that speaks to one server and to no other: no proxies or passwords from the environment, no other
    host, whatever a redirect or an address in an answer says."""

    def __init__(self, server: SplitResult, shown: str) -> None:
        super().__init__()
        self.trust_env = False
        self._server = _origin(server)
        self._shown = shown

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        asked = urlsplit(str(request.url))
        if _origin(asked) != self._server:
            raise _ElsewhereError(asked.hostname or "no host")
        response = super().send(request, **kwargs)
        if len(response.content or b"") > MAX_BODY_BYTES:
            raise SchemaChanged(
                f"The CalDAV server answered with more than {MAX_BODY_BYTES:,} bytes.",
                remedy="nothing was written; name single calendars in the settings (calendar.caldav).",
            )
        if response.status_code >= 400 and response.status_code != 401:  # the library asks once without a password
            raise _by_status(self._shown, response.status_code, response.headers.get("Retry-After"))
        return response


def _origin(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


def _addresses(client: DAVClient, account: Account) -> dict[str, list[str]]:
    """The account's calendars: each address with what it may be called, its last part first. Where the account's
    address is a calendar's own, only that one."""
    found: dict[str, list[str]] = {}
    for each in client.principal().calendars():  # type: ignore[no-untyped-call]
        url = str(each.url)
        last_part = unquote(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])
        found[url] = [last_part, *([each.name] if each.name else [])]
    own = [url for url in found if urlsplit(url).path.rstrip("/") == urlsplit(account.url).path.rstrip("/")]
    return {url: found[url] for url in own} if own else dict(sorted(found.items()))


def _resources(client: DAVClient, url: str) -> list[Resource]:
    response = client.report(url, _EVERY_EVENT, depth=1)
    said = response.expand_simple_props([cdav.CalendarData()])
    texts = {href: props.get(cdav.CalendarData.tag) for href, props in said.items()}
    return [Resource(href, text) for href, text in sorted(texts.items()) if text]


def _metadata(calendar: str, day: date, timezone: str, owner: str) -> dict[str, object]:
    """`owner` is the name signed in with: where that is a mail address, it tells the person's own answer to an
    invitation."""
    return {
        **said_of(calendar, day, timezone),
        "api_version": API_VERSION,
        "request": f"REPORT {calendar}",
        "owner": owner,
        "series": f"{calendar} {day:%Y-%m}",
    }


@contextmanager
def _as_ours(shown: str) -> Iterator[None]:
    """The library's failures as ours; nothing that the server said is repeated, for it may repeat secrets."""
    try:
        yield
    except McraftError:
        raise
    except _ElsewhereError as error:
        raise _elsewhere(shown, str(error)) from error
    except dav_error.AuthorizationError as error:
        raise AuthFailed(f"The CalDAV server of {shown} refused the user or password.", remedy=REMEDY) from error
    except requests.exceptions.Timeout as error:
        raise TimedOut(f"The CalDAV server of {shown} gave no answer in time.", remedy=READ_AGAIN) from error
    except requests.exceptions.RequestException as error:
        raise Unavailable(
            f"The CalDAV server of {shown} cannot be reached: {type(error).__name__}.", remedy=READ_AGAIN
        ) from error
    except ValueError as error:
        if _NOT_THIS_HOST in str(error):
            raise _elsewhere(shown, "in the address of the account") from error
        raise _unreadable(shown, error) from error
    except (dav_error.DAVError, KeyError, AttributeError, TypeError, AssertionError) as error:
        raise _unreadable(shown, error) from error


def _elsewhere(shown: str, where: str) -> McraftError:
    return RecordInvalid(
        f"The CalDAV server of {shown} points to another host ({where}), which was not asked.",
        remedy="if you trust that host, give its address as the account's url (calendar.caldav).",
    )


def _unreadable(shown: str, error: Exception) -> McraftError:
    return SchemaChanged(
        f"The answer of the CalDAV server of {shown} cannot be read ({type(error).__name__}).",
        remedy="check that the address is a CalDAV server's; what is held already stays as it is.",
    )


def _by_status(shown: str, status: int, retry_after: str | None) -> McraftError:
    what = f"The CalDAV server of {shown} answered {status}."
    if status == 403:
        return Forbidden(what, remedy=REMEDY)
    if status == 429 or (status == 503 and retry_after):
        seconds = retry_after_seconds(retry_after)
        return RateLimited(what, remedy=READ_AGAIN, retry_after_seconds=seconds)
    if status >= 500:
        return Unavailable(what, remedy=READ_AGAIN)
    return SchemaChanged(what, remedy=REMEDY)
