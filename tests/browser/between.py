"""A proxy between the module and mcraft that notes each chunk, and cuts, holds or loses what a test says."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlparse

INGEST = "/api/ingest/indexeddb"
Deal = Literal["pass", "lose", "hold", "break"]
"""What becomes of a chunk: `break` cuts the connection before the server has seen it, `lose` after,
`hold` after that and the release."""


@dataclass
class Chunk:
    """A chunk as it was sent."""

    upload: str
    sequence: int
    keys: list[str]
    """Table and key of its rows, and of its deletions with a minus before."""
    answer: dict[str, Any] | None = None
    """What the module got to read of the server's answer."""


@dataclass
class Between:
    """The proxy's address, what went through it, and what it does with the next chunk."""

    upstream: str
    address: str = ""
    chunks: list[Chunk] = field(default_factory=list)
    deal: Callable[[Chunk], Deal] = lambda chunk: "pass"
    released: threading.Event = field(default_factory=threading.Event)

    def keys(self) -> list[str]:
        return [key for chunk in self.chunks for key in chunk.keys]


def read_chunk(body: bytes) -> Chunk:
    dump = json.loads(gzip.decompress(body))
    keys = [
        f"{table['tableName']} {_key(row, table['inbound'])}"
        for table in dump["data"]["data"]
        for row in table["rows"]
    ]
    keys += [f"-{table} {key}" for table, gone in dump["mcraft"]["deleted"].items() for key in gone]
    return Chunk(dump["mcraft"]["upload"], dump["mcraft"]["sequence"], keys)


def _key(row: Any, is_inbound: bool) -> Any:
    plain = row["$"] if "$" in row and "$types" in row and "id" not in row else row
    return plain["id"] if is_inbound else plain[0]


@contextmanager
def between(upstream: str) -> Iterator[Between]:
    """A proxy on a free loopback port in front of a server."""
    told = Between(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            chunk = None
            deal: Deal = "pass"
            if self.command == "POST" and self.path.startswith(INGEST):
                chunk = read_chunk(body)
                told.chunks.append(chunk)
                deal = told.deal(chunk)
            if deal == "break":
                self.close_connection = True
                return
            host = urlparse(told.upstream).netloc
            connection = http.client.HTTPConnection(host, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if deal == "hold":
                told.released.wait(60)
            if deal in ("lose", "hold"):
                self.close_connection = True
                return
            if chunk is not None:
                chunk.answer = json.loads(content)
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_OPTIONS = do_HEAD = _pass

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # the browser was killed
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as address:
        told.address = address
        try:
            yield told
        finally:
            told.released.set()


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A threaded server on a free loopback port; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
