"""Each day's state: what is held, still open, cut short, lacking, refused, and why; per stream and over them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from moderation_craft.errors import AuthFailed, McraftError, Unavailable
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import Person, Source, Stream
from moderation_craft.sources.held import Held
from moderation_craft.sources.http_errors import Forbidden
from moderation_craft.sources.states import CUT_SHORT, NOT_OVER, SourceStates, states_of
from tests.sources.made_up import MINA, NOTES, SLEEP, STEPS, MadeUp, ago, pass_time, run

DAYS = 10


def states(lake: Lake, source: Source, person: Person = MINA, days: int = DAYS) -> SourceStates:
    held = Held.read(lake, source.name)
    return states_of(lake, source, person, held, expected_from=ago(days - 1))


def shown(found: SourceStates) -> dict[str, list[tuple[int, int, str]]]:
    """By stream: how many days ago each run begins and ends, and its state."""
    return {
        each.stream.name: [((ago(0) - run.first).days, (ago(0) - run.last).days, run.state) for run in each.runs]
        for each in found.streams
    }


def over_streams(found: SourceStates) -> list[tuple[int, int, str, int, int, tuple[str, ...]]]:
    return [
        (
            (ago(0) - run.first).days,
            (ago(0) - run.last).days,
            run.state,
            run.streams_held,
            run.streams_expected,
            run.lacking,
        )
        for run in found.days
    ]


def every_day(found: SourceStates) -> list[date]:
    return [run.first + timedelta(days=n) for run in found.days for n in range(run.days)]


def fails(error: McraftError, *streams: Stream, since: int = 99) -> MadeUp:
    return MadeUp(raises=lambda stream, _, day: error if stream in streams and day >= ago(since) else None)


def test_nothing_is_missing_of_who_never_had_the_source(lake: Lake) -> None:
    source = MadeUp(refused=frozenset({"mina"}))
    found = states(lake, source)
    assert (found.refusal, found.days, found.counts) == ("not connected", [], {})
    assert shown(found) == {"steps": [], "sleep": []}


def test_before_the_first_fetch_every_day_but_today_is_missing(lake: Lake) -> None:
    found = states(lake, MadeUp())
    assert shown(found)["steps"] == [(9, 1, "missing"), (0, 0, "open")]
    assert found.streams[0].runs[-1].reason == NOT_OVER
    assert found.counts == {"open": 1, "missing": 9}
    assert found.held_ends is None and found.last_looked_at is None


def test_closed_days_are_complete_and_newer_ones_open(lake: Lake) -> None:
    run(lake, MadeUp(), days=DAYS)
    found = states(lake, MadeUp())
    assert shown(found) == {name: [(9, 4, "complete"), (3, 0, "open")] for name in ("steps", "sleep")}
    assert over_streams(found) == [(9, 4, "complete", 2, 2, ()), (3, 0, "open", 2, 2, ())]
    assert found.held_ends == (ago(9), ago(0))
    assert every_day(found) == [ago(n) for n in range(9, -1, -1)]


def test_what_was_looked_at_too_early_is_partial_until_it_is_looked_at_again(lake: Lake) -> None:
    run(lake, MadeUp(), days=DAYS)
    pass_time(lake, days=6)
    found = states(lake, MadeUp())
    assert shown(found)["steps"][:2] == [(9, 4, "complete"), (3, 0, "partial")]
    assert shown(found)["steps"][2:] == [(-1, -5, "missing"), (-6, -6, "open")]
    assert found.days[1].reason == CUT_SHORT


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Unavailable("down", remedy="wait"), "missing"),
        (Forbidden("no scope for steps", remedy="connect again"), "refused"),
    ],
)
def test_a_failed_stream_makes_its_days_partial_with_the_reason_until_it_answers(
    lake: Lake, error: McraftError, state: str
) -> None:
    run(lake, fails(error, STEPS), days=DAYS)
    found = states(lake, MadeUp())
    assert shown(found)["steps"] == [(9, 0, state)]
    assert over_streams(found) == [(9, 0, "partial", 1, 2, ("steps",))]
    (lacking,) = found.streams[0].runs
    assert error.message in (lacking.reason or "")
    assert (lacking.code, lacking.remedy) == (error.code, error.remedy)
    assert error.message in (found.days[0].reason or "")
    run(lake, MadeUp(), days=DAYS)
    assert states(lake, MadeUp()).counts == {"complete": 6, "open": 4}


def test_a_service_that_died_leaves_only_the_new_days_missing(lake: Lake) -> None:
    run(lake, MadeUp(), days=DAYS)
    pass_time(lake, days=2)
    run(lake, fails(Unavailable("down", remedy="wait"), STEPS, SLEEP), days=DAYS)
    found = states(lake, MadeUp())
    assert [state for _, _, state, *_ in over_streams(found)] == ["complete", "partial", "open", "missing", "open"]
    run(lake, MadeUp(), days=DAYS)
    assert set(states(lake, MadeUp()).counts) <= {"complete", "partial", "open", "missing"}


def test_who_gave_up_the_source_lacks_the_days_since_and_is_told_why(lake: Lake) -> None:
    run(lake, MadeUp(), days=DAYS)
    pass_time(lake, days=30)
    found = states(lake, MadeUp(refused=frozenset({"mina"})))
    assert found.refusal == "not connected"
    newest = found.days[-1]
    assert (newest.state, newest.reason, newest.streams_held) == ("refused", "not connected", 0)
    assert newest.first == ago(-1) and newest.days == 30


def test_refused_credentials_are_said_on_every_day_that_was_asked_for(lake: Lake) -> None:
    run(lake, fails(AuthFailed("expired", remedy="connect"), STEPS, SLEEP), days=DAYS)
    found = states(lake, MadeUp())
    assert found.counts == {"refused": DAYS}
    assert "expired" in (found.days[0].reason or "")


def test_a_window_cuts_the_runs_and_reaches_before_the_history(lake: Lake) -> None:
    run(lake, MadeUp(), days=40)
    held = Held.read(lake, "made_up")

    def within(first: date, last: date) -> SourceStates:
        return states_of(lake, MadeUp(), MINA, held, expected_from=ago(9), window=(first, last))

    assert every_day(within(ago(35), ago(30))) == [ago(n) for n in range(35, 29, -1)]
    assert every_day(within(ago(60), ago(38))) == [ago(39), ago(38)], "before the first held, nothing is expected"
    assert within(ago(-5), ago(-9)).days == []


def test_a_snapshot_tells_of_the_days_before_the_look(lake: Lake) -> None:
    source = MadeUp(streams=[NOTES], series=["work"])
    run(lake, source, days=DAYS)
    pass_time(lake, days=3)
    assert shown(states(lake, source))["notes"] == [
        (9, 1, "complete"),
        (0, 0, "open"),
        (-1, -2, "missing"),
        (-3, -3, "open"),
    ]


def test_years_of_many_streams_are_few_runs(lake: Lake) -> None:
    streams = [Stream(f"stream-{number}", max_window_days=90) for number in range(12)]
    source = MadeUp(streams=streams)
    run(lake, source, days=730)
    found = states(lake, source, days=730)
    assert [len(each.runs) for each in found.streams] == [2] * 12
    assert len(found.days) == 2
