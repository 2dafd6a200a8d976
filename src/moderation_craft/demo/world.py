"""The demo's world on loopback: the app's table in a real server, the outside services as stand-ins."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import msgspec
from pydantic import SecretStr

from moderation_craft.clock import Clock
from moderation_craft.demo.attributes import Item
from moderation_craft.demo.consents import DemoConsents, connections
from moderation_craft.demo.measures import DATASET, MAP_TOML
from moderation_craft.demo.people import FEWEST_DAYS, DemoPerson, World, generate
from moderation_craft.demo.server import KEYS, REGION, dynamodb_server
from moderation_craft.errors import SetupError, Unavailable
from moderation_craft.settings import DEFAULT_TABLE, Settings
from moderation_craft.sources.calendar import stand_in as calendar_stand_in
from moderation_craft.sources.contract import Progress, no_progress
from moderation_craft.sources.dynamodb.client import AwsKeys, DynamoDBClient
from moderation_craft.sources.fitbit import stand_in as fitbit_stand_in
from moderation_craft.sources.stand_in import serve
from moderation_craft.sources.weather import stand_in as weather_stand_in

MOST_DAYS, MOST_USERS = 3660, 1000
_BATCH = 25
_BATCH_ATTEMPTS = 10


class DemoSpec(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What decides every byte of a demo; kept in its lake at raw/demo.json.

    `unconnected`: the last person's Fitbit waits for somebody to connect it.
    """

    days: int
    users: int
    seed: int
    last_day: date
    unconnected: bool = False


class DemoWorld:
    """The servers of one demo, up inside `with`. Equal specs give equal tables, files and answers.

    Raises SetupError where the spec is out of bounds or a server cannot start.
    """

    def __init__(self, spec: DemoSpec, clock: Clock | None = None) -> None:
        if not (FEWEST_DAYS <= spec.days <= MOST_DAYS and 1 <= spec.users <= MOST_USERS):
            raise SetupError(
                f"A demo of {spec.days} days and {spec.users} users cannot be made.",
                remedy=f"give --days {FEWEST_DAYS} to {MOST_DAYS} and --users 1 to {MOST_USERS}.",
            )
        self.spec = spec
        self._clock = clock
        self.keys: AwsKeys = KEYS
        self.table = DEFAULT_TABLE
        self._stack = ExitStack()
        self._addresses: dict[str, str] = {}

    @cached_property
    def world(self) -> World:
        return generate(self.spec.seed, self.spec.days, self.spec.users, self.spec.last_day)

    @property
    def credentials(self) -> tuple[str, str]:
        """The access key and secret of the demo's server, for clients that take them outright."""
        return self.keys.access_key, self.keys.secret_key

    def __enter__(self) -> DemoWorld:
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcraft-demo-")))
            self._write_files()
            self._addresses = {
                "dynamodb": stack.enter_context(dynamodb_server(self._folder)),
                "health": stack.enter_context(
                    serve(fitbit_stand_in.create_app(self._health, who=self._consents.who))
                ),
                "weather": stack.enter_context(
                    serve(weather_stand_in.create_app(self.spec.seed, clock=self._clock))
                ),
                "calendar": stack.enter_context(serve(calendar_stand_in.create_app(self._calendars))),
                "google": stack.enter_context(serve(self._consents.app)),
                "google calendar": stack.enter_context(serve(self._consents.calendar_app)),
            }
            self._client = stack.enter_context(
                DynamoDBClient(region=REGION, endpoint_url=self._addresses["dynamodb"], keys=self.keys)
            )
            self._create_table()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def describe(self) -> str:
        """The servers and their addresses, in one line."""
        return ", ".join(f"{name} {address}" for name, address in self._addresses.items())

    def settings(self, base: Settings) -> Settings:
        """The settings with every service of the demo in them, and the demo's days as the history to fetch."""
        health, weather = self._addresses["health"], self._addresses["weather"]
        update: dict[str, Any] = {
            "history_days": self.spec.days,
            "dynamodb": base.dynamodb.model_copy(
                update={
                    "table": self.table,
                    "endpoint_url": self._addresses["dynamodb"],
                    "region": REGION,
                }
            ),
            "fitbit": base.fitbit.model_copy(update={"base_url": f"{health}/v4", "access_tokens": self._tokens}),
            "weather": base.weather.model_copy(
                update={
                    "provider": "open-meteo",
                    "archive_url": f"{weather}/v1/archive",
                    "forecast_url": f"{weather}/v1/forecast",
                    "air_quality_url": f"{weather}/v1/air-quality",
                    "use_profile_places": True,
                }
            ),
            "calendar": base.calendar.model_copy(
                update={
                    "feeds": self._feeds(),
                    "google_base_url": f"{self._addresses['google calendar']}/calendar/v3",
                }
            ),
            "connections": connections(base, msgspec.json.encode(self.spec), self._addresses["google"]),
        }
        return base.model_copy(update=update)

    def write_items(self, phase: Literal[1, 2] = 2, progress: Progress = no_progress) -> int:
        """Write the app's items over HTTP; how many. Phase 1 holds the task that is deleted later, 2 does not."""
        items = self.world.items + (self.world.deleted_items if phase == 1 else [])
        for done in range(0, len(items), _BATCH):
            self._write_batch(items[done : done + _BATCH])
            progress(min(done + _BATCH, len(items)), len(items), "items written")
        return len(items)

    def delete_task(self) -> None:
        """Delete, over HTTP, what the app's user deleted; nothing happens where it is gone already."""
        for item in self.world.deleted_items:
            key = {"PK": item["PK"], "SK": item["SK"]}
            self._client.call("DeleteItem", {"TableName": self.table, "Key": key})

    @property
    def dexie_user_id(self) -> str:
        return self._dexie_person.user_id

    @property
    def dexie_dump_path(self) -> Path:
        return self._folder / "moderation-craft-browser.json"

    @property
    def csv_path(self) -> Path:
        return self._folder / f"{DATASET}.csv"

    @property
    def csv_map_path(self) -> Path:
        return self._folder / f"{DATASET}.toml"

    @property
    def _dexie_person(self) -> DemoPerson:
        return next(person for person in self.world.people if person.dump)

    @property
    def _tokens(self) -> dict[str, SecretStr]:
        """The access that people have without consenting to anything, so that the demo runs by itself."""
        people = self.world.people[: -1 if self.spec.unconnected else None]
        return {person.user_id: SecretStr(person.health.access_token) for person in people}

    @cached_property
    def _consents(self) -> DemoConsents:
        return DemoConsents([person.user_id for person in self.world.people], self._tokens, self.spec.last_day)

    @property
    def _health(self) -> Sequence[fitbit_stand_in.HealthPerson]:
        return [person.health for person in self.world.people]

    @property
    def _calendars(self) -> dict[str, str]:
        return {path: text for person in self.world.people for path, text in person.calendars.items()}

    def _feeds(self) -> dict[str, dict[str, SecretStr]]:
        base = self._addresses["calendar"]
        return {
            person.user_id: {Path(path).stem: SecretStr(f"{base}/{path}") for path in person.calendars}
            for person in self.world.people
        }

    def _write_files(self) -> None:
        dump = self._dexie_person.dump
        self.dexie_dump_path.write_text(dump.text if dump else "", encoding="utf-8", newline="")
        self.csv_path.write_text(self.world.csv_text, encoding="utf-8", newline="")
        self.csv_map_path.write_text(MAP_TOML, encoding="utf-8", newline="")

    def _create_table(self) -> None:
        indexes = {
            "user-time-index": ("user_time_pk", "user_time_sk"),
            "entity-type-index": ("entity_type", "updated_at"),
        }
        names = ["PK", "SK", *(name for pair in indexes.values() for name in pair)]
        self._client.call(
            "CreateTable",
            {
                "TableName": self.table,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
                "KeySchema": _key_schema("PK", "SK"),
                "GlobalSecondaryIndexes": [
                    {"IndexName": name, "KeySchema": _key_schema(*pair), "Projection": {"ProjectionType": "ALL"}}
                    for name, pair in indexes.items()
                ],
            },
        )

    def _write_batch(self, items: Sequence[Item]) -> None:
        waiting: Any = {self.table: [{"PutRequest": {"Item": item}} for item in items]}
        for _ in range(_BATCH_ATTEMPTS):
            answer = msgspec.json.decode(self._client.call("BatchWriteItem", {"RequestItems": waiting}))
            waiting = answer.get("UnprocessedItems")
            if not waiting:
                return
        raise Unavailable("The demo's DynamoDB server keeps refusing items.", remedy="run the command again.")


def _key_schema(hash_name: str, range_name: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_name, "KeyType": "HASH"},
        {"AttributeName": range_name, "KeyType": "RANGE"},
    ]
