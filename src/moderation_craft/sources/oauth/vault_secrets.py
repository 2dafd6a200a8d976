"""Connections in AWS Secrets Manager, one secret each, encrypted there with a KMS key."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from filelock import FileLock, Timeout

from moderation_craft.errors import AuthFailed, Unavailable
from moderation_craft.sources.oauth.connection import Connection
from moderation_craft.sources.oauth.services import ServiceName
from moderation_craft.sources.oauth.vault import APP, Unreadable

_LOCK_SECONDS = 90.0


class SecretsVault:
    """Names are `{prefix}/{service}/{user}`. A refresh is held against the workers of one machine only: Secrets
    Manager has no conditional write, so workers on several machines need the tokens table instead."""

    def __init__(self, prefix: str, region: str, endpoint_url: str | None = None) -> None:
        self._prefix = prefix.strip("/")
        self._region = region
        self._endpoint_url = endpoint_url

    @cached_property
    def _client(self) -> Any:
        return boto3.client("secretsmanager", region_name=self._region, endpoint_url=self._endpoint_url)

    def get(self, service: ServiceName, user_id: str) -> Connection | None:
        answer = self._call("get_secret_value", SecretId=self._name(service, user_id))
        if answer is None:
            return None
        try:
            return msgspec.json.decode(answer["SecretString"], type=Connection)
        except (KeyError, msgspec.DecodeError):
            raise Unreadable(
                f"The secret of {user_id} and {service} holds no connection of this kind.",
                remedy=f"connect again: `mcraft connect {service} --user {user_id}`, or /settings/integrations.",
            ) from None

    def has(self, service: ServiceName, user_id: str) -> bool:
        return self._call("describe_secret", SecretId=self._name(service, user_id)) is not None

    def put(self, connection: Connection) -> None:
        name = self._name(connection.service, connection.user_id)
        text = msgspec.json.encode(connection).decode()
        if self._call("put_secret_value", SecretId=name, SecretString=text) is None:
            self._call("create_secret", Name=name, SecretString=text)

    def delete(self, service: ServiceName, user_id: str) -> bool:
        if not self.has(service, user_id):
            return False
        name = self._name(service, user_id)
        return self._call("delete_secret", SecretId=name, ForceDeleteWithoutRecovery=True) is not None

    def people(self, service: ServiceName) -> set[str]:
        prefix = f"{self._prefix}/{service}/"
        found: set[str] = set()
        more: dict[str, str] = {}
        while True:
            page = self._call("list_secrets", Filters=[{"Key": "name", "Values": [prefix]}], **more) or {}
            names = [secret["Name"] for secret in page.get("SecretList", [])]
            found |= {_unspelled(name.removeprefix(prefix)) for name in names if name.startswith(prefix)}
            if not page.get("NextToken"):
                return found
            more = {"NextToken": page["NextToken"]}

    @contextmanager
    def held(self, service: ServiceName, user_id: str) -> Iterator[None]:
        name = sha256(self._name(service, user_id).encode()).hexdigest()[:24]
        path = Path(tempfile.gettempdir()) / f"{APP}-{name}.lock"
        try:
            with FileLock(path, timeout=_LOCK_SECONDS, thread_local=False):
                yield
        except Timeout as error:
            raise Unavailable(
                "Another process keeps this connection for longer than a refresh takes.",
                remedy="see whether another `mcraft` hangs; the next run asks again.",
            ) from error

    def _name(self, service: str, user_id: str) -> str:
        return f"{self._prefix}/{service}/{_spelled(user_id)}"

    def _call(self, operation: str, **request: Any) -> dict[str, Any] | None:
        """One operation's answer; None where there is no such secret."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
            return answer
        except ClientError as error:
            kind = str(error.response.get("Error", {}).get("Code", ""))
            if kind == "ResourceNotFoundException":
                return None
            if kind in ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"):
                raise AuthFailed(
                    f"AWS Secrets Manager refuses {operation}: {kind}.",
                    remedy="let this role or user do it (docs/connect.md names the rights).",
                ) from None
            raise Unavailable(f"AWS Secrets Manager refuses {operation}: {kind}.", remedy="try again.") from None
        except BotoCoreError as error:
            raise Unavailable(
                f"AWS Secrets Manager cannot be asked: {type(error).__name__}.",
                remedy="check the network, the region and your AWS credentials, then try again.",
            ) from None


def _spelled(user_id: str) -> str:
    """A person's id in the characters that a secret's name may have."""
    return re.sub(r"[^A-Za-z0-9_.@-]", lambda m: "".join(f"={byte:02X}" for byte in m[0].encode()), user_id)


def _unspelled(name: str) -> str:
    plain = re.sub(rb"=([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), name.encode())
    return plain.decode(errors="replace")
