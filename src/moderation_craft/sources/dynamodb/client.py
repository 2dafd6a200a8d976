"""DynamoDB over HTTP: botocore's signing, answers left as the bytes that came."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import botocore.session
import httpx
import msgspec
import stamina
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

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

_THROTTLES = {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}
_REFUSALS = {
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "AccessDeniedException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "IncompleteSignatureException",
}


@dataclass(frozen=True)
class AwsKeys:
    """A key pair given outright (the demo's server); otherwise AWS's usual chain finds one."""

    access_key: str
    secret_key: str


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
        attempts: int = 6,
        timeout_seconds: float = 30,
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
        self._signer: SigV4Auth | None = None
        self._http = httpx.Client(timeout=timeout_seconds)

    def __enter__(self) -> DynamoDBClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, operation: str, request: Mapping[str, Any]) -> bytes:
        """One operation's answer as bytes; any failure as the error tree's."""
        body = msgspec.json.encode(request)
        for attempt in stamina.retry_context(on=RetryError, attempts=self._attempts, timeout=120):
            with attempt:
                return self._call_once(operation, body)
        raise AssertionError("unreachable")

    def table_names(self) -> list[str]:
        """The tables that the endpoint shows, at most 100."""
        names: list[str] = msgspec.json.decode(self.call("ListTables", {})).get("TableNames", [])
        return names

    def about_how_many(self, table: str) -> int | None:
        """The table's own, possibly hours old, item count; SetupError where there is no such table."""
        try:
            answer = self.call("DescribeTable", {"TableName": table})
        except _NoSuchTable as error:
            raise self._missing_table(table) from error
        count = msgspec.json.decode(answer)["Table"].get("ItemCount")
        return int(count) if count else None

    def _call_once(self, operation: str, body: bytes) -> bytes:
        request = AWSRequest(
            method="POST",
            url=f"{self.endpoint_url}/",
            data=body,
            headers={
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            },
        )
        self._signed().add_auth(request)
        try:
            answer = self._http.post(f"{self.endpoint_url}/", content=body, headers=dict(request.headers.items()))
        except httpx.TimeoutException as error:
            raise TimedOut(
                f"DynamoDB at {self.endpoint_url} did not answer {operation} in time.",
                remedy="check the network, then run the command again.",
            ) from error
        except httpx.TransportError as error:
            raise Unavailable(
                f"DynamoDB at {self.endpoint_url} cannot be reached: {error}.",
                remedy="start the server or mend the address (dynamodb.endpoint_url in mcraft.toml or "
                "AWS_ENDPOINT_URL_DYNAMODB), then run the command again.",
            ) from error
        if answer.status_code != 200:
            self._refuse(operation, answer)
        self._check_crc(answer)
        return answer.content

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

    def _check_crc(self, answer: httpx.Response) -> None:
        stated = answer.headers.get("x-amz-crc32")
        if stated is not None and int(stated) != zlib.crc32(answer.content):
            raise Unavailable(
                f"An answer of DynamoDB at {self.endpoint_url} was damaged on its way (CRC-32 differs).",
                remedy="run the command again; if it stays, look at the proxy in between.",
            )

    def _refuse(self, operation: str, answer: httpx.Response) -> NoReturn:
        try:
            body = msgspec.json.decode(answer.content, type=_ErrorBody)
        except msgspec.DecodeError:
            body = _ErrorBody()
        kind = body.type.rsplit("#", 1)[-1]
        said = body.message or body.Message or f"HTTP {answer.status_code}"
        raise _refusal(kind, f"DynamoDB refused {operation}: {kind or 'error'}: {said}", answer.status_code)

    def _missing_table(self, table: str) -> SetupError:
        there = ", ".join(self.table_names()) or "none"
        return SetupError(
            f"There is no table {table!r} at {self.endpoint_url} ({self.region}); tables there: {there}.",
            remedy="name the right one with --table or dynamodb.table in mcraft.toml, or mend the region.",
        )


class _NoSuchTable(SchemaChanged):
    """ResourceNotFoundException."""


_LOGIN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`, and try again."


def _refusal(kind: str, message: str, status: int) -> McraftError:
    if kind in _THROTTLES:
        return Throttled(message, remedy="wait a minute, or lower dynamodb.segments, and run it again.")
    if kind in _REFUSALS:
        return AuthFailed(message, remedy=_LOGIN)
    if kind == "ResourceNotFoundException":
        return _NoSuchTable(message, remedy="name the right table with --table.")
    if status >= 500:
        return Unavailable(message, remedy="it passes by itself as a rule: run the command again.")
    return SchemaChanged(message, remedy="`mcraft doctor` checks the endpoint; report this if it stays.")
