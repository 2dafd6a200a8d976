"""Faults on demand before any ASGI app: what services do on bad days, over real connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Fault:
    """What happens to requests whose path holds `path_part`, so many `times` (None: always).

    A `status` is answered in the app's place; `rewrite` changes the body of the app's own answer;
    with `is_silent` no answer ever comes.
    """

    status: int = 0
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    path_part: str = ""
    times: int | None = None
    rewrite: Callable[[bytes], bytes] | None = None
    is_silent: bool = False


class Faulty:
    """An app behind faults; `requests` are the paths that were asked for."""

    def __init__(self, app: App) -> None:
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        self.requests.append(path)
        fault = self._fault_for(path)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.is_silent:
            while (await receive())["type"] != "http.disconnect":
                continue
        elif fault.rewrite is not None:
            await self._rewritten(fault.rewrite, scope, receive, send)
        else:
            await _answer(send, fault.status, fault.body, fault.headers)

    def _fault_for(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.path_part in path and fault.times != 0:
                fault.times = None if fault.times is None else fault.times - 1
                return fault
        return None

    async def _rewritten(
        self, rewrite: Callable[[bytes], bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)

        await self._app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in said)
        await _answer(send, said[0]["status"], rewrite(body), {"content-type": "application/json"})


async def _answer(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    fields = {"content-length": str(len(body)), **headers}
    pairs = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
