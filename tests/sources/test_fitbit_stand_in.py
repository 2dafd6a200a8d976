"""The Google Health stand-in: it refuses what the API refuses and pages as the API pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from moderation_craft.sources.fitbit.stand_in import (
    BadDays,
    HealthPerson,
    Night,
    create_app,
    seeded_person,
)
from moderation_craft.sources.fitbit.stand_in_shapes import ROLL_UPS
from moderation_craft.sources.fitbit.streams import SLEEP, STREAMS
from moderation_craft.sources.stand_in import serve

TOKEN = "ya29.token-of-mina"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FIRST = date(2026, 8, 1)
HOUR = timedelta(hours=1)


def _night(day: int) -> Night:
    start = datetime(2026, 8, 1, 14, 31, tzinfo=UTC) + timedelta(days=day)
    return Night(f"log-{day}", start, start + 7 * HOUR, 9 * HOUR, 9 * HOUR, "CLASSIC", True)


def _mina() -> HealthPerson:
    return seeded_person("mina", TOKEN, [FIRST + timedelta(days=day) for day in range(90)])


@contextmanager
def _asking(*people: HealthPerson, **how: Any) -> Iterator[tuple[httpx.Client, str]]:
    with serve(create_app(people or [_mina()], **how)) as url, httpx.Client(headers=BEARER) as client:
        yield client, f"{url}/v4/users/me/dataTypes"


def _days(first: date, last: date) -> dict[str, Any]:
    def civil(day: date) -> dict[str, Any]:
        return {"date": {"year": day.year, "month": day.month, "day": day.day}}

    return {"range": {"start": civil(first), "end": civil(last)}, "windowSizeDays": 1}


def test_what_the_api_refuses() -> None:
    with _asking() as (client, url):
        sleep = f"{url}/sleep/dataPoints"
        wrong_member = client.get(sleep, params={"filter": 'sleep.interval.start_time >= "2026-08-01"'})
        others_member = client.get(sleep, params={"filter": 'steps.interval.end_time >= "2026-08-01"'})
        civil_date = client.get(
            f"{url}/daily-oxygen-saturation/dataPoints",
            params={"filter": 'daily_oxygen_saturation.civil_date >= "2026-08-01"'},
        )
        nonsense = client.get(sleep, params={"filter": "yesterday"})
        no_date = client.get(sleep, params={"filter": 'sleep.interval.civil_end_time >= "soon"'})
        bad_page = client.get(sleep, params={"pageToken": "x"})
        bad_size = client.get(sleep, params={"pageSize": "many"})
        answers = (wrong_member, others_member, civil_date, nonsense, no_date, bad_page, bad_size)
        assert [each.status_code for each in answers] == [400] * 7
        assert "INVALID_DATA_POINT_FILTER_DATA_TYPE_MEMBER" in wrong_member.text
        assert "Member 'daily_oxygen_saturation.civil_date' is not supported for filtering." in civil_date.text
        unknown = client.get(f"{url}/telepathy/dataPoints")
        not_rolled = client.post(f"{url}/sleep/dataPoints:dailyRollUp", json=_days(FIRST, FIRST))
        not_listed = client.get(f"{url}/total-calories/dataPoints")
        not_reconciled = client.get(f"{url}/moods/dataPoints:reconcile")
        statuses = [each.status_code for each in (unknown, not_rolled, not_listed, not_reconciled)]
        assert statuses == [404, 400, 400, 400]


@pytest.mark.parametrize("data_type", list(ROLL_UPS))
def test_roll_ups_have_a_longest_range(data_type: str) -> None:
    most = next(stream.max_window_days for stream in STREAMS if stream.path == data_type)
    with _asking() as (client, url):
        address = f"{url}/{data_type}/dataPoints:dailyRollUp"
        whole = client.post(address, json=_days(FIRST, FIRST + timedelta(days=most)))
        over = client.post(address, json=_days(FIRST, FIRST + timedelta(days=most + 1)))
        at_noon = _days(FIRST, FIRST + timedelta(days=1))
        at_noon["range"]["start"]["time"] = {"hours": 12}
        assert (whole.status_code, over.status_code) == (200, 400)
        assert len(whole.json()["rollupDataPoints"]) == most
        assert client.post(address, content=b"{").status_code == 400
        assert client.post(address, json=at_noon).status_code == 400


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}])
def test_a_bearer_token_is_asked_for(header: dict[str, str]) -> None:
    with _asking() as (_, url):
        answer = httpx.get(f"{url}/sleep/dataPoints", headers=header)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_tokens_from_outside_decide_who_it_is_and_what_is_allowed() -> None:
    """An OAuth stand-in that gives out tokens passes its own look-up; people's own tokens count no more."""
    granted = {"fresh": ("mina", frozenset({SLEEP})), "all": ("mina", frozenset[str]())}
    bad_days = BadDays()
    with _asking(_mina(), who=granted.get, bad_days=bad_days) as (client, url):

        def status(token: str, data_type: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return client.get(f"{url}/{data_type}/dataPoints", headers=headers).status_code

        assert status(TOKEN, "sleep") == 401
        assert (status("fresh", "sleep"), status("fresh", "weight")) == (200, 403)
        assert (status("all", "sleep"), status("all", "weight")) == (200, 200)
        bad_days.expired.add("all")
        assert status("all", "sleep") == 401


def test_pages_are_those_of_the_api() -> None:
    """25 at most, newest first, an empty page with a token, `{}` at the end of 50 points."""
    person = HealthPerson("mina", TOKEN, {}, [_night(day) for day in range(50)])
    pages: list[dict[str, Any]] = []
    with _asking(person) as (client, url):
        token = ""
        while not pages or token:
            params = {"pageToken": token, "pageSize": "100"} if token else {"pageSize": "100"}
            pages.append(client.get(f"{url}/sleep/dataPoints", params=params).json())
            token = pages[-1].get("nextPageToken", "")
    assert [len(page.get("dataPoints", [])) for page in pages] == [25, 0, 25, 0]
    assert pages[-1] == {}
    starts = [point["sleep"]["interval"]["startTime"] for page in pages for point in page.get("dataPoints", [])]
    assert starts == sorted(starts, reverse=True)


def test_a_list_counts_two_devices_twice_and_reconcile_once() -> None:
    with _asking() as (client, url):
        for data_type, listed, reconciled in (("daily-resting-heart-rate", 180, 90), ("weight", 90, 90)):
            address = f"{url}/{data_type}/dataPoints"
            points = client.get(address).json()["dataPoints"]
            assert len(points) == listed
            assert all("dataSource" in point for point in points)
            reconciled_points = client.get(f"{address}:reconcile").json()["dataPoints"]
            assert len(reconciled_points) == reconciled
            assert not any("dataSource" in point for point in reconciled_points)


def test_samples_are_1440_a_page_unless_more_is_asked_for() -> None:
    with _asking() as (client, url):
        address = f"{url}/heart-rate/dataPoints:reconcile"
        member = "heart_rate.sample_time.civil_time"
        days = f'{member} >= "2026-08-03" AND {member} < "2026-08-10"'
        usual = client.get(address, params={"filter": days}).json()
        largest = client.get(address, params={"filter": days, "pageSize": "20000"}).json()
    assert (len(usual["dataPoints"]), len(largest["dataPoints"])) == (1440, 10_000)
    assert usual["nextPageToken"] and largest["nextPageToken"]


def test_equal_seeds_are_equal_people() -> None:
    assert repr(_mina()) == repr(_mina())
    dates = [FIRST]
    assert seeded_person("mina", TOKEN, dates, seed=2).days != seeded_person("mina", TOKEN, dates).days
