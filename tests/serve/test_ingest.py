"""POST /api/ingest/indexeddb over a real server: what a browser sends, and who may send it."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import httpx
import pytest

from moderation_craft.lake import Lake
from tests.conftest import wait_until
from tests.serve.server import served
from tests.sources.dexie_dumps import BY_THE_PROGRAM, chunk, dump, raw_lines, raw_state, spelled, table

PATH = "/api/ingest/indexeddb"
APP = "https://app.example.com"
STRANGER = "https://evil.example.com"
BOUND = 40_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ingest")


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[httpx.Client]:
    environment = {
        "MCRAFT_INGEST__ALLOWED_ORIGINS": json.dumps([APP]),
        "MCRAFT_INGEST__MAX_BYTES": str(BOUND),
    }
    with served(folder, **environment) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture
def lake(folder: Path) -> Lake:
    return Lake.open(str(folder / "lake"))


def send(
    api: httpx.Client, content: Any, *, user: str, headers: dict[str, str] | None = None, **query: str
) -> Any:
    body = content if isinstance(content, bytes) else spelled(content)
    return api.post(PATH, params={"user": user, **query}, content=body, headers=headers)


def told(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The answer's data, or its error."""
    body = answer.json()
    assert answer.status_code == status, body
    assert body["success"] is answer.is_success
    found: dict[str, Any] = body["data"] if answer.is_success else body["error"]
    return found


def manifests_of(lake: Lake, user: str) -> list[str]:
    return [each.id for each in lake.manifests("indexeddb") if each.details["user_id"] == user]


@pytest.mark.parametrize("way", ["plain", "content-encoding", "gz file"])
def test_a_dump_reaches_raw(api: httpx.Client, lake: Lake, way: str) -> None:
    user = way.replace(" ", "-")
    data = BY_THE_PROGRAM[0].read_bytes()
    headers = {"content-encoding": "gzip"} if way == "content-encoding" else {}
    body = data if way == "plain" else gzip.compress(data)
    first = told(send(api, body, user=user, headers=headers))
    assert first == {
        "uploadId": None,
        "manifestId": first["manifestId"],
        "rows": 11,
        "deleted": 0,
        "refused": 0,
        "alreadyHeld": False,
    }
    (manifest,) = [each for each in lake.manifests("indexeddb") if each.id == first["manifestId"]]
    assert manifest.details["user_id"] == user and manifest.details["is_delta"] is False
    rows = [row for each in json.loads(data)["data"]["data"] for row in each["rows"]]
    assert [line.value for line in raw_lines(lake, manifest)] == rows
    assert told(send(api, data, user=user)) == {**first, "alreadyHeld": True}
    assert manifests_of(lake, user) == [manifest.id]


def test_changes_are_taken_once_in_the_order_sent(api: httpx.Client, lake: Lake) -> None:
    whole = told(send(api, dump(table("moods", [{"id": "a"}, {"id": "b"}])), user="c1", device="laptop"))
    first = chunk(table("moods", [{"id": "a", "n": 1}]), sequence=1, deleted={"moods": ["b"]}, sent_at=1.0)
    second = chunk(table("moods", [{"id": "c"}, 7]), sequence=2, last=True)
    answers = [
        told(send(api, each, user="c1", device="laptop", part="changes"))
        for each in (first, second, first, second)
    ]
    assert [(each["rows"], each["deleted"], each["refused"]) for each in answers] == [(1, 1, 0), (1, 0, 1)] * 2
    assert [each["alreadyHeld"] for each in answers] == [False, False, True, True]
    assert {each["uploadId"] for each in answers} == {"9f2c7c1e"}
    assert manifests_of(lake, "c1") == [whole["manifestId"], *(each["manifestId"] for each in answers[:2])]
    made = {each.id: each for each in lake.manifests("indexeddb")}[answers[0]["manifestId"]]
    assert made.kind == "indexeddb_changes" and made.details["is_delta"] is True
    assert made.details["clock_skew_seconds"] > 1_000_000_000
    phone = told(send(api, first, user="c1", device="phone"))
    assert not phone["alreadyHeld"]


def test_a_chunk_sent_many_times_at_once_is_taken_once(api: httpx.Client, lake: Lake) -> None:
    content = chunk(table("moods", [{"id": "a"}]), upload="at-once")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: told(send(api, content, user="c2")), range(8)))
    assert sorted(each["alreadyHeld"] for each in answers) == [False] + [True] * 7
    assert len(manifests_of(lake, "c2")) == 1


def test_a_body_in_pieces_without_a_length_is_taken(api: httpx.Client) -> None:
    rows = [{"id": f"{n:06}", "notes": "絵文字😴" * 20} for n in range(20_000)]
    data = spelled(dump(table("small_tasks", rows)))
    pieces = (data[at : at + 65_521] for at in range(0, len(data), 65_521))
    assert told(api.post(PATH, params={"user": "c3"}, content=pieces))["rows"] == 20_000


REFUSED: dict[str, tuple[Any, dict[str, str], int, str]] = {
    "no dump": (b"<html>", {}, 422, "E003"),
    "empty": (b"", {}, 422, "E003"),
    "another database": (dump(database="TodoDB"), {}, 422, "E003"),
    "cut short": (spelled(dump(table("a", [{"id": 1}])))[:-9], {}, 422, "E003"),
    "gzip cut short": (gzip.compress(spelled(dump()))[:-9], {}, 422, "E003"),
    "gzip only in name": (dump(), {"content-encoding": "gzip"}, 422, "E003"),
    "another packing": (dump(), {"content-encoding": "br"}, 422, "E003"),
    "too long": (b" " * (BOUND + 1), {}, 413, "E009"),
    "too long unpacked": (gzip.compress(b" " * (BOUND + 1)), {}, 413, "E009"),
    "a bomb": (gzip.compress(b" " * 20_000_000), {}, 413, "E009"),
    "a page of a stranger": (dump(), {"origin": STRANGER}, 403, "E001"),
    "a page of nobody": (dump(), {"origin": "null"}, 403, "E001"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_nothing(api: httpx.Client, lake: Lake, case: str) -> None:
    content, headers, status, code = REFUSED[case]
    before = [(each.key, each.size) for each in lake.storage.list("raw/")]
    error = told(send(api, content, user="refused", headers=headers), status)
    assert error["code"] == code and error["message"] and error["remedy"]
    assert [(each.key, each.size) for each in lake.storage.list("raw/")] == before


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"user": ""},
        {"user": "a/../b"},
        {"user": "u" * 81},
        {"user": "u", "device": "a b"},
        {"user": "u", "device": "d" * 65},
        {"user": "u", "part": "half"},
    ],
)
def test_what_is_asked_wrongly_is_refused(api: httpx.Client, query: dict[str, str]) -> None:
    assert told(api.post(PATH, params=query, content=spelled(dump())), 422)["code"] == "E003"


def test_a_listed_origin_may_send_and_read_the_answer(api: httpx.Client) -> None:
    asked = api.options(
        PATH,
        headers={
            "origin": APP,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-encoding,content-type",
            "access-control-request-private-network": "true",
        },
    )
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == APP
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert asked.headers["access-control-allow-private-network"] == "true"
    assert {"content-type", "content-encoding"} <= set(asked.headers["access-control-allow-headers"].split(", "))
    sent = send(api, dump(), user="o1", headers={"origin": APP})
    assert told(sent)["rows"] == 0 and sent.headers["access-control-allow-origin"] == APP
    wrong = send(api, b"{", user="o1", headers={"origin": APP})
    assert told(wrong, 422) and wrong.headers["access-control-allow-origin"] == APP
    own = send(api, dump(), user="o1", headers={"origin": str(api.base_url).rstrip("/")})
    assert told(own) and "access-control-allow-origin" not in own.headers


@pytest.mark.parametrize(
    ("method", "path", "origin", "status"),
    [
        ("POST", "/api/pipeline/run", APP, 403),
        ("POST", "/api/pipeline/export", APP, 403),
        ("POST", "/api/ingestion", APP, 403),
        ("POST", "/api/ingest/../pipeline/run", APP, 403),
        ("OPTIONS", "/api/pipeline/run", APP, 405),
        ("OPTIONS", PATH, STRANGER, 405),
        ("OPTIONS", PATH, f"{APP}.evil.example", 405),
        ("OPTIONS", PATH, "http://app.example.com", 405),
        ("GET", "/api/health", APP, 200),
        ("GET", "/api/gold/people", APP, 200),
    ],
)
def test_nothing_else_is_let_in(api: httpx.Client, method: str, path: str, origin: str, status: int) -> None:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    answer = api.request(method, path, headers=headers)
    assert answer.status_code == status
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_another_host_name_is_refused_even_for_a_listed_origin(api: httpx.Client) -> None:
    answer = send(api, dump(), user="o2", headers={"origin": APP, "host": "app.example.com"})
    assert answer.status_code == 400


def _post_head(address: str, user: str, length: int) -> tuple[socket.socket, bytes]:
    """A connection on which a POST of `length` bytes was announced."""
    found = urlparse(address)
    connection = socket.create_connection((found.hostname or "", found.port or 0))
    head = f"POST {PATH}?user={user} HTTP/1.1\r\nHost: {found.netloc}\r\nContent-Length: {length}\r\n\r\n"
    return connection, head.encode()


def test_a_browser_closed_half_way_leaves_nothing(api: httpx.Client, lake: Lake, folder: Path) -> None:
    data = spelled(dump(table("small_tasks", [{"id": n, "notes": "x" * 1000} for n in range(5000)])))
    before = lake.totals("raw/")
    for share in (0.1, 0.5, 0.99):
        connection, head = _post_head(str(api.base_url), "gone", len(data))
        with connection:
            connection.sendall(head + data[: int(len(data) * share)])
    assert told(send(api, data, user="gone"))["rows"] == 5000
    assert len(manifests_of(lake, "gone")) == 1
    assert lake.totals("raw/")[0] == before[0] + 2
    assert [each.name for each in (folder / "lake" / "_cache").iterdir() if each.is_file()] == []


_SERVE = [sys.executable, "-c", "from moderation_craft.cli import main; main()", "serve", "--port", "0"]


def test_a_server_killed_during_uploads_leaves_nothing_half_read(tmp_path: Path) -> None:
    """SIGKILL with a body half sent, and while uploads are being taken; then sent again, to another server."""
    big = spelled(dump(table("small_tasks", [{"id": n, "notes": "x" * 1000} for n in range(40_000)])))
    chunks = [chunk(table("moods", [{"id": n, "of": "k"}]), upload="k", sequence=n) for n in range(40)]
    with subprocess.Popen(_SERVE, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        said: list[str] = []
        assert process.stderr is not None
        lines = process.stderr
        reader = threading.Thread(target=lambda: said.extend(iter(lines.readline, "")), daemon=True)
        reader.start()
        wait_until(lambda: "Serving http://" in "".join(said), "the server said nothing", 90)
        address = "".join(said).split("Serving ", 1)[1].split()[0]
        connection, head = _post_head(address, "killed", len(big))
        answered = threading.Event()

        def send_all() -> None:
            with httpx.Client(base_url=address, timeout=60) as client:
                for each in chunks:
                    try:
                        send(client, each, user="killed", device="d")
                    except httpx.HTTPError:
                        return
                    answered.set()

        with connection:
            connection.sendall(head + big[: len(big) // 2])
            sender = threading.Thread(target=send_all)
            sender.start()
            assert answered.wait(60)
            process.send_signal(signal.SIGKILL)
            sender.join(60)
        process.wait(60)
        reader.join(10)
    with served(tmp_path) as address, httpx.Client(base_url=address, timeout=60) as client:
        assert told(send(client, big, user="killed"))["rows"] == 40_000
        for each in chunks:
            told(send(client, each, user="killed", device="d"))
    lake = Lake.open(str(tmp_path / "lake"))
    taken = [each.details["sequence"] for each in lake.manifests("indexeddb") if each.details["device_id"]]
    assert sorted(taken) == list(range(40))
    rows = sum(len(lines.splitlines()) for lines in raw_state(lake).values())
    assert rows == 40_000 + 40
