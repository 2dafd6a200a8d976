"""The generic engine on bad days: what fails is left out and said; a kill leaves no half state."""

from __future__ import annotations

import pytest

from moderation_craft.errors import AuthFailed, LakeRefused, SchemaChanged, Unavailable
from moderation_craft.lake import Lake
from moderation_craft.sources import fetch as fetch_module
from moderation_craft.sources.contract import Person, Window
from moderation_craft.sources.http_errors import Forbidden
from tests.sources.made_up import KEN, MINA, STEPS, MadeUp, ago, missing_days, run, stored_keys


def test_days_without_an_answer_are_said_and_stay_missing(lake: Lake) -> None:
    source = MadeUp(streams=[STEPS], says=lambda _, __, day: None if day < ago(5) else b"1")
    result = run(lake, source, days=8)
    assert [(skip.days, skip.code) for skip in result.skipped] == [(2, None)]
    assert result.errors == []
    assert missing_days(lake, source, days=8) == {"steps": 2}


def test_what_came_before_a_failure_is_kept_and_the_gap_is_filled_next(lake: Lake) -> None:
    broken = MadeUp(
        streams=[STEPS],
        raises=lambda _, __, day: Unavailable("down", remedy="wait") if day == ago(15) else None,
    )
    result = run(lake, broken)
    assert [(skip.window, skip.code) for skip in result.skipped] == [(Window(ago(19), ago(10)), "E006")]
    assert missing_days(lake, broken) == {"steps": 6}
    assert "10 days left out of steps (E006)" in result.sentence()
    mended = MadeUp(streams=[STEPS])
    run(lake, mended, refetch_open=False)
    assert mended.days_asked(STEPS) == Window(ago(15), ago(10)).days
    assert missing_days(lake, mended) == {"steps": 0}


@pytest.mark.parametrize(
    ("error", "asked_of_mina"),
    [
        (AuthFailed("expired", remedy="connect"), {"steps": 1}),
        (Forbidden("no scope", remedy="connect"), {"steps": 1, "sleep": 5}),
        (SchemaChanged("new", remedy="upgrade"), {"steps": 3, "sleep": 5}),
    ],
)
def test_how_far_a_failure_reaches(lake: Lake, error: Exception, asked_of_mina: dict[str, int]) -> None:
    """A refused person is not asked again; a forbidden stream is left; a broken one after three windows."""
    source = MadeUp(raises=lambda stream, person, day: error if (stream, person) == (STEPS, MINA) else None)
    result = run(lake, source, MINA, KEN, days=31)
    asked = [stream for stream, user, _ in source.asked if user == "mina"]
    assert {stream: asked.count(stream) for stream in set(asked)} == asked_of_mina
    assert result.streams["steps"].records == result.streams["sleep"].records - 31 * ("sleep" in asked) == 31
    failed = [skip for skip in result.skipped if not skip.reason.startswith("not asked for after")]
    assert len(failed) == asked_of_mina["steps"]
    left_out = sum(skip.days for skip in result.skipped)
    assert left_out == 31 * (2 if "sleep" not in asked else 1)


def test_a_dead_service_is_left_alone_after_six_failures(lake: Lake) -> None:
    source = MadeUp(raises=lambda *_: Unavailable("down", remedy="wait"))
    people = [Person(f"person-{number}") for number in range(9)]
    result = run(lake, source, *people)
    assert len(source.asked) == 6
    assert sum(skip.days for skip in result.skipped) == 2 * 9 * 30
    assert result.manifests == []


def test_people_who_are_not_connected_are_said_not_failed(lake: Lake) -> None:
    source = MadeUp(refused=frozenset({"mina"}))
    alone = run(lake, source, MINA)
    assert alone.sentence() == "made_up: nobody asked for (not connected)"
    both = run(lake, source, MINA, KEN)
    assert {(skip.user_id, skip.reason, skip.code) for skip in both.skipped} == {("mina", "not connected", None)}
    assert both.errors == []
    assert both.records == 60


def test_a_record_that_is_no_json_is_left_out(lake: Lake) -> None:
    result = run(lake, MadeUp(streams=[STEPS], says=lambda *_: b"<html>"), days=3)
    assert [error.code for error in result.errors] == ["E003"]
    assert result.manifests == []


def test_a_long_backfill_is_committed_in_chunks_and_an_interrupt_loses_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "WINDOWS_PER_COMMIT", 4)
    source = MadeUp(streams=[STEPS], raises=lambda _, __, day: KeyboardInterrupt() if day == ago(95) else None)
    with pytest.raises(KeyboardInterrupt):
        run(lake, source, days=200, run_id="killed")
    assert [manifest.id for manifest in lake.manifests("made_up")] == ["killed", "killed-0002"]
    assert missing_days(lake, source, days=200) == {"steps": 120}
    again = MadeUp(streams=[STEPS])
    run(lake, again, days=200, run_id="killed", refetch_open=False)
    assert again.days_asked(STEPS) == [*Window(ago(199), ago(100)).days, *Window(ago(95), ago(90)).days]
    assert missing_days(lake, again, days=200) == {"steps": 0}
    assert [manifest.id for manifest in lake.manifests("made_up")] == [
        "killed",
        *(f"killed-{number:04}" for number in range(2, 6)),
    ]


def test_parts_without_a_manifest_do_not_exist(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lake, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            run(lake, MadeUp(), days=3)
    assert len(stored_keys(lake)) == 6
    assert missing_days(lake, MadeUp(), days=3) == {"steps": 3, "sleep": 3}
    assert run(lake, MadeUp(), days=3).records == 6
    assert len(stored_keys(lake)) == 7


def test_a_lake_that_refuses_stops_the_run(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(key: str, data: bytes) -> None:
        raise LakeRefused("the disk is full", remedy="free some space")

    monkeypatch.setattr(lake.storage, "put", full)
    with pytest.raises(LakeRefused):
        run(lake, MadeUp(), days=3)
