"""The generic engine: windows, gaps, open days, idempotence, snapshots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from moderation_craft.clock import FixedClock
from moderation_craft.lake import Lake
from moderation_craft.settings import Place, load_settings
from moderation_craft.sources import registry
from moderation_craft.sources.contract import Person, Record, Source, Stream, Window
from moderation_craft.sources.fetch import completeness, fetch_source
from moderation_craft.sources.planning import windows
from tests.sources.made_up import (
    KEN,
    MINA,
    NOTES,
    SLEEP,
    STEPS,
    TODAY,
    MadeUp,
    ago,
    days_own_number,
    missing_days,
    pass_time,
    run,
    stored_keys,
)


@given(days=st.sets(st.dates(date(2024, 1, 1), date(2026, 12, 31)), max_size=60), most=st.integers(1, 20))
def test_windows_cover_every_day_once_within_the_limit_newest_first(days: set[date], most: int) -> None:
    found = windows(days, most)
    covered = [day for window in found for day in window.days]
    assert sorted(covered) == sorted(days)
    assert all(len(window.days) <= most for window in found)
    assert all(newer.first > older.last for newer, older in pairwise(found))


@given(first=st.dates(date(2020, 1, 1), date(2026, 1, 1)), length=st.integers(1, 800), most=st.integers(1, 100))
def test_a_run_of_days_takes_the_fewest_windows(first: date, length: int, most: int) -> None:
    found = windows(Window(first, first + timedelta(days=length - 1)).days, most)
    assert len(found) == -(-length // most)


def test_a_part_holds_all_people_of_a_day_and_the_manifest_says_whose(any_lake: Lake) -> None:
    result = run(any_lake, MadeUp(), MINA, KEN, days=12, run_id="run-a")
    (manifest,) = any_lake.manifests("made_up")
    assert (manifest.id, manifest.kind, manifest.rows) == ("run-a", "fetch", 48)
    assert (result.records, result.parts, result.days_asked) == (48, 24, 48)
    assert result.bytes == manifest.bytes
    part = next(part for part in manifest.parts if part.stream == "steps" and part.dt == "2026-11-15")
    assert part.key.startswith("raw/external/made_up/steps/dt=2026-11-15/part-")
    assert [(entry.user_id, entry.is_closed) for entry in part.entries] == [("ken", True), ("mina", True)]
    line = json.loads(next(iter(any_lake.lines(part.key))))
    assert line == {
        "source": "made_up",
        "stream": "steps",
        "user_id": "ken",
        "date": "2026-11-15",
        "fetched_at": "2026-11-23T03:00:00.000Z",
        "data": {"value": date(2026, 11, 15).toordinal() + 3},
        "metadata": {"request": "made up"},
    }


def test_windows_are_asked_newest_first_over_all_streams(lake: Lake) -> None:
    source = MadeUp()
    run(lake, source, days=20)
    lasts = [window.last for _, _, window in source.asked]
    assert lasts == sorted(lasts, reverse=True)
    assert source.days_asked(STEPS) == source.days_asked(SLEEP) == Window(ago(19), TODAY).days


def test_only_gaps_and_open_days_are_asked_again(lake: Lake) -> None:
    run(lake, MadeUp(), days=10)
    again = MadeUp()
    result = run(lake, again, days=15)
    assert again.days_asked(STEPS) == [*Window(ago(14), ago(10)).days, *Window(ago(3), TODAY).days]
    assert result.streams["steps"].unchanged == 4
    assert result.streams["steps"].records == 5


def test_open_days_may_be_left_alone(lake: Lake) -> None:
    run(lake, MadeUp(), days=10)
    again = MadeUp()
    assert run(lake, again, days=10, refetch_open=False).days_asked == 0
    assert again.asked == []


def test_the_same_answers_again_write_nothing(any_lake: Lake) -> None:
    run(any_lake, MadeUp())
    before = stored_keys(any_lake)
    result = run(any_lake, MadeUp())
    assert (result.records, result.manifests, result.unchanged) == (0, [], 8)
    assert stored_keys(any_lake) == before


def test_space_between_values_makes_no_new_record(lake: Lake) -> None:
    run(lake, MadeUp(says=lambda stream, person, day: b'{"a": [1.10, 1e2]}'), days=1)
    (manifest,) = lake.manifests("made_up")
    assert b'"data":{"a":[1.10,1e2]}' in next(iter(lake.lines(manifest.parts[0].key)))
    spaced = MadeUp(says=lambda stream, person, day: b'{\n  "a": [\n1.10,  1e2]\n}')
    assert run(lake, spaced, days=1).records == 0


def test_an_open_day_that_changed_is_written_beside_the_old(lake: Lake) -> None:
    run(lake, MadeUp(), days=2)
    before = stored_keys(lake)
    pass_time(lake, hours=1)
    late = MadeUp(streams=[STEPS], says=lambda stream, person, day: b'{"value": 7}')
    result = run(lake, late, days=2)
    assert result.records == 2
    assert before < stored_keys(lake)
    assert run(lake, late, days=2).records == 0


def test_a_day_given_twice_in_one_go_is_what_it_was_last(lake: Lake) -> None:
    class Hesitant(MadeUp):
        def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
            yield from super().fetch(stream, person, window)
            yield Record(TODAY, b'{"value":"whole"}')

    run(lake, Hesitant(streams=[STEPS]), days=2)
    (manifest,) = lake.manifests("made_up")
    assert manifest.rows == 2
    newest = next(part for part in manifest.parts if part.dt == str(TODAY))
    assert [json.loads(line)["data"] for line in lake.lines(newest.key)] == [{"value": "whole"}]


def test_a_day_closes_when_it_was_seen_unchanged_after_its_time(lake: Lake) -> None:
    source = MadeUp(streams=[STEPS])
    run(lake, source, days=1)
    pass_time(lake, days=6)
    assert run(lake, source, days=1).unchanged == 1
    source.asked.clear()
    assert run(lake, source, days=1).days_asked == 0
    lake.storage.delete(["_state/fetch-made_up.json"])
    assert run(lake, source, days=1).unchanged == 1
    assert len(lake.manifests("made_up")) == 1


def test_a_day_closes_in_the_persons_zone(lake: Lake) -> None:
    """The 19th ends at 10:00 UTC of the 20th in Honolulu, and is closed three days later."""
    place = Place(name="Honolulu", latitude=21.3, longitude=-157.8, timezone="Pacific/Honolulu")
    away = Person("mina", places=[place])
    for hour, closed in ((9, False), (10, True)):
        clock = FixedClock(datetime(2026, 11, 23, hour, tzinfo=UTC))
        fresh = Lake(lake.storage.open(f"{lake.address}-{hour}"), clock)
        day = date(2026, 11, 19)
        fetch_source(fresh, MadeUp(streams=[STEPS]), [away], first_day=day, last_day=day, run_id="run")
        assert fresh.manifests("made_up")[0].parts[0].entries[0].is_closed is closed


def test_a_day_that_has_not_begun_where_the_person_is_is_not_asked_for(lake: Lake) -> None:
    source = MadeUp(streams=[STEPS])
    west = Person("mina", timezone="Pacific/Honolulu")
    fetch_source(lake, source, [west], first_day=ago(1), last_day=TODAY + timedelta(days=5), run_id="run")
    assert source.days_asked(STEPS) == [ago(1)]


def test_an_empty_answer_is_held_and_never_asked_for_again(lake: Lake) -> None:
    source = MadeUp(streams=[STEPS], says=lambda stream, person, day: b'{"dataPoints":[]}')
    run(lake, source)
    source.asked.clear()
    run(lake, source)
    assert source.days_asked(STEPS) == Window(ago(3), TODAY).days
    assert missing_days(lake, source) == {"steps": 0}


def test_snapshots_are_written_when_they_change(lake: Lake) -> None:
    def says(text: bytes) -> MadeUp:
        return MadeUp(streams=[NOTES], says=lambda *_: text, series=("home", "work"))

    written = [run(lake, says(text)).records for text in (b'"a"', b'"a"', b'"b"', b'"a"')]
    assert written == [2, 0, 2, 2]
    pass_time(lake, days=1)
    assert run(lake, says(b'"a"')).unchanged == 2
    states = completeness(lake, says(b'"a"'), [MINA, KEN], ago(9), TODAY)
    assert [(state.missing_days, state.newest_fetched_at) for state in states] == [
        (0, "2026-11-24T03:00:00.000Z"),
        (0, None),
    ]


def test_completeness_counts_held_open_and_missing_days(lake: Lake) -> None:
    run(lake, MadeUp(), days=10)
    steps, _ = completeness(lake, MadeUp(refused=frozenset({"mina"})), [MINA], ago(19), TODAY)
    assert (steps.held_days, steps.open_days, steps.missing_days) == (10, 4, 10)
    assert list(steps.missing) == [Window(ago(19), ago(10))]
    assert steps.newest_fetched_at == "2026-11-23T03:00:00.000Z"
    assert steps.refusal == "not connected"


def test_progress_goes_from_nothing_to_all(lake: Lake) -> None:
    seen: list[tuple[int, int | None]] = []
    run(lake, MadeUp(), progress=lambda done, total, doing: seen.append((done, total)))
    assert seen[0] == (0, 60)
    assert seen[-1] == (60, 60)
    assert seen == sorted(seen)


def test_the_digest_ignores_who_else_was_fetched(lake: Lake) -> None:
    run(lake, MadeUp(), MINA, days=5)
    result = run(lake, MadeUp(), MINA, KEN, days=5)
    assert (result.records, result.unchanged) == (10, 8)


def test_sources_are_found_by_their_folders() -> None:
    settings = load_settings(fitbit={"access_tokens": {"mina": "tok-123456"}})
    assert registry.source_names() == sorted(registry.source_names())
    assert {"fitbit", "weather"} <= set(registry.source_names())
    assert [source.name for source in registry.build_sources(settings, FixedClock(datetime.now(UTC)))] == (
        registry.source_names()
    )


def test_the_made_up_source_is_a_source() -> None:
    source: Source = MadeUp()
    stream: Stream = source.streams[0]
    assert days_own_number(stream, MINA, TODAY).startswith(b"{")
