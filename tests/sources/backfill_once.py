"""One fetch of the made-up paged service in a process of its own: `python -m … URL LAKE FIRST LAST`."""

from __future__ import annotations

import sys
from datetime import date

from moderation_craft.clock import SystemClock, new_run_id
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import Person
from moderation_craft.sources.fetch import fetch_source
from moderation_craft.sources.http import Http
from tests.sources.paged_service import PagedSource


def main(url: str, lake: str, first: str, last: str) -> None:
    source = PagedSource(url, Http("paged", per_minute=100_000, attempts=1))
    fetch_source(
        Lake.open(lake),
        source,
        [Person("mina", "UTC")],
        first_day=date.fromisoformat(first),
        last_day=date.fromisoformat(last),
        run_id=new_run_id(SystemClock()),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
