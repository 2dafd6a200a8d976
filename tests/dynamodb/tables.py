"""Tables in a DynamoDB-speaking server, made and filled over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient as Boto3Client


def client(endpoint: str) -> Boto3Client:
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="ap-northeast-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def make_table(endpoint: str, items: Iterable[Mapping[str, Any]] = ()) -> str:
    """A new table with the app's keys, holding some DynamoDB-JSON items; returns its name."""
    name = f"table-{uuid.uuid4().hex[:10]}"
    dynamodb = client(endpoint)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "PK", "AttributeType": "S"},
            {"AttributeName": "SK", "AttributeType": "S"},
        ],
    )
    for item in items:
        dynamodb.put_item(TableName=name, Item=dict(item))
    return name


def item(number: int, **attributes: Any) -> dict[str, Any]:
    return {
        "PK": {"S": "USER#u1"},
        "SK": {"S": f"MOOD#{number:05d}"},
        "entity_type": {"S": "mood_entry"},
        "id": {"S": f"m{number}"},
        "user_id": {"S": "u1"},
        "updated_at": {"S": "2026-11-01T00:00:00Z"},
        **attributes,
    }
