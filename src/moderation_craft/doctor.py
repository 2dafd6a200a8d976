"""Is this machine ready? Each check says what it found and, where something is wrong, what to mend."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from moderation_craft.clock import SystemClock
from moderation_craft.errors import McraftError
from moderation_craft.lake import Lake
from moderation_craft.pipeline.status import demo_marker
from moderation_craft.serve.server import check_port
from moderation_craft.settings import CONFIG_FILE, DEFAULT_TABLE, Settings
from moderation_craft.sources.dynamodb.client import DynamoDBClient
from moderation_craft.sources.oauth.overview import connection_state
from moderation_craft.sources.oauth.services import SERVICES
from moderation_craft.sources.oauth.vault import local_folder, open_vault
from moderation_craft.sources.oauth.vault_key import VaultKey, is_private
from moderation_craft.warehouse.gold import Gold

_LEAST_FREE_BYTES = 1_000_000_000
_VERSIONS = ("moderation-craft", "duckdb", "dbt-core", "dbt-duckdb", "obstore", "pyarrow")


@dataclass(frozen=True)
class Check:
    name: str
    state: Literal["good", "note", "bad"]
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def examine(settings: Settings) -> list[Check]:
    """Every check, in the data's order; a failing one does not stop the others."""
    checks: list[Callable[[Settings], Check]] = [
        _versions,
        _config,
        _lake,
        _space,
        _app_table,
        _connections,
        _gold,
        _port,
    ]
    return [_guarded(check, settings) for check in checks]


def _guarded(check: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return check(settings)
    except McraftError as error:
        return Check(check.__name__.strip("_"), "bad", f"{error.code} {error.message}", error.remedy)


def _versions(settings: Settings) -> Check:
    found = [f"Python {platform.python_version()}"]
    missing = []
    for name in _VERSIONS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing or sys.version_info < (3, 11):
        return Check("versions", "bad", ", ".join(found), f"install {', '.join(missing) or 'Python 3.11'}")
    return Check("versions", "good", ", ".join(found))


def _config(settings: Settings) -> Check:
    path = Path(CONFIG_FILE)
    return Check("settings", "good", f"from {path.absolute()}" if path.exists() else "defaults and environment")


def _lake(settings: Settings) -> Check:
    lake = Lake.open(settings.lake)
    objects, size = lake.totals("raw/")
    kind = ", a demo" if demo_marker(lake) else ""
    return Check("lake", "good", f"{lake.address}{kind}: {objects:,} raw objects, {size / 1e6:,.1f} MB")


def _space(settings: Settings) -> Check:
    lake = Lake.open(settings.lake)
    if not lake.storage.is_folder:
        return Check("space", "note", "the lake is in S3")
    free = shutil.disk_usage(lake.storage.folder).free
    found = f"{free / 1e9:,.1f} GB free"
    if free < _LEAST_FREE_BYTES:
        return Check("space", "bad", found, "free at least 1 GB")
    return Check("space", "good", found)


def _app_table(settings: Settings) -> Check:
    dynamodb = settings.dynamodb
    if not (dynamodb.table or dynamodb.endpoint_url):
        return Check("app table", "note", "none is set", f"set dynamodb.table in {CONFIG_FILE} to export one")
    table = dynamodb.table or DEFAULT_TABLE
    with DynamoDBClient(region=dynamodb.region, endpoint_url=dynamodb.endpoint_url, attempts=1) as client:
        items = client.describe(table).item_count
        return Check("app table", "good", f"{table} at {client.endpoint_url}, about {items or 0:,} items")


def _connections(settings: Settings) -> Check:
    name, clock = "connections", SystemClock()
    if problem := _exposed_vault(settings):
        return Check(name, "bad", *problem)
    vault = open_vault(settings)
    states = [
        connection_state(settings, clock, service, user_id)
        for service in SERVICES
        for user_id in sorted(vault.people(service))
    ]
    warned = [(state, state.warning) for state in states if state.warning]
    if warned:
        found = "; ".join(f"{state.user_id} and {state.service}: {warning.message}" for state, warning in warned)
        is_note = all(state.is_connected for state, _ in warned)
        return Check(name, "note" if is_note else "bad", found, warned[0][1].remedy)
    if states:
        return Check(name, "good", ", ".join(f"{state.user_id} to {state.service}" for state in states))
    if settings.connections.google_client_id is None:
        return Check(name, "note", "no Google Cloud client is set", "docs/connect.md tells how to make one")
    return Check(name, "note", "nobody is connected", "`mcraft connect fitbit`, or /settings/integrations")


def _exposed_vault(settings: Settings) -> tuple[str, str] | None:
    """What is wrong with where a local vault lies, and what to do; None where nothing is."""
    if settings.connections.vault != "local":
        return None
    folder = local_folder(settings)
    if not folder.exists():
        return None
    key = VaultKey(folder, settings.connections.key)
    if key.home() == "file" and key.file.exists() and not is_private(key.file):
        return f"others can read the key file {key.file}", f"chmod 600 {key.file}"
    repository = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)
    if repository is not None and settings.connections.folder is not None:
        return f"the connections lie in the repository {repository}", "move connections.folder out of it"
    if key.home() is not None:
        key.read()
    return None


def _gold(settings: Settings) -> Check:
    gold = Gold.open_or_none(Lake.open(settings.lake))
    if gold is None:
        return Check("gold", "note", "nothing published yet", "run `mcraft run`, or `mcraft demo` to look around")
    return Check("gold", "good", f"version {gold.version}, {len(gold.marts)} marts, {len(gold.people)} people")


def _port(settings: Settings) -> Check:
    check_port(settings.serve.host, settings.serve.port)
    return Check("port", "good", f"{settings.serve.host}:{settings.serve.port} is free")


def config_as_toml(settings: Settings) -> str:
    """Every setting with its value in force, as a file to start from; secrets are named, never shown."""
    return "\n".join(_toml_lines("", settings.model_dump(mode="python"))) + "\n"


def _toml_lines(prefix: str, section: dict[str, Any]) -> list[str]:
    lines = []
    for name, value in section.items():
        if not isinstance(value, dict):
            is_left_out = value is None or isinstance(value, SecretStr)  # a secret in the file would be refused
            lines.append(
                f"{'# ' if is_left_out else ''}{name} = {'' if value is None else _toml_value(value)}".rstrip()
            )
    for name, value in section.items():
        if isinstance(value, dict):
            path = f"{prefix}{name}"
            header = f"[{path}]" if value else f"# [{path}]"
            lines += ["", header, *_toml_lines(f"{path}.", value)]
    return lines


def _toml_value(value: Any) -> str:
    if isinstance(value, SecretStr):
        return '"" # a secret: set it in the environment'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml_value(item)}" for key, item in value.items()) + "}"
    return json.dumps(str(value), ensure_ascii=False)
