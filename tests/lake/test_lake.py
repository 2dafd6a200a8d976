"""Manifests are the commit; newer layouts and broken manifests are met with a clear word."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from moderation_craft.clock import FixedClock
from moderation_craft.errors import LayoutTooNew
from moderation_craft.lake import Lake, Manifest, Refusal, zones
from moderation_craft.lake.quarantine import read_all


def commit(lake: Lake, run_id: str, content: bytes = b"line\n") -> Manifest:
    key = zones.external_part("weather", "daily", date(2026, 11, 22), hashlib.sha256(content).hexdigest())
    part = lake.put_part(key, content, rows=1, stream="daily", dt="2026-11-22")
    return lake.commit(
        run_id=run_id, kind="fetch", source="weather", started_at="2026-11-23T00:00:00.000Z", parts=[part]
    )


def test_a_part_without_a_manifest_does_not_exist(any_lake: Lake) -> None:
    any_lake.put_part("raw/external/weather/daily/dt=2026-11-22/part-x.jsonl", b"{}", rows=1)
    assert any_lake.manifests("weather") == []


def test_manifests_come_back_oldest_first(any_lake: Lake) -> None:
    later, earlier = commit(any_lake, "20261123T2", b"b"), commit(any_lake, "20261123T1", b"a")
    assert any_lake.manifests("weather") == [earlier, later]


def test_manifests_are_listed_anew_though_each_is_read_once(any_lake: Lake) -> None:
    kept, removed = commit(any_lake, "1", b"a"), commit(any_lake, "2", b"b")
    assert any_lake.manifests("weather") == [kept, removed]
    any_lake.storage.delete([zones.manifest("weather", "2")])
    added = commit(any_lake, "3", b"c")
    assert any_lake.manifests("weather") == [kept, added]
    any_lake.storage.put(zones.manifest("weather", "1"), b"{ mended by hand, and wrongly")
    assert any_lake.manifests("weather") == [added]


def test_equal_content_has_an_equal_digest(lake: Lake) -> None:
    assert commit(lake, "1").content_digest == commit(lake, "2").content_digest
    assert commit(lake, "3", b"other").content_digest != commit(lake, "1").content_digest


def test_a_broken_manifest_is_left_out_and_the_rest_goes_on(lake: Lake) -> None:
    good = commit(lake, "1")
    lake.storage.put(zones.manifest("weather", "2"), b'{"id": "2", "kind"')
    assert lake.manifests("weather") == [good]


def test_a_manifest_of_a_newer_layout_stops(lake: Lake) -> None:
    lake.storage.put(zones.manifest("weather", "2"), b'{"layout_version": 99}')
    with pytest.raises(LayoutTooNew, match="layout 99"):
        lake.manifests("weather")


def test_a_lake_of_a_newer_layout_is_not_opened(lake: Lake, clock: FixedClock) -> None:
    lake.write_state("layout.json", {"layout_version": 99})
    with pytest.raises(LayoutTooNew) as caught:
        Lake.open(lake.address, clock)
    assert caught.value.code == "E010"
    assert "upgrade" in caught.value.remedy


def test_a_refusal_is_kept_whole_and_once(any_lake: Lake) -> None:
    refusal = Refusal("csv", date(2026, 11, 22), "E003", "no date", "sheet.csv:7", "７,猫,\x00")
    for run_id in ("1", "2"):
        any_lake.commit(
            run_id=run_id, kind="csv_import", source="csv", started_at="", parts=[], refusals=[refusal]
        )
    assert read_all(any_lake.storage) == [refusal]
