"""Routing as operators meet it: the whole application with its guards, in process."""

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
from services.routing.main import build
from services.routing.settings import Settings
from services.routing.webhook_gateway import WebhookGateway
from tests.kit.identity import TestIdentity
from tests.kit.lent import Lent

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
UNKNOWN = "0199a000-0000-7000-8000-000000000000"
"""An id of nothing."""

NEW_INSTALLER: dict[str, Any] = {
    "name": "Southern Sun Solar",
    "abn": "53 004 085 616",
    "gst_registered": True,
    "email": "leads@SouthernSun.example",
    "phone": "02 4921 0000",
    "services": ["solar-battery", "Heat-Pump"],
    "caps": {"day": 3, "month": 40},
    "territory": {"states": ["ACT"], "ranges": [{"first": "2000", "last": "2234"}], "postcodes": ["2480"]},
}


def application(
    database: Database,
    identity: TestIdentity,
    clock: Clock,
    gateway: WebhookGateway | None = None,
    **knobs: Any,
) -> Litestar:
    settings = Settings(database_url=NOWHERE, identity_jwks_url=identity.jwks_url, **knobs)
    return assemble(build(settings, clock=clock, database=database, gateway=gateway), Shape.API)


APPLICATIONS = Lent(application)


@dataclass
class Desk:
    client: httpx.AsyncClient
    identity: TestIdentity

    async def ask(self, method: str, path: str, json: Any = None, role: Role = Role.EDITOR) -> httpx.Response:
        """As an operator of `role`."""
        return await self.client.request(method, path, json=json, headers=self.identity.headers(role))

    async def get(self, path: str, /, **parameters: Any) -> Any:
        """What an operator who reads is told; anything but 200 is a failure of the test."""
        answer = await self.client.get(path, params=parameters, headers=self.identity.headers(Role.EDITOR))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def items(self, path: str, /, **parameters: Any) -> list[dict[str, Any]]:
        page = await self.get(path, **parameters)
        items: list[dict[str, Any]] = page["items"]
        return items

    async def do(self, method: str, path: str, json: Any = None, role: Role = Role.EDITOR) -> dict[str, Any]:
        """What an operator is answered who may do it and succeeds."""
        answer = await self.ask(method, path, json, role)
        assert answer.status_code in (200, 201), answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def add(self, **changes: Any) -> dict[str, Any]:
        return await self.do("POST", "/admin/installers", NEW_INSTALLER | changes, Role.ADMIN)


@asynccontextmanager
async def answering(
    database: Database, identity: TestIdentity, clock: Clock, gateway: WebhookGateway | None = None
) -> AsyncIterator[Desk]:
    own = {"database": database, "clock": clock, "gateway": gateway}
    with APPLICATIONS.lend(own, identity=identity) as app:
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://routing.example") as client:
            yield Desk(client, identity)


def code_of(answer: httpx.Response) -> str:
    """The stable code of a problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    kind: str = answer.json()["type"]
    return kind.removeprefix("urn:waybill:problem:")


def faults(answer: httpx.Response) -> dict[str, str]:
    """The faults of a refused request by field."""
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["code"] for error in answer.json()["errors"]}
