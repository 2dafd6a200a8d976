"""Connections in a folder of this machine: one encrypted file each, and its previous generation beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from filelock import FileLock, Timeout

from moderation_craft.errors import SetupError, Unavailable
from moderation_craft.logs import get_logger
from moderation_craft.sources.oauth.connection import Connection
from moderation_craft.sources.oauth.files import private_folder, write_whole
from moderation_craft.sources.oauth.services import ServiceName
from moderation_craft.sources.oauth.vault import Unreadable
from moderation_craft.sources.oauth.vault_key import VaultKey

log = get_logger("oauth.vault")

_MAGIC = b"mcraft-connection-1\n"
_NONCE_BYTES = 12
_SUFFIX, _PREVIOUS, _LOCK = ".sealed", ".sealed.previous", ".lock"
_LOCK_SECONDS = 90.0
_LONGEST_NAME = 200


class LocalVault:
    """AES-256-GCM, bound to whose connection it is; a file cut in half is answered from the generation before."""

    def __init__(self, folder: Path, key: Literal["auto", "keyring", "file"] = "auto") -> None:
        self.folder = folder
        self.key = VaultKey(folder, key)

    def get(self, service: ServiceName, user_id: str) -> Connection | None:
        current = _bytes_or_none(self._path(service, user_id, _SUFFIX))
        previous = _bytes_or_none(self._path(service, user_id, _PREVIOUS))
        if current is None and previous is None:
            return None
        key = self.key.read()
        for sealed in (current, previous):
            connection = _opened(key, service, user_id, sealed)
            if connection is not None:
                if sealed is not current:
                    log.warning("a connection's file was damaged; the one before it is used", service=service)
                return connection
        raise Unreadable(
            f"What is kept of the connection of {user_id} to {service} is damaged.",
            remedy=f"connect again: `mcraft connect {service} --user {user_id}`, or /settings/integrations.",
        )

    def has(self, service: ServiceName, user_id: str) -> bool:
        return any(self._path(service, user_id, suffix).exists() for suffix in (_SUFFIX, _PREVIOUS))

    def put(self, connection: Connection) -> None:
        service, user_id = connection.service, connection.user_id
        try:
            private_folder(self.folder)
            with self._lock("vault"):
                key = self.key.read_or_make()
            path = self._path(service, user_id, _SUFFIX)
            held = _bytes_or_none(path)
            if _opened(key, service, user_id, held) is not None:
                write_whole(self._path(service, user_id, _PREVIOUS), held or b"")
            write_whole(path, _sealed(key, connection))
        except OSError as error:
            raise SetupError(
                f"The folder for connections, {self.folder}, cannot be written: {error.strerror}.",
                remedy="mend its rights or free space, or set connections.folder to another.",
            ) from error

    def delete(self, service: ServiceName, user_id: str) -> bool:
        was_there = self.has(service, user_id)
        for suffix in (_SUFFIX, _PREVIOUS):
            self._path(service, user_id, suffix).unlink(missing_ok=True)
        return was_there

    def people(self, service: ServiceName) -> set[str]:
        found = re.compile(rf"{service}~(.+)\.sealed(\.previous)?")
        names = [path.name for path in self.folder.glob(f"{service}~*")]
        return {unquote(match[1]) for name in names if (match := found.fullmatch(name))}

    @contextmanager
    def held(self, service: ServiceName, user_id: str) -> Iterator[None]:
        private_folder(self.folder)
        with self._lock(self._path(service, user_id, "").name):
            yield

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        lock = FileLock(self.folder / f"{name}{_LOCK}", timeout=_LOCK_SECONDS, thread_local=False)
        try:
            with lock:
                yield
        except Timeout as error:
            raise Unavailable(
                "Another process keeps this connection for longer than a refresh takes.",
                remedy="see whether another `mcraft` hangs; the next run asks again.",
            ) from error

    def _path(self, service: ServiceName, user_id: str, suffix: str) -> Path:
        spelled = quote(user_id, safe="").replace(".", "%2E")
        if len(spelled) > _LONGEST_NAME:
            raise SetupError(
                f"A person's id of {len(user_id)} characters is too long for a file's name.",
                remedy="connect with the id that the app knows this person by.",
            )
        return self.folder / f"{service}~{spelled}{suffix}"


def _sealed(key: bytes, connection: Connection) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    bound_to = _bound_to(connection.service, connection.user_id)
    return _MAGIC + nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(connection), bound_to)


def _opened(key: bytes, service: ServiceName, user_id: str, sealed: bytes | None) -> Connection | None:
    if sealed is None or not sealed.startswith(_MAGIC):
        return None
    nonce, text = sealed[len(_MAGIC) :][:_NONCE_BYTES], sealed[len(_MAGIC) + _NONCE_BYTES :]
    try:
        plain = AESGCM(key).decrypt(nonce, text, _bound_to(service, user_id))
        return msgspec.json.decode(plain, type=Connection)
    except (InvalidTag, ValueError, msgspec.DecodeError):
        return None


def _bound_to(service: str, user_id: str) -> bytes:
    return msgspec.json.encode([service, user_id])


def _bytes_or_none(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
