"""The vaults in AWS's services, against servers that speak them; and the local key's two homes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import boto3
import keyring
import keyring.backend
import keyring.errors
import msgspec
import pytest

from moderation_craft.clock import FixedClock, SystemClock
from moderation_craft.errors import AuthFailed, SetupError
from moderation_craft.settings import Settings
from moderation_craft.sources.oauth import vault_dynamodb
from moderation_craft.sources.oauth.overview import connection_state, disconnect
from moderation_craft.sources.oauth.tokens import connected_people, tokens_for
from moderation_craft.sources.oauth.vault import open_vault
from tests.sources.consenting import Google, connected, google


@pytest.fixture
def there() -> Iterator[Google]:
    with google(SystemClock()) as found:
        yield found


@pytest.fixture(params=["dynamodb", "secretsmanager"])
def settings(request: pytest.FixtureRequest, there: Google, aws_environment: str, tmp_path: Path) -> Settings:
    if request.param == "dynamodb":
        return _in_dynamodb(there, tmp_path)
    return there.settings(tmp_path, vault="secretsmanager", secret_prefix=f"mcraft/{uuid.uuid4().hex[:8]}")


def _in_dynamodb(there: Google, folder: Path) -> Settings:
    table = f"tokens-{uuid.uuid4().hex[:8]}"
    keys = {"user_id": "HASH", "service": "RANGE"}
    boto3.client("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],  # type: ignore[typeddict-item]
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
    )
    return there.settings(folder, vault="dynamodb", tokens_table=table)


def test_a_connection_is_kept_refreshed_and_forgotten_in_aws(there: Google, settings: Settings) -> None:
    user_id = "青井 =/aoi@example.com"
    there.accounts.people.append(user_id)
    clock = SystemClock()
    made = connected(settings, clock, user_id=user_id)
    assert open_vault(settings).get("fitbit", user_id) == made
    assert open_vault(settings).get("google", user_id) is None
    assert connected_people(settings) == {user_id}
    late = msgspec.structs.replace(
        made, renewed_at=made.renewed_at - timedelta(hours=2), expires_at=made.expires_at - timedelta(hours=2)
    )
    open_vault(settings).put(late)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: tokens_for("fitbit", settings, clock).access_token(user_id), range(16)))
    assert len(found) == 1 and there.accounts.asked["refresh_token"] == 1
    assert connection_state(settings, clock, "fitbit", user_id).state == "connected"
    assert disconnect(settings, "fitbit", user_id).outcome == "revoked"
    assert open_vault(settings).get("fitbit", user_id) is None and connected_people(settings) == set()


def test_the_table_holds_the_attributes_that_the_app_knows(
    there: Google, aws_environment: str, tmp_path: Path
) -> None:
    settings = _in_dynamodb(there, tmp_path)
    connected(settings, SystemClock())
    items = boto3.client("dynamodb").scan(TableName=settings.connections.tokens_table)["Items"]
    assert [set(item) for item in items] == [{"user_id", "service", "tokens", "expires_at", "scope", "updated_at"}]


def test_an_item_that_is_not_ours_asks_for_a_consent(there: Google, aws_environment: str, tmp_path: Path) -> None:
    settings = _in_dynamodb(there, tmp_path)
    item = {"user_id": {"S": "aoi"}, "service": {"S": "fitbit"}, "tokens": {"S": "an old Fitbit Web API token"}}
    boto3.client("dynamodb").put_item(TableName=settings.connections.tokens_table, Item=item)
    with pytest.raises(AuthFailed, match="no connection of this kind") as raised:
        tokens_for("fitbit", settings, SystemClock()).access_token("aoi")
    assert "old Fitbit" not in raised.value.paragraph()
    assert connection_state(settings, SystemClock(), "fitbit", "aoi").state == "unreadable"


def test_a_lease_whose_holder_died_is_taken_over(
    there: Google, aws_environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _in_dynamodb(there, tmp_path)
    item = {"user_id": {"S": "aoi"}, "service": {"S": "fitbit#lease"}, "holder": {"S": "dead"}}
    boto3.client("dynamodb").put_item(TableName=settings.connections.tokens_table, Item=item)
    monkeypatch.setattr(vault_dynamodb, "_LEASE_SECONDS", 0.3)
    assert connected(settings, SystemClock())
    assert len(boto3.client("dynamodb").scan(TableName=settings.connections.tokens_table)["Items"]) == 1


class InMemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring as a desktop has one, which can be out of reach; this machine has none."""

    priority = 9

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise keyring.errors.KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


@pytest.fixture
def a_keyring() -> Iterator[InMemoryKeyring]:
    before = keyring.get_keyring()
    keyring.set_keyring(InMemoryKeyring())
    found = keyring.get_keyring()
    assert isinstance(found, InMemoryKeyring)
    yield found
    keyring.set_keyring(before)


def test_the_key_lies_in_the_keyring_where_there_is_one(
    there: Google, a_keyring: InMemoryKeyring, tmp_path: Path
) -> None:
    settings = there.settings(tmp_path / "vault", key="auto")
    made = connected(settings, SystemClock())
    assert len(a_keyring.held) == 1
    assert not (tmp_path / "vault" / "vault.key").exists()
    tokens = tokens_for("fitbit", settings, SystemClock())
    assert tokens.access_token("aoi") == made.access_token
    a_keyring.is_locked = True
    with pytest.raises(AuthFailed, match="cannot be asked"):
        tokens.access_token("aoi")
    a_keyring.is_locked = False
    assert tokens.access_token("aoi") == made.access_token


def test_without_a_keyring_the_key_is_a_file_or_the_lack_is_said(
    there: Google, clock: FixedClock, tmp_path: Path
) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    try:
        connected(there.settings(tmp_path / "auto", key="auto"), clock)
        assert (tmp_path / "auto" / "vault.key").stat().st_mode & 0o777 == 0o600
        with pytest.raises(SetupError, match="keyring"):
            connected(there.settings(tmp_path / "keyring", key="keyring"), clock)
    finally:
        keyring.set_keyring(before)
