"""A server that answers Scan with recorded pages of about 1 MB, so that the client's cost is what is measured.

Pages are made once; an answer is one `sendmsg` of a page's bytes and a tail with the counts and the cursor. The
table's name says its length (`items-1000000`); one longer than the recording is the recording over and over.
`python -m benchmarks.replay_server` prints its port.
"""

from __future__ import annotations

import itertools
import json
import socket
import sys
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from benchmarks.items import made_up_items

PAGES = 120
PAGE_BYTES = 1_000_000
_HEAD = b'{"Items":['


def table_name(items: int) -> str:
    return f"items-{items}"


@dataclass(frozen=True)
class _Page:
    """`{"Items":[…` without the closing bracket; `ends[n]` is where its first n items end."""

    text: memoryview
    ends: list[int]
    crc: int

    def first(self, items: int) -> tuple[memoryview, int]:
        """The text of the first items, and its CRC-32."""
        if items + 1 == len(self.ends):
            return self.text, self.crc
        cut = self.text[: self.ends[items]]
        return cut, zlib.crc32(cut)


def _page(items: list[bytes]) -> _Page:
    text = _HEAD + b",".join(items)
    # An item ends before the comma that follows it.
    after_commas = itertools.accumulate((len(item) + 1 for item in items), initial=len(_HEAD))
    ends = [len(_HEAD), *(place - 1 for place in itertools.islice(after_commas, 1, None))]
    return _Page(memoryview(text), ends, zlib.crc32(text))


class Recording:
    """Pages of one item count each, and the answers that a table of any length makes of them."""

    def __init__(self, pages: int = PAGES) -> None:
        sample = made_up_items(2000)
        self.per_page = PAGE_BYTES * len(sample) // sum(len(item) + 1 for item in sample)
        items = made_up_items(pages * self.per_page)
        self.item_bytes = sum(map(len, items)) / len(items)
        self.pages = [_page(items[n : n + self.per_page]) for n in range(0, len(items), self.per_page)]

    def scan(self, request: Mapping[str, Any]) -> tuple[memoryview, bytes, int]:
        """An answer in two pieces, and its CRC-32. The cursor is the next page's number, in the sort key."""
        segment, segments = request.get("Segment", 0), request.get("TotalSegments", 1)
        table_items = _length(request)
        mine = table_items // segments + (segment < table_items % segments)
        number = int(request["ExclusiveStartKey"]["SK"]["S"]) if request.get("ExclusiveStartKey") else 0
        items = min(self.per_page, mine - number * self.per_page)
        # Segments begin at different places of the recording, so that they do not read the same pages at once.
        page = self.pages[(segment * len(self.pages) // segments + number) % len(self.pages)]
        text, crc = page.first(items)
        tail = f'],"Count":{items},"ScannedCount":{items}'
        if (number + 1) * self.per_page < mine:
            tail += f',"LastEvaluatedKey":{{"PK":{{"S":"page"}},"SK":{{"S":"{number + 1}"}}}}'
        if request.get("ReturnConsumedCapacity", "NONE") != "NONE":
            units = -(-len(text) // 4096) / 2  # eventually consistent: half a unit for 4 KB
            tail += f',"ConsumedCapacity":{{"TableName":"{request["TableName"]}","CapacityUnits":{units}}}'
        end = f"{tail}}}".encode()
        return text, end, zlib.crc32(end, crc)

    def describe(self, request: Mapping[str, Any]) -> bytes:
        """DescribeTable's answer: the app's keys and indexes."""
        indexes = {
            "entity-type-index": ("entity_type", "updated_at"),
            "user-time-index": ("user_time_pk", "user_time_sk"),
        }
        names = ["PK", "SK", *itertools.chain(*indexes.values())]
        table_items = _length(request)
        table = {
            "TableName": request["TableName"],
            "TableArn": f"arn:aws:dynamodb:ap-northeast-1:000000000000:table/{request['TableName']}",
            "TableStatus": "ACTIVE",
            "ItemCount": table_items,
            "TableSizeBytes": int(table_items * self.item_bytes),
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
            "KeySchema": _key_schema("PK", "SK"),
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": name,
                    "KeySchema": _key_schema(*keys),
                    "Projection": {"ProjectionType": "ALL"},
                    "IndexStatus": "ACTIVE",
                }
                for name, keys in indexes.items()
            ],
        }
        return json.dumps({"Table": table}).encode()


def _length(request: Mapping[str, Any]) -> int:
    return int(request["TableName"].rpartition("-")[2])


def _key_schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _serve(recording: Recording, connection: socket.socket) -> None:
    """Requests of one connection, one after the other, until the client closes it."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as incoming:
        try:
            while _answer(recording, connection, incoming):
                pass
        except ConnectionError:
            return


def _answer(recording: Recording, connection: socket.socket, incoming: BinaryIO) -> bool:
    if not incoming.readline():
        return False
    headers = {}
    for line in iter(incoming.readline, b"\r\n"):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    request = json.loads(incoming.read(int(headers[b"content-length"])))
    operation = headers[b"x-amz-target"].rpartition(b".")[2]
    status, text, end = "200 OK", memoryview(b""), b""
    if operation == b"Scan":
        text, end, crc = recording.scan(request)
    else:
        if operation == b"DescribeTable":
            end = recording.describe(request)
        else:
            status, end = "400 Bad Request", b'{"__type":"UnknownOperationException","message":"not recorded"}'
        crc = zlib.crc32(end)
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\n"
        f"content-length: {len(text) + len(end)}\r\nx-amz-crc32: {crc}\r\nx-amzn-requestid: REPLAY\r\n\r\n"
    )
    _send_all(connection, [memoryview(head.encode()), text, memoryview(end)])
    return True


def _send_all(connection: socket.socket, pieces: list[memoryview]) -> None:
    while pieces:
        sent = connection.sendmsg(pieces)
        while pieces and sent >= len(pieces[0]):
            sent -= len(pieces.pop(0))
        if pieces:
            pieces[0] = pieces[0][sent:]


def main() -> None:
    recording = Recording()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]} {recording.item_bytes:.0f}\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=[recording, connection], daemon=True).start()


if __name__ == "__main__":
    main()
