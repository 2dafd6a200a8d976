"""The API against its own OpenAPI document: generated requests, fit and unfit, and what they are answered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi import checks

from moderation_craft.lake import Lake
from moderation_craft.pipeline.steps import Context
from moderation_craft.serve.app import create_app
from moderation_craft.settings import Settings
from tests.serve.server import served

Case = schemathesis.Case[Any]
Operation = schemathesis.APIOperation[Any, Any, Any, Any]

ENDLESS = "/api/pipeline/events"
JOB_SECONDS = 120
"""A refresh waits for the job under way, which may be a whole run that the test before it started."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.positive_data_acceptance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
]


def _document() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        return create_app(Context(Settings.model_construct(), Lake.open(folder)), with_schedule=False).openapi()


DOCUMENT = schemathesis.openapi.from_dict(
    _document(),
    config=SchemathesisConfig.from_dict({"generation": {"deterministic": True, "max-examples": 10}}),
)

# Not `DOCUMENT.parametrize()`: under pytest 9.2 its items share one id, and xdist runs only one of them.
OPERATIONS = [found.ok() for found in DOCUMENT.exclude(path=ENDLESS).get_all_operations() if isinstance(found, Ok)]
LABEL = attrgetter("label")


@pytest.fixture(scope="module")
def api(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = Path(shutil.copytree(demo_folder, tmp_path_factory.mktemp("described") / "demo"))
    with served(folder) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def there(api: httpx.Client) -> dict[str, str]:
    """Path and query parameters that name what the demo's lake holds."""
    person = api.get("/api/gold/people").json()["data"]["people"][0]
    newest = api.get("/api/pipeline/status").json()["data"]["latestExport"]
    job = api.get("/api/pipeline/runs").json()["data"]["runs"][0]
    return {
        "user_id": person["user_id"],
        "key": person["url"].removeprefix("/api/gold/files/"),
        "mart": "mart_productivity_daily",
        "export_id": newest["exportId"],
        "job_id": job["jobId"],
    }


def hold_to_the_document(
    operation: Operation, api: httpx.Client, there: dict[str, str], never: int | None = None
) -> None:
    """Send fit, unfit and borderline requests; `there` takes the place of parameters that name something."""

    def check(case: Case) -> None:
        case.path_parameters = {name: there.get(name, given) for name, given in case.path_parameters.items()}
        case.query.update({name: there[name] for name in case.query.keys() & there.keys()})
        answer = case.call(base_url=str(api.base_url), timeout=JOB_SECONDS)
        case.validate_response(answer, checks=CHECKS)
        assert answer.status_code != never

    config = HypothesisTestConfig(
        project=DOCUMENT.config,
        modes=[HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING],
        settings=DOCUMENT.config.get_hypothesis_settings(operation=operation),
    )
    create_test(operation=operation, test_func=check, config=config)()


def test_the_served_document_is_the_one_tested(api: httpx.Client) -> None:
    document = api.get("/api/openapi.json").json()
    assert document == DOCUMENT.raw_schema
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert {LABEL(operation) for operation in OPERATIONS} == described - {f"GET {ENDLESS}"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=LABEL)
def test_every_answer_is_as_described(operation: Operation, api: httpx.Client) -> None:
    hold_to_the_document(operation, api, {})


@pytest.mark.parametrize("operation", [found for found in OPERATIONS if "{" in found.path], ids=LABEL)
def test_what_is_there_is_as_described(operation: Operation, api: httpx.Client, there: dict[str, str]) -> None:
    hold_to_the_document(operation, api, there, never=404)
