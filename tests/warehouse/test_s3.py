"""The same build and the same gold where the lake is in S3."""

from __future__ import annotations

from pathlib import Path

from moderation_craft.lake import Lake, zones
from moderation_craft.settings import Settings
from moderation_craft.warehouse import publish, runner
from moderation_craft.warehouse.gold import Gold
from tests.warehouse.conftest import Built
from tests.warehouse.made_lake import AOI, make_lake, put_measures


def test_gold_in_s3_is_the_gold_of_a_folder(built: Built, bucket: str, tmp_path: Path) -> None:
    address = f"s3://{bucket}/some/prefix"
    lake = make_lake(address)
    prepared = put_measures(lake)
    settings = Settings(lake=address, cache=tmp_path / "cache")
    runner.build(lake, settings, prepared, asked=built.asked)
    done = publish.publish(lake, settings)
    assert done.version == built.publication.version
    keys = {stored.key: stored.size for stored in lake.storage.list(zones.GOLD)}
    assert keys == {stored.key: stored.size for stored in built.lake.storage.list(zones.GOLD)}
    gold = Gold.open(Lake.open(address))
    assert gold.query("select count(*) from fct_sleep").rows == [(3,)]
    assert gold.person_rows("mart_productivity_daily", AOI).num_rows == 5
