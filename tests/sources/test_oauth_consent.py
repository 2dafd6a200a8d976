"""The way to a consent and back, against Google's stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from moderation_craft.clock import FixedClock
from moderation_craft.errors import AuthFailed, SetupError, Unavailable
from moderation_craft.sources.oauth.consent import AnswerRefused, Consents
from moderation_craft.sources.oauth.overview import connection_state, disconnect
from moderation_craft.sources.oauth.provider import ClientRefused, GrantRefused, Provider
from moderation_craft.sources.oauth.services import SERVICES
from moderation_craft.sources.oauth.vault import open_vault
from tests.sources.consenting import REDIRECT, Google, brought_back, click, connected, google


@pytest.fixture
def there(clock: FixedClock) -> Iterator[Google]:
    with google(clock) as found:
        yield found


def test_the_consent_address_asks_as_google_documents_it(there: Google, clock: FixedClock, tmp_path: Path) -> None:
    begun = Consents(there.settings(tmp_path), clock).begin("fitbit", "aoi", REDIRECT)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    assert asked["access_type"] == "offline" and asked["prompt"] == "consent"
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert asked["redirect_uri"] == REDIRECT and asked["response_type"] == "code"
    assert set(asked["scope"].split()) == set(SERVICES["fitbit"].scopes)
    assert "client_secret" not in begun.url and "code_verifier" not in begun.url
    assert begun.state not in repr(begun) and begun.session not in repr(begun)


def test_what_was_granted_and_what_was_not_is_known(there: Google, clock: FixedClock, tmp_path: Path) -> None:
    settings = there.settings(tmp_path)
    consents = Consents(settings, clock)
    begun = consents.begin("fitbit", "aoi", REDIRECT)
    answer = brought_back(click(begun.url, without=["mindfulness", "sleep"]))
    made = consents.complete("fitbit", begun.session, answer)
    assert {scope.rsplit(".", 2)[1] for scope in made.scopes} == {
        "activity_and_fitness",
        "health_metrics_and_measurements",
    }
    state = connection_state(settings, clock, "fitbit", "aoi")
    assert state.is_connected and len(state.missing_scopes) == 2
    assert state.warning is not None and state.warning.name == "scopes_missing"
    assert "sleep" in state.warning.message and "mindfulness" in state.warning.message


def test_a_refused_consent_is_said_and_keeps_nothing(there: Google, clock: FixedClock, tmp_path: Path) -> None:
    settings = there.settings(tmp_path / "vault")
    consents = Consents(settings, clock)
    begun = consents.begin("fitbit", "aoi", REDIRECT)
    answer = brought_back(click(begun.url, allow=False))
    with pytest.raises(AuthFailed, match="refused"):
        consents.complete("fitbit", begun.session, answer)
    assert open_vault(settings).people("fitbit") == set()
    assert not (tmp_path / "vault").exists()


def test_a_replayed_answer_is_refused(there: Google, clock: FixedClock, tmp_path: Path) -> None:
    settings = there.settings(tmp_path)
    consents = Consents(settings, clock)
    begun = consents.begin("fitbit", "aoi", REDIRECT)
    answer = brought_back(click(begun.url))
    made = consents.complete("fitbit", begun.session, answer)
    with pytest.raises(AnswerRefused, match="used already"):
        consents.complete("fitbit", begun.session, answer)
    assert there.accounts.asked["authorization_code"] == 1
    assert open_vault(settings).get("fitbit", "aoi") == made


def test_the_provider_refuses_a_code_twice_and_a_verifier_that_is_not_the_one(
    there: Google, clock: FixedClock, tmp_path: Path
) -> None:
    provider = Provider(there.settings(tmp_path).connections)
    verifier = "v" * 60
    url = provider.consent_url(SERVICES["fitbit"], REDIRECT, "some-state", verifier)
    code = brought_back(click(url))["code"]
    with pytest.raises(GrantRefused):
        provider.exchange(code, "w" * 60, REDIRECT)
    code = brought_back(click(url))["code"]
    assert provider.exchange(code, verifier, REDIRECT).refresh_token
    with pytest.raises(GrantRefused):
        provider.exchange(code, verifier, REDIRECT)


@pytest.mark.parametrize("session", [None, "", "somebody-else's", "…"])
def test_an_answer_in_another_browser_is_refused_and_the_right_one_still_works(
    there: Google, clock: FixedClock, tmp_path: Path, session: str | None
) -> None:
    consents = Consents(there.settings(tmp_path), clock)
    begun = consents.begin("fitbit", "aoi", REDIRECT)
    answer = brought_back(click(begun.url))
    with pytest.raises(AnswerRefused, match="another browser"):
        consents.complete("fitbit", session, answer)
    with pytest.raises(AnswerRefused):
        consents.complete("google", begun.session, answer)
    assert consents.complete("fitbit", begun.session, answer).user_id == "aoi"


@pytest.mark.parametrize("minutes", [11, 60 * 24])
def test_an_expired_state_is_refused(there: Google, clock: FixedClock, tmp_path: Path, minutes: int) -> None:
    consents = Consents(there.settings(tmp_path), clock)
    begun = consents.begin("fitbit", "aoi", REDIRECT)
    answer = brought_back(click(begun.url))
    clock.instant += timedelta(minutes=minutes)
    with pytest.raises(AnswerRefused, match="ten minutes"):
        consents.complete("fitbit", begun.session, answer)
    assert there.accounts.asked["authorization_code"] == 0


@pytest.mark.parametrize("minutes", [-7, 0, 9])
def test_a_clock_that_jumps_by_minutes_meanwhile_does_no_harm(
    there: Google, clock: FixedClock, tmp_path: Path, minutes: int
) -> None:
    consents = Consents(there.settings(tmp_path), clock)
    begun = consents.begin("fitbit", "aoi", REDIRECT)
    answer = brought_back(click(begun.url))
    clock.instant += timedelta(minutes=minutes)
    assert consents.complete("fitbit", begun.session, answer).is_fresh(clock.now())


def test_a_wrong_client_id_stops_on_googles_own_page(there: Google, clock: FixedClock, tmp_path: Path) -> None:
    settings = there.settings(tmp_path, google_client_id="another.apps.googleusercontent.com")
    begun = Consents(settings, clock).begin("fitbit", "aoi", REDIRECT)
    page = httpx.get(begun.url)
    assert page.status_code == 401 and "invalid_client" in page.text and "location" not in page.headers


def test_a_wrong_client_secret_is_said_with_what_to_mend(there: Google, clock: FixedClock, tmp_path: Path) -> None:
    settings = there.settings(tmp_path, google_client_secret=SecretStr("not-the-secret-at-all"))
    with pytest.raises(ClientRefused) as raised:
        connected(settings, clock)
    assert "GOOGLE_CLIENT_SECRET" in raised.value.remedy
    assert "not-the-secret-at-all" not in raised.value.paragraph()


def test_without_a_client_it_is_said_what_to_set(there: Google, clock: FixedClock, tmp_path: Path) -> None:
    settings = there.settings(tmp_path, google_client_id=None)
    with pytest.raises(SetupError, match="No Google Cloud client"):
        Consents(settings, clock).begin("fitbit", "aoi", REDIRECT)


@pytest.mark.parametrize(("status", "asked"), [(503, 3), (500, 3)])
def test_a_failing_provider_is_asked_a_few_times_and_said(
    there: Google, clock: FixedClock, tmp_path: Path, status: int, asked: int
) -> None:
    there.accounts.fails = status
    with pytest.raises(Unavailable, match=str(status)):
        connected(there.settings(tmp_path), clock)
    assert there.accounts.asked["authorization_code"] == asked


def test_disconnecting_tells_google_and_forgets(there: Google, clock: FixedClock, tmp_path: Path) -> None:
    settings = there.settings(tmp_path)
    made = connected(settings, clock)
    assert there.accounts.grants.owner(made.access_token)
    assert disconnect(settings, "fitbit", "aoi").outcome == "revoked"
    assert there.accounts.grants.owner(made.access_token) is None
    assert not list(tmp_path.glob("fitbit~*.sealed*"))
    assert disconnect(settings, "fitbit", "aoi").outcome == "nothing"


def test_disconnecting_forgets_also_where_google_is_down_and_says_so(
    there: Google, clock: FixedClock, tmp_path: Path
) -> None:
    settings = there.settings(tmp_path)
    connected(settings, clock)
    there.accounts.fails = 503
    done = disconnect(settings, "fitbit", "aoi")
    assert done.outcome == "not_told" and "myaccount.google.com" in done.note
    assert open_vault(settings).get("fitbit", "aoi") is None


def test_a_vault_in_the_lake_is_refused(there: Google, tmp_path: Path) -> None:
    settings = there.settings(tmp_path / "lake" / "keys").model_copy(update={"lake": str(tmp_path / "lake")})
    with pytest.raises(SetupError, match="lies in the lake"):
        open_vault(settings)
