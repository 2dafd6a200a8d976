"""DynamoDB over HTTP: botocore's signing and transport, answers left as the bytes that came."""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import botocore.session
import msgspec
import stamina
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as BodyTimeout

from moderation_craft.errors import (
    AuthFailed,
    McraftError,
    RetryError,
    SchemaChanged,
    SetupError,
    Throttled,
    TimedOut,
    Unavailable,
)

T = TypeVar("T")

_any_json = msgspec.json.Decoder(msgspec.Raw)
_THROTTLES = {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}
_CONNECTIONS = 32
_LONGEST_WAIT_SECONDS = 5.0
_TRIES_TO_REACH = 4
_REFUSALS = {
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "IncompleteSignatureException",
}


@dataclass(frozen=True)
class AwsKeys:
    """A key pair given outright (the demo's server); otherwise AWS's usual chain finds one."""

    access_key: str
    secret_key: str


class KeyPart(msgspec.Struct, frozen=True):
    """One attribute of a key; `role` HASH or RANGE."""

    name: str = msgspec.field(name="AttributeName")
    role: str = msgspec.field(name="KeyType", default="HASH")


class Projection(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="ProjectionType", default="ALL")


class IndexDescription(msgspec.Struct, frozen=True):
    """A global secondary index."""

    name: str = msgspec.field(name="IndexName")
    keys: list[KeyPart] = msgspec.field(name="KeySchema", default_factory=list)
    projection: Projection = msgspec.field(name="Projection", default=Projection())
    status: str = msgspec.field(name="IndexStatus", default="ACTIVE")


class TableDescription(msgspec.Struct, frozen=True):
    """What matters of a table; its counts may be six hours old."""

    item_count: int | None = msgspec.field(name="ItemCount", default=None)
    size_bytes: int = msgspec.field(name="TableSizeBytes", default=0)
    keys: list[KeyPart] = msgspec.field(name="KeySchema", default_factory=list)
    indexes: list[IndexDescription] = msgspec.field(name="GlobalSecondaryIndexes", default_factory=list)
    arn: str = msgspec.field(name="TableArn", default="")


class _Described(msgspec.Struct):
    Table: TableDescription


class _ErrorBody(msgspec.Struct):
    type: str = msgspec.field(name="__type", default="")
    message: str = ""
    Message: str = ""


class DynamoDBClient:
    """Signed calls to one endpoint; a RetryError is raised only after retries with backoff and jitter."""

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str | None = None,
        keys: AwsKeys | None = None,
        attempts: int = 16,
        timeout_seconds: float = 30,
        patience_seconds: float = 180,
    ) -> None:
        self.region = region
        self.endpoint_url = (
            endpoint_url
            or os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")
            or os.environ.get("AWS_ENDPOINT_URL")
            or f"https://dynamodb.{region}.amazonaws.com"
        ).rstrip("/")
        self._keys = keys
        self._attempts = attempts
        self._patience_seconds = patience_seconds
        self._signer: SigV4Auth | None = None
        self._http = URLLib3Session(
            verify=os.environ.get("AWS_CA_BUNDLE", True),  # type: ignore[arg-type]
            proxies=get_environ_proxies(self.endpoint_url),
            timeout=timeout_seconds,  # type: ignore[arg-type]
            max_pool_connections=_CONNECTIONS,
            # Headers and body are two writes: with Nagle's algorithm each request would wait 40 ms for an ACK.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # type: ignore[list-item]
        )

    def __enter__(self) -> DynamoDBClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, operation: str, request: Mapping[str, Any]) -> bytes:
        """One operation's answer as bytes; any failure as the error tree's."""
        return self.answer(operation, request, _any_json)[0]

    def answer(
        self,
        operation: str,
        request: Mapping[str, Any],
        decoder: msgspec.json.Decoder[T],
        on_throttle: Callable[[], None] = lambda: None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> tuple[bytes, T]:
        """One operation's answer, as it came and decoded; what is no whole answer is asked for again.

        Each throttle is told as it comes. Where `is_over`, a failure is raised at once.
        """
        body = msgspec.json.encode(request)
        tries = 0

        def is_retried(error: Exception) -> bool:
            gives_up = isinstance(error, _Unreachable) and tries >= _TRIES_TO_REACH
            return isinstance(error, RetryError) and not gives_up and not is_over()

        retries = stamina.retry_context(
            on=is_retried,
            attempts=self._attempts,
            timeout=self._patience_seconds,
            wait_max=_LONGEST_WAIT_SECONDS,
        )
        for attempt in retries:
            with attempt:
                tries += 1
                try:
                    content = self._call_once(operation, body)
                    return content, decoder.decode(content)
                except Throttled:
                    on_throttle()
                    raise
                except msgspec.DecodeError as error:
                    raise self._damaged(f"it is no whole JSON: {error}") from error
        raise AssertionError("unreachable")

    def table_names(self) -> list[str]:
        """The tables that the endpoint shows, at most 100."""
        names: list[str] = msgspec.json.decode(self.call("ListTables", {})).get("TableNames", [])
        return names

    def describe(self, table: str) -> TableDescription:
        """What DynamoDB says of a table; SetupError where there is no such table."""
        try:
            answer = self.call("DescribeTable", {"TableName": table})
        except _NoSuchTable as error:
            raise self._missing_table(table) from error
        return msgspec.json.decode(answer, type=_Described).Table

    def _call_once(self, operation: str, body: bytes) -> bytes:
        request = AWSRequest(
            method="POST",
            url=f"{self.endpoint_url}/",
            data=body,
            headers={
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            },
            stream_output=True,
        )
        self._signed().add_auth(request)
        try:
            answer = self._http.send(request.prepare())
            content: bytes = answer.raw.read()
        except (ConnectTimeoutError, ReadTimeoutError, BodyTimeout) as error:
            raise TimedOut(
                f"DynamoDB at {self.endpoint_url} did not answer {operation} in time.",
                remedy="check the network, then run the command again: it goes on from where it was.",
            ) from error
        except (BotoCoreError, HTTPError) as error:
            kind = _Unreachable if isinstance(error, EndpointConnectionError) else Unavailable
            raise kind(
                f"DynamoDB at {self.endpoint_url} cannot be reached: {error}.",
                remedy="start the server or mend the address (dynamodb.endpoint_url in mcraft.toml or "
                "AWS_ENDPOINT_URL_DYNAMODB), then run the command again: it goes on from where it was.",
            ) from error
        if answer.status_code != 200:
            self._refuse(operation, answer.status_code, content)
        self._check_crc(answer.headers.get("x-amz-crc32"), content)
        return content

    def _signed(self) -> SigV4Auth:
        if self._signer is None:
            self._signer = SigV4Auth(self._credentials(), "dynamodb", self.region)
        return self._signer

    def _credentials(self) -> Credentials:
        if self._keys is not None:
            return Credentials(self._keys.access_key, self._keys.secret_key)
        try:
            found = botocore.session.Session().get_credentials()
        except BotoCoreError as error:
            raise AuthFailed(f"AWS credentials cannot be read: {error}.", remedy=_LOGIN) from error
        if found is None:
            raise AuthFailed("No AWS credentials were found.", remedy=_LOGIN)
        return found

    def _check_crc(self, stated: str | None, content: bytes) -> None:
        if stated is not None and int(stated) != zlib.crc32(content):
            raise self._damaged("its CRC-32 differs")

    def _damaged(self, how: str) -> Unavailable:
        return Unavailable(
            f"An answer of DynamoDB at {self.endpoint_url} was damaged on its way ({how}).",
            remedy="run the command again; if it stays, look at the proxy in between.",
        )

    def _refuse(self, operation: str, status: int, content: bytes) -> NoReturn:
        try:
            body = msgspec.json.decode(content, type=_ErrorBody)
        except msgspec.DecodeError:
            body = _ErrorBody()
        kind = body.type.rsplit("#", 1)[-1]
        said = body.message or body.Message or f"HTTP {status}"
        raise _refusal(kind, f"DynamoDB refused {operation}: {kind or 'error'}: {said}", status)

    def _missing_table(self, table: str) -> SetupError:
        there = ", ".join(self.table_names()) or "none"
        return SetupError(
            f"There is no table {table!r} at {self.endpoint_url} ({self.region}); tables there: {there}.",
            remedy="name the right one with --table or dynamodb.table in mcraft.toml, or mend the region.",
        )


class AccessDenied(AuthFailed):
    """AccessDeniedException: known, but not allowed to do this."""


class _Unreachable(Unavailable):
    """Nobody listens there; waiting long helps little."""


class _NoSuchTable(SchemaChanged):
    """ResourceNotFoundException."""


_LOGIN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`, and try again."


def _refusal(kind: str, message: str, status: int) -> McraftError:
    if kind in _THROTTLES:
        return Throttled(
            message,
            remedy="wait a minute or cap it with --max-rcu, then run it again: it goes on from where it was.",
        )
    if kind == "AccessDeniedException":
        return AccessDenied(message, remedy="let this role or user do it (docs/lambda.md has the policy).")
    if kind in _REFUSALS:
        return AuthFailed(message, remedy=_LOGIN)
    if kind == "ResourceNotFoundException":
        return _NoSuchTable(message, remedy="name the right table with --table.")
    if status >= 500:
        return Unavailable(message, remedy="it passes by itself as a rule: run the command again.")
    return SchemaChanged(message, remedy="`mcraft doctor` checks the endpoint; report this if it stays.")
