"""dynalite, a strict DynamoDB on LevelDB, as a process on loopback, and tables with the app's keys and indexes."""

from __future__ import annotations

import socket
import subprocess
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tests.conftest import wait_until
from tests.dynamodb.tables import client

DYNALITE = Path(__file__).parent / "dynalite/node_modules/dynalite/cli.js"
INDEX = "entity-type-index"


@contextmanager
def dynalite(log: Path) -> Iterator[str]:
    """A dynalite of its own, in memory; yields its address once it answers, and ends it by its id."""
    assert DYNALITE.is_file(), "dynalite is not installed: `make dynalite` (part of `make test`) does it"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    delays = [f"--{verb}TableMs=0" for verb in ("create", "delete", "update")]
    with log.open("wb") as out:
        server = subprocess.Popen(
            ["node", str(DYNALITE), "--host", "127.0.0.1", "--port", str(port), *delays], stdout=out, stderr=out
        )
        try:
            wait_until(
                lambda: server.poll() is not None or b"listening" in log.read_bytes(),
                f"dynalite did not start: {log.read_text()[-2000:]}",
            )
            assert server.poll() is None, log.read_text()[-2000:]
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def make_app_table(
    endpoint: str,
    items: Sequence[Mapping[str, Any]] = (),
    *,
    index: Literal["ALL", "KEYS_ONLY"] | None = "ALL",
) -> str:
    """A new table as the app has it, with the index that incremental exports ask, holding some items."""
    name = f"app-{uuid.uuid4().hex[:10]}"
    attributes = ["PK", "SK", *(["entity_type", "updated_at"] if index else [])]
    more: dict[str, Any] = {}
    if index:
        keys = [("entity_type", "HASH"), ("updated_at", "RANGE")]
        more["GlobalSecondaryIndexes"] = [
            {
                "IndexName": INDEX,
                "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
                "Projection": {"ProjectionType": index},
            }
        ]
    dynamodb = client(endpoint)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in attributes],
        **more,
    )
    wait_until(
        lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE",
        f"{name} did not become active",
    )
    put_items(endpoint, name, items)
    return name


def put_items(endpoint: str, table: str, items: Sequence[Mapping[str, Any]]) -> None:
    _write(endpoint, table, [{"PutRequest": {"Item": dict(item)}} for item in items])


def delete_items(endpoint: str, table: str, items: Iterable[Mapping[str, Any]]) -> None:
    _write(endpoint, table, [{"DeleteRequest": {"Key": {"PK": i["PK"], "SK": i["SK"]}}} for i in items])


def _write(endpoint: str, table: str, requests: Sequence[Any]) -> None:
    dynamodb = client(endpoint)

    def send(start: int) -> None:
        waiting: Any = {table: list(requests[start : start + 25])}
        while waiting:
            waiting = dynamodb.batch_write_item(RequestItems=waiting)["UnprocessedItems"]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(0, len(requests), 25)))
