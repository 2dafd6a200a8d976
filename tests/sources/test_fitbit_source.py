"""Fitbit: what is asked, what a record holds, and that the stand-in speaks as the discovery document says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from moderation_craft.clock import SystemClock
from moderation_craft.errors import AuthFailed, SchemaChanged
from moderation_craft.settings import load_settings
from moderation_craft.sources.contract import Person, Record, Window
from moderation_craft.sources.faults import Fault, Faulty
from moderation_craft.sources.fitbit.source import STREAMS, FitbitSource, build, civil_date, health_http
from moderation_craft.sources.fitbit.stand_in import HealthDay, HealthPerson, Night, create_app
from moderation_craft.sources.stand_in import serve

TOKEN = "ya29.token-of-mina"
MINA = Person("mina")
FIRST = date(2026, 8, 1)
HOUR = timedelta(hours=1)


def _night(day: int, *, log_id: str = "", main: bool = True, offset: timedelta = 9 * HOUR) -> Night:
    start = datetime(2026, 8, 1, 14, 31, tzinfo=UTC) + timedelta(days=day)
    middle, end = start + HOUR, start + 7 * HOUR
    stages = [("AWAKE", start, start + HOUR / 4), ("LIGHT", start + HOUR / 4, middle), ("DEEP", middle, end)]
    return Night(log_id or f"log-{day}", start, end, offset, offset, "STAGES", main, stages)


def _nap(day: int) -> Night:
    start = datetime(2026, 8, 1, 5, 0, tzinfo=UTC) + timedelta(days=day)
    stages = [("ASLEEP", start, start + HOUR / 3), ("RESTLESS", start + HOUR / 3, start + HOUR / 2)]
    return Night(f"nap-{day}", start, start + HOUR / 2, 9 * HOUR, 9 * HOUR, "CLASSIC", False, stages)


def _mina() -> HealthPerson:
    days = {FIRST + timedelta(days=day): day for day in range(90)}
    worn = {day: HealthDay(day, 8000 + n, 31, 2134.5, 60, 45.2) for day, n in days.items() if n % 7}
    worn[FIRST + timedelta(days=14)] = HealthDay(FIRST + timedelta(days=14), steps=0)
    nights = [_night(day) for day in range(70)]
    return HealthPerson("mina", TOKEN, worn, [*nights, _nap(3), nights[5]])


@contextmanager
def _fitbit(*people: HealthPerson) -> Iterator[tuple[FitbitSource, str]]:
    with serve(create_app(people or [_mina()])) as url:
        yield FitbitSource(f"{url}/v4/", lambda person: TOKEN, health_http()), f"{url}/v4/users/me/dataTypes"


def _fetch(source: FitbitSource, stream: str, window: Window) -> dict[date, Record]:
    found = next(each for each in STREAMS if each.name == stream)
    return {record.date: record for record in source.fetch(found, MINA, window)}


def _json(record: Record) -> Any:
    return json.loads(record.data)


def test_sleep_is_read_through_every_page_and_dated_by_waking() -> None:
    with _fitbit() as (source, _):
        records = _fetch(source, "sleep", Window(FIRST, FIRST + timedelta(days=89)))
    ids = {
        day: [point["name"].rsplit("/", 1)[-1] for point in _json(record)["dataPoints"]]
        for day, record in records.items()
    }
    assert ids[date(2026, 8, 2)] == ["log-0"]
    assert ids[date(2026, 8, 4)] == ["nap-3", "log-2"]
    assert ids[date(2026, 8, 7)] == ["log-5", "log-5"]
    assert sum(map(len, ids.values())) == 72
    assert records[FIRST].data == b'{"dataPoints":[]}'
    assert records[FIRST].metadata["window"] == "2026-08-01/2026-10-29"


def test_a_day_without_a_point_is_an_empty_answer_and_zero_stays_zero() -> None:
    with _fitbit() as (source, _):
        records = _fetch(source, "steps", Window(FIRST, FIRST + timedelta(days=89)))
    assert records[FIRST].data == b'{"rollupDataPoints":[]}'
    assert _json(records[FIRST + timedelta(days=14)])["rollupDataPoints"][0]["steps"] == {"countSum": "0"}
    assert _json(records[FIRST + timedelta(days=1)])["rollupDataPoints"][0]["steps"] == {"countSum": "8001"}


@pytest.mark.parametrize(
    ("stream", "key", "value"),
    [
        (
            "active-minutes",
            "activeMinutes",
            {
                "activeMinutesRollupByActivityLevel": [
                    {"activityLevel": "LIGHT", "activeMinutesSum": "133"},
                    {"activityLevel": "MODERATE", "activeMinutesSum": "21"},
                    {"activityLevel": "VIGOROUS", "activeMinutesSum": "10"},
                ]
            },
        ),
        ("total-calories", "totalCalories", {"kcalSum": 2134.5}),
    ],
)
def test_roll_ups_keep_their_shape(stream: str, key: str, value: object) -> None:
    day = FIRST + timedelta(days=1)
    with _fitbit() as (source, _):
        (point,) = _json(_fetch(source, stream, Window(day, day))[day])["rollupDataPoints"]
    assert point[key] == value
    assert point["civilStartTime"] == {"date": {"year": 2026, "month": 8, "day": 2}, "time": {}}


def test_vitals_are_one_point_a_day() -> None:
    day = FIRST + timedelta(days=1)
    with _fitbit() as (source, _):
        heart = _json(_fetch(source, "daily-resting-heart-rate", Window(day, day))[day])["dataPoints"]
        variability = _json(_fetch(source, "daily-heart-rate-variability", Window(day, day))[day])["dataPoints"]
    assert heart[0]["dailyRestingHeartRate"]["beatsPerMinute"] == "60"
    assert variability[0]["dailyHeartRateVariability"]["averageHeartRateVariabilityMilliseconds"] == 45.2


def test_days_turn_by_the_offset_where_the_person_woke() -> None:
    def point(end: str, offset: str) -> bytes:
        return json.dumps({"sleep": {"interval": {"endTime": end, "endUtcOffset": offset}}}).encode()

    assert civil_date(point("2026-08-01T15:10:00Z", "32400s"), "sleep") == date(2026, 8, 2)
    assert civil_date(point("2026-08-02T03:30:00.123456789Z", "-14400s"), "sleep") == date(2026, 8, 1)
    assert civil_date(point("2026-08-02T03:30:00Z", "0s"), "sleep") == date(2026, 8, 2)


@pytest.mark.parametrize(
    "point", [b"{}", b'{"sleep":{}}', b'{"sleep":{"interval":{"endTime":"late"}}}', b'{"civilStartTime":{}}']
)
def test_a_point_without_a_date_is_a_changed_schema(point: bytes) -> None:
    with pytest.raises(SchemaChanged, match="cannot be dated"):
        civil_date(point, "sleep")


def test_a_person_without_a_token_is_refused_and_tokens_come_from_the_settings() -> None:
    source = build(load_settings(fitbit={"access_tokens": {"mina": TOKEN}}), SystemClock())
    assert source.refusal(MINA) is None
    assert "no Google Health access token" in (source.refusal(Person("ken")) or "")
    with pytest.raises(AuthFailed, match="ken is not connected"):
        list(source.fetch(STREAMS[0], Person("ken"), Window(FIRST, FIRST)))


def test_a_page_given_twice_does_not_go_round_for_ever() -> None:
    faulty = Faulty(create_app([_mina()]))
    faulty.faults.append(Fault(200, b'{"nextPageToken": "again"}'))
    with serve(faulty) as url, pytest.raises(SchemaChanged, match="twice"):
        _fetch(FitbitSource(f"{url}/v4", lambda _: TOKEN, health_http()), "sleep", Window(FIRST, FIRST))


def test_an_account_that_is_not_linked_says_how_to_link_it() -> None:
    faulty = Faulty(create_app([_mina()]))
    body = {"error": {"code": 400, "message": "not linked", "details": [{"reason": "ACCOUNT_NOT_LINKED"}]}}
    faulty.faults.append(Fault(400, json.dumps(body).encode()))
    with serve(faulty) as url, pytest.raises(AuthFailed) as caught:
        _fetch(FitbitSource(f"{url}/v4", lambda _: TOKEN, health_http()), "steps", Window(FIRST, FIRST))
    assert "Fitbit app" in caught.value.remedy


def _days(first: date, last: date) -> dict[str, Any]:
    def civil(day: date) -> dict[str, Any]:
        return {"date": {"year": day.year, "month": day.month, "day": day.day}}

    return {"range": {"start": civil(first), "end": civil(last)}, "windowSizeDays": 1}


BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_the_stand_in_refuses_what_the_api_refuses() -> None:
    with _fitbit() as (_, url), httpx.Client(headers=BEARER) as client:
        sleep = f"{url}/sleep/dataPoints"
        wrong_member = client.get(sleep, params={"filter": 'sleep.interval.start_time >= "2026-08-01"'})
        nonsense = client.get(sleep, params={"filter": "yesterday"})
        no_date = client.get(sleep, params={"filter": 'sleep.interval.civil_end_time >= "soon"'})
        bad_page = client.get(sleep, params={"pageToken": "x"})
        bad_size = client.get(sleep, params={"pageSize": "many"})
        unknown = client.get(f"{url}/telepathy/dataPoints")
        not_rolled = client.post(f"{url}/sleep/dataPoints:dailyRollUp", json=_days(FIRST, FIRST))
        not_listed = client.get(f"{url}/steps/dataPoints")
        statuses = [each.status_code for each in (wrong_member, nonsense, no_date, bad_page, bad_size)]
        assert statuses == [400] * 5
        assert "INVALID_DATA_POINT_FILTER_DATA_TYPE_MEMBER" in wrong_member.text
        assert [each.status_code for each in (unknown, not_rolled, not_listed)] == [404, 400, 400]
        for stream, most in {"steps": 90, "active-minutes": 14, "total-calories": 14}.items():
            address = f"{url}/{stream}/dataPoints:dailyRollUp"
            whole = client.post(address, json=_days(FIRST, FIRST + timedelta(days=most)))
            over = client.post(address, json=_days(FIRST, FIRST + timedelta(days=most + 1)))
            assert (whole.status_code, over.status_code) == (200, 400)
        assert client.post(f"{url}/steps/dataPoints:dailyRollUp", content=b"{").status_code == 400
        at_noon = _days(FIRST, FIRST + timedelta(days=1))
        at_noon["range"]["start"]["time"] = {"hours": 12}
        assert client.post(f"{url}/steps/dataPoints:dailyRollUp", json=at_noon).status_code == 400


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}])
def test_the_stand_in_asks_for_a_bearer_token(header: dict[str, str]) -> None:
    with _fitbit() as (_, url):
        answer = httpx.get(f"{url}/sleep/dataPoints", headers=header)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_the_stand_in_pages_like_the_api() -> None:
    """25 at most, newest first, an empty page with a token, `{}` at the end of 50 points."""
    person = HealthPerson("mina", TOKEN, {}, [_night(day) for day in range(50)])
    pages: list[dict[str, Any]] = []
    with _fitbit(person) as (_, url), httpx.Client(headers=BEARER) as client:
        token = ""
        while not pages or token:
            params = {"pageToken": token, "pageSize": "100"} if token else {"pageSize": "100"}
            pages.append(client.get(f"{url}/sleep/dataPoints", params=params).json())
            token = pages[-1].get("nextPageToken", "")
    assert [len(page.get("dataPoints", [])) for page in pages] == [25, 0, 25, 0]
    assert pages[-1] == {}
    starts = [point["sleep"]["interval"]["startTime"] for page in pages for point in page.get("dataPoints", [])]
    assert starts == sorted(starts, reverse=True)


def _closed_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """The discovery document's schemas as JSON Schema that allows no other field."""
    text = json.dumps(document["schemas"]).replace('"$ref": "', '"$ref": "#/$defs/')
    schemas = json.loads(text.replace('"type": "any"', '"title": "any"'))
    for schema in schemas.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return dict(schemas)


def test_every_answer_of_the_stand_in_fits_the_discovery_document(shared: Path) -> None:
    document = json.loads((shared / "specs" / "health.v4.json").read_text())
    schemas = _closed_schemas(document)

    def check(name: str, body: object) -> None:
        jsonschema.validate(body, {"$ref": f"#/$defs/{name}", "$defs": schemas})

    with pytest.raises(jsonschema.ValidationError):
        check("DailyRestingHeartRate", {"beatsPerMinute": 60})
    with _fitbit() as (_, url), httpx.Client(headers=BEARER) as client:
        check("Identity", client.get(url.replace("dataTypes", "identity")).json())
        for stream in STREAMS:
            address = f"{url}/{stream.name}/dataPoints"
            if stream.method == "list":
                check("ListDataPointsResponse", client.get(address).json())
            else:
                question = _days(FIRST, FIRST + timedelta(days=stream.max_window_days))
                check("DailyRollUpDataPointsRequest", question)
                answer = client.post(f"{address}:dailyRollUp", json=question).json()
                assert answer["rollupDataPoints"]
                check("DailyRollUpDataPointsResponse", answer)


def test_the_streams_are_those_of_the_discovery_document(shared: Path) -> None:
    document = json.loads((shared / "specs" / "health.v4.json").read_text())
    methods = document["resources"]["users"]["resources"]["dataTypes"]["resources"]["dataPoints"]["methods"]
    points = document["schemas"]["DataPoint"]["properties"]
    roll_ups = document["schemas"]["DailyRollupDataPoint"]["properties"]
    for stream in STREAMS:
        first, *rest = stream.name.split("-")
        field = first + "".join(word.capitalize() for word in rest)
        assert field in (points if stream.method == "list" else roll_ups)
        assert stream.scope in methods[stream.method]["scopes"]
        if stream.method == "list":
            assert stream.filter_member.startswith(stream.name.replace("-", "_"))
    assert document["baseUrl"] + document["version"] == load_settings().fitbit.base_url
