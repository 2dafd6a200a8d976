"""Google's discovery document against the source and its stand-in: every request and every answer is walked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jsonschema
import pytest

from moderation_craft.settings import load_settings
from moderation_craft.sources.contract import Person, Window
from moderation_craft.sources.faults import App, Message, Receive, Scope, Send
from moderation_craft.sources.fitbit.source import FitbitSource, health_http
from moderation_craft.sources.fitbit.stand_in import HealthDay, HealthPerson, create_app, seeded_person
from moderation_craft.sources.fitbit.stand_in_points import LISTED
from moderation_craft.sources.fitbit.streams import ALL_SCOPES, OPTIONAL_STREAMS, STREAMS
from moderation_craft.sources.oauth.tokens import FixedTokens
from moderation_craft.sources.stand_in import serve

TOKEN = "ya29.token-of-mina"
LAST = date(2026, 8, 30)
EVERY_STREAM = (*STREAMS, *OPTIONAL_STREAMS)
WINDOWS = Window(LAST - timedelta(days=59), LAST)


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    query: Mapping[str, str]
    asked: bytes
    status: int
    said: bytes


class Recorder:
    """An app before an app, that keeps every exchange."""

    def __init__(self, app: App) -> None:
        self.exchanges: list[Exchange] = []
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, said, status = bytearray(), bytearray(), [0]

        async def heard() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def spoken(message: Message) -> None:
            status[0] = message.get("status", status[0])
            said.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, heard, spoken)
        query = dict(parse_qsl(scope["query_string"].decode(), strict_parsing=bool(scope["query_string"])))
        self.exchanges.append(
            Exchange(scope["method"], scope["path"], query, bytes(asked), status[0], bytes(said))
        )


@pytest.fixture(scope="module")
def document(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / "specs" / "health.v4.json").read_text()))


class Walker:
    """The discovery document's schemas as JSON Schema that allows no other field, and its methods by address."""

    def __init__(self, document: dict[str, Any]) -> None:
        text = json.dumps(document["schemas"]).replace('"$ref": "', '"$ref": "#/$defs/')
        self._schemas = dict(json.loads(text.replace('"type": "any"', '"title": "any"')))
        for schema in self._schemas.values():
            if "properties" in schema:
                schema["additionalProperties"] = False
        self._loosen(self._schemas)
        self.methods = list(self._methods(document["resources"]))
        self._shared = set(document["parameters"])

    def _loosen(self, part: Any) -> None:
        """proto JSON: a double may be the text NaN; int64, durations and instants are text of a certain kind."""
        if isinstance(part, dict):
            if part.get("type") == "number":
                part |= {"type": ["number", "string"], "pattern": "^(NaN|-?Infinity)$"}
            patterns = {
                "int64": r"^-?\d+$",
                "google-duration": r"^-?\d+(\.\d+)?s$",
                "google-datetime": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$",
            }
            if part.get("type") == "string" and part.get("format") in patterns:
                part["pattern"] = patterns[part["format"]]
            for inner in part.values():
                self._loosen(inner)
        elif isinstance(part, list):
            for inner in part:
                self._loosen(inner)

    def _methods(self, resources: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for resource in resources.values():
            yield from resource.get("methods", {}).values()
            yield from self._methods(resource.get("resources", {}))

    def method(self, exchange: Exchange) -> dict[str, Any]:
        """The one method at an address; AssertionError where the document has none."""
        found = [
            method
            for method in self.methods
            if method["httpMethod"] == exchange.method
            and re.fullmatch("/" + re.sub(r"\{[^}]+\}", "[^/:]+", method["flatPath"]), exchange.path)
        ]
        assert len(found) == 1, f"{exchange.method} {exchange.path} is {len(found)} methods of the document"
        return found[0]

    def check(self, name: str, body: object) -> None:
        jsonschema.validate(body, {"$ref": f"#/$defs/{name}", "$defs": self._schemas})

    def walk(self, exchange: Exchange) -> None:
        method = self.method(exchange)
        known = {name for name, each in method["parameters"].items() if each["location"] == "query"}
        assert set(exchange.query) <= known | self._shared, exchange.query
        if exchange.asked:
            self.check(method["request"]["$ref"], json.loads(exchange.asked))
        if exchange.status == 200:
            self.check(method["response"]["$ref"], json.loads(exchange.said))
        else:
            said = json.loads(exchange.said)
            assert set(said) == {"error"}
            self.check("Status", {k: v for k, v in said["error"].items() if k != "status"})


def _person() -> HealthPerson:
    """Everything of everything, and a day on which every float is none and every count 0."""
    made = seeded_person("mina", TOKEN, WINDOWS.days)
    nan = float("nan")
    strange = HealthDay(
        LAST,
        steps=0,
        active_minutes=0,
        calories_kcal=nan,
        hrv_ms=nan,
        distance_km=0.0,
        floors=0,
        sedentary_minutes=0,
        zone_minutes={},
        heart_rate_bpm=(nan, nan, nan),
        spo2_pct=nan,
        breathing_rate_per_minute=nan,
        skin_temperature_celsius=nan,
        weight_kg=nan,
    )
    days = {**made.days, LAST: strange}
    return HealthPerson("mina", TOKEN, days, made.nights, made.workouts, made.moods, made.devices)


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    """All that the source asks and the stand-in answers, lists and errors of each data type beside."""
    recorder = Recorder(create_app([_person()]))
    strangers = {"Authorization": "Bearer nobody's"}
    with serve(recorder) as url, httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        source = FitbitSource(f"{url}/v4", FixedTokens({"mina": TOKEN}), health_http(), with_intraday=True)
        for stream in source.streams:
            days = WINDOWS.days[-2 if stream.is_optional else -stream.max_window_days :]
            list(source.fetch(stream, Person("mina"), Window(days[0], days[-1])))
        client.get(f"{url}/v4/users/me/identity")
        for data_type in LISTED:
            address = f"{url}/v4/users/me/dataTypes/{data_type}/dataPoints"
            client.get(address)
            client.get(address, params={"filter": "yesterday"})
            client.get(address, headers=strangers)
            client.post(f"{address}:dailyRollUp", json={"range": {"start": {}, "end": {}}})
    return recorder.exchanges


def test_every_question_and_every_answer_is_the_documents(
    document: dict[str, Any], exchanges: list[Exchange]
) -> None:
    walker = Walker(document)
    for exchange in exchanges:
        walker.walk(exchange)
    answered = [exchange for exchange in exchanges if exchange.status == 200]
    fields = {name for exchange in answered for point in _points(exchange) for name in point}
    assert fields >= {stream.field for stream in EVERY_STREAM}, "some data type was never answered with a point"
    assert len(answered) > len(EVERY_STREAM)
    assert {exchange.status for exchange in exchanges} == {200, 400, 401}


def _points(exchange: Exchange) -> list[dict[str, Any]]:
    said = json.loads(exchange.said)
    return list(said.get("dataPoints", []) + said.get("rollupDataPoints", []))


def test_the_quirks_of_the_wire_are_there(exchanges: list[Exchange]) -> None:
    said: dict[str, list[dict[str, Any]]] = {exchange.path.rsplit("/", 2)[1]: [] for exchange in exchanges}
    for exchange in exchanges:
        if exchange.status == 200 and exchange.query.get("filter", "x") != "yesterday":
            said[exchange.path.rsplit("/", 2)[1]].append(json.loads(exchange.said))
    sleep = said["sleep"]
    assert any(not page.get("dataPoints") and page.get("nextPageToken") for page in sleep)
    assert max(len(page.get("dataPoints", [])) for page in sleep) == 25
    summaries = [p["sleep"]["summary"]["stagesSummary"] for page in sleep for p in page.get("dataPoints", [])]
    assert any(len(found) > len({each["type"] for each in found}) for found in summaries)
    assert {"date": {"year": 2026, "month": 8, "day": 31}, "time": {}} in [
        point["civilEndTime"] for page in said["steps"] for point in page["rollupDataPoints"]
    ]
    assert said["steps"][0]["rollupDataPoints"][0]["steps"] == {"countSum": "0"}
    assert said["heart-rate"][0]["rollupDataPoints"][0]["heartRate"]["beatsPerMinuteAvg"] == "NaN"
    listed = said["daily-resting-heart-rate"][-1]["dataPoints"]
    assert len(listed) == 2 * len(said["daily-resting-heart-rate"][0]["dataPoints"]), (
        "a list counts two devices twice"
    )


def test_a_field_or_a_type_that_is_none_fails(document: dict[str, Any]) -> None:
    walker = Walker(document)
    with pytest.raises(jsonschema.ValidationError):
        walker.check("DailyRestingHeartRate", {"beatsPerMinute": 60})
    with pytest.raises(jsonschema.ValidationError):
        walker.check("StepsRollupValue", {"countSum": "many"})
    with pytest.raises(jsonschema.ValidationError):
        walker.check("ReconcileDataPointsResponse", {"dataPoints": [{"dataSource": {}}]})
    with pytest.raises(AssertionError):
        walker.method(Exchange("GET", "/v4/users/me/dataTypes/sleep/dataPoints:dailyRollUp", {}, b"", 200, b"{}"))


def test_the_streams_are_those_of_the_document(document: dict[str, Any]) -> None:
    methods = document["resources"]["users"]["resources"]["dataTypes"]["resources"]["dataPoints"]["methods"]
    schemas = document["schemas"]
    homes = {"list": "DataPoint", "reconcile": "ReconciledDataPoint", "dailyRollUp": "DailyRollupDataPoint"}
    filters = methods["list"]["parameters"]["filter"]["description"]
    for stream in EVERY_STREAM:
        assert stream.field in schemas[homes[stream.method]]["properties"], stream.name
        assert stream.scope in methods[stream.method]["scopes"]
        assert stream.scope in ALL_SCOPES
        assert stream.entity and stream.description and stream.page_size
        if stream.method == "dailyRollUp":
            continue
        data_type, _, member = stream.filter_member.partition(".")
        assert data_type == stream.path.replace("-", "_")
        assert re.search(rf"[{{_a-z}}]+\}}?\.{re.escape(member)}`", filters), stream.filter_member
        assert f"`{data_type}.{member} >=" in filters or member in {
            "date", "interval.civil_start_time", "sample_time.civil_time",
        }  # fmt: skip
    assert document["baseUrl"] + document["version"] == load_settings().fitbit.base_url


def test_windows_and_pages_are_the_largest_that_the_document_allows(document: dict[str, Any]) -> None:
    roll_up = document["schemas"]["DailyRollUpDataPointsRequest"]["properties"]
    short = set(re.findall(r"`([a-z-]+)`", roll_up["range"]["description"]))
    assert "is 14 days" in roll_up["range"]["description"] and "is 90 days" in roll_up["range"]["description"]
    methods = document["resources"]["users"]["resources"]["dataTypes"]["resources"]["dataPoints"]["methods"]
    pages = methods["reconcile"]["parameters"]["pageSize"]["description"]
    assert "maximum page size is 10000" in pages and "`exercise` and `sleep` is 25" in pages
    for stream in EVERY_STREAM:
        if stream.method == "dailyRollUp":
            days = 14 if stream.path in short else 90
            assert (stream.max_window_days, stream.page_size) == (days, days), stream.name
        else:
            assert stream.page_size == (25 if stream.path in ("sleep", "exercise") else 10_000), stream.name
