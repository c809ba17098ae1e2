"""Payouts as its callers meet it: in process, operators with tokens of each role."""

from dataclasses import dataclass
from typing import Any, cast

import httpx
from litestar import Litestar

from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Role
from services.payouts.main import build
from services.payouts.settings import Settings
from tests.kit.identity import TestIdentity
from tests.payouts.arrangements import Office

SECRET = "whsec_test"


def application(office: Office, identity: TestIdentity, **changes: Any) -> Litestar:
    known = {
        "database_url": "postgresql://nobody@127.0.0.1:9/none",
        "identity_jwks_url": identity.jwks_url,
        "stripe_api_key": "sk_test",
        "stripe_connect_webhook_secret": SECRET,
    }
    settings = Settings(**known | changes)
    gateway = office.gateway if settings.stripe_key else None
    return assemble(build(settings, clock=office.clock, database=office.database, gateway=gateway), Shape.API)


@dataclass
class Counter:
    client: httpx.AsyncClient
    identity: TestIdentity

    async def ask(self, method: str, path: str, role: Role = Role.ADMIN, **options: Any) -> httpx.Response:
        identity_options = {k: options.pop(k) for k in ("operator_id", "mfa_at") if k in options}
        headers = self.identity.headers(role, **identity_options)
        return await self.client.request(method, path, headers=headers, **options)


def counter_of(office: Office, identity: TestIdentity, **changes: Any) -> Counter:
    transport = httpx.ASGITransport(cast("Any", application(office, identity, **changes)), raise_app_exceptions=False)
    return Counter(httpx.AsyncClient(transport=transport, base_url="http://payouts.example"), identity)


def code_of(answer: httpx.Response) -> str:
    """The stable code of a problem document."""
    return str(answer.json()["type"]).removeprefix("urn:waybill:problem:")
