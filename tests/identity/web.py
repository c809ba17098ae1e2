"""Identity over HTTP, in process: the whole application with its edge, its guards and a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx

from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Role
from services.identity.main import build
from tests.identity.house import House, Person
from tests.kit.identity import bearer

ADDRESS = "203.0.113.7"


class Web:
    def __init__(self, house: House, client: httpx.AsyncClient) -> None:
        self.house = house
        self.client = client

    @classmethod
    @asynccontextmanager
    async def open(cls, house: House) -> AsyncIterator[Self]:
        service = build(house.security.settings, security=house.security, database=house.database)
        app: Any = assemble(service, Shape.API)
        transport = httpx.ASGITransport(app, client=(ADDRESS, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://identity.test") as client:
            yield cls(house, client)

    async def sign_in(self, person: Person, **wrong: str) -> httpx.Response:
        right = {
            "email": person.email,
            "password": person.password,
            "totp_code": person.code(self.house.clock),
        }
        return await self.client.post("/sessions", json={**right, **wrong})

    async def session(self, role: Role = Role.SUPER_ADMIN) -> dict[str, Any]:
        """What a new person of that role is given at their sign-in."""
        answer = await self.sign_in(await self.house.person(role))
        assert answer.status_code == 201, answer.text
        granted: dict[str, Any] = answer.json()
        return granted

    async def headers(self, role: Role = Role.SUPER_ADMIN) -> dict[str, str]:
        return bearer((await self.session(role))["access_token"])


def code_of(answer: httpx.Response) -> str:
    """The stable code of a problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    kind: str = answer.json()["type"]
    return kind.removeprefix("urn:waybill:problem:")
