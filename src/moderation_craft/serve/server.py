"""Listening: one socket on loopback, a clear word when it is taken, a clean end on Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from moderation_craft.errors import SetupError
from moderation_craft.pipeline.steps import Context
from moderation_craft.serve.app import create_app

_GRACE_SECONDS = 3


def bind(host: str, port: int) -> socket.socket:
    """A bound loopback socket; SetupError where the port is taken. Port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SetupError(
            f"Port {port} on {host} cannot be used: {error.strerror}.",
            remedy=f"stop what listens there, or choose another: `mcraft serve --port {port + 1}`.",
        ) from error
    return bound


def check_port(host: str, port: int) -> None:
    """SetupError where the port is taken now; so that long work does not end at a closed door."""
    bind(host, port).close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def serve_forever(context: Context, *, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; a job under way is let finish, a second Ctrl-C stops it too."""
    bound = bind(host, port)
    address = f"http://localhost:{bound.getsockname()[1]}"
    config = uvicorn.Config(
        create_app(context), log_level="warning", timeout_graceful_shutdown=_GRACE_SECONDS, lifespan="on"
    )
    server = _Server(config, lambda: say(f"Serving {address} (Ctrl-C stops it)"))
    try:
        server.run(sockets=[bound])
    except KeyboardInterrupt:  # uvicorn raises it again after its clean end
        say("Stopped.")
    finally:
        bound.close()
