"""Keeps an export's memory the same however long it runs."""

from __future__ import annotations

import ctypes
import platform

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 512 * 1024


def return_large_blocks() -> None:
    """Let glibc give blocks of 512 KB and more back to the system as soon as they are freed, in this process.

    Pages of 1 MB come and go in several threads; glibc's own, growing threshold would keep them in its arenas,
    which grow to a third more memory over a long export (mallopt(3)). Elsewhere than on glibc nothing changes.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
