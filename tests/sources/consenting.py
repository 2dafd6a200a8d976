"""Google's stand-in on loopback, settings that point at it, and a person who clicks through its consent page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from pydantic import SecretStr

from moderation_craft.clock import Clock
from moderation_craft.settings import ConnectionsSettings, FitbitSettings, Settings
from moderation_craft.sources.google import stand_in
from moderation_craft.sources.oauth.connection import Connection
from moderation_craft.sources.oauth.consent import Consents
from moderation_craft.sources.oauth.services import ServiceName
from moderation_craft.sources.stand_in import serve

REDIRECT = "http://127.0.0.1:9/callback"


@dataclass
class Google:
    """The server's address and its switches."""

    url: str
    accounts: stand_in.GoogleAccounts

    def environment(self, folder: Path) -> dict[str, str]:
        """What a process of `mcraft` needs to consent here; its vault in a folder."""
        prefix = "MCRAFT_CONNECTIONS__"
        return {
            f"{prefix}GOOGLE_CLIENT_ID": stand_in.CLIENT_ID,
            f"{prefix}GOOGLE_CLIENT_SECRET": stand_in.CLIENT_SECRET,
            f"{prefix}AUTHORIZE_URL": self.url + stand_in.AUTHORIZE,
            f"{prefix}TOKEN_URL": self.url + stand_in.TOKEN,
            f"{prefix}REVOKE_URL": self.url + stand_in.REVOKE,
            f"{prefix}FOLDER": str(folder),
            f"{prefix}KEY": "file",
        }

    def settings(self, folder: Path, **changes: object) -> Settings:
        connections = ConnectionsSettings(
            google_client_id=stand_in.CLIENT_ID,
            google_client_secret=SecretStr(stand_in.CLIENT_SECRET),
            authorize_url=self.url + stand_in.AUTHORIZE,
            token_url=self.url + stand_in.TOKEN,
            revoke_url=self.url + stand_in.REVOKE,
            folder=folder,
            key="file",
        ).model_copy(update=changes)
        return Settings(connections=connections, fitbit=FitbitSettings())


@contextmanager
def google(clock: Clock, people: Sequence[str] = ("aoi", "ren")) -> Iterator[Google]:
    accounts = stand_in.GoogleAccounts(people, clock=clock)
    with serve(stand_in.create_app(accounts)) as url:
        yield Google(url, accounts)


def click(
    consent_url: str, person: str = "aoi", *, allow: bool = True, without: Sequence[str] = ()
) -> httpx.Response:
    """Open the consent page, untick some scopes, press a button; the answer is the way back, not followed."""
    with httpx.Client() as browser:
        page = browser.get(consent_url)
        assert page.status_code == 200, page.text
        form = [("ticket", _found(r'name="ticket" value="([^"]+)"', page.text)), ("person", person)]
        scopes = re.findall(r'name="scope" value="([^"]+)"', page.text)
        form += [("scope", scope) for scope in scopes if not any(word in scope for word in without)]
        form.append(("decision", "allow" if allow else "deny"))
        action = httpx.URL(consent_url).join(_found(r'action="([^"]+)"', page.text))
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return browser.post(action, content=urlencode(form), headers=headers)


def brought_back(answer: httpx.Response) -> dict[str, str]:
    """What the way back carries."""
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def connected(
    settings: Settings, clock: Clock, service: ServiceName = "fitbit", user_id: str = "aoi"
) -> Connection:
    """A person, connected by clicking."""
    consents = Consents(settings, clock)
    begun = consents.begin(service, user_id, REDIRECT)
    return consents.complete(service, begun.session, brought_back(click(begun.url, user_id)))


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1].replace("&amp;", "&")
