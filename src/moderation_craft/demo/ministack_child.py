"""Runs ministack for as long as whoever started it lives: `python -m moderation_craft.demo.ministack_child`."""

from __future__ import annotations

import os
import sys
import threading


def _end_with_parent() -> None:
    """Leave when standard input ends, which it does however the parent dies, kill -9 included."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    from ministack.app import main  # type: ignore[import-untyped]

    sys.argv = ["ministack"]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main()
