"""The console's pages of billing as a browser without scripts has them, in process."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from tests.kit.identity import CSRF, TestIdentity

OPERATOR = UUID(int=77)


@dataclass
class Window:
    """Somebody's, with a fresh second factor unless `options` of the token say otherwise."""

    client: httpx.AsyncClient
    identity: TestIdentity

    async def open(self, path: str, role: Role = Role.ADMIN, *, status: int = 200, **options: Any) -> str:
        """The page's text."""
        answer = await self.client.get(path, headers=self.headers(role, options))
        assert answer.status_code == status, answer.text
        return answer.text

    async def send(self, path: str, role: Role = Role.ADMIN, /, *, status: int = 303, **fields: Any) -> httpx.Response:
        """A form as a page posts it."""
        options = fields.pop("options", {})
        answer = await self.client.post(path, data={"csrf": CSRF, **fields}, headers=self.headers(role, options))
        assert answer.status_code == status, answer.text
        return answer

    def headers(self, role: Role = Role.ADMIN, options: dict[str, Any] | None = None) -> dict[str, str]:
        token = self.identity.token_of(role, **{"operator_id": OPERATOR, **(options or {})})
        return {"Cookie": f"{ACCESS_COOKIE}={token}", "Accept": "text/html"}
