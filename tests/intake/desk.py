"""Intake as its callers meet it: operators with tokens, sources with keys, in process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
from litestar import Litestar
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from chassis.clock import Clock
from chassis.database import Database
from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Role
from services.intake.main import build
from services.intake.settings import Settings
from tests.intake.samples import screened, submission
from tests.kit.identity import TestIdentity, bearer
from tests.kit.lent import Lent

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


def application(database: Database, identity: TestIdentity, clock: Clock, **settings: Any) -> Litestar:
    made = Settings(database_url=NOWHERE, identity_jwks_url=identity.jwks_url, **settings)
    return assemble(build(made, clock=clock, database=database), Shape.API)


APPLICATIONS = Lent(application)


@dataclass
class Desk:
    client: httpx.AsyncClient
    identity: TestIdentity
    database: Database
    clock: Clock

    async def ask(self, method: str, path: str, role: Role = Role.ADMIN, **options: Any) -> httpx.Response:
        """As an operator of `role`."""
        return await self.client.request(method, path, headers=self.identity.headers(role), **options)

    async def get(self, path: str, /, **parameters: Any) -> Any:
        """The content that an operator who reads gets; anything but 200 is a failure of the test."""
        answer = await self.ask("GET", path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def new_source(self, name: str = "Solar Quotes") -> str:
        """The API key of a new source."""
        answer = await self.ask("POST", "/admin/lead-sources", json={"name": name})
        assert answer.status_code == 201, answer.text
        key: str = answer.json()["api_key"]
        return key

    async def screen(self) -> None:
        """As the worker's loop does."""
        await screened(self.database, self.clock.now())

    async def submit(
        self, api_key: str, body: Any = None, headers: dict[str, str] | None = None, **changes: Any
    ) -> httpx.Response:
        """A valid submission with `changes`, unless a body is given."""
        sent = submission(**changes) if body is None else body
        return await self.client.post("/leads", json=sent, headers=bearer(api_key) | (headers or {}))


@asynccontextmanager
async def answering(
    database: Database,
    identity: TestIdentity,
    clock: Clock,
    *,
    peer: str = "203.0.113.9",
    proxies: str | None = None,
    **settings: Any,
) -> AsyncIterator[Desk]:
    """`proxies` are those that uvicorn would believe."""
    with APPLICATIONS.lend({"database": database, "clock": clock}, identity=identity, **settings) as lent:
        app: Any = lent if proxies is None else ProxyHeadersMiddleware(cast("Any", lent), trusted_hosts=proxies)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://intake.example") as client:
            yield Desk(client, identity, database, clock)


def faults(answer: httpx.Response) -> dict[str, str]:
    """The faults of a problem document by field."""
    assert answer.headers["content-type"] == "application/problem+json"
    return {fault["field"]: fault["code"] for fault in answer.json()["errors"]}
