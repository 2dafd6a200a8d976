"""/api/integrations: the consent in a browser, on a served lake; what a forged or replayed answer meets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from moderation_craft.clock import SystemClock
from moderation_craft.sources.fitbit import stand_in as fitbit_stand_in
from moderation_craft.sources.google import stand_in
from moderation_craft.sources.stand_in import serve
from tests.serve.server import served
from tests.sources.consenting import Google, click, google

AUTHORIZE = "/api/integrations/fitbit/authorize"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Google]]:
    folder = tmp_path_factory.mktemp("integrations")
    with ExitStack() as stack:
        there = stack.enter_context(google(SystemClock()))
        day = datetime.now(UTC).date() - timedelta(days=1)
        person = fitbit_stand_in.seeded_person("aoi", "no token of Google's", [day - timedelta(days=1), day])
        health = fitbit_stand_in.create_app([person], who=there.accounts.grants.owner)
        environment = there.environment(folder / "vault") | {
            "MCRAFT_FITBIT__BASE_URL": stack.enter_context(serve(health)) + "/v4",
            "MCRAFT_SCHEDULE__ENABLED": "false",
        }
        yield stack.enter_context(served(folder, **environment)), there


@pytest.fixture
def api(world: tuple[str, Google]) -> Iterator[httpx.Client]:
    """A browser: keeps its cookies, follows nothing by itself."""
    with httpx.Client(base_url=world[0], timeout=30) as client:
        yield client
        client.post("/api/integrations/fitbit/revoke", json={"userId": "aoi"})


def state_of(api: httpx.Client) -> dict[str, object]:
    found: dict[str, object] = api.get("/api/integrations/fitbit/status", params={"user": "aoi"}).json()["data"]
    return found


def to_google(api: httpx.Client, user: str = "aoi") -> str:
    answer = api.get(AUTHORIZE, params={"user": user})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_consent_in_the_browser_connects_tests_and_is_taken_back(
    api: httpx.Client, world: tuple[str, Google]
) -> None:
    assert state_of(api)["state"] == "none"
    back = click(to_google(api)).headers["location"]
    assert urlsplit(back).path == "/api/integrations/fitbit/callback"
    home = api.get(back)
    assert home.status_code == 303
    assert home.headers["location"] == "/settings/integrations?connected=fitbit&user=aoi"
    assert not [name for name in api.cookies if name.startswith("mcraft_consent")], "the cookie is gone with it"

    state = state_of(api)
    assert state["isConnected"] is True and state["missingScopes"] == [] and state["warning"] is None
    tested = api.post("/api/integrations/fitbit/test", json={"userId": "aoi"}).json()
    assert tested["data"]["works"] is True
    services = api.get("/api/integrations").json()["data"]["services"]
    assert [service["service"] for service in services] == ["fitbit", "google"]
    assert [(person["userId"], person["state"]) for person in services[0]["people"]] == [("aoi", "connected")]
    assert services[0]["cannotConnect"] is None

    done = api.post("/api/integrations/fitbit/revoke", json={"userId": "aoi"}).json()["data"]
    assert done["outcome"] == "revoked" and state_of(api)["state"] == "none"
    assert api.post("/api/integrations/fitbit/test", json={"userId": "aoi"}).status_code == 401


def test_a_replayed_answer_is_refused_on_a_page_that_a_person_can_read(api: httpx.Client) -> None:
    back = click(to_google(api)).headers["location"]
    cookies = dict(api.cookies)
    assert api.get(back).status_code == 303
    again = api.get(back, headers={"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())})
    assert again.status_code == 403 and again.headers["content-type"].startswith("text/html")
    assert "used already" in again.text and "/settings/integrations" in again.text and 'lang="ja"' in again.text


def test_an_answer_without_the_cookie_of_its_browser_is_refused(
    api: httpx.Client, world: tuple[str, Google]
) -> None:
    back = click(to_google(api)).headers["location"]
    foreign = httpx.get(back)
    assert foreign.status_code == 403 and "another browser" in foreign.text
    assert state_of(api)["state"] == "none"
    assert api.get(back).headers["location"].startswith("/settings/integrations?connected=")


def test_a_refused_consent_goes_back_to_the_page_with_the_reason(api: httpx.Client) -> None:
    back = click(to_google(api), allow=False).headers["location"]
    assert api.get(back).headers["location"] == "/settings/integrations?refused=fitbit&why=denied"
    assert state_of(api)["state"] == "none"


def test_a_failing_provider_goes_back_to_the_page_with_the_reason(
    api: httpx.Client, world: tuple[str, Google]
) -> None:
    back = click(to_google(api)).headers["location"]
    world[1].accounts.fails = 503
    try:
        assert api.get(back).headers["location"] == "/settings/integrations?refused=fitbit&why=unavailable"
    finally:
        world[1].accounts.fails = None


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "aoi\r\nX: y"])
def test_no_answer_leads_anywhere_but_google_and_the_settings_page(
    api: httpx.Client, world: tuple[str, Google], evil: str
) -> None:
    """No parameter is an address, and what a parameter holds never becomes one."""
    told = {"state": evil, "code": evil, "error": evil, "redirect": evil, "next": evil, "redirect_uri": evil}
    forged = api.get("/api/integrations/fitbit/callback", params=told)
    assert forged.status_code == 403 and "location" not in forged.headers and evil not in forged.text
    asked = api.get(AUTHORIZE, params={"user": evil, **told})
    assert asked.headers["location"].startswith(world[1].url + stand_in.AUTHORIZE)
    redirect = parse_qs(urlsplit(asked.headers["location"]).query)["redirect_uri"][0]
    assert re.fullmatch(r"http://localhost:\d+/api/integrations/fitbit/callback", redirect)


def test_other_hosts_and_other_origins_are_kept_out(api: httpx.Client) -> None:
    assert api.get(AUTHORIZE, params={"user": "aoi"}, headers={"host": "evil.example"}).status_code == 400
    foreign = api.post(
        "/api/integrations/fitbit/revoke", json={"userId": "aoi"}, headers={"origin": "https://evil.example"}
    )
    assert foreign.status_code == 403


def test_the_cookie_is_for_the_callback_alone_and_out_of_reach_of_scripts(api: httpx.Client) -> None:
    cookie = api.get(AUTHORIZE, params={"user": "aoi"}).headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "max-age=600", "path=/api/integrations/fitbit/callback"):
        assert part in cookie


def test_without_a_client_the_browser_gets_a_page_and_the_api_says_what_is_missing(tmp_path: Path) -> None:
    environment = {"MCRAFT_CONNECTIONS__FOLDER": str(tmp_path / "vault"), "MCRAFT_CONNECTIONS__KEY": "file"}
    with served(tmp_path, **environment) as address, httpx.Client(base_url=address, timeout=30) as api:
        page = api.get(AUTHORIZE, params={"user": "aoi"})
        assert page.status_code == 409 and "No Google Cloud client is set" in page.text
        services = api.get("/api/integrations").json()["data"]["services"]
        assert "docs/connect.md" in services[0]["cannotConnect"] and services[0]["people"] == []
