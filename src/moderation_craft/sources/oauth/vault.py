"""Where connections are kept: one interface, three homes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import platformdirs

from moderation_craft.errors import SetupError, StopError
from moderation_craft.settings import Settings
from moderation_craft.sources.oauth.connection import Connection
from moderation_craft.sources.oauth.services import ServiceName

APP = "moderation-craft"


class Vault(Protocol):
    """Connections, encrypted at rest. `put` has reached the disk or the table when it returns."""

    def get(self, service: ServiceName, user_id: str) -> Connection | None:
        """What is held, or None; Unreadable where something is held and cannot be read."""
        ...

    def has(self, service: ServiceName, user_id: str) -> bool:
        """Whether something is held, readable or not; needs no key."""
        ...

    def put(self, connection: Connection) -> None: ...

    def delete(self, service: ServiceName, user_id: str) -> bool:
        """Forget, with every older generation; whether there was anything."""
        ...

    def people(self, service: ServiceName) -> set[str]:
        """Who has something held, readable or not; needs no key."""
        ...

    def held(self, service: ServiceName, user_id: str) -> AbstractContextManager[None]:
        """Hold this connection against every other thread and process; Unavailable where it takes too long."""
        ...


class Unreadable(StopError):
    """What is kept cannot be decrypted: damaged beyond its previous generation, or its key is not to be had."""

    code, name = "E001", "AUTH_FAILED"


def open_vault(settings: Settings) -> Vault:
    """The vault that the settings name; nothing is created before the first connection is put into it."""
    connections = settings.connections
    if connections.vault == "dynamodb":
        from moderation_craft.sources.oauth.vault_dynamodb import DynamoDBVault

        return DynamoDBVault(connections.tokens_table, connections.region, connections.endpoint_url)
    if connections.vault == "secretsmanager":
        from moderation_craft.sources.oauth.vault_secrets import SecretsVault

        return SecretsVault(connections.secret_prefix, connections.region, connections.endpoint_url)
    from moderation_craft.sources.oauth.vault_local import LocalVault

    return LocalVault(local_folder(settings), connections.key)


def local_folder(settings: Settings) -> Path:
    """The local vault's folder; SetupError where it would lie in the lake, whose files get copied and shared."""
    folder = settings.connections.folder or Path(platformdirs.user_config_dir(APP, appauthor=False))
    folder = folder.expanduser().absolute()
    if "://" not in settings.lake and folder.resolve().is_relative_to(Path(settings.lake).resolve()):
        raise SetupError(
            f"connections.folder, {folder}, lies in the lake, where no credentials may be.",
            remedy="choose a folder outside the lake, or leave connections.folder out.",
        )
    return folder
