"""What a fetch was answered outlives it, on a folder and in S3; what is half-written or committed is left out."""

from __future__ import annotations

import pytest

from moderation_craft.lake import Lake, zones
from moderation_craft.sources.contract import Person, Stream, Window
from moderation_craft.sources.held import Held
from moderation_craft.sources.journal import Journal
from moderation_craft.sources.part_writer import PartWriter
from tests.conftest import wait_until
from tests.sources.made_up import NOTES, STEPS, TODAY, MadeUp, ago, missing_days, pass_time, run

PREFIX = zones.fetch_journal("made_up")


def interrupted_at(day_ago: int, *, streams: tuple[Stream, ...] = (STEPS,)) -> MadeUp:
    """A source whose process ends, as far as the engine can tell, when this day is asked for."""

    def end(stream: Stream, person: Person, day: object) -> BaseException | None:
        return SystemExit() if day == ago(day_ago) else None

    return MadeUp(streams=streams, raises=end)


def journal_keys(lake: Lake) -> list[str]:
    return [stored.key for stored in lake.storage.list(PREFIX)]


def killed(lake: Lake, source: MadeUp, days: int = 30) -> None:
    with pytest.raises(SystemExit):
        run(lake, source, days=days)


def test_what_was_answered_is_kept_at_once_and_committed_by_the_next_fetch(any_lake: Lake) -> None:
    killed(any_lake, interrupted_at(29))
    assert any_lake.manifests("made_up") == []
    assert len(journal_keys(any_lake)) == 2
    again = MadeUp(streams=[STEPS])
    result = run(any_lake, again)
    assert again.days_asked(STEPS) == Window(ago(29), ago(20)).days
    assert result.records == 30
    assert len(any_lake.manifests("made_up")) == 1
    assert journal_keys(any_lake) == []
    assert missing_days(any_lake, again) == {"steps": 0}


def test_open_days_that_were_just_answered_are_asked_for_again_only_by_the_run_after(lake: Lake) -> None:
    killed(lake, interrupted_at(29))
    run(lake, MadeUp(streams=[STEPS]))
    after = MadeUp(streams=[STEPS])
    run(lake, after)
    assert after.days_asked(STEPS) == Window(ago(3), TODAY).days


def test_open_days_answered_long_before_are_asked_for_again(lake: Lake) -> None:
    killed(lake, interrupted_at(29))
    pass_time(lake, hours=7)
    again = MadeUp(streams=[STEPS])
    run(lake, again)
    assert again.days_asked(STEPS) == [*Window(ago(29), ago(20)).days, *Window(ago(3), TODAY).days]


def test_a_half_written_entry_is_ignored(any_lake: Lake) -> None:
    killed(any_lake, interrupted_at(29))
    _, older = journal_keys(any_lake)
    data = any_lake.storage.get(older)
    for cut in (0, 1, 64, 65, len(data) // 2, len(data) - 1):
        any_lake.storage.put(older, data[:cut])
        assert len(list(Journal(any_lake, "made_up").left_behind())) == 1
    again = MadeUp(streams=[STEPS])
    run(any_lake, again)
    assert again.days_asked(STEPS) == Window(ago(29), ago(10)).days
    assert missing_days(any_lake, again) == {"steps": 0}
    assert journal_keys(any_lake) == []


@pytest.mark.parametrize("stream", [STEPS, NOTES])
def test_an_end_between_the_commit_and_the_clearing_doubles_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, stream: Stream
) -> None:
    def end(_: Journal) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "clear", end)
        killed(lake, MadeUp(streams=[stream], series=["home"]))
    assert journal_keys(lake)
    assert run(lake, MadeUp(streams=[stream], series=["home"])).records == 0
    assert len(lake.manifests("made_up")) == 1
    assert journal_keys(lake) == []


def test_an_end_between_the_parts_and_the_manifest_loses_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(**_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(lake, "commit", end)
        killed(lake, MadeUp(streams=[STEPS]))
    again = MadeUp(streams=[STEPS])
    assert run(lake, again).records == 30
    assert again.asked == []


def test_an_end_between_the_manifest_and_the_state_asks_for_no_open_day_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Held, "write_state", end)
        killed(lake, MadeUp(streams=[STEPS]))
    assert len(lake.manifests("made_up")) == 1
    again = MadeUp(streams=[STEPS])
    assert run(lake, again).records == 0
    assert again.asked == []


def test_nothing_new_writes_no_entry(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    run(lake, MadeUp())

    def refuse(*_: object) -> None:
        raise AssertionError("an entry was written")

    monkeypatch.setattr(Journal, "write", refuse)
    assert run(lake, MadeUp()).unchanged == 8


def test_entries_are_never_written_over_another_fetchs(lake: Lake) -> None:
    killed(lake, interrupted_at(29))
    before = journal_keys(lake)
    other = Journal(lake, "made_up")
    (first, *_) = Journal(lake, "made_up").left_behind()
    other.write(first)
    assert len(journal_keys(lake)) == len(before) + 1


def test_the_days_of_a_window_are_kept_while_its_next_page_is_waited_for(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window ends in a kill that nothing can answer to: no `keep` at the end."""
    monkeypatch.setattr("moderation_craft.sources.turns.QUIET_SECONDS", 0.01)
    waited = SlowPages(lake)
    with monkeypatch.context() as patch:
        patch.setattr(PartWriter, "keep", waited.keep_until_the_end(PartWriter.keep))
        killed(lake, waited)
    again = MadeUp(streams=[STEPS])
    run(lake, again, days=10)
    assert again.days_asked(STEPS) == Window(ago(4), TODAY).days


class SlowPages(MadeUp):
    """Five days at once; the next ones come only after those are in the journal."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(streams=[STEPS], raises=self._wait)
        self._lake = lake
        self._is_over = False

    def keep_until_the_end(self, keep: object) -> object:
        def kept(writer: PartWriter) -> None:
            if not self._is_over:
                assert callable(keep)
                keep(writer)

        return kept

    def _wait(self, stream: Stream, person: Person, day: object) -> BaseException | None:
        if day == ago(4):
            wait_until(lambda: bool(journal_keys(self._lake)), "the first days were never kept")
            self._is_over = True
            return SystemExit()
        return None
