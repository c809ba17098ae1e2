"""Billing as operators and Stripe meet it over HTTP, in process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import httpx
from litestar import Litestar

from chassis.clock import Clock
from chassis.database import Database
from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Role
from services.billing.main import build
from services.billing.rendering import Renderer
from services.billing.settings import Settings
from services.billing.stripe_gateway import StripeGateway
from tests.billing.arrangements import SELLER, SYDNEY, Books
from tests.kit.identity import TestIdentity
from tests.kit.lent import Lent

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
WEBHOOK_SECRET = "whsec_billing_tests"


def application(
    database: Database, identity: TestIdentity, clock: Clock, gateway: StripeGateway | None = None, **settings: Any
) -> Litestar:
    given: dict[str, Any] = {
        "database_url": NOWHERE,
        "identity_jwks_url": identity.jwks_url,
        "seller_name": SELLER.name,
        "seller_abn": SELLER.abn,
        "seller_address": SELLER.address,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        **settings,
    }
    return assemble(build(Settings(**given), clock=clock, database=database, gateway=gateway), Shape.API)


APPLICATIONS = Lent(application)


@dataclass
class Desk:
    client: httpx.AsyncClient
    identity: TestIdentity

    async def ask(
        self, method: str, path: str, body: Any = None, role: Role = Role.ADMIN, **options: Any
    ) -> httpx.Response:
        """As an operator of `role` with a fresh second factor."""
        headers = options.pop("headers", None) or self.identity.headers(role)
        sent = {} if body is None else {"json": body}
        return await self.client.request(method, path, headers=headers, **sent, **options)

    async def get(self, path: str, /, **parameters: Any) -> Any:
        """The content that an operator who reads gets; anything but 200 is a failure of the test."""
        answer = await self.ask("GET", path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def items(self, path: str, /, **parameters: Any) -> list[Any]:
        found: list[Any] = (await self.get(path, **parameters))["items"]
        return found

    async def do(self, method: str, path: str, body: Any = None, *, status: int = 200, **options: Any) -> Any:
        answer = await self.ask(method, path, body, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def as_another(self, operator_id: UUID, name: str = "Chris Checker") -> dict[str, str]:
        """The headers of a second operator."""
        return self.identity.headers(Role.ADMIN, operator_id=operator_id, name=name)


@asynccontextmanager
async def answering(
    database: Database, identity: TestIdentity, clock: Clock, gateway: StripeGateway | None = None, **settings: Any
) -> AsyncIterator[Desk]:
    own = {"database": database, "clock": clock, "gateway": gateway}
    with APPLICATIONS.lend(own, identity=identity, **settings) as app:
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://billing.example") as client:
            yield Desk(client, identity)


def code_of(answer: httpx.Response) -> str:
    """The stable code of a problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def faults(answer: httpx.Response) -> dict[str, str]:
    """The faults of a problem document: code by field."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return {fault["field"]: fault["code"] for fault in answer.json()["errors"]}


def payment(amount_cents: int, reference: str, **changed: Any) -> dict[str, Any]:
    body = {
        "amount_cents": amount_cents,
        "received_at": "2026-04-02T00:00:00Z",
        "method": "bank_transfer",
        "reference": reference,
    }
    return body | changed


async def render_all(books: Books) -> None:
    renderer = Renderer(books.database, books.clock, SYDNEY)
    while await renderer.step():
        continue
