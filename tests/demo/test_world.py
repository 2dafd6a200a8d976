"""The demo's servers: a real DynamoDB-speaking one and the stand-ins, up, asked, and gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import msgspec
import pytest
from botocore.config import Config

from moderation_craft.demo.oddities import LONG_NUMBER
from moderation_craft.demo.server import dynamodb_server
from moderation_craft.demo.world import DemoSpec, DemoWorld
from moderation_craft.errors import SetupError
from moderation_craft.lake import Lake
from moderation_craft.settings import Settings
from moderation_craft.sources.csv.importer import import_csv
from moderation_craft.sources.indexeddb.dump import import_dexie

SPEC = DemoSpec(days=14, users=2, seed=1, last_day=date(2026, 11, 8))


@pytest.fixture(scope="module")
def world() -> Iterator[DemoWorld]:
    with DemoWorld(SPEC) as world:
        world.write_items(phase=1)
        yield world


def client(world: DemoWorld) -> Any:
    access_key, secret_key = world.credentials
    settings = world.settings(Settings())
    return boto3.client(
        "dynamodb",
        endpoint_url=settings.dynamodb.endpoint_url,
        region_name=settings.dynamodb.region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"max_attempts": 1}),
    )


def scan(world: DemoWorld) -> list[dict[str, Any]]:
    pages = client(world).get_paginator("scan").paginate(TableName=world.table)
    return [item for page in pages for item in page["Items"]]


def canonical(items: list[dict[str, Any]]) -> list[bytes]:
    return sorted(msgspec.json.encode(item, order="sorted") for item in items)


def test_table_holds_every_item_exactly_then_loses_the_deleted_task() -> None:
    said: list[tuple[int, int | None, str]] = []
    with DemoWorld(SPEC) as world:
        written = world.write_items(phase=1, progress=lambda *told: said.append(told))
        first = scan(world)
        assert canonical(first) == canonical(world.world.items + world.world.deleted_items)
        assert written == len(first) and said[-1] == (written, written, "items written")
        world.delete_task()
        world.delete_task()
        after = scan(world)
    with DemoWorld(SPEC) as again:
        again.write_items()
        assert scan(again) == after
        assert canonical(after) == canonical(again.world.items)


def test_table_has_the_keys_and_indexes_of_the_data_model(world: DemoWorld) -> None:
    table = client(world).describe_table(TableName="moderation-craft-data")["Table"]
    indexes = {index["IndexName"]: index["KeySchema"] for index in table["GlobalSecondaryIndexes"]}
    keys = {name: [key["AttributeName"] for key in schema] for name, schema in indexes.items()}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["PK", "SK"]
    assert keys == {
        "user-time-index": ["user_time_pk", "user_time_sk"],
        "entity-type-index": ["entity_type", "updated_at"],
    }
    answer = client(world).query(
        TableName="moderation-craft-data",
        IndexName="entity-type-index",
        KeyConditionExpression="entity_type = :kind",
        ExpressionAttributeValues={":kind": {"S": "user"}},
    )
    serials = [item["device_serial"]["N"] for item in answer["Items"] if "device_serial" in item]
    assert serials == [str(LONG_NUMBER)]


def test_stand_ins_answer_at_the_settings(world: DemoWorld) -> None:
    settings = world.settings(Settings())
    person = world.world.people[0]
    token = settings.fitbit.access_tokens[person.user_id].get_secret_value()
    with httpx.Client(timeout=10, headers={"Authorization": f"Bearer {token}"}) as http:
        sleep = http.get(f"{settings.fitbit.base_url}/users/me/dataTypes/sleep/dataPoints").json()
        assert len(sleep["dataPoints"]) == len(person.health.nights)
    with httpx.Client(timeout=10) as http:
        day = str(SPEC.last_day - timedelta(days=7))
        question: dict[str, str | float] = {
            "latitude": 35.68,
            "longitude": 139.77,
            "start_date": day,
            "end_date": day,
            "daily": "temperature_2m_mean",
            "timezone": "Asia/Tokyo",
        }
        weather = http.get(settings.weather.archive_url, params=question).json()
        assert weather["daily"]["time"] == [day]
        for person in world.world.people:
            feeds = settings.calendar.feeds[person.user_id]
            texts = [http.get(address.get_secret_value()).content.decode() for address in feeds.values()]
            assert texts == list(person.calendars.values())
    assert list(settings.calendar.feeds[world.dexie_user_id]) == ["work", "private"]


def test_settings_keep_what_is_not_the_demos(world: DemoWorld) -> None:
    settings = world.settings(Settings(lake="./elsewhere", timezone="Europe/London"))
    assert (settings.lake, settings.timezone) == ("./elsewhere", "Europe/London")
    assert settings.history_days == SPEC.days and settings.weather.use_profile_places
    assert "dynamodb http://127.0.0.1:" in world.describe()


def test_files_pass_the_real_doors(world: DemoWorld, tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    result = import_csv(lake, world.csv_path, world.csv_map_path)
    assert (result.rows, result.refused_rows) == (SPEC.days * SPEC.users, 0)
    assert [count.measure.name for count in result.measures] == [
        "coffee_cups",
        "evening_screen_minutes",
        "long_bath",
    ]
    manifest = import_dexie(lake, world.dexie_dump_path, user_id=world.dexie_user_id)
    assert manifest.rows > 50


def test_spec_round_trips_as_json() -> None:
    told = msgspec.json.encode(SPEC)
    assert told == b'{"days":14,"users":2,"seed":1,"lastDay":"2026-11-08"}'
    assert msgspec.json.decode(told, type=DemoSpec) == SPEC


@pytest.mark.parametrize(("days", "users"), [(6, 1), (7, 0), (4000, 1)])
def test_a_spec_out_of_bounds_is_refused(days: int, users: int) -> None:
    with pytest.raises(SetupError, match="cannot be made"):
        DemoWorld(DemoSpec(days=days, users=users, seed=1, last_day=date(2026, 11, 8)))


def test_a_server_that_dies_shows_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "path" / "ministack"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "app.py").write_text("raise SystemExit('no room for the demo')")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    with pytest.raises(SetupError, match="no room for the demo"), dynamodb_server(tmp_path):
        pass


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ministack" else real(name))
    with pytest.raises(SetupError) as refused, dynamodb_server(tmp_path):
        pass
    assert "pip install 'moderation-craft[demo]'" in refused.value.remedy


def test_no_server_outlives_a_killed_demo() -> None:
    code = (
        "import sys, time; from tests.demo.test_world import SPEC, DemoWorld, Settings\n"
        "with DemoWorld(SPEC) as world:\n"
        "    print(world.settings(Settings()).dynamodb.endpoint_url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        address = demo.stdout.readline().strip()
        assert httpx.get(f"{address}/_ministack/health", timeout=10).status_code == 200
        os.kill(demo.pid, signal.SIGKILL)
        demo.wait(10)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{address}/_ministack/health", timeout=1)
            except httpx.TransportError:
                return
            time.sleep(0.05)
    pytest.fail("the DynamoDB server is still there")
