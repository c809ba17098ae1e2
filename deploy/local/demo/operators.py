"""Operators of the demonstration: made by identity's own command, signed in as a program signs in."""

import asyncio
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pyotp

from contracts.identity import Role

NAMES = {
    Role.SUPER_ADMIN: ("Robin Field", "Alex Marsh"),
    Role.ADMIN: ("Sam Whitlock", "Jo Barratt"),
    Role.EDITOR: ("Kim Osei", "Pat Leung"),
}


@dataclass(frozen=True, slots=True)
class SignIn:
    """What an operator signs in with; goes to `var/endpoints.json` and nowhere else."""

    email: str
    name: str
    role: Role
    password: str = field(repr=False)
    totp_secret: str = field(repr=False)

    def as_endpoint(self) -> dict[str, str]:
        return {
            "email": self.email,
            "password": self.password,
            "totp_secret": self.totp_secret,
            "role": self.role.value,
        }


def new_sign_ins() -> list[SignIn]:
    """Two per role."""
    return [
        SignIn(
            email=f"{name.lower().replace(' ', '.')}@waybill.example",
            name=name,
            role=role,
            password=secrets.token_urlsafe(15),
            totp_secret=pyotp.random_base32(),
        )
        for role, names in NAMES.items()
        for name in names
    ]


async def create_operators(sign_ins: list[SignIn], environment: Mapping[str, str]) -> None:
    """By the same code as `python -m services.identity create-operator`, in one process for all of them."""
    from chassis.clock import SystemClock  # noqa: PLC0415  # the settings are read from the environment given
    from chassis.service import database_of  # noqa: PLC0415
    from services.identity.commands.operators import NewOperator  # noqa: PLC0415
    from services.identity.create_operator import Seed, create_once  # noqa: PLC0415
    from services.identity.security import security_of  # noqa: PLC0415
    from services.identity.settings import Settings  # noqa: PLC0415

    os.environ.update(environment)
    settings = Settings()
    security, database = security_of(settings, SystemClock()), database_of("identity", settings)
    try:
        for one in sign_ins:
            seed = Seed(NewOperator(one.email, one.name, one.role), one.password, one.totp_secret)
            await create_once(database, seed, security)
    finally:
        await database.close()
        await security.passwords.close()


class Refused(Exception):
    """A service refused what the demonstration asked for: a fault of one of the two."""


@dataclass
class Console:
    """A signed-in operator: JSON to any service, the answer's JSON back. Raises Refused with the problem's words."""

    services: Mapping[str, str]
    client: httpx.AsyncClient
    who: SignIn = field(repr=False)
    operator_id: UUID
    token: str = field(repr=False)
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def get(self, service: str, path: str, **query: Any) -> Any:
        return await self._call("GET", service, path, params={k: v for k, v in query.items() if v is not None})

    async def post(self, service: str, path: str, body: Any = None) -> Any:
        return await self._call("POST", service, path, json=body)

    async def put(self, service: str, path: str, body: Any) -> Any:
        return await self._call("PUT", service, path, json=body)

    async def every(self, service: str, path: str, **query: Any) -> list[Any]:
        """All pages of a list."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = await self.get(service, path, limit=200, cursor=cursor, **query)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    async def _call(self, method: str, service: str, path: str, **request: Any) -> Any:
        if request.get("json", 0) is None:
            del request["json"]
        token = self.token
        answer = await self._ask(method, service, path, request)
        if answer.status_code == 401 or (answer.status_code == 403 and "step_up_required" in answer.text):
            # On a slow machine the play outlasts a token, and the five minutes for which a second factor is fresh.
            await self._sign_in_again(token)
            answer = await self._ask(method, service, path, request)
        if answer.status_code >= 400:
            raise Refused(f"{method} {service}{path}: {answer.status_code} {answer.text[:2000]}")
        return answer.json() if answer.content else None

    async def _sign_in_again(self, refused: str) -> None:
        """Once for all calls that were refused together: a one-time code opens one session."""
        async with self._renewing:
            if self.token == refused:
                self.token = (await _open_session(self.who, self.services, self.client))["access_token"]

    async def _ask(self, method: str, service: str, path: str, request: dict[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.client.request(method, f"{self.services[service]}{path}", headers=headers, **request)


async def sign_in(sign_in: SignIn, services: Mapping[str, str], client: httpx.AsyncClient) -> Console:
    session = await _open_session(sign_in, services, client)
    return Console(services, client, sign_in, UUID(session["operator"]["id"]), session["access_token"])


async def _open_session(sign_in: SignIn, services: Mapping[str, str], client: httpx.AsyncClient) -> Any:
    answer = await client.post(
        f"{services['identity']}/sessions",
        json={
            "email": sign_in.email,
            "password": sign_in.password,
            "totp_code": pyotp.TOTP(sign_in.totp_secret).now(),
        },
    )
    if answer.status_code != 201:
        raise Refused(f"signing in as {sign_in.role}: {answer.status_code} {answer.text}")
    return answer.json()
