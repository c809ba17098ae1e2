"""Fixtures of the HTTP edge: an identity, the example behind uvicorn, and a client."""

from collections.abc import Iterator

import httpx
import pytest

from chassis.database import Database, create_engine
from tests.chassis.http import example
from tests.chassis.http.serving import serving
from tests.kit.identity import TestIdentity

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


@pytest.fixture(scope="session")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
def no_database() -> Database:
    """Its server is away."""
    return Database(create_engine(NOWHERE), "/waybill/example")


@pytest.fixture(scope="session")
def address(identity: TestIdentity) -> Iterator[str]:
    database = Database(create_engine(NOWHERE), "/waybill/example")
    with serving(example.build(database, identity.jwks_url)) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=10) as client:
        yield client


@pytest.fixture
def operator(identity: TestIdentity) -> dict[str, str]:
    """What an operator who may do everything sends."""
    return identity.headers()
