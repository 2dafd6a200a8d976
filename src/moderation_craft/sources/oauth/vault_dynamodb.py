"""Connections in the app's tokens table (user_id, service), which AWS encrypts at rest with its KMS keys."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import msgspec

from moderation_craft.clock import iso
from moderation_craft.errors import SchemaChanged, Unavailable
from moderation_craft.sources.dynamodb.client import DynamoDBClient
from moderation_craft.sources.oauth.connection import Connection
from moderation_craft.sources.oauth.services import ServiceName
from moderation_craft.sources.oauth.vault import Unreadable

_LEASE_SECONDS = 60.0
_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.1


class DynamoDBVault:
    """One item a connection; beside it, while a worker refreshes, an item `{service}#lease`."""

    def __init__(self, table: str, region: str, endpoint_url: str | None = None) -> None:
        self._table = table
        self._region = region
        self._endpoint_url = endpoint_url

    @cached_property
    def _client(self) -> DynamoDBClient:
        return DynamoDBClient(region=self._region, endpoint_url=self._endpoint_url, patience_seconds=20)

    def get(self, service: ServiceName, user_id: str) -> Connection | None:
        item = self._item(user_id, service)
        if not item:
            return None
        try:
            return msgspec.json.decode(item["tokens"]["S"], type=Connection)
        except (KeyError, TypeError, msgspec.DecodeError):
            raise Unreadable(
                f"The item of {user_id} and {service} in {self._table} holds no connection of this kind.",
                remedy=f"connect again: `mcraft connect {service} --user {user_id}`, or /settings/integrations.",
            ) from None

    def has(self, service: ServiceName, user_id: str) -> bool:
        return bool(self._item(user_id, service))

    def put(self, connection: Connection) -> None:
        item = {
            "user_id": connection.user_id,
            "service": connection.service,
            "tokens": msgspec.json.encode(connection).decode(),
            "expires_at": iso(connection.expires_at),
            "scope": " ".join(connection.scopes),
            "updated_at": iso(connection.renewed_at),
        }
        self._call("PutItem", Item={name: {"S": value} for name, value in item.items()})

    def delete(self, service: ServiceName, user_id: str) -> bool:
        answer = self._call("DeleteItem", Key=_key(user_id, service), ReturnValues="ALL_OLD")
        return bool(answer.get("Attributes"))

    def people(self, service: ServiceName) -> set[str]:
        found: set[str] = set()
        start: dict[str, Any] = {}
        while True:
            page = self._call(
                "Scan",
                ProjectionExpression="user_id",
                FilterExpression="service = :service",
                ExpressionAttributeValues={":service": {"S": service}},
                ConsistentRead=True,
                **start,
            )
            found |= {item["user_id"]["S"] for item in page.get("Items", [])}
            if not page.get("LastEvaluatedKey"):
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    @contextmanager
    def held(self, service: ServiceName, user_id: str) -> Iterator[None]:
        holder = uuid.uuid4().hex
        self._take_lease(user_id, service, holder)
        try:
            yield
        finally:
            self._if(
                "DeleteItem", "holder = :me", {":me": holder}, Key=_key(user_id, f"{service}#lease")
            )  # where the lease was lost meanwhile it is another's, and stays

    def _take_lease(self, user_id: str, service: str, holder: str) -> None:
        """Wait for the lease. A dead holder is one that this process itself saw unchanged for a whole lease:
        no clock of another machine is asked."""
        item = _key(user_id, f"{service}#lease") | {"holder": {"S": holder}}
        deadline = time.monotonic() + _WAIT_SECONDS
        seen, since = "", time.monotonic()
        while not self._if("PutItem", "attribute_not_exists(user_id)", {}, Item=item):
            other = self._item(user_id, f"{service}#lease").get("holder", {}).get("S", "")
            if other != seen:
                seen, since = other, time.monotonic()
            elif time.monotonic() - since > _LEASE_SECONDS and self._if(
                "PutItem", "holder = :dead", {":dead": seen}, Item=item
            ):
                return
            if time.monotonic() > deadline:
                raise Unavailable(
                    "Another process keeps this connection for longer than a refresh takes.",
                    remedy="the next run asks again.",
                )
            time.sleep(_POLL_SECONDS)

    def _item(self, user_id: str, service: str) -> dict[str, Any]:
        return self._call("GetItem", Key=_key(user_id, service), ConsistentRead=True).get("Item") or {}

    def _if(self, operation: str, condition: str, values: Mapping[str, str], **request: Any) -> bool:
        """A write under a condition; whether it held."""
        if values:
            request["ExpressionAttributeValues"] = {name: {"S": value} for name, value in values.items()}
        try:
            self._call(operation, ConditionExpression=condition, **request)
        except SchemaChanged as error:
            if "ConditionalCheckFailedException" in error.message:
                return False
            raise
        return True

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        answer = self._client.call(operation, {"TableName": self._table, **request})
        found: dict[str, Any] = msgspec.json.decode(answer)
        return found


def _key(user_id: str, service: str) -> dict[str, Any]:
    return {"user_id": {"S": user_id}, "service": {"S": service}}
