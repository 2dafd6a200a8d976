"""How few requests a backfill makes, and how much of the limit it uses: `make bench-sources` (2 minutes).

Two years of one person, every stream of the fitbit source, from its stand-in over loopback, at Google Health's
real limit of 300 requests a minute and in real time. BENCH_SOURCES_DAYS makes it smaller.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.meter import cpu_seconds
from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import Person, Window
from moderation_craft.sources.faults import Faulty
from moderation_craft.sources.fetch import completeness, fetch_source
from moderation_craft.sources.fitbit.source import FitbitSource, health_http
from moderation_craft.sources.fitbit.stand_in import create_app, seeded_person
from moderation_craft.sources.fitbit.streams import HealthStream
from moderation_craft.sources.oauth.tokens import FixedTokens
from moderation_craft.sources.stand_in import serve

DAYS = int(os.environ.get("BENCH_SOURCES_DAYS", "730"))
LIMIT_PER_MINUTE = 300
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PERSON = Person("mina", "Asia/Tokyo")

# As documented, not as the source declares it: a roll-up's longest range, a page's most rows.
ROLL_UP_DAYS = 90
ROLL_UP_DAYS_OF_FINE_TYPES = 14
FINE_TYPES = {"heart-rate", "active-minutes", "total-calories", "calories-in-heart-rate-zone"}
PAGE_ROWS = 10_000
PAGE_ROWS_OF_SESSIONS = 25
SESSIONS = {"sleep", "exercise"}


def least_requests(stream: HealthStream, rows: int) -> int:
    """The fewest requests that could give these rows: whole ranges of roll-ups, full pages of lists."""
    if stream.method == "dailyRollUp":
        return math.ceil(DAYS / (ROLL_UP_DAYS_OF_FINE_TYPES if stream.path in FINE_TYPES else ROLL_UP_DAYS))
    return max(1, math.ceil(rows / (PAGE_ROWS_OF_SESSIONS if stream.path in SESSIONS else PAGE_ROWS)))


def rows_held(lake: Lake) -> Counter[str]:
    """The points in the lake, by stream."""
    rows: Counter[str] = Counter()
    for manifest in lake.manifests("fitbit"):
        for part in manifest.parts:
            for line in lake.lines(part.key):
                rows[part.stream] += sum(len(points) for points in json.loads(line)["data"].values())
    return rows


def backfill(folder: Path) -> None:
    """Run it and print its table; AssertionError where a day is missing afterwards."""
    window = Window(NOW.date() - timedelta(days=DAYS - 1), NOW.date())
    lake = Lake.open(str(folder / "lake"), FixedClock(NOW))
    faulty = Faulty(create_app([seeded_person(PERSON.user_id, "token", window.days)]))
    with serve(faulty) as url:
        source = FitbitSource(f"{url}/v4", FixedTokens({PERSON.user_id: "token"}), health_http())
        cpu, started = cpu_seconds(), time.monotonic()
        result = fetch_source(lake, source, [PERSON], first_day=window.first, last_day=window.last, run_id="bench")
        wall, cpu = time.monotonic() - started, cpu_seconds() - cpu
    missing = sum(state.missing_days for state in completeness(lake, source, [PERSON], window.first, window.last))
    assert (missing, result.skipped) == (0, []), result.sentence()  # noqa: S101
    rows = rows_held(lake)
    least = {
        each.name: least_requests(each, rows[each.name])
        for each in source.streams
        if isinstance(each, HealthStream)
    }
    made = {
        each.name: sum(f"/dataTypes/{each.path}/dataPoints" in path for path in faulty.requests)
        for each in source.streams
    }
    said = [
        f"Backfill of {DAYS} days of one person, {len(made)} streams, {LIMIT_PER_MINUTE} requests a minute",
        f"{'stream':38}{'requests':>9}{'least':>7}",
    ]
    said += [f"{name:38}{requests:9,}{least[name]:7,}" for name, requests in made.items()]
    requests, fewest = len(faulty.requests), sum(least.values())
    at_limit = requests / LIMIT_PER_MINUTE * 60
    said += [
        f"{'all':38}{requests:9,}{fewest:7,}   {requests / fewest:.3f} of the least possible (aim: 1.1)",
        f"wall {wall:.1f} s, requests / limit {at_limit:.1f} s: {wall / at_limit:.3f} of it (aim: 1.1)",
        f"CPU with the stand-in {cpu:.1f} s; {result.records:,} records, {result.parts:,} parts, "
        f"{len(result.manifests)} manifests",
    ]
    sys.stdout.write("\n".join(said) + "\n")


def main() -> None:
    with TemporaryDirectory() as folder:
        backfill(Path(folder))
    if find_spec("benchmarks.takeout"):
        from benchmarks import takeout

        takeout.main()


if __name__ == "__main__":
    main()
