"""Kill -9 in the middle of a two-year backfill: what was answered is held, and not asked for again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from moderation_craft.lake import Lake, zones
from moderation_craft.sources.stand_in import serve
from tests.conftest import REPOSITORY
from tests.sources.paged_service import STREAMS, Asked, Service

DAYS = 730
PAGES_MOST = 4
Content = dict[tuple[str, date], bytes]


class Backfill:
    """Two years of one person from the made-up service into one lake, by processes that may be killed."""

    def __init__(self, folder: Path, url: str, service: Service) -> None:
        self.lake_folder = folder / "lake"
        self.service = service
        self._url = url
        self._last = datetime.now(UTC).date()
        self._first = self._last - timedelta(days=DAYS - 1)

    def run(self, kill_at: int | None = None, after_seconds: float = 0.0) -> int | None:
        """None where it ended; else how many requests the service had seen when it was killed, which was
        so long after the request with a number."""
        command = [sys.executable, "-m", "tests.sources.backfill_once", self._url, str(self.lake_folder)]
        process = subprocess.Popen([*command, str(self._first), str(self._last)], cwd=REPOSITORY)
        seen: list[int] = []

        def kill() -> None:
            os.kill(process.pid, signal.SIGKILL)
            seen.append(len(self.service.asked))

        timer = threading.Timer(after_seconds, kill)

        def at_request(number: int) -> None:
            if number == kill_at and after_seconds:
                timer.start()
            elif number == kill_at:
                kill()

        self.service.before_answer = at_request
        status = process.wait(240)
        timer.cancel()
        assert status in (0, -signal.SIGKILL), "see stderr"
        return seen[0] if status and not self.is_over() else None

    def is_over(self) -> bool:
        """Whether the last fetch had ended, though its process had not: the next one looks at open days again."""
        lake = Lake.open(str(self.lake_folder))
        state = lake.read_state("fetch-paged.json")
        return state is not None and not state["answered"] and not self.left_behind()

    def content(self) -> Content:
        """What the lake holds, by stream and day; AssertionError where it holds a day twice."""
        lake = Lake.open(str(self.lake_folder))
        found: Content = {}
        for manifest in lake.manifests("paged"):
            for part in manifest.parts:
                for line in lake.lines(part.key):
                    said = json.loads(line)
                    key = (said["stream"], date.fromisoformat(said["date"]))
                    assert key not in found, f"{key} twice"
                    found[key] = json.dumps(said["data"]).encode()
        return found

    def left_behind(self) -> list[str]:
        storage = Lake.open(str(self.lake_folder)).storage
        return [stored.key for stored in storage.list(zones.fetch_journal("paged"))]


@contextmanager
def backfill(folder: Path) -> Iterator[Backfill]:
    service = Service()
    with serve(service.app()) as url:
        yield Backfill(folder, url, service)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Content]:
    """How many requests an undisturbed backfill makes, and what the lake holds after it."""
    with backfill(tmp_path_factory.mktemp("undisturbed")) as one:
        assert one.run() is None
        content = one.content()
        assert len(content) == DAYS * len(STREAMS)
        assert len(Lake.open(str(one.lake_folder)).manifests("paged")) <= 6
        return len(one.service.asked), content


def answered_whole_before(asked: list[Asked], kill: int) -> set[tuple[str, date]]:
    """Days of the windows whose last page was answered before the request at which the kill came."""
    days: set[tuple[str, date]] = set()
    window: set[tuple[str, date]] = set()
    for each in asked[: kill - 1]:
        window |= {(each.stream, day) for day in each.days}
        if each.is_last_page:
            days, window = days | window, set()
    return days


@pytest.mark.parametrize(("kills", "after_seconds"), [(1, 0.0), (1, 0.5), (6, 0.1)])
def test_a_killed_backfill_goes_on_where_it_was(
    tmp_path: Path, undisturbed: tuple[int, Content], kills: int, after_seconds: float
) -> None:
    requests, content = undisturbed
    chance = random.Random(os.environ.get("MCRAFT_KILL_SEED"))  # noqa: S311 - moments, no secrets
    moments = sorted(chance.sample(range(2, requests), kills))
    with backfill(tmp_path) as one:
        ends = []
        for moment in moments:
            ends.append(one.run(kill_at=moment, after_seconds=chance.uniform(0, after_seconds)))
            if ends[-1] is None:
                break
        else:
            assert one.run() is None
        asked = one.service.asked
        for end in filter(None, ends):
            again = {(each.stream, day) for each in asked[end:] for day in each.days}
            assert not answered_whole_before(asked, end) & again
        assert len(asked) <= requests + kills * PAGES_MOST
        assert len(asked) <= requests * (1 + 0.02 * kills)
        assert one.content() == content
        assert one.left_behind() == []
