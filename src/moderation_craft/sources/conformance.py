# ruff: noqa: S101 - a suite of pytest tests, joined by a source's own test file
"""The suite that every HTTP source passes. A source joins with one line in its tests:

class TestFitbit(SourceConformance):
    case = Case(app=…, build=…, person=…, now=…, paths=…)

`python -m moderation_craft.sources.conformance` lists the cases by source; pytest runs them.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from moderation_craft.clock import FixedClock
from moderation_craft.errors import RetryError
from moderation_craft.lake import Lake
from moderation_craft.sources.conformance_rig import (
    ATTEMPTS,
    ENTITIES,
    NEW_FIELD,
    NOON,
    Case,
    Killed,
    KilledAt,
    Rig,
)
from moderation_craft.sources.contract import ChangesSource, Source, Stream, Window
from moderation_craft.sources.faults import App, Fault, Faulty
from moderation_craft.sources.held import Held
from moderation_craft.sources.http import Http
from moderation_craft.sources.stand_in import serve

__all__ = ["NEW_FIELD", "NOON", "Case", "SourceConformance"]


class SourceConformance:
    """Paging, empty answers, every failure, kills, limits, idempotence, gaps, unknown fields, secrets."""

    case: ClassVar[Case]

    @contextmanager
    def rig(self, tmp_path: Path, *, app: Callable[[], App] | None = None, **options: Any) -> Iterator[Rig]:
        clock = FixedClock(self.case.now)
        faulty, waits = Faulty((app or self.case.app)()), list[float | None]()

        def at_once(error: RetryError) -> float:
            waits.append(error.retry_after_seconds)
            return 0.0

        http = Http("the service", attempts=ATTEMPTS, backoff=at_once, **{"per_minute": 100_000, **options})
        with serve(faulty) as base_url:
            source = self.case.build(base_url, http, clock)
            lake = Lake.open(str(tmp_path / "lake"), clock)
            yield Rig(self.case, faulty, source, lake, clock, waits)

    def daily_streams(self, source: Source) -> list[Stream]:
        return [stream for stream in source.streams if stream.shape == "daily"]

    def test_streams_are_declared(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            names = [stream.name for stream in rig.source.streams]
            assert len(set(names)) == len(names) > 0
            for stream in rig.source.streams:
                assert stream.max_window_days > 0
                assert stream.open_days >= 0
                assert stream.entity in ENTITIES
                assert stream.shape != "changes" or isinstance(rig.source, ChangesSource)

    def test_every_day_of_a_window_is_answered_once(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            for stream in self.daily_streams(rig.source):
                window = _newest(self.case.window, stream.max_window_days)
                records = list(rig.source.fetch(stream, self.case.person, window))
                assert sorted(record.date for record in records) == window.days

    def test_pages_and_windows_make_no_difference(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            for stream in self.daily_streams(rig.source):
                window = _newest(self.case.window, stream.max_window_days)
                at_once = {r.date: r.data for r in rig.source.fetch(stream, self.case.person, window)}
                for day in window.days[::5]:
                    (alone,) = rig.source.fetch(stream, self.case.person, Window(day, day))
                    assert alone.data == at_once[day], f"{stream.name} {day}"

    def test_short_and_empty_pages_make_no_difference(self, tmp_path: Path) -> None:
        def given(folder: str, app: Callable[[], App]) -> dict[str, list[bytes]]:
            with self.rig(tmp_path / folder, app=app) as rig:
                assert rig.fetch().errors == []
                return {stream.name: sorted(rig.data(stream.name)) for stream in rig.source.streams}

        if not self.case.other_pagings:
            _not_for("its answers have no pages")
        usual = given("usual", self.case.app)
        for number, app in enumerate(self.case.other_pagings):
            assert given(f"other-{number}", app) == usual

    def test_a_second_fetch_writes_nothing(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            first = rig.fetch()
            keys = rig.stored_keys()
            second = rig.fetch()
            assert first.records > 0
            assert first.errors == []
            assert set(rig.missing().values()) == {0}
            assert (second.records, second.parts, second.manifests) == (0, 0, [])
            assert rig.stored_keys() == keys

    def test_closed_days_are_not_asked_for_again(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.fetch()
            second = rig.fetch()
            for stream in self.daily_streams(rig.source):
                assert second.streams[stream.name].days_asked <= stream.open_days + 1

    def test_refused_credentials_stop_at_the_first_answer(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(401, b'{"error": {"message": "expired"}}'))
            self.expect_nothing(rig, "E001", requests=1)

    def test_a_forbidden_stream_leaves_the_others(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            first, *others = rig.source.streams
            path = self.case.paths(first)
            rig.faulty.faults.append(Fault(403, b'{"error": {"message": "no scope"}}', path_part=path))
            result = rig.fetch()
            assert [error.code for error in result.errors] == ["E001"]
            assert sum(path in request for request in rig.faulty.requests) == 1
            assert result.streams[first.name].records == 0
            assert all(rig.missing()[other.name] == 0 for other in others)

    def test_retry_after_is_waited_for(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(429, b"{}", {"Retry-After": "7"}, times=1))
            result = rig.fetch()
            assert rig.waits == [7.0]
            assert result.errors == []

    def test_a_reset_header_is_waited_for(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(429, b"{}", {"X-RateLimit-Reset": "7"}, times=1))
            assert rig.fetch().errors == []
            assert rig.waits == [7.0]

    def test_the_limit_is_kept(self, tmp_path: Path) -> None:
        def full(seconds: float) -> None:
            assert 0 < seconds <= 61
            raise Killed

        with self.rig(tmp_path, per_minute=2, sleep=full) as rig:
            with suppress(Killed):
                rig.fetch()
            assert len(rig.faulty.requests) <= 2

    def test_a_kill_loses_nothing_that_was_answered(self, tmp_path: Path) -> None:
        with self.rig(tmp_path / "undisturbed") as rig:
            rig.fetch()
            requests = len(rig.faulty.requests)
            held = {stream.name: sorted(rig.data(stream.name)) for stream in rig.source.streams}
        windows = sum(-(-self.case.days // stream.max_window_days) for stream in self.daily_streams(rig.source))
        if windows < 2:
            _not_for("it has no second window to be killed before")
        for number in sorted({1, windows // 2, windows - 1} & set(range(1, windows))):
            with self.rig(tmp_path / str(number)) as rig:
                whole, rig.source = rig.source, KilledAt(rig.source, number)
                with suppress(Killed):
                    rig.fetch()
                rig.source = whole
                assert rig.fetch().errors == []
                snapshots = sum(stream.shape == "snapshot" for stream in rig.source.streams)
                assert len(rig.faulty.requests) <= requests + snapshots  # these are not journalled
                assert {name: sorted(rig.data(name)) for name in held} == held

    def test_a_limit_that_stays_is_reported(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(429, b'{"error": {"message": "quota"}}'))
            self.expect_nothing(rig, "E002")

    def test_one_bad_answer_is_asked_again(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(500, b"oops", times=1))
            assert rig.fetch().errors == []
            assert set(rig.missing().values()) == {0}

    def test_a_failing_service_is_reported(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(503, b"<html>down for maintenance</html>"))
            self.expect_nothing(rig, "E006")

    def test_silence_is_a_timeout(self, tmp_path: Path) -> None:
        with self.rig(tmp_path, timeout_seconds=0.05) as rig:
            rig.faulty.faults.append(Fault(is_silent=True))
            self.expect_nothing(rig, "E008")

    def test_garbage_is_refused(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(200, b"<html>sign in to the hotel wifi</html>"))
            self.expect_nothing(rig, self.case.garbage_code)

    def test_an_answer_cut_short_is_refused(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(rewrite=lambda body: body[: len(body) // 2]))
            self.expect_nothing(rig, self.case.garbage_code)

    def test_another_shape_is_a_changed_schema(self, tmp_path: Path) -> None:
        if not self.case.is_json:
            _not_for("its answers are no JSON")
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(200, b"[1]"))
            self.expect_nothing(rig, "E010")

    def test_a_path_that_is_gone_is_a_changed_schema(self, tmp_path: Path) -> None:
        for status in (404, 410):
            with self.rig(tmp_path) as rig:
                rig.faulty.faults.append(Fault(status, b'{"error": {"message": "gone"}}'))
                self.expect_nothing(rig, "E010")

    def test_nobody_listening_is_unavailable(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            http = Http("the service", attempts=1)
            rig.source = self.case.build(f"http://127.0.0.1:{_closed_port()}", http, rig.clock)
            self.expect_nothing(rig, "E006")

    def test_gaps_are_filled_by_the_next_run(self, tmp_path: Path) -> None:
        with self.rig(tmp_path) as rig:
            gap = rig.source.streams[0]
            rig.faulty.faults.append(Fault(500, path_part=self.case.paths(gap)))
            rig.fetch()
            held = [stream for stream in self.daily_streams(rig.source) if stream != gap]
            assert all(rig.missing()[stream.name] == 0 for stream in held)
            rig.faulty.faults.clear()
            second = rig.fetch()
            assert second.errors == []
            assert second.streams[gap.name].records > 0
            assert set(rig.missing().values()) == {0}
            for stream in held:
                assert second.streams[stream.name].days_asked <= stream.open_days + 1

    def test_a_field_of_tomorrow_is_kept_byte_for_byte(self, tmp_path: Path) -> None:
        if self.case.with_new_field is None:
            _not_for("its answers have no fields")
        with self.rig(tmp_path) as rig:
            rig.faulty.faults.append(Fault(rewrite=self.case.with_new_field))
            rig.fetch()
            for stream in rig.source.streams:
                assert any(NEW_FIELD in line for line in rig.lines(stream.name)), stream.name

    def test_secrets_never_show(self, tmp_path: Path, capsys: Any, caplog: Any) -> None:
        for status in (400, 401, 403, 429, 500):
            with self.rig(tmp_path / str(status)) as rig:
                echo = " and ".join(self.case.secrets).encode()
                rig.faulty.faults.append(Fault(status, b'{"error": {"message": "bad: %s"}}' % echo))
                with caplog.at_level("DEBUG"):
                    result = rig.fetch()
                rig.faulty.faults.clear()
                rig.fetch()
                shown = [error.paragraph() for error in result.errors] + [result.sentence()]
                shown += [skip.reason for skip in result.skipped]
                stored = b"".join(rig.lake.storage.get(key) for key in rig.stored_keys()).decode()
                said = "".join([*shown, caplog.text, *capsys.readouterr(), stored])
                assert not [secret for secret in self.case.secrets if secret in said]

    def expect_nothing(self, rig: Rig, code: str, *, requests: int | None = None) -> None:
        """A fetch that leaves everything out with one code, in a bounded number of requests."""
        result = rig.fetch()
        assert {error.code for error in result.errors} == {code}
        assert all(error.remedy for error in result.errors)
        assert (result.records, result.manifests) == (0, [])
        held = Held.read(rig.lake, rig.source.name)
        for stream in self.daily_streams(rig.source):
            why = held.why(stream.name, self.case.person.user_id, self.case.window.last)
            assert why is not None, f"{stream.name}: no reason is kept"
            assert why.code == code
        if requests is not None:
            assert len(rig.faulty.requests) == requests
        assert len(rig.faulty.requests) <= ATTEMPTS * 3 * len(rig.source.streams)


def _not_for(why: str) -> NoReturn:
    import pytest  # the suite is part of the package, pytest is not

    pytest.skip(why)


def _newest(window: Window, most_days: int) -> Window:
    first: date = max(window.first, window.last - timedelta(days=most_days - 1))
    return Window(first, window.last)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    from moderation_craft.sources.conformance_cases import main

    sys.exit(main(sys.argv[1:]))
