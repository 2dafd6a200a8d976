"""Tokens in use: refreshed once, stored before use, lost or withdrawn without a storm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from moderation_craft.clock import FixedClock, SystemClock
from moderation_craft.errors import AuthFailed, McraftError, Unavailable
from moderation_craft.settings import Settings
from moderation_craft.sources.oauth.connection import Connection, ConsentGone
from moderation_craft.sources.oauth.overview import connection_state
from moderation_craft.sources.oauth.tokens import VaultTokens, connected_people, tokens_for
from moderation_craft.sources.oauth.vault import open_vault
from tests.conftest import wait_until
from tests.sources.consenting import Google, connected, google


@pytest.fixture
def there(clock: FixedClock) -> Iterator[Google]:
    with google(clock) as found:
        yield found


@pytest.fixture
def settings(there: Google, tmp_path: Path) -> Settings:
    return there.settings(tmp_path / "vault")


def test_a_token_is_used_while_it_is_good_and_refreshed_after(
    there: Google, settings: Settings, clock: FixedClock
) -> None:
    made = connected(settings, clock)
    tokens = tokens_for("fitbit", settings, clock)
    assert tokens.is_connected("aoi") and not tokens.is_connected("ren")
    assert tokens.access_token("aoi") == made.access_token and tokens.access_token("ren") is None
    assert there.accounts.asked["refresh_token"] == 0
    clock.instant += timedelta(minutes=58)
    renewed = tokens.access_token("aoi")
    assert renewed != made.access_token and tokens.access_token("aoi") == renewed
    assert there.accounts.asked["refresh_token"] == 1
    assert tokens.scopes("aoi") == frozenset(made.scopes)
    assert connected_people(settings) == {"aoi"}


def test_an_answer_without_a_refresh_token_keeps_the_one_there_is(
    there: Google, settings: Settings, clock: FixedClock
) -> None:
    made = connected(settings, clock)
    for _ in range(3):
        clock.instant += timedelta(hours=2)
        assert tokens_for("fitbit", settings, clock).access_token("aoi")
    held = open_vault(settings).get("fitbit", "aoi")
    assert held is not None and held.refresh_token == made.refresh_token
    assert there.accounts.asked["refresh_token"] == 3


@pytest.mark.parametrize("minutes", [-600, -30, -4, 4, 30])
def test_a_clock_that_is_off_by_minutes_or_set_back_costs_one_refresh_at_most(
    there: Google, settings: Settings, clock: FixedClock, minutes: int
) -> None:
    """The provider's clock stays: a token that it takes no more is never used, and none is refreshed in a loop."""
    connected(settings, clock)
    ours = FixedClock(clock.instant + timedelta(minutes=minutes))
    tokens = tokens_for("fitbit", settings, ours)
    for _ in range(5):
        token = tokens.access_token("aoi")
        assert token and there.accounts.grants.owner(token)
    assert there.accounts.asked["refresh_token"] <= 1


def test_after_a_401_another_token_comes_once(there: Google, settings: Settings, clock: FixedClock) -> None:
    made = connected(settings, clock)
    tokens = tokens_for("fitbit", settings, clock)
    clock.instant += timedelta(minutes=10)
    renewed = tokens.renewed("aoi", made.access_token)
    assert renewed not in (None, made.access_token)
    assert tokens.renewed("aoi", made.access_token) == renewed, "somebody else's refresh is taken over"
    assert renewed and tokens.renewed("aoi", renewed) is None, "a token of just now is not renewed again"
    assert there.accounts.asked["refresh_token"] == 1


WORKER = """
    import sys
    from concurrent.futures import ThreadPoolExecutor
    from moderation_craft.clock import SystemClock
    from moderation_craft.settings import Settings
    from moderation_craft.sources.oauth.tokens import tokens_for

    settings, clock = Settings(), SystemClock()
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: tokens_for("fitbit", settings, clock).access_token("aoi"), range(8)))
    print(len(found), hash(found.pop()) != 0, flush=True)
"""


def test_eight_threads_and_two_processes_refresh_once(tmp_path: Path) -> None:
    with google(SystemClock()) as there:
        settings = there.settings(tmp_path / "vault")
        _expired(settings, connected(settings, SystemClock()))
        workers = [_python(WORKER, there.environment(tmp_path / "vault")) for _ in range(2)]
        for worker in workers:
            assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        tokens = tokens_for("fitbit", settings, SystemClock())
        with ThreadPoolExecutor(8) as pool:
            ours = set(pool.map(lambda _: tokens.access_token("aoi"), range(40)))
        assert [worker.communicate(timeout=60)[0] for worker in workers] == ["1 True\n"] * 2
        assert len(ours) == 1
        assert there.accounts.asked["refresh_token"] == 1


DIES_AFTER_STORING = """
    import os, signal
    from moderation_craft.clock import SystemClock
    from moderation_craft.settings import Settings
    from moderation_craft.sources.oauth.tokens import tokens_for
    from moderation_craft.sources.oauth.vault_local import LocalVault

    put = LocalVault.put

    def put_and_die(vault, connection):
        put(vault, connection)
        os.kill(os.getpid(), signal.SIGKILL)

    LocalVault.put = put_and_die
    tokens_for("fitbit", Settings(), SystemClock()).access_token("aoi")
"""


def test_a_rotated_token_survives_a_kill_before_it_was_used(tmp_path: Path) -> None:
    with google(SystemClock()) as there:
        there.accounts.grants.rotates = True
        settings = there.settings(tmp_path / "vault")
        made = _expired(settings, connected(settings, SystemClock()))
        killed = _python(DIES_AFTER_STORING, there.environment(tmp_path / "vault"))
        killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL
        assert there.accounts.grants.refreshable(made.refresh_token or "") is None, "the old one is replaced there"
        held = open_vault(settings).get("fitbit", "aoi")
        assert held is not None and held.refresh_token != made.refresh_token
        token = tokens_for("fitbit", settings, SystemClock()).access_token("aoi")
        assert token and there.accounts.grants.owner(token)
        assert _expired(settings, held) and tokens_for("fitbit", settings, SystemClock()).access_token("aoi")


PUTS_FOR_EVER = """
    import msgspec
    from moderation_craft.settings import Settings
    from moderation_craft.sources.oauth.vault import open_vault

    vault = open_vault(Settings())
    held = vault.get("fitbit", "aoi")
    print("ready", flush=True)
    while True:
        vault.put(held)
"""


def test_a_vault_survives_kills_while_it_is_written(tmp_path: Path) -> None:
    with google(SystemClock()) as there:
        settings = there.settings(tmp_path / "vault")
        made = connected(settings, SystemClock())
        sealed = tmp_path / "vault" / "fitbit~aoi.sealed"
        for _ in range(5):
            writer = _python(PUTS_FOR_EVER, there.environment(tmp_path / "vault"))
            assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
            before = sealed.stat().st_mtime_ns
            wait_until(lambda was=before: sealed.stat().st_mtime_ns != was, "nothing was written")  # type: ignore[misc]
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate(timeout=60)
            assert open_vault(settings).get("fitbit", "aoi") == made


def test_a_withdrawn_consent_is_said_once_and_not_asked_about_again(
    there: Google, settings: Settings, clock: FixedClock
) -> None:
    connected(settings, clock)
    there.accounts.grants.withdraw("aoi")
    clock.instant += timedelta(hours=2)
    tokens = tokens_for("fitbit", settings, clock)
    for _ in range(4):
        with pytest.raises(ConsentGone, match="withdrawn") as raised:
            tokens.access_token("aoi")
        assert "mcraft connect fitbit --user aoi" in raised.value.remedy
    assert there.accounts.asked["refresh_token"] == 1
    state = connection_state(settings, clock, "fitbit", "aoi")
    assert state.state == "gone" and state.warning is not None and state.warning.name == "withdrawn"
    assert tokens.is_connected("aoi"), "so that the run says that these days are missing, and why"
    assert connected(settings, clock) and tokens.access_token("aoi")


def test_a_testing_consent_is_warned_of_before_it_dies_and_said_when_it_did(
    there: Google, settings: Settings, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    there.accounts.grants.testing = True
    connected(settings, clock)
    tokens = tokens_for("fitbit", settings, clock)
    clock.instant += timedelta(days=3, hours=23)
    assert tokens.access_token("aoi")
    assert connection_state(settings, clock, "fitbit", "aoi").warning is None
    assert "ends soon" not in capsys.readouterr().out
    clock.instant += timedelta(hours=2)
    assert tokens.access_token("aoi") and "ends soon" in capsys.readouterr().out
    warning = connection_state(settings, clock, "fitbit", "aoi").warning
    assert warning is not None and warning.name == "dies_soon" and "3.0 days" in warning.message
    clock.instant += timedelta(days=4)
    with pytest.raises(ConsentGone, match="seven days"):
        tokens.access_token("aoi")
    assert connection_state(settings, clock, "fitbit", "aoi").state == "gone"


def test_many_workers_do_not_storm_a_provider_that_is_down(
    there: Google, settings: Settings, clock: FixedClock
) -> None:
    made = connected(settings, clock)
    clock.instant += timedelta(hours=2)
    there.accounts.fails = 503
    tokens = tokens_for("fitbit", settings, clock)

    def ask(_: int) -> type[Exception]:
        with pytest.raises(McraftError) as raised:
            tokens.access_token("aoi")
        return raised.type

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(24))) == {Unavailable}
    assert there.accounts.asked["refresh_token"] == 3
    there.accounts.fails = None
    renewed = tokens_for("fitbit", settings, clock).access_token("aoi")
    assert renewed and renewed != made.access_token


def test_a_file_cut_in_half_is_answered_from_the_generation_before(
    there: Google, settings: Settings, clock: FixedClock
) -> None:
    connected(settings, clock)
    clock.instant += timedelta(hours=2)
    tokens = tokens_for("fitbit", settings, clock)
    tokens.access_token("aoi")
    sealed = _sealed(settings)
    sealed.write_bytes(sealed.read_bytes()[: sealed.stat().st_size // 2])
    token = tokens.access_token("aoi")
    assert token and there.accounts.grants.owner(token)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_both_generations_cut_ask_for_a_new_consent_and_never_loop(
    there: Google, settings: Settings, clock: FixedClock, kept: float
) -> None:
    connected(settings, clock)
    connected(settings, clock)
    for path in (_sealed(settings), _sealed(settings).with_suffix(".sealed.previous")):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    tokens = tokens_for("fitbit", settings, clock)
    for _ in range(3):
        with pytest.raises(AuthFailed) as raised:
            tokens.access_token("aoi")
        assert "mcraft connect fitbit" in raised.value.remedy
    assert tokens.scopes("aoi") == frozenset() and tokens.is_connected("aoi")
    assert connection_state(settings, clock, "fitbit", "aoi").state == "unreadable"
    assert there.accounts.asked["refresh_token"] == 0
    again = connected(settings, clock)
    assert tokens.access_token("aoi") == again.access_token


def test_a_lost_key_asks_for_a_new_consent(settings: Settings, clock: FixedClock) -> None:
    connected(settings, clock)
    key = _sealed(settings).with_name("vault.key")
    key.unlink()
    tokens = tokens_for("fitbit", settings, clock)
    with pytest.raises(AuthFailed, match="key"):
        tokens.access_token("aoi")
    again = connected(settings, clock)
    assert tokens.access_token("aoi") == again.access_token
    assert key.stat().st_mode & 0o777 == 0o600


def test_what_is_kept_is_sealed_to_whose_it_is_and_to_nobody_elses_eyes(
    settings: Settings, clock: FixedClock
) -> None:
    made = connected(settings, clock)
    sealed = _sealed(settings)
    for path in sealed.parent.iterdir():
        held = path.read_bytes()
        assert made.access_token.encode() not in held and (made.refresh_token or "?").encode() not in held
        assert path.suffix == ".lock" or path.stat().st_mode & 0o777 == 0o600, path
    assert sealed.parent.stat().st_mode & 0o777 == 0o700
    sealed.rename(sealed.with_name("fitbit~ren.sealed"))
    with pytest.raises(AuthFailed):
        tokens_for("fitbit", settings, clock).access_token("ren")
    assert made.access_token not in repr(made) and (made.refresh_token or "?") not in repr(made)


def test_tokens_of_the_settings_stay_for_those_without_a_consent(
    there: Google, settings: Settings, clock: FixedClock, tmp_path: Path
) -> None:
    fitbit = settings.fitbit.model_validate({"access_tokens": {"ren": "set-by-hand", "aoi": "set-by-hand-too"}})
    both = settings.model_copy(update={"fitbit": fitbit})
    made = connected(both, clock)
    tokens = tokens_for("fitbit", both, clock)
    assert isinstance(tokens, VaultTokens)
    assert tokens.access_token("aoi") == made.access_token and tokens.access_token("ren") == "set-by-hand"
    assert tokens.renewed("ren", "set-by-hand") is None and tokens.scopes("ren") == frozenset()
    assert connected_people(both) == {"aoi", "ren"}
    assert connection_state(both, clock, "fitbit", "ren").state == "fixed"
    assert connection_state(both, clock, "google", "ren").state == "none"


def _sealed(settings: Settings) -> Path:
    assert settings.connections.folder is not None
    return settings.connections.folder / "fitbit~aoi.sealed"


def _expired(settings: Settings, held: Connection) -> Connection:
    """The same connection, as it is two hours later."""
    late = msgspec.structs.replace(
        held, renewed_at=held.renewed_at - timedelta(hours=2), expires_at=held.expires_at - timedelta(hours=2)
    )
    open_vault(settings).put(late)
    return late


def _python(code: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MCRAFT_"))}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**inherited, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "secret", ["ya29.a0AfB_byCsomething", "1//0eXyzABCDEFGHsome-thing", "4/0AX4XfWhsomething", "GOCSPX-something1"]
)
def test_googles_secrets_are_known_by_how_they_begin(secret: str) -> None:
    error = Unavailable(f"refused {secret}, on 1/02/2026", remedy=secret)
    assert secret not in error.paragraph() and "on 1/02/2026" in error.paragraph()
