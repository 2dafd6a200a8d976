"""A proxy on loopback between an exporter and a DynamoDB-speaking server: it records every call and spoils some.

microburst 0.10.0 was tried first. Its throttles, 5xx, resets and latency work, and the bodies here are those that
it renders from AWS's models. It does not serve for the rest: a rule cannot begin at the k-th call ("gone half-way"
or "kill at page 17"), calls that pass are not recorded (pages read, capacity consumed), damage is unseeded, and
every answer is sent in chunks, so that a body shorter than its stated length cannot be made.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import urlsplit

_OWN_HEADERS = {"connection", "content-length", "date", "host", "server", "transfer-encoding", "accept-encoding"}
_CORAL = {"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Call:
    """One call as it was asked for; `items` and `capacity` are what the server said, 0 where it was not asked."""

    operation: str
    request: dict[str, Any]
    fault: str = ""
    status: int = 0
    items: int = 0
    capacity: float = 0.0


class Exchange:
    """One call while it is on its way: a fault decides what the client gets to see."""

    def __init__(self, proxy: FaultProxy, handler: _Handler, call: Call, body: bytes) -> None:
        self.proxy = proxy
        self.call = call
        self._handler = handler
        self._body = body

    def forward(self) -> Answer:
        """What the real server answers."""
        return self._handler.ask_upstream(self.call, self._body)

    def send(self, answer: Answer, *, keep: float = 1.0, stated: int | None = None) -> None:
        """The answer's head and a share of its body; a body that is not whole ends the connection."""
        length = len(answer.body) if stated is None else stated
        self._handler.send_answer(answer, answer.body[: int(len(answer.body) * keep)], length)
        self.call.status = answer.status
        if keep < 1:
            self._handler.close_connection = True

    def reset(self) -> None:
        """End the connection with RST."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.close_connection = True


Fault: TypeAlias = Callable[[Exchange], None]


@dataclass
class _Rule:
    fault: Fault
    name: str
    operation: str | None
    skip: int
    times: int | None
    where: Callable[[dict[str, Any]], bool]

    def takes(self, call: Call) -> bool:
        if self.operation not in (None, call.operation) or self.times == 0 or not self.where(call.request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class FaultProxy:
    """`endpoint` while it is there; `calls` in the order of their arrival.

    `page_items` sets Scan's and Query's Limit where the exporter set none: small pages from a small table.
    """

    upstream: str
    page_items: int | None = None
    calls: list[Call] = field(default_factory=list)
    accidents: list[BaseException] = field(default_factory=list)
    port: int = 0
    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: _Server | None = None
    _thread: threading.Thread | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def inject(
        self,
        fault: Fault,
        operation: str | None = "Scan",
        *,
        skip: int = 0,
        times: int | None = 1,
        where: Callable[[dict[str, Any]], bool] = lambda _: True,
    ) -> None:
        """Spoil `times` (None: all) of an operation's (None: any) calls, after letting `skip` pass."""
        with self._lock:
            self._rules.append(_Rule(fault, fault.__name__, operation, skip, times, where))

    def heal(self) -> None:
        """No more faults."""
        with self._lock:
            self._rules.clear()

    def of(self, *operations: str) -> list[Call]:
        """The calls of some operations so far."""
        with self._lock:
            return [call for call in self.calls if call.operation in operations]

    def forget(self) -> None:
        """Record afresh from here on."""
        with self._lock:
            self.calls.clear()

    def arrive(self) -> None:
        """Listen (again, on the same port)."""
        self._server = _Server(("127.0.0.1", self.port), _Handler, self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def leave(self) -> None:
        """Stop listening and break every connection: nobody is there any more."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server.break_connections()
        self._thread.join()
        self._server = None

    def record(self, call: Call) -> Fault | None:
        with self._lock:
            self.calls.append(call)
            for rule in self._rules:
                if rule.takes(call):
                    call.fault = rule.name
                    return rule.fault
        return None


@contextmanager
def fault_proxy(upstream: str, *, page_items: int | None = None) -> Iterator[FaultProxy]:
    proxy = FaultProxy(upstream, page_items=page_items)
    proxy.arrive()
    try:
        yield proxy
    finally:
        proxy.leave()
    assert not proxy.accidents, proxy.accidents


def refused(kind: str, status: int = 400) -> Fault:
    """An error as AWS words it; the server is not asked."""
    family, says = ("com.amazon.coral.service", "Message") if kind in _CORAL else (_DYNAMODB, "message")
    body = json.dumps({"__type": f"{family}#{kind}", says: f"{kind}, said the proxy"}).encode()
    return _named(kind, lambda exchange: exchange.send(Answer(status, {"content-type": _JSON}, body)))


def busy(exchange: Exchange) -> None:
    """A load balancer's page instead of an answer."""
    exchange.send(Answer(503, {"content-type": "text/html"}, b"<html>Service Unavailable</html>"))


def reset(share: float) -> Fault:
    """A share of the answer's body, then RST."""

    def reset_on_the_way(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.send(answer, keep=share)
        exchange.reset()

    return _named("reset", reset_on_the_way)


def cut(exchange: Exchange) -> None:
    """Half of the body that the head announces, then an orderly end of the connection."""
    exchange.send(exchange.forward(), keep=0.5)


def shortened(*, with_crc: bool) -> Fault:
    """A whole answer whose body lacks its second half; its CRC, if it has one, is the whole body's."""

    def shorten(exchange: Exchange) -> None:
        answer = exchange.forward()
        headers = {k: v for k, v in answer.headers.items() if with_crc or k.lower() != "x-amz-crc32"}
        exchange.send(Answer(answer.status, headers, answer.body[: len(answer.body) // 2]))

    return _named("shortened", shorten)


def flipped(exchange: Exchange) -> None:
    """One bit of the body differs: still JSON perhaps, and never what the server said."""
    answer = exchange.forward()
    middle = len(answer.body) // 2
    damaged = answer.body[:middle] + bytes([answer.body[middle] ^ 1]) + answer.body[middle + 1 :]
    exchange.send(Answer(answer.status, answer.headers, damaged))


def slow(seconds: float) -> Fault:
    """The answer, after a while."""

    def wait(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.send(exchange.forward())

    return _named("slow", wait)


def silent(until: threading.Event) -> Fault:
    """No answer, until the event is set."""

    def keep_silent(exchange: Exchange) -> None:
        until.wait(30)
        exchange.reset()

    return _named("silent", keep_silent)


def gone(exchange: Exchange) -> None:
    """The server goes away, with this answer unsent."""
    exchange.proxy.leave()


def doing(action: Callable[[], object], share: float) -> Fault:
    """Something happens elsewhere after a share of the answer was sent; below 0: before the server is asked."""

    def act(exchange: Exchange) -> None:
        if share >= 0:
            exchange.send(exchange.forward(), keep=share)
        action()
        if share < 0:
            exchange.reset()

    return _named("doing", act)


def _named(name: str, fault: Fault) -> Fault:
    fault.__name__ = name
    return fault


_DYNAMODB = "com.amazonaws.dynamodb.v20120810"
_JSON = "application/x-amz-json-1.0"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[_Handler], proxy: FaultProxy) -> None:
        super().__init__(address, handler)
        self.proxy = proxy
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        # An orderly shutdown would take the place of the RST that a fault asked for.
        self.close_request(request)

    def break_connections(self) -> None:
        with self._open_lock:
            open_now = list(self._open)
        for connection in open_now:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.proxy.accidents.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        upstream = urlsplit(self.server.proxy.upstream)
        self._upstream = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=60)

    def finish(self) -> None:
        self._upstream.close()
        try:
            super().finish()
        except ConnectionError:
            return

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:  # the asker was killed while it asked
            self.close_connection = True
            return
        operation = self.headers["x-amz-target"].rsplit(".", 1)[-1]
        call = Call(operation, json.loads(body))
        fault = self.server.proxy.record(call)
        exchange = Exchange(self.server.proxy, self, call, body)
        if fault is None:
            exchange.send(exchange.forward())
        else:
            fault(exchange)

    def ask_upstream(self, call: Call, body: bytes) -> Answer:
        limit = self.server.proxy.page_items
        if limit is not None and call.operation in ("Scan", "Query") and "Limit" not in call.request:
            body = json.dumps({**call.request, "Limit": limit}).encode()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN_HEADERS}
        try:
            self._upstream.request("POST", "/", body, headers)
            answer = self._upstream.getresponse()
        except (ConnectionError, http.client.HTTPException):
            self._upstream.close()
            self._upstream.request("POST", "/", body, headers)
            answer = self._upstream.getresponse()
        data = answer.read()
        if answer.status == 200:
            _measure(call, data)
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _OWN_HEADERS}
        return Answer(answer.status, kept, data)

    def send_answer(self, answer: Answer, data: bytes, stated_length: int) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(stated_length))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def _measure(call: Call, data: bytes) -> None:
    said = json.loads(data)
    call.items = len(said.get("Items", ())) + sum(map(len, said.get("Responses", {}).values()))
    consumed = said.get("ConsumedCapacity") or []
    call.capacity = sum(each["CapacityUnits"] for each in ([consumed] if isinstance(consumed, dict) else consumed))


def capacity(calls: Iterable[Call]) -> float:
    """Read capacity units that the server said some calls consumed."""
    return sum(call.capacity for call in calls)
