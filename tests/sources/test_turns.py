"""People in turn, limits, dead services, reasons kept: the engine on days when the other side is the trouble."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from moderation_craft.errors import AuthFailed, McraftError, RateLimited, Unavailable
from moderation_craft.lake import Lake
from moderation_craft.sources import giving_up
from moderation_craft.sources.contract import Person, Record, Stream, Window
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.held import Held
from moderation_craft.sources.http import Http
from moderation_craft.sources.http_errors import Forbidden
from moderation_craft.sources.stand_in import serve
from moderation_craft.sources.throttle import Meter, in_words
from tests.sources.made_up import KEN, MINA, SLEEP, STEPS, TODAY, MadeUp, ago, missing_days, pass_time, run
from tests.sources.paged_service import PagedSource, Service

AUTH = AuthFailed("consent was withdrawn", remedy="connect again")


def raising(error: McraftError) -> Callable[[Stream, Person, date], BaseException | None]:
    return lambda stream, person, day: error


def test_one_persons_limit_does_not_idle_the_others(lake: Lake) -> None:
    """Mina waits for her limit until Ken has been answered: one after the other, this would never end."""
    service, ken_is_done = Service(), threading.Event()

    def wait(seconds: float) -> None:
        assert ken_is_done.wait(60), "Ken was not asked for while Mina waited"
        http._throttle._limiter.storage.reset()

    http = Http("paged", per_minute=4, sleep=wait, attempts=1)

    @dataclass
    class Watched(PagedSource):
        def __init__(self, url: str) -> None:
            super().__init__(url, http)
            self.streams = PagedSource.streams[:1]

        def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
            yield from super().fetch(stream, person, window)
            if person.user_id == "ken" and window.first == ago(27):
                ken_is_done.set()

    with serve(service.app()) as url:
        source = Watched(url)
        result = run(lake, source, Person("mina", "UTC"), Person("ken", "UTC"), days=28)
        assert result.skipped == []
        long = run(lake, Watched(url), Person("mina", "UTC"), Person("ken", "UTC"), days=70)
    assert long.skipped == []
    assert {asked.user_id for asked in service.asked} == {"mina", "ken"}
    assert result.records + long.records == 2 * 70


def test_several_people_are_under_way_at_once_each_with_one_window(lake: Lake) -> None:
    together = threading.Barrier(3, timeout=60)
    begun: list[str] = []

    def meet(stream: Stream, person: Person, day: date) -> None:
        if day == TODAY:
            begun.append(person.user_id)
            together.wait()

    source = MadeUp(streams=[STEPS], raises=meet)
    result = run(lake, source, MINA, KEN, Person("aya"), days=30)
    assert (result.records, sorted(begun)) == (90, ["aya", "ken", "mina"])
    assert len(lake.manifests("made_up")[0].parts) == 30
    mine = [window for _, user, window in source.asked if user == "mina"]
    assert mine == [Window(ago(9), TODAY), Window(ago(19), ago(10)), Window(ago(29), ago(20))]


def test_a_person_whose_limit_is_used_up_is_left_until_the_next_run(lake: Lake) -> None:
    used_up = RateLimited("quota of the day", remedy="wait", retry_after_seconds=86_400)
    source = MadeUp(raises=lambda stream, person, day: used_up if person == MINA else None)
    result = run(lake, source, MINA, KEN)
    assert [user for _, user, _ in source.asked].count("mina") == 1
    assert result.streams["steps"].records == result.streams["sleep"].records == 30


def test_only_some_people_are_asked_for(lake: Lake) -> None:
    source = MadeUp()
    result = run(lake, source, MINA, KEN, only_users={"ken"})
    assert {user for _, user, _ in source.asked} == {"ken"}
    assert result.records == 60


@pytest.mark.parametrize(
    ("error", "is_refused"),
    [(AUTH, True), (Forbidden("no scope", remedy="allow it"), True), (Unavailable("down", remedy="wait"), False)],
)
def test_why_a_day_was_not_answered_is_kept_until_it_is(lake: Lake, error: McraftError, is_refused: bool) -> None:
    run(lake, MadeUp(streams=[STEPS], raises=raising(error)), days=10)
    why = Held.read(lake, "made_up").why("steps", "mina", TODAY)
    assert why is not None
    assert (why.code, why.is_refused, why.remedy) == (error.code, is_refused, error.remedy)
    assert why.reason == error.message
    assert why.at == "2026-11-23T03:00:00.000Z"
    assert len(Held.read(lake, "made_up").refusals["steps", "mina"]) == 10
    run(lake, MadeUp(streams=[STEPS]), days=5)
    held = Held.read(lake, "made_up")
    assert held.why("steps", "mina", TODAY) is None
    assert set(held.refusals["steps", "mina"]) == set(Window(ago(9), ago(5)).days)


def test_days_without_an_answer_and_streams_not_asked_for_have_a_reason(lake: Lake) -> None:
    run(lake, MadeUp(streams=[STEPS], says=lambda _, __, day: None if day < ago(5) else b"1"), days=8)
    held = Held.read(lake, "made_up")
    assert {day: said.reason for day, said in held.refusals["steps", "mina"].items()} == dict.fromkeys(
        [ago(6), ago(7)], "the source has no answer for these days"
    )
    run(lake, MadeUp(raises=raising(AUTH)), KEN, days=8)
    why = Held.read(lake, "made_up").why("sleep", "ken", TODAY)
    assert why is not None
    assert why.reason == "not asked for after: consent was withdrawn"
    assert why.is_refused


def test_a_state_that_is_cut_in_half_costs_reasons_only(lake: Lake) -> None:
    forbidden = Forbidden("no scope", remedy="allow it")
    source = MadeUp(raises=lambda stream, _, day: forbidden if stream == SLEEP else None)
    run(lake, source)
    state = lake.storage.get("_state/fetch-made_up.json")
    for cut in (b"", state[: len(state) // 2], b'{"looks": [{"stream": 1}]}', b"[1]"):
        lake.storage.put("_state/fetch-made_up.json", cut)
        assert len(Held.read(lake, "made_up").days["steps", "mina"]) == 30
    assert run(lake, MadeUp()).errors == []


def test_a_reconnect_asks_for_nothing_that_is_held(lake: Lake) -> None:
    run(lake, MadeUp(), days=20)
    pass_time(lake, days=3)
    run(lake, MadeUp(raises=raising(AUTH)), days=20)
    pass_time(lake, days=1)
    again = MadeUp()
    run(lake, again, days=20)
    assert again.days_asked(STEPS) == Window(ago(3), TODAY).days
    assert missing_days(lake, again, days=20) == {"steps": 0, "sleep": 0}


def test_a_dead_service_that_times_out_slowly_is_given_up_in_time(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_up, "SOURCE_FAILING_SECONDS_MOST", 1.0)
    faulty = Faulty(Service().app())
    faulty.faults.append(Fault(is_silent=True))
    http = Http("paged", timeout_seconds=0.4, attempts=4, dead_after_seconds=0.5, backoff=lambda error: 0.0)
    with serve(faulty) as url:
        started = time.monotonic()
        result = run(lake, PagedSource(url, http), Person("mina", "UTC"), days=400)
        took = time.monotonic() - started
    assert {error.code for error in result.errors} == {"E008"}
    assert len(faulty.requests) <= 5
    assert took < 20
    assert sum(skip.days for skip in result.skipped) == 400 * len(PagedSource.streams)
    assert Held.read(lake, "paged").why("daily-0", "mina", ago(399)) is not None


def test_an_honest_time_left_is_the_longer_of_pace_and_limit() -> None:
    meter = Meter()
    assert meter.seconds_left(0, 10) is None
    for _ in range(200):
        meter.note("mina", 300, 1)
    by_limit = meter.seconds_left(100, 300)
    assert by_limit is not None
    assert 99 <= by_limit <= 101
    meter.started -= 500
    by_pace = meter.seconds_left(100, 300)
    assert by_pace is not None
    assert by_pace >= 1500
    said = [in_words(seconds) for seconds in (3, 80, 130, 3600, 9000)]
    assert said == [
        "less than a minute left",
        "about 1 minute left",
        "about 2 minutes left",
        "about 60 minutes left",
        "about 2 hours left",
    ]


def test_progress_says_how_long_it_takes(lake: Lake) -> None:
    said: list[str] = []
    with serve(Service().app()) as url:
        source = PagedSource(url, Http("paged", per_minute=100_000))
        run(lake, source, Person("mina", "UTC"), days=40, progress=lambda done, total, doing: said.append(doing))
    assert any(text.endswith("less than a minute left") for text in said)
