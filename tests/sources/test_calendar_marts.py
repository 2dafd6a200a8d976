"""Calendars from the wire to the marts: one event by several ways counts once, and titles stay in raw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from moderation_craft.lake import Lake
from moderation_craft.settings import CalendarSettings, Settings
from moderation_craft.sources.calendar.google_stand_in import StandInCalendar
from moderation_craft.sources.calendar.import_ics import import_ics
from moderation_craft.sources.prepare import prepare_all, prepared_keys
from moderation_craft.warehouse import publish, runner
from tests.sources.google_calendar import exception, guests, timed, whole_day, world

TITLE = "Geheimes Gespräch ☕ 0xTITLE"
ENDINGS = (b"TITLE", b"Geheimes")

GOOGLES_OWN_FEED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Google Inc//Google Calendar 70.9054//EN
BEGIN:VEVENT
UID:series@google.com
SUMMARY:{title}
DTSTART;TZID=Asia/Tokyo:20261116T090000
DTEND;TZID=Asia/Tokyo:20261116T100000
RRULE:FREQ=DAILY;COUNT=5
END:VEVENT
BEGIN:VEVENT
UID:moved@google.com
SUMMARY:{title} as it was yesterday
DTSTART:20261116T050000Z
DTEND:20261116T060000Z
END:VEVENT
BEGIN:VEVENT
UID:declined@google.com
SUMMARY:{title}
DTSTART:20261119T050000Z
DTEND:20261119T060000Z
END:VEVENT
BEGIN:VEVENT
UID:only-here@example.com
SUMMARY:{title}
DTSTART:20261120T003000Z
DTEND:20261120T020000Z
END:VEVENT
BEGIN:VEVENT
UID:only-here-free@example.com
SUMMARY:{title}
DTSTART:20261120T050000Z
DTEND:20261120T060000Z
TRANSP:TRANSPARENT
END:VEVENT
END:VCALENDAR
"""


def googles() -> StandInCalendar:
    """A series of which the third occurrence was cancelled and the fourth moved; others once each."""
    calendar = StandInCalendar("mina@example.com", "Mina", is_primary=True)
    title = {"summary": TITLE}
    morning = [f"2026-11-{{day}}T{hour}:00:00+09:00" for hour in ("09", "10")]
    series = timed(
        "series", *(each.format(day=16) for each in morning), recurrence=["RRULE:FREQ=DAILY;COUNT=5"], **title
    )
    third, fourth = (morning[0].format(day=day) for day in (18, 19))
    calendar.put(
        series,
        exception("series_3", series, third, *(each.format(day=18) for each in morning), **title),
        exception("series_4", series, fourth, "2026-11-19T16:00:00+09:00", "2026-11-19T16:30:00+09:00", **title),
        timed("moved", "2026-11-17T14:00:00+09:00", "2026-11-17T15:00:00+09:00", **title),
        timed(
            "declined",
            "2026-11-19T14:00:00+09:00",
            "2026-11-19T15:00:00+09:00",
            attendees=guests("declined"),
            **title,
        ),
        whole_day("off", "2026-11-18", "2026-11-19", **title),
    )
    calendar.cancel("series_3")
    return calendar


@dataclass(frozen=True)
class Seen:
    lake: Lake
    days: dict[str, dict[str, Any]]

    def below_raw(self) -> Iterator[Path]:
        """Every file of the lake but raw's own."""
        folder = self.lake.storage.folder
        yield from (
            path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] != "raw"
        )


@pytest.fixture(scope="module", params=[(), ("mina",)], ids=["titles off", "titles on"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("marts")
    titles_of = list(request.param)
    with world(folder, googles()) as made:
        made.fetch()
        made.fetch()
        lake = made.lake
        path = folder / "feed.ics"
        path.write_text(GOOGLES_OWN_FEED.format(title=TITLE).replace("\n", "\r\n"), encoding="utf-8", newline="")
        import_ics(lake, path, "mina")
    settings = Settings(lake=lake.address, calendar=CalendarSettings(show_titles=titles_of))
    prepare_all(lake, titles_of=titles_of)
    runner.build(lake, settings, {"calendar": prepared_keys(lake, "calendar", titles_of=titles_of), "csv": []})
    publish.publish(lake, settings)
    with duckdb.connect(str(runner.warehouse_path(lake, settings)), read_only=True) as connection:
        rows = connection.sql("from fct_daily_schedule order by date").to_arrow_table().to_pylist()
    return Seen(lake, {f"{row['date']:%m-%d}": row for row in rows})


def minutes(seen: Seen) -> dict[str, tuple[float, int]]:
    return {day: (row["meeting_minutes"], row["event_count"]) for day, row in seen.days.items()}


def test_an_event_seen_by_two_ways_counts_once_as_the_better_one_says(seen: Seen) -> None:
    assert minutes(seen) == {
        "11-16": (60, 1),  # the ICS address still has "moved" here
        "11-17": (120, 2),
        "11-18": (0, 1),  # the series' third was cancelled; a whole day takes no minutes
        "11-19": (30, 1),  # the fourth moved; an invitation was declined
        "11-20": (120, 3),  # 9 to 10 and 9:30 to 11 overlap; free time is no meeting
    }


def test_the_free_block_and_the_busy_share_count_overlaps_once(seen: Seen) -> None:
    said = seen.days["11-20"]
    assert (said["longest_free_minutes"], said["busy_share_pct"]) == (7 * 60, pytest.approx(100 * 2 / 9))
    off = seen.days["11-18"]
    assert (off["longest_free_minutes"], off["busy_share_pct"]) == (9 * 60, 0)
    assert seen.days["11-17"]["longest_free_minutes"] == 4 * 60


def test_titles_leave_raw_only_where_the_person_allows_it(seen: Seen, request: pytest.FixtureRequest) -> None:
    may_show = "titles on" in request.node.name
    raw = b"".join(path.read_bytes() for path in (seen.lake.storage.folder / "raw").rglob("*") if path.is_file())
    assert all(piece in raw for piece in ENDINGS)
    told = seen.days["11-20"]["event_titles"]
    assert told == ("\n".join([TITLE] * 3) if may_show else None)
    holding = {path.name.split(".")[-1] for path in seen.below_raw() if any(p in text_of(path) for p in ENDINGS)}
    assert holding == ({"parquet", "duckdb"} if may_show else set())
    kinds = {path.relative_to(seen.lake.storage.folder).parts[0] for path in seen.below_raw()}
    assert kinds >= {"staging", "gold", "_cache", "_state"}


def text_of(path: Path) -> bytes:
    """A file's bytes, and those of every text in it where it is a table packed or coded on disk."""
    found = path.read_bytes()
    if path.suffix == ".parquet":
        return found + repr(duckdb.sql(f"from read_parquet('{path}')").fetchall()).encode()
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.sql(
                "select schema_name, table_name from duckdb_tables() where not internal and not temporary"
            ).fetchall()
            rows = [connection.sql(f'from "{schema}"."{name}"').fetchall() for schema, name in tables]
        return found + repr(rows).encode()
    return found
