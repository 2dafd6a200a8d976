"""Streams of shape changes: lists that go on from a cursor; a lost cursor costs a full sync."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from moderation_craft.errors import Unavailable
from moderation_craft.lake import Lake
from moderation_craft.sources.contract import CursorLost, Person, Record, Source, Stream, Window
from moderation_craft.sources.journal import Journal
from tests.sources.made_up import TODAY, run

EVENTS = Stream("events", shape="changes", cursor="token")
STATE = "_state/fetch-listed.json"


@dataclass
class Listed:
    """Lists of changes, told by the test; cursors are how many changes were given."""

    changes_of: dict[str, list[str]]
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    fails_after: int | None = None
    says_cursor_alone: bool = True
    name: str = "listed"
    streams: Sequence[Stream] = (EVENTS,)

    def refusal(self, person: Person) -> str | None:
        return None

    def series_of(self, stream: Stream, person: Person) -> Sequence[str]:
        return list(self.changes_of)

    def fetch(self, stream: Stream, person: Person, window: Window) -> Iterator[Record]:
        raise AssertionError("a stream of changes is not fetched by windows")

    def changes(self, stream: Stream, person: Person, series: str, cursor: str | None) -> Iterator[Record]:
        self.asked.append((series, cursor))
        if cursor is not None and cursor in self.lost:
            raise CursorLost("410 fullSyncRequired", remedy="none is needed")
        given = self.changes_of[series]
        for number in range(int((cursor or "0").removesuffix("-later")), len(given)):
            if number == self.fails_after:
                raise Unavailable("down", remedy="wait")
            yield Record(TODAY, json.dumps(given[number]).encode(), {"series": series, "cursor": str(number + 1)})
        if self.says_cursor_alone:
            yield Record(TODAY, b"", {"series": series, "cursor": str(len(given))})


def written(lake: Lake) -> list[str]:
    parts = [part for manifest in lake.manifests("listed") for part in manifest.parts]
    return [json.loads(line)["data"] for part in parts for line in lake.lines(part.key)]


def test_each_list_goes_on_from_where_it_was(any_lake: Lake) -> None:
    source: Source = Listed({"home": ["a", "b"], "work": ["x"]})
    assert isinstance(source, Listed)
    assert run(any_lake, source).records == 3
    source.changes_of["home"].append("c")
    result = run(any_lake, source)
    assert source.asked == [("home", None), ("work", None), ("home", "2"), ("work", "1")]
    assert (result.records, result.skipped) == (1, [])
    assert written(any_lake) == ["a", "b", "x", "c"]
    details = any_lake.manifests("listed")[-1].details
    assert details["cursors"] == [{"stream": "events", "user_id": "mina", "series": "home", "cursor": "3"}]


def test_losing_the_state_loses_nothing(lake: Lake) -> None:
    source = Listed({"home": ["a", "b"]})
    run(lake, source)
    lake.storage.delete([STATE])
    source.changes_of["home"].append("c")
    run(lake, source)
    assert source.asked[-1] == ("home", "2")
    assert written(lake) == ["a", "b", "c"]


def test_nothing_new_writes_no_manifest_but_the_new_cursor_survives(lake: Lake) -> None:
    source = Listed({"home": ["a"], "empty": []})
    run(lake, source)

    def moved_on(stream: Stream, person: Person, series: str, cursor: str | None) -> Iterator[Record]:
        yield Record(TODAY, b"", {"series": series, "cursor": f"{cursor}-later"})

    quiet = Listed({"home": ["a"], "empty": []})
    quiet.changes = moved_on  # type: ignore[method-assign]
    assert run(lake, quiet).manifests == []
    assert len(lake.manifests("listed")) == 1
    run(lake, source)
    assert [cursor for _, cursor in source.asked[2:]] == ["1-later", "0-later"]


def test_a_cursor_whose_records_are_gone_is_not_used(lake: Lake) -> None:
    """Somebody removed the last manifest: what it held must come again."""
    source = Listed({"home": ["a"]})
    run(lake, source)
    source.changes_of["home"].append("b")
    run(lake, source)
    newest = max(stored.key for stored in lake.storage.list("raw/external/listed/_manifests/"))
    lake.storage.delete([newest])
    run(lake, source)
    assert source.asked[-1] == ("home", "1")
    assert written(lake) == ["a", "b"]


def test_a_cursor_that_the_other_side_lost_is_a_full_sync(lake: Lake) -> None:
    source = Listed({"home": ["a", "b"]})
    run(lake, source)
    source.lost.add("2")
    source.changes_of["home"][:] = ["A"]
    result = run(lake, source)
    assert source.asked[-2:] == [("home", "2"), ("home", None)]
    assert (result.records, result.skipped) == (1, [])
    source.changes_of["home"].append("B")
    run(lake, source)
    assert source.asked[-1] == ("home", "1")


def test_a_list_that_fails_goes_on_after_what_it_gave_and_keeps_the_others(lake: Lake) -> None:
    source = Listed({"home": ["a", "b", "c"], "work": ["x"]}, fails_after=1)
    result = run(lake, source)
    assert [skip.code for skip in result.skipped] == ["E006"]
    assert written(lake) == ["a", "x"]
    source.fails_after = None
    assert run(lake, source).skipped == []
    assert source.asked[2:] == [("home", "1"), ("work", "1")]
    assert written(lake) == ["a", "x", "b", "c"]


def test_a_kill_before_the_commit_keeps_records_and_cursor(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Listed({"home": ["a", "b"]})

    def end(**_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(lake, "commit", end)
        run(lake, source)
    assert list(Journal(lake, "listed").left_behind())
    source.changes_of["home"].append("c")
    run(lake, source)
    assert source.asked[-1] == ("home", "2")
    assert written(lake) == ["a", "b", "c"]
