"""People in turn: windows are asked for in threads, one a person, so that one's limit does not idle the others."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from moderation_craft.sources.contract import Record
from moderation_craft.sources.planning import Task

PEOPLE_AT_ONCE = 6
QUIET_SECONDS = 0.05

Ask = Callable[[Task], Iterator[Record]]


@dataclass(frozen=True)
class Came:
    """A record of a window, as soon as the source gave it."""

    task: Task
    record: Record


@dataclass(frozen=True)
class Ended:
    """A window was answered to its end, or failed."""

    task: Task
    error: BaseException | None


@dataclass(frozen=True)
class Quiet:
    """Nothing came for a moment: the other side is being waited for, with what came before in hand."""


class Turns:
    """Does tasks in their order, a person's one after the other, several people's at once.

    The caller's thread takes everything that comes; nothing but `ask` runs in another. `at_once` bounds how many
    are under way, and is asked again before each one.
    """

    def __init__(self, tasks: Sequence[Task], ask: Ask, at_once: Callable[[], int]) -> None:
        self._waiting: dict[str, deque[tuple[int, Task]]] = {}
        for place, task in enumerate(tasks):
            self._waiting.setdefault(task.person.user_id, deque()).append((place, task))
        self._ask = ask
        self._at_once = at_once
        self._busy: set[str] = set()
        self._came: SimpleQueue[Came | Ended] = SimpleQueue()

    def __iter__(self) -> Iterator[Came | Ended | Quiet]:
        self._start_some()
        is_quiet = False
        while self._busy:
            try:
                event = self._came.get(timeout=None if is_quiet else QUIET_SECONDS)
            except Empty:
                is_quiet = True
                yield Quiet()
                continue
            is_quiet = False
            if isinstance(event, Ended):
                if event.error is not None and not isinstance(event.error, Exception):
                    raise event.error
                self._busy.remove(event.task.person.user_id)
            yield event
            self._start_some()

    def _start_some(self) -> None:
        while len(self._busy) < min(PEOPLE_AT_ONCE, self._at_once()) and (task := self._next()):
            self._busy.add(task.person.user_id)
            context = contextvars.copy_context()
            # A daemon: an interrupted fetch must not wait at its end for somebody's limit.
            threading.Thread(target=context.run, args=(self._do, task), name=f"fetch:{task}", daemon=True).start()

    def _next(self) -> Task | None:
        """The first task, in order, of somebody who has none under way."""
        heads = [
            (waiting[0][0], user_id)
            for user_id, waiting in self._waiting.items()
            if waiting and user_id not in self._busy
        ]
        if not heads:
            return None
        _, user_id = min(heads)
        return self._waiting[user_id].popleft()[1]

    def _do(self, task: Task) -> None:
        try:
            for record in self._ask(task):
                self._came.put(Came(task, record))
        except BaseException as error:
            self._came.put(Ended(task, error))
        else:
            self._came.put(Ended(task, None))
