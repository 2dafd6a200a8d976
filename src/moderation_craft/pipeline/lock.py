"""One run at a time on a lake: an OS lock beside a folder, a lease in S3."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta

import msgspec
from filelock import FileLock, Timeout

from moderation_craft.clock import iso
from moderation_craft.errors import LakeRefused
from moderation_craft.lake import Lake, zones

_LEASE = timedelta(seconds=60)
_POLL_SECONDS = 1.0


class RunLockHeld(LakeRefused):
    """Another process is running a job on this lake and did not finish in time."""


def run_lock(
    lake: Lake, *, wait_seconds: float = 0, on_wait: Callable[[], None] = lambda: None
) -> AbstractContextManager[None]:
    """Hold the lake's run lock; RunLockHeld where another process keeps it for longer than `wait_seconds`.

    In a folder the kernel frees it when its process dies, however that happens; in S3 it ends by itself a
    minute after its holder's last sign of life.
    """
    if lake.storage.is_folder:
        return _folder_lock(lake, wait_seconds, on_wait)
    return _lease(lake, wait_seconds, on_wait)


def is_locked(lake: Lake) -> bool:
    """Whether some process is running a job on this lake now."""
    try:
        with run_lock(lake):
            return False
    except RunLockHeld:
        return True


def run_lease(lake: Lake) -> Lease | None:
    """The lease that stands on an S3 lake's run lock, whether its holder lives or not."""
    held = lake.storage.get_or_none(zones.state("run.lock"))
    return None if held is None else msgspec.json.decode(held, type=Lease)


@contextmanager
def _folder_lock(lake: Lake, wait_seconds: float, on_wait: Callable[[], None]) -> Iterator[None]:
    path = lake.storage.folder / zones.state("run.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if wait_seconds <= 0:
            raise under_way(lake) from None
        on_wait()
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise under_way(lake) from None
    try:
        yield
    finally:
        lock.release()


class Lease(msgspec.Struct):
    """Who holds an S3 lake's run lock; a living holder prolongs it three times before it ends."""

    holder: str
    until: datetime


@contextmanager
def _lease(lake: Lake, wait_seconds: float, on_wait: Callable[[], None]) -> Iterator[None]:
    key = zones.state("run.lock")
    holder = f"{socket.gethostname()}:{threading.get_ident()}:{iso(lake.clock.now())}"

    def body() -> bytes:
        return msgspec.json.encode(Lease(holder, lake.clock.now() + _LEASE))

    deadline = time.monotonic() + wait_seconds
    while not lake.storage.put_new(key, body()):
        held = run_lease(lake)
        if held is not None and held.until < lake.clock.now():
            lake.storage.delete([key])
            continue
        if time.monotonic() >= deadline:
            raise under_way(lake)
        on_wait()
        time.sleep(_POLL_SECONDS)
    stop = threading.Event()

    def keep_alive() -> None:
        while not stop.wait(_LEASE.total_seconds() / 3):
            lake.storage.put(key, body())

    keeper = threading.Thread(target=keep_alive, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()
        lake.storage.delete([key])


def under_way(lake: Lake) -> RunLockHeld:
    """What somebody is told who comes while another run is under way."""
    return RunLockHeld(
        f"Another run is under way on {lake.address}.",
        remedy="wait until it is done (`mcraft status` shows it), then run the command again.",
    )
