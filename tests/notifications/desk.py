"""Notifications as operators meet it: in process, with tokens of each role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
from litestar import Litestar

from chassis.clock import Clock
from chassis.database import Database
from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Role
from services.notifications.main import build
from tests.kit.identity import TestIdentity
from tests.kit.lent import Lent
from tests.notifications.conftest import settings_of
from tests.notifications.fake_gateway import FakeGateway


def application(database: Database, identity: TestIdentity, clock: Clock, **settings: Any) -> Litestar:
    made = settings_of("smtp://127.0.0.1:1", identity_jwks_url=identity.jwks_url, **settings)
    return assemble(build(made, clock=clock, database=database, gateway=FakeGateway()), Shape.API)


APPLICATIONS = Lent(application)


@dataclass
class Desk:
    client: httpx.AsyncClient
    identity: TestIdentity

    async def ask(self, method: str, path: str, role: Role = Role.ADMIN, **options: Any) -> httpx.Response:
        return await self.client.request(method, path, headers=self.identity.headers(role), **options)

    async def get(self, path: str, /, **parameters: Any) -> Any:
        """What an operator who reads gets; anything but 200 is a failure of the test."""
        answer = await self.ask("GET", path, Role.EDITOR, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, role: Role = Role.SUPER_ADMIN) -> Any:
        answer = await self.ask("POST", path, role, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


@asynccontextmanager
async def answering(database: Database, identity: TestIdentity, clock: Clock, **settings: Any) -> AsyncIterator[Desk]:
    with APPLICATIONS.lend({"database": database, "clock": clock}, identity=identity, **settings) as app:
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://notifications.example") as client:
            yield Desk(client, identity)


def faults(answer: httpx.Response) -> dict[str, str]:
    """The faults of a problem document by field."""
    assert answer.headers["content-type"] == "application/problem+json"
    return {fault["field"]: fault["code"] for fault in answer.json()["errors"]}
