"""An independent reader: own connections to the six databases and to Stripe's totals, no code of the services."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, Self

import asyncpg
import httpx

POLL_SECONDS = 0.1


class TooLate(Exception):
    """What was to come true did not in time; the message says what was seen last."""


class Reader:
    """`number("billing", "SELECT …")` asks one database for one value."""

    def __init__(
        self, databases: Mapping[str, str], stripe_url: str, mailbox_url: str, client: httpx.AsyncClient
    ) -> None:
        self._urls = databases
        self._stripe_url = stripe_url
        self._mailbox_url = mailbox_url
        self._client = client
        self._connections: dict[str, asyncpg.Connection] = {}

    async def __aenter__(self) -> Self:
        for service, url in self._urls.items():
            self._connections[service] = await asyncpg.connect(url)
        return self

    async def __aexit__(self, *_fault: object) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def number(self, service: str, query: str, *arguments: Any) -> int:
        return int(await self._connections[service].fetchval(query, *arguments) or 0)

    async def rows(self, service: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self._connections[service].fetch(query, *arguments)
        return found

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(self._connections)

    async def stripe_totals(self) -> Any:
        return (await self._client.get(f"{self._stripe_url}/_control/state")).raise_for_status().json()

    async def mail_count(self) -> int:
        """All that the mail server took in."""
        answer = await self._client.get(f"{self._mailbox_url}/messages", params={"limit": 0})
        return int(answer.raise_for_status().json()["total"])

    async def mails_to(self, address: str) -> list[Any]:
        """Newest first, without their bodies. To tell of a mail the server reads it: thousands take their time."""
        answer = await self._client.get(f"{self._mailbox_url}/messages", params={"to": address, "limit": 100_000})
        found: list[Any] = answer.raise_for_status().json()["messages"]
        return found

    async def attachment(self, mail_id: int, number: int = 0) -> bytes:
        answer = await self._client.get(f"{self._mailbox_url}/messages/{mail_id}/attachments/{number}")
        return answer.raise_for_status().content

    async def order_mail_fault(self, **fault: Any) -> None:
        (await self._client.post(f"{self._mailbox_url}/control/faults", json=fault)).raise_for_status()

    async def until(
        self,
        what: str,
        condition: Callable[[], Awaitable[Any]],
        deadline_seconds: float = 60,
        show: Callable[[Any], None] = lambda _seen: None,
    ) -> None:
        """Waits until the condition gives None or nothing; what it gives meanwhile is what is still missing."""
        deadline = monotonic() + deadline_seconds
        while missing := await condition():
            show(missing)
            if monotonic() > deadline:
                raise TooLate(f"{what}: still {missing} after {deadline_seconds:.0f} s")
            await asyncio.sleep(POLL_SECONDS)

    async def events_under_way(self) -> int:
        """Events that wait in an outbox."""
        return sum([await self.number(service, "SELECT count(*) FROM outbox") for service in self._connections])
