"""The lake's bytes: a folder or S3 through one class (obstore); every write is atomic."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlparse

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from moderation_craft.errors import LakeRefused, SetupError

Store: TypeAlias = LocalStore | MemoryStore | S3Store

_MAKE_ROOM = "free some space, then run the same command again: nothing half-written is ever read."
_CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class StoredObject:
    key: str
    size: int
    modified_at: datetime


class Storage:
    """Objects by key under one address: `./lake`, `/data/lake` or `s3://bucket/prefix`."""

    def __init__(self, address: str, store: Store) -> None:
        self.address = address
        self._store = store

    @classmethod
    def open(cls, address: str, *, region: str = "ap-northeast-1") -> Storage:
        if address.startswith("s3://"):
            return cls(address.rstrip("/"), _s3_store(address, region))
        if "://" in address:
            raise SetupError(
                f"The lake address {address!r} is neither a folder nor s3://bucket/prefix.",
                remedy="set `lake` in mcraft.toml or MCRAFT_LAKE to one of the two.",
            )
        root = Path(address).expanduser().absolute()
        with _translated(address, "open"):
            root.mkdir(parents=True, exist_ok=True)
            return cls(str(root), LocalStore(root))

    @property
    def is_folder(self) -> bool:
        return isinstance(self._store, LocalStore)

    @property
    def folder(self) -> Path:
        """The lake's folder; only where `is_folder`."""
        if not self.is_folder:
            raise ValueError(f"{self.address} is not a folder")
        return Path(self.address)

    def url(self, key: str) -> str:
        """What DuckDB opens: an absolute path or an s3:// address."""
        return f"{self.address}/{key}"

    def get(self, key: str) -> bytes:
        """An object's bytes; FileNotFoundError where there is none."""
        with _translated(key, "read"):
            return obstore.get(self._store, key).bytes().to_bytes()

    def get_or_none(self, key: str) -> bytes | None:
        try:
            return self.get(key)
        except FileNotFoundError:
            return None

    def stream(self, key: str) -> Iterator[bytes]:
        """An object's bytes in chunks; memory constant in its size."""
        with _translated(key, "read"):
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=_CHUNK_BYTES):
                yield bytes(chunk)

    def put(self, key: str, data: bytes) -> None:
        with _translated(key, "write"):
            obstore.put(self._store, key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        """Write only where nothing stands yet; False where something does."""
        with _translated(key, "write"):
            try:
                obstore.put(self._store, key, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

    def put_file(self, key: str, path: Path) -> None:
        """Upload a file, streamed."""
        with _translated(key, "write"):
            obstore.put(self._store, key, path, max_concurrency=1)

    def exists(self, key: str) -> bool:
        with _translated(key, "read"):
            try:
                obstore.head(self._store, key)
            except FileNotFoundError:
                return False
            return True

    def size(self, key: str) -> int:
        with _translated(key, "read"):
            return obstore.head(self._store, key)["size"]

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below a prefix that ends at a `/`, sorted by key."""
        with _translated(prefix, "list"):
            found = [meta for batch in obstore.list(self._store, prefix) for meta in batch]
        for meta in sorted(found, key=lambda meta: meta["path"]):
            yield StoredObject(meta["path"], meta["size"], meta["last_modified"])

    def delete(self, keys: Sequence[str] | Iterable[str]) -> None:
        """Remove objects; those that are gone already count as removed."""
        for key in keys:
            with _translated(key, "delete"):
                try:
                    obstore.delete(self._store, key)
                except FileNotFoundError:
                    continue


def _s3_store(address: str, region: str) -> S3Store:
    parsed = urlparse(address)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    prefix = parsed.path.strip("/") or None
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or region
    if endpoint is None:
        return S3Store(parsed.netloc, prefix=prefix, region=region)
    return S3Store(
        parsed.netloc,
        prefix=prefix,
        region=region,
        endpoint=endpoint,
        virtual_hosted_style_request=False,
        client_options={"allow_http": endpoint.startswith("http://")},
    )


@contextmanager
def local_disk(folder: Path) -> Iterator[None]:
    """Local files of work under way: a disk that is full or refuses is a LakeRefused, as the lake's own is."""
    try:
        yield
    except OSError as error:
        is_full = error.errno == errno.ENOSPC or "No space left" in str(error)
        raise LakeRefused(
            f"Files under way cannot be written in {str(folder)!r}: {'the disk is full' if is_full else error}.",
            remedy=_MAKE_ROOM if is_full else "set `cache` (MCRAFT_CACHE) to a folder that can be written.",
        ) from error


@contextmanager
def _translated(what: str, verb: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" not in str(error):
            raise
        raise LakeRefused(
            f"The lake could not {verb} {what!r}: the bucket does not exist.",
            remedy="create it, or mend the lake's address; `mcraft doctor` checks it.",
        ) from error
    except (BaseError, OSError) as error:
        text = str(error).split("\n", 1)[0]
        full = "No space left" in str(error) or getattr(error, "errno", None) == 28
        remedy = (
            _MAKE_ROOM if full else "check the lake's address, permissions and credentials with `mcraft doctor`."
        )
        cause = "the disk is full" if full else text
        raise LakeRefused(f"The lake could not {verb} {what!r}: {cause}.", remedy=remedy) from error
