"""The one-shot server on 127.0.0.1 to which a browser brings the answer of a consent that the shell asked for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from moderation_craft.errors import McraftError, SetupError, TimedOut
from moderation_craft.sources.oauth.connection import Connection
from moderation_craft.sources.oauth.consent import AnswerRefused
from moderation_craft.sources.oauth.pages import answer_page, refusal_page

PATH = "/callback"
_READ_SECONDS = 10
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

Complete = Callable[[Mapping[str, str]], Connection]


class LoopbackServer:
    """Listens from the start of `with` on; `await_answer` takes what comes until one answer is complete.

    A thread a connection: browsers open some that they never use.
    """

    def __init__(self, port: int = 0) -> None:
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise SetupError(
                f"Port {port} on 127.0.0.1 cannot be used: {error.strerror}.",
                remedy="stop what listens there, or set connections.redirect_port to another (0 takes any).",
            ) from error
        self.redirect_uri = f"http://127.0.0.1:{self._server.server_port}{PATH}"

    def __enter__(self) -> LoopbackServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.server_close()

    def await_answer(self, complete: Complete, wait_seconds: float) -> Connection:
        """The connection that `complete` makes of the answer; its error where the consent came to nothing.

        What is not the answer waited for is refused there, and the wait goes on. TimedOut after `wait_seconds`.
        """
        outcomes: queue.Queue[Connection | Exception] = queue.Queue()
        self._server.RequestHandlerClass = type(
            "_Taking", (_Handler,), {"complete": staticmethod(complete), "outcomes": outcomes}
        )
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="redirect", daemon=True)
        thread.start()
        try:
            outcome = outcomes.get(timeout=wait_seconds)
        except queue.Empty:
            raise TimedOut(
                f"No answer came back within {wait_seconds / 60:.3g} minutes.",
                remedy="run the command again and consent on the page that opens. If that page says "
                "invalid_client or redirect_uri_mismatch, mend the client (docs/connect.md).",
            ) from None
        finally:
            self._server.shutdown()
            thread.join()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class _Handler(BaseHTTPRequestHandler):
    """Answers the one path; logs nothing, since the address holds the code."""

    timeout = _READ_SECONDS
    complete: Complete
    outcomes: queue.Queue[Connection | Exception]

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        is_ours = self.headers.get("Host", "").partition(":")[0] in ("127.0.0.1", "localhost")
        if address.path != PATH or not is_ours:
            self.send_error(404)
            return
        outcome = self._outcome(dict(parse_qsl(address.query)))
        if isinstance(outcome, McraftError):
            self._show(400, refusal_page(outcome))
        elif isinstance(outcome, Connection):
            self._show(200, answer_page(outcome.service))
        if not isinstance(outcome, AnswerRefused):
            self.outcomes.put(outcome)

    def _outcome(self, answer: Mapping[str, str]) -> Connection | Exception:
        try:
            return self.complete(answer)
        except Exception as error:  # handed to the thread that waits, which raises it
            return error

    def _show(self, status: int, page: str) -> None:
        body = page.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": _POLICY,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Connection": "close",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        return
