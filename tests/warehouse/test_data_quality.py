"""How whole each day came, told from raw that the engine itself wrote over weeks; and the calendar of days."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import holidays
import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.sources.contract import Person, Stream, Window
from moderation_craft.sources.fetch import fetch_source
from moderation_craft.warehouse import publish, runner
from moderation_craft.warehouse.declared import AskedStream
from moderation_craft.warehouse.gold import Gold
from tests.sources.made_up import MadeUp
from tests.warehouse.made_lake import item, put_export

FIRST = date(2026, 11, 14)
ASKED = [
    AskedStream("fitbit", "sleep", "daily", is_optional=False),
    AskedStream("fitbit", "steps", "daily", is_optional=False),
    AskedStream("fitbit", "intraday", "daily", is_optional=True),
    AskedStream("fitbit", "notes", "snapshot", is_optional=False),
    AskedStream("weather", "daily", "daily", is_optional=False),
]
SLEEP, STEPS, DAILY = Stream("sleep"), Stream("steps"), Stream("daily")
MINA = Person("mina")
BROKEN_NIGHT = b'{"dataPoints":[{"name":"x/broken","sleep":{"interval":{"startTime":"?"}}}]}'
_numbers = itertools.count()


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def fitbit_says(stream: Stream, _: Person, on: date) -> bytes | None:
    if on == day(4):
        return None if stream == STEPS else b'{"dataPoints":[]}'
    if on == day(6):
        return None
    if stream == SLEEP:
        return BROKEN_NIGHT if on == day(2) else b"{}"
    return b'{"rollupDataPoints":[{"steps":{"countSum":"0"}},{"steps":{"countSum":"12"}}]}'


def fetch(lake: Lake, on: date, first: date) -> None:
    """The daily fetch of a day's noon in Tokyo: fitbit and the weather."""
    assert isinstance(lake.clock, FixedClock)
    lake.clock.instant = datetime.combine(on, datetime.min.time(), UTC) + timedelta(hours=3)
    fitbit = MadeUp(name="fitbit", streams=[SLEEP, STEPS], says=fitbit_says)
    weather = MadeUp(name="weather", streams=[DAILY], says=lambda *_: b'{"daily":{"time":[]}}')
    for source in (fitbit, weather):
        run_id = f"run-{next(_numbers):04}"
        fetch_source(lake, source, [MINA], first_day=first, last_day=on, run_id=run_id)


@dataclass(frozen=True)
class Told:
    lake: Lake
    settings: Settings
    gold: Gold

    def statuses(self, source: str) -> dict[date, tuple[object, ...]]:
        sql = (
            "select date, status, streams_held, missing_streams, rows_in, rows_out, refused "
            f"from mart_data_quality where source = '{source}' order by date"
        )
        return {row[0]: row[1:] for row in self.gold.query(sql).rows}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Mina connects on day 9, is fetched for on day 11, and then not before day 30."""
    folder = tmp_path_factory.mktemp("quality") / "lake"
    lake = Lake.open(str(folder), FixedClock(datetime(2026, 11, 1, tzinfo=UTC)))
    put_export(lake, "20261101T000000000Z-0001", [item("user", "mina", "mina", timezone="Asia/Tokyo")])
    for on, first in ((9, 0), (11, 0), (30, 0)):
        fetch(lake, day(on), day(first))
    settings = Settings(lake=str(folder))
    runner.build(lake, settings, {}, asked=ASKED)
    publish.publish(lake, settings)
    yield Told(lake, settings, Gold.open(lake))


def test_every_day_since_the_first_has_a_row(told: Told) -> None:
    for source in ("fitbit", "weather"):
        assert list(told.statuses(source)) == Window(day(0), day(30)).days


def test_history_is_complete_and_what_came_weeks_after_is_late(told: Told) -> None:
    found = {on: row[0] for on, row in told.statuses("weather").items()}
    assert {found[each] for each in Window(day(0), day(11)).days} == {"complete"}, "history, or fetched in time"
    assert {found[each] for each in Window(day(12), day(25)).days} == {"late"}
    assert {found[each] for each in Window(day(27), day(30)).days} == {"complete"}


def test_what_lacks_is_named_and_an_empty_answer_is_an_answer(told: Told) -> None:
    found = told.statuses("fitbit")
    assert found[day(3)] == ("complete", 2, "", 2, 2, 0)
    assert found[day(4)] == ("partial", 1, "steps", 0, 0, 0)
    assert found[day(6)] == ("missing", 0, "sleep, steps", 0, 0, 0)


def test_what_is_refused_is_counted_on_its_day(told: Told) -> None:
    assert told.statuses("fitbit")[day(2)] == ("complete", 2, "", 3, 2, 1)
    assert told.gold.query("select sum(refused) from mart_data_quality").rows == [(1,)]


def test_looking_again_changes_nothing_but_lateness_and_streams_do(told: Told) -> None:
    lake, settings = told.lake, told.settings

    def fingerprint(asked: list[AskedStream]) -> str:
        return runner.fingerprint(lake, settings, {}, asked)

    before = fingerprint(ASKED)
    fetch(lake, day(30), day(0))
    assert fingerprint(ASKED) == before
    assert fingerprint(ASKED[:-1]) != before
    assert told.gold.fingerprint == before


def test_days_are_whole_years_with_japans_holidays(told: Told) -> None:
    columns = "date, iso_year, iso_week, weekday, is_weekend, holiday_name_ja, holiday_name_en, is_working_day"
    rows = told.gold.query(f"select {columns} from dim_date order by date").rows
    assert [row[0] for row in rows] == Window(date(2026, 1, 1), date(2026, 12, 31)).days
    japanese = holidays.country_holidays("JP", years=2026, language="ja")
    english = holidays.country_holidays("JP", years=2026, language="en_US")
    for on, *row in rows:
        is_weekend, is_holiday = on.isoweekday() >= 6, on in japanese
        assert row == [
            *on.isocalendar(),
            is_weekend,
            japanese.get(on),
            english.get(on),
            not is_weekend and not is_holiday,
        ]
    names = {on: row[4] for on, *row in rows}
    assert names[date(2026, 5, 6)] == "振替休日" and names[date(2026, 9, 22)] == "国民の休日"


def test_the_calendar_is_everybodys(told: Told) -> None:
    assert told.gold.person_rows("dim_date", "anybody").num_rows == 365
    assert told.gold.person_rows("dim_date", "anybody", first=date(2026, 12, 30)).num_rows == 2
    assert told.gold.person_rows("mart_data_quality", "anybody").num_rows == 0


def test_nothing_of_people_whom_nobody_knows(told: Told, tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"), FixedClock(datetime(2026, 11, 1, tzinfo=UTC)))
    runner.build(lake, Settings(lake=lake.address), {}, asked=ASKED)
    publish.publish(lake, Settings(lake=lake.address))
    gold = Gold.open(lake)
    for mart in ("mart_data_quality", "dim_date"):
        assert gold.query(f"select count(*) from {mart}").rows == [(0,)]
