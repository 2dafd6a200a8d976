"""A server that answers Scan with the same recorded pages of about 1 MB, so that the client's cost is measured."""

from __future__ import annotations

import json
import sys
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGE_BYTES = 1_000_000


def make_item(number: int) -> dict[str, Any]:
    """A work session of about 600 bytes, as DynamoDB's JSON."""
    return {
        "PK": {"S": f"USER#user-{number % 97:04d}"},
        "SK": {"S": f"WORKSESSION#2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}#{number:08d}"},
        "entity_type": {"S": "work_session"},
        "id": {"S": f"session-{number:08d}"},
        "user_id": {"S": f"user-{number % 97:04d}"},
        "created_at": {"S": "2026-10-01T01:00:00.000Z"},
        "updated_at": {"S": "2026-10-01T02:00:00.000Z"},
        "start_time": {"S": "2026-10-01T01:00:00.000Z"},
        "end_time": {"S": "2026-10-01T01:50:00.000Z"},
        "duration_seconds": {"N": str(1500 + number % 3000)},
        "focus_level": {"N": str(number % 9 + 1)},
        "is_synced": {"BOOL": True},
        "work_notes": {"S": "第3章の下書き、思ったより進んだ。" * (1 + number % 3)},
    }


class _Pages:
    def __init__(self, items: int) -> None:
        encoded = [json.dumps(make_item(n), ensure_ascii=False, separators=(",", ":")) for n in range(2000)]
        per_page = max(1, PAGE_BYTES * len(encoded) // sum(len(text.encode()) for text in encoded))
        self.count = max(1, items // per_page)
        self.per_page = per_page
        self.body = ",".join(encoded[n % len(encoded)] for n in range(per_page))

    def answer(self, request: dict[str, Any]) -> bytes:
        page = int(request.get("ExclusiveStartKey", {}).get("page", {}).get("N", "0"))
        segments = int(request.get("TotalSegments", 1))
        mine = self.count // segments + (int(request.get("Segment", 0)) < self.count % segments)
        more = f',"LastEvaluatedKey":{{"page":{{"N":"{page + 1}"}}}}' if page + 1 < mine else ""
        counts = f'"Count":{self.per_page},"ScannedCount":{self.per_page}'
        return f'{{"Items":[{self.body}],{counts}{more}}}'.encode()


def main() -> None:
    pages = _Pages(int(sys.argv[1]))
    table = json.dumps({"Table": {"ItemCount": pages.count * pages.per_page}}).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            is_scan = self.headers["x-amz-target"].endswith(".Scan")
            body = pages.answer(request) if is_scan else table
            self.send_response(200)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", str(len(body)))
            self.send_header("x-amz-crc32", str(zlib.crc32(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]} {pages.count * pages.per_page}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
