"""A real DynamoDB stand-in for the session, and the proxy that spoils its answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dynamodb.faults import FaultProxy, fault_proxy
from tests.dynamodb.servers import dynalite


@pytest.fixture(scope="session")
def dynalite_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """dynalite on loopback, one for the whole session."""
    with dynalite(tmp_path_factory.mktemp("dynalite") / "log") as endpoint:
        yield endpoint


@pytest.fixture(params=["ministack", "dynalite"])
def any_dynamodb(request: pytest.FixtureRequest) -> str:
    """The same test against both DynamoDB-speaking servers."""
    fixture = "aws_endpoint" if request.param == "ministack" else "dynalite_endpoint"
    endpoint: str = request.getfixturevalue(fixture)
    return endpoint


@pytest.fixture
def proxy(dynalite_endpoint: str) -> Iterator[FaultProxy]:
    """dynalite behind the fault proxy, 10 items a page."""
    with fault_proxy(dynalite_endpoint, page_items=10) as between:
        yield between
