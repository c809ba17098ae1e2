"""All six services as doors to be tried: each application in process, its routes as facts, its database away.

Whoever is let in meets the database that is away, so that nothing real is touched and nothing can be changed.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import uuid4

import httpx

from chassis.http import route_guards
from chassis.http.app import TOKEN_KEYS
from chassis.http.auth import ACCESS_COOKIE
from chassis.http.endpoints import RouteGuard
from chassis.http.keys import JwksKeys
from chassis.process import assemble
from chassis.service import Service
from chassis.settings import Shape
from tests.chassis.http.serving import in_process
from tests.kit.identity import CSRF, TestIdentity

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
SECRETS = {"identity": {"key_secret": "what seals nothing, as there is no database"}}


Answers = dict[str, tuple[int, str | None]]
"""Status and problem code by route and token, as `GET /admin/leads expired`."""


@dataclass(frozen=True)
class Doors:
    """One service's routes, and a client that knocks."""

    client: httpx.AsyncClient
    guards: tuple[RouteGuard, ...]

    @property
    def guarded(self) -> Iterator[RouteGuard]:
        return (guard for guard in self.guards if guard.public_reason is None)

    async def knock(self, guard: RouteGuard, token: str | None = None, *, method: str | None = None) -> httpx.Response:
        """Path parameters are ids of nothing, and there is no body but a form's mark."""
        sent: dict[str, Any] = {"headers": credential(guard, token)}
        if guard.is_page and guard.method == "POST":
            sent["data"] = {"csrf": CSRF}
        return await self.client.request(method or guard.method, path_of(guard), **sent)

    async def answers(self, guards: Iterable[RouteGuard], tokens: Mapping[str, str | None]) -> Answers:
        return {
            f"{guard.method} {guard.path} {kind}": outcome(await self.knock(guard, token))
            for guard in guards
            for kind, token in tokens.items()
        }


@asynccontextmanager
async def doors_of(service: str, identity: TestIdentity) -> AsyncIterator[Doors]:
    app = assemble(built(service, identity), Shape.API)
    async with in_process(app) as client:
        yield Doors(client, tuple(route_guards(app)))


def built(service: str, identity: TestIdentity) -> Service:
    settings = import_module(f"services.{service}.settings").Settings
    told = settings(database_url=NOWHERE, identity_jwks_url=identity.jwks_url, **SECRETS.get(service, {}))
    made: Service = import_module(f"services.{service}.main").build(told)
    # Identity verifies by the keys in its database, which is away here: it is given the set that the others fetch.
    if TOKEN_KEYS in made.dependencies:
        made.dependencies = {**made.dependencies, TOKEN_KEYS: JwksKeys(identity.jwks_url)}
    return made


def credential(guard: RouteGuard, token: str | None) -> dict[str, str]:
    """A page takes the cookie, and everything else the header."""
    if token is None:
        return {}
    return {"Cookie": f"{ACCESS_COOKIE}={token}"} if guard.is_page else {"Authorization": f"Bearer {token}"}


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """The status, and the code of the problem document where there is one."""
    if answer.headers.get("content-type") != "application/problem+json":
        return answer.status_code, None
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def path_of(guard: RouteGuard) -> str:
    """With ids of nothing."""
    parts = [_filled(part) if part.startswith("{") else part for part in guard.path.split("/")]
    return "/".join(parts)


def _filled(parameter: str) -> str:
    """An id, but for what is counted."""
    return "1" if parameter.endswith("_no}") else str(uuid4())
