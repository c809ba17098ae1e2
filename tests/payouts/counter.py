"""Payouts as its callers meet it: in process, operators with tokens of each role."""

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
from services.payouts.main import build
from services.payouts.settings import Settings
from services.payouts.stripe_gateway import StripeGateway
from tests.kit.identity import TestIdentity
from tests.kit.lent import Lent
from tests.payouts.arrangements import Office

SECRET = "whsec_test"


def application(
    database: Database, identity: TestIdentity, clock: Clock, gateway: StripeGateway, **changes: Any
) -> Litestar:
    known = {
        "database_url": "postgresql://nobody@127.0.0.1:9/none",
        "identity_jwks_url": identity.jwks_url,
        "stripe_api_key": "sk_test",
        "stripe_connect_webhook_secret": SECRET,
    }
    settings = Settings(**known | changes)
    stripe = gateway if settings.stripe_key else None
    return assemble(build(settings, clock=clock, database=database, gateway=stripe), Shape.API)


APPLICATIONS = Lent(application)


@dataclass
class Counter:
    client: httpx.AsyncClient
    identity: TestIdentity

    async def ask(self, method: str, path: str, role: Role = Role.ADMIN, **options: Any) -> httpx.Response:
        identity_options = {k: options.pop(k) for k in ("operator_id", "mfa_at") if k in options}
        headers = self.identity.headers(role, **identity_options)
        return await self.client.request(method, path, headers=headers, **options)


@asynccontextmanager
async def answering(office: Office, identity: TestIdentity, **changes: Any) -> AsyncIterator[Counter]:
    own = {"database": office.database, "clock": office.clock, "gateway": office.gateway}
    with APPLICATIONS.lend(own, identity=identity, **changes) as app:
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://payouts.example") as client:
            yield Counter(client, identity)


def code_of(answer: httpx.Response) -> str:
    """The stable code of a problem document."""
    return str(answer.json()["type"]).removeprefix("urn:waybill:problem:")
