"""The API over a real server and a real lake: jobs, events, downloads, gold, and who is let in."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from tests.serve.server import served


@pytest.fixture(scope="module")
def api(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    import shutil

    folder = Path(shutil.copytree(demo_folder, tmp_path_factory.mktemp("served") / "demo"))
    with served(folder) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def data(answer: httpx.Response) -> Any:
    body = answer.json()
    assert body["success"] is answer.is_success
    assert body["timestamp"].endswith("Z")
    return body["data"] if answer.is_success else body["error"]


def follow(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """The job's last state, told by server-sent events."""
    with api.stream("GET", "/api/pipeline/events") as events:
        job: dict[str, Any] = data(api.get(f"/api/pipeline/status/{job_id}"))
        lines = events.iter_lines()
        while job["status"] not in ("completed", "failed"):
            line = next(lines)
            if line.startswith("data: "):
                job = json.loads(line.removeprefix("data: "))
    return job


def test_an_export_is_started_followed_listed_and_downloaded(api: httpx.Client) -> None:
    follow(api, data(api.post("/api/pipeline/export"))["jobId"])
    before = data(api.get("/api/pipeline/status"))["totalCount"]
    answer = api.post("/api/pipeline/export", json={"format": "parquet"})
    assert answer.status_code == 202
    job = follow(api, data(answer)["jobId"])
    assert job["status"] == "completed" and job["recordCount"] > 0
    listed = data(api.get("/api/pipeline/status"))
    assert listed["totalCount"] == before + 1
    newest = listed["latestExport"]
    assert newest["jobId"] == job["jobId"] and newest["recordCount"] == job["recordCount"]
    assert newest["unchanged"]
    document = api.get(f"/api/pipeline/exports/{newest['exportId']}/download").json()
    assert document["export_metadata"]["record_count"] == len(document["data"]) == job["recordCount"]
    table = pq.read_table(io.BytesIO(api.get("/api/pipeline/latest?format=parquet").content))
    assert table.num_rows == job["recordCount"]


def test_changes_alone_can_be_exported(api: httpx.Client) -> None:
    asked = {"mode": "incremental", "startDate": "2020-01-01T00:00:00Z"}
    job = follow(api, data(api.post("/api/pipeline/export", json=asked))["jobId"])
    assert (job["status"], job["recordCount"]) == ("completed", 0), "raw holds all of them already"
    newest = data(api.get("/api/pipeline/status"))["latestExport"]
    assert newest["exportMode"] == "incremental" and newest["isDelta"] and newest["unchanged"]
    assert newest["changesSince"] == "2020-01-01T00:00:00.000Z"
    assert api.get("/api/pipeline/latest").json()["data"] == []
    assert api.get("/api/pipeline/latest?mode=full").json()["export_metadata"]["record_count"] > 0


def test_two_requests_at_once_are_one_job(api: httpx.Client) -> None:
    found: list[str] = []

    def ask() -> None:
        found.append(data(api.post("/api/pipeline/run"))["jobId"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    job = follow(api, found[0])
    assert job["status"] == "completed"
    assert data(api.get("/api/pipeline/runs"))["runs"][0]["jobId"] == found[0]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"startDate": "2026-11-01"}, 422),
        ({"startDate": 0}, 422),
        ({"mode": "pitr"}, 422),
        ({"startDate": "2026-11-01T00:00:00Z", "mode": "full"}, 409),
        ({"endDate": "2026-11-01T00:00:00Z", "startDate": "2026-11-02T00:00:00Z"}, 409),
    ],
)
def test_what_an_export_cannot_do_is_refused_not_ignored(
    api: httpx.Client, body: dict[str, str], status: int
) -> None:
    answer = api.post("/api/pipeline/export", json=body)
    assert answer.status_code == status
    assert next(iter(body)) in data(answer)["message"]


def test_layers_settings_and_health(api: httpx.Client) -> None:
    layers = data(api.get("/api/pipeline/layers"))
    assert [layer["name"] for layer in layers["layers"]] == ["sources", "raw", "staging", "gold", "pages"]
    assert layers["demo"]["days"] == 60
    settings = data(api.get("/api/pipeline/settings"))
    assert settings["schedule"]["cron"] == "0 5 * * ? *"
    assert {source["name"] for source in settings["sources"]} >= {"dynamodb", "fitbit", "weather", "calendar"}
    assert "token" not in json.dumps(settings)
    assert data(api.get("/api/health"))["status"] == "ok"


def test_a_persons_rows_and_file(api: httpx.Client) -> None:
    people = data(api.get("/api/gold/people"))["people"]
    assert len(people) == 2
    person = people[0]
    last = data(api.get("/api/gold/mart_productivity_daily", params={"user_id": person["user_id"], "last": 30}))
    assert len(last["rows"]) == 30 and last["rows"][-1]["date"] == person["last_date"]
    assert {row["user_id"] for row in last["rows"]} == {person["user_id"]}
    head = api.head(person["url"])
    assert head.headers["accept-ranges"] == "bytes" and head.headers["etag"].startswith('"')
    piece = api.get(person["url"], headers={"range": "bytes=8-11"})
    assert piece.status_code == 206 and piece.content == b"DUCK"
    assert int(head.headers["content-length"]) == person["bytes"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/pipeline/status/none", 404),
        ("/api/pipeline/status?days=x", 422),
        ("/api/gold/no_such_mart?user_id=u", 404),
        ("/api/gold/files/gold/current.json", 404),
        ("/api/gold/files/gold/browser/user=x/../../../raw/demo.json", 404),
        ("/api/none", 404),
    ],
)
def test_refusals_have_the_one_form(api: httpx.Client, path: str, status: int) -> None:
    answer = api.get(path)
    assert answer.status_code == status
    assert set(data(answer)) == {"code", "name", "message", "remedy"}


def test_strangers_are_not_let_in(api: httpx.Client) -> None:
    assert api.get("/api/health", headers={"host": "evil.example"}).status_code == 400
    written = api.post("/api/pipeline/run", headers={"origin": "http://evil.example"})
    assert written.status_code == 403 and data(written)["code"] == "E001"


def test_answers_hold_to_the_openapi_document(api: httpx.Client) -> None:
    from jsonschema import Draft202012Validator

    document = api.get("/api/openapi.json").json()
    for path in ("status", "runs", "layers", "settings"):
        answer = api.get(f"/api/pipeline/{path}")
        schema = document["paths"][f"/api/pipeline/{path}"]["get"]["responses"]["200"]["content"]
        Draft202012Validator(
            {**schema["application/json"]["schema"], "components": document["components"]}
        ).validate(answer.json())


@pytest.mark.parametrize("path", ["/", "/debug/pipeline"])
def test_pages_may_talk_to_their_own_server_only(api: httpx.Client, path: str) -> None:
    page = api.get(path)
    assert page.status_code == 200 and "<html" in page.text
    assert "connect-src 'self'" in page.headers["content-security-policy"]
