"""The local vault's key: in the system's keyring where there is one that works, else in a file of mode 600."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path
from typing import Literal

import keyring
import keyring.errors
from keyring.backends import fail, null

from moderation_craft.errors import SetupError
from moderation_craft.logs import get_logger
from moderation_craft.sources.oauth.files import write_whole
from moderation_craft.sources.oauth.vault import APP, Unreadable

log = get_logger("oauth.key")

KeyHome = Literal["keyring", "file"]
KEY_BYTES = 32
_MARKER, _FILE = "key-is-in", "vault.key"


class VaultKey:
    """The key of one vault's folder. Where it lies is decided once, when it is made, and then kept to."""

    def __init__(self, folder: Path, wanted: Literal["auto", "keyring", "file"]) -> None:
        self._folder = folder
        self._wanted = wanted

    @property
    def file(self) -> Path:
        return self._folder / _FILE

    def home(self) -> KeyHome | None:
        """Where the key lies; None where none was made yet."""
        try:
            return "keyring" if (self._folder / _MARKER).read_text().strip() == "keyring" else "file"
        except FileNotFoundError:
            return "file" if self.file.exists() else None

    def read(self) -> bytes:
        """The key; Unreadable where it is not to be had."""
        home = self.home()
        try:
            text = self._from_keyring() if home == "keyring" else self.file.read_text()
        except FileNotFoundError:
            text = None
        except keyring.errors.KeyringError as error:
            raise Unreadable(
                f"The keyring that holds the key to the connections cannot be asked: {type(error).__name__}.",
                remedy="unlock it, or run where it is there (a desktop session); else disconnect, set "
                'connections.key = "file" and connect again.',
            ) from error
        key = _decoded(text)
        if key is None:
            where = "the system's keyring" if home == "keyring" else str(self.file)
            raise Unreadable(
                f"The key to the connections is not in {where}, or damaged.",
                remedy="restore it from a backup, or connect each service again (`mcraft connect`).",
            )
        return key

    def read_or_make(self) -> bytes:
        """The key, made where there is none. The caller holds the vault's lock."""
        if self.home() is not None:
            try:
                return self.read()
            except Unreadable:
                if not self._is_lost():
                    raise
                log.warning("the key to the connections is gone; a new one is made")
        key = secrets.token_bytes(KEY_BYTES)
        home = self._keep(base64.b64encode(key).decode())
        write_whole(self._folder / _MARKER, home.encode())
        return key

    def _is_lost(self) -> bool:
        """Whether the key is gone for good, rather than out of reach for now."""
        if self.home() == "file":
            return True
        try:
            return _decoded(self._from_keyring()) is None
        except keyring.errors.KeyringError:
            return False

    def _keep(self, text: str) -> KeyHome:
        if self._wanted != "file" and keyring_works():
            try:
                keyring.set_password(APP, str(self._folder), text)
                if keyring.get_password(APP, str(self._folder)) == text:
                    return "keyring"
            except keyring.errors.KeyringError as error:
                log.warning("the keyring refused the key", reason=type(error).__name__)
        if self._wanted == "keyring":
            raise SetupError(
                'connections.key is "keyring", and this machine has none that works.',
                remedy='set connections.key = "file": the key then lies in a file that only you can read.',
            )
        write_whole(self.file, text.encode())
        return "file"

    def _from_keyring(self) -> str | None:
        return keyring.get_password(APP, str(self._folder))


def keyring_works() -> bool:
    """Whether the system has a keyring to speak of."""
    backend = keyring.get_keyring()
    return backend.priority > 0 and not isinstance(backend, fail.Keyring | null.Keyring)


def _decoded(text: str | None) -> bytes | None:
    try:
        key = base64.b64decode(text or "", validate=True)
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None


def is_private(path: Path) -> bool:
    """Whether nobody but its owner can read or write a file (always so where the system has no modes)."""
    return os.name == "nt" or path.stat().st_mode & 0o077 == 0
