"""Gold is the same for the same raw, is swapped whole, and forgets what nobody needs."""

from __future__ import annotations

import hashlib
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from moderation_craft.errors import LakeRefused, TransformFailed
from moderation_craft.lake import Lake, zones
from moderation_craft.settings import Settings
from moderation_craft.warehouse import publish, runner
from moderation_craft.warehouse.gold import Gold
from tests.warehouse.conftest import Built, build_and_publish
from tests.warehouse.made_lake import AOI, REN, app_items, put_envelopes, put_export, session


def digests(folder: Path, *zones_wanted: str) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for zone in zones_wanted
        for path in (folder / zone).rglob("*")
        if path.is_file()
    }


@pytest.fixture
def copy(built: Built, tmp_path: Path) -> tuple[Path, Lake]:
    """The built lake, copied with all it holds, to change at will."""
    folder = tmp_path / "copy"
    shutil.copytree(built.lake.storage.folder, folder)
    return folder, Lake.open(str(folder))


def test_rebuilt_elsewhere_gold_is_the_same_bytes(built: Built, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    shutil.copytree(built.lake.storage.folder / "raw", folder / "raw")
    for key in built.prepared["csv"]:
        (folder / key).parent.mkdir(parents=True)
        shutil.copy(built.lake.storage.folder / key, folder / key)
    again = build_and_publish(folder, Lake.open(str(folder)), built.prepared)
    assert again.result.fingerprint == built.result.fingerprint
    everything = ("gold", "staging", "quarantine")
    assert digests(folder, *everything) == digests(built.lake.storage.folder, *everything)


def test_publishing_again_changes_nothing(built: Built) -> None:
    before = digests(built.lake.storage.folder, "gold", "staging", "quarantine")
    again = publish.publish(built.lake, built.settings)
    assert not again.changed
    assert Gold.open(built.lake).fingerprint == built.result.fingerprint
    assert (again.files_written, again.files_removed) == (0, 0)
    assert digests(built.lake.storage.folder, "gold", "staging", "quarantine") == before


def test_looking_again_keeps_the_fingerprint(built: Built, copy: tuple[Path, Lake]) -> None:
    folder, lake = copy
    settings = Settings(lake=str(folder))
    put_export(lake, "20260309T200000000Z-0009", app_items(), date(2026, 3, 8))
    assert runner.fingerprint(lake, settings, built.prepared, built.asked) == built.result.fingerprint
    answer = {(AOI, date(2026, 3, 1)): {"rollupDataPoints": [{"steps": {"countSum": "8000"}}]}}
    put_envelopes(
        lake, "20260309T210000000Z-0010", "fitbit", "steps", answer, fetched_at="2026-03-09T00:00:00.000Z"
    )
    assert runner.fingerprint(lake, settings, built.prepared, built.asked) == built.result.fingerprint


def test_new_raw_settings_and_models_change_the_fingerprint(built: Built, copy: tuple[Path, Lake]) -> None:
    folder, lake = copy
    settings = Settings(lake=str(folder))
    seen = {built.result.fingerprint}
    seen.add(runner.fingerprint(lake, settings, {"calendar": [], "csv": []}, built.asked))
    seen.add(
        runner.fingerprint(lake, Settings(lake=str(folder), day_turns_at_hour=4), built.prepared, built.asked)
    )
    seen.add(runner.fingerprint(lake, Settings(lake=str(folder), timezone="UTC"), built.prepared, built.asked))
    answer = {(AOI, date(2026, 3, 1)): {"rollupDataPoints": [{"steps": {"countSum": "8001"}}]}}
    put_envelopes(
        lake, "20260309T210000000Z-0010", "fitbit", "steps", answer, fetched_at="2026-03-09T00:00:00.000Z"
    )
    seen.add(runner.fingerprint(lake, settings, built.prepared, built.asked))
    seen.add(runner.fingerprint(lake, settings, built.prepared, built.asked[1:]))
    assert len(seen) == 6


def test_next_version_keeps_the_one_before(built: Built, copy: tuple[Path, Lake]) -> None:
    folder, lake = copy
    items = [*app_items(), session("s9", "2026-03-06T00:00:00.000Z", 30)]
    put_export(lake, "20260309T200000000Z-0009", items, date(2026, 3, 9))
    old = Gold.open(lake)
    settings = Settings(lake=str(folder), keep_gold_versions=1)
    runner.build(lake, settings, built.prepared, asked=built.asked)
    done = publish.publish(lake, settings)
    assert done.changed
    assert done.version != old.version
    assert Gold.open(lake).query("select max(date) from fct_work_sessions").rows == [(date(2026, 3, 6),)]
    assert old.query("select max(date) from fct_work_sessions").rows == [(date(2026, 3, 3),)]
    assert not publish.publish(lake, settings).changed
    held = {path.stem for path in (folder / "gold/versions").iterdir()}
    assert done.version in held


def test_failed_build_leaves_gold(built: Built, copy: tuple[Path, Lake]) -> None:
    folder, lake = copy
    before = digests(folder, "gold")
    key = "raw/external/fitbit/steps/dt=2026-03-09/part-0000000000000000.jsonl"
    part = lake.put_part(key, b"this is not JSON\n", rows=1, stream="steps", dt="2026-03-09")
    lake.commit(
        run_id="20260309T000000000Z-bad1",
        kind="fetch",
        source="fitbit",
        started_at="2026-03-09T00:00:00Z",
        parts=[part],
    )
    settings = Settings(lake=str(folder))
    with pytest.raises(TransformFailed, match=r"base_fitbit__google_health_figures.*part-0000000000000000"):
        runner.build(lake, settings, built.prepared, asked=built.asked)
    with pytest.raises(TransformFailed, match="no finished build"):
        publish.publish(lake, settings)
    assert digests(folder, "gold") == before


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_damaged_raw_is_named(built: Built, copy: tuple[Path, Lake], damage: str) -> None:
    folder, lake = copy
    part = next((folder / "raw/external/weather/daily").rglob("*.jsonl"))
    if damage == "missing":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(LakeRefused) as caught:
        runner.build(lake, Settings(lake=str(folder)), built.prepared, asked=built.asked)
    assert part.name in caught.value.message
    assert "fetch those days again" in caught.value.remedy


def test_cache_left_by_another_version_is_built_anew(built: Built, copy: tuple[Path, Lake]) -> None:
    folder, lake = copy
    path = folder / zones.CACHE / "warehouse.duckdb"
    path.write_bytes(b"not a database" * 1000)
    Path(f"{path}.wal").write_bytes(b"a stale log")
    settings = Settings(lake=str(folder))
    with pytest.raises(TransformFailed, match="cannot be read"):
        publish.publish(lake, settings)
    runner.build(lake, settings, built.prepared, asked=built.asked)
    assert not publish.publish(lake, settings).changed


def test_browser_file_holds_one_person(built: Built) -> None:
    gold = Gold.open(built.lake)
    assert [(p.user_id, p.first_date, p.last_date) for p in gold.people] == [
        (AOI, "2026-03-01", "2026-03-05"),
        (REN, "2026-03-02", "2026-03-02"),
    ]
    for person in gold.people:
        path = built.lake.storage.folder / person.key
        assert path.stat().st_size == person.bytes
        with duckdb.connect(str(path), read_only=True) as connection:
            names = [str(name) for (name,) in connection.execute("show tables").fetchall()]
            assert names == sorted(gold.marts)
            for name in set(names) - {"dim_date"}:  # days are everybody's
                users = connection.execute(f"select distinct user_id from {name}").fetchall()
                assert users in ([], [(person.user_id,)])
            columns = [row[0] for row in connection.execute("describe fct_sleep").fetchall()]
            assert columns == [
                "user_id",
                "date",
                "sleep_id",
                "is_main",
                "log_type",
                "started_at",
                "ended_at",
                "started_local",
                "ended_local",
                "minutes_in_bed",
                "minutes_asleep",
                "minutes_awake",
                "deep_minutes",
                "light_minutes",
                "rem_minutes",
                "restless_minutes",
                "efficiency_pct",
                "sleep_quality",
                "planned_start_at",
                "planned_end_at",
                "planned_minutes",
            ]
