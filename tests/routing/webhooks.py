"""Installers with webhooks, and a sender to them, as the tests need them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import select

from chassis.outbound import Guard, Limits, Outbound
from services.routing.commands.endpoints import ChannelSet, SetChannel, set_channel
from services.routing.domain.signing import Keys
from services.routing.domain.states import Channel
from services.routing.models import DeliveryEndpoint, WebhookAttempt, WebhookDelivery
from services.routing.settings import Settings
from services.routing.webhook_gateway import WebhookGateway
from services.routing.webhooks import WebhookSender
from tests.kit.webhook_sink import Sink
from tests.routing.arrangements import NOW, ROBIN, Floor, lead

KEYS = Keys("a secret of the tests with more than 32 characters")
MACHINE_NOW = NOW + timedelta(days=7)
"""Where the business clock stands is not where the machine's does."""
DEADLINE_SECONDS = 20


def settings(database_url: str = "postgresql://waybill@localhost/routing", **knobs: Any) -> Settings:
    return Settings(environment="local", database_url=database_url, **knobs)


def gateway(limits: Limits | None = None) -> WebhookGateway:
    """To receivers on this machine, with more patience than a busy machine needs."""
    outbound = Outbound(Guard((ip_network("127.0.0.0/8"),)), limits or Limits(20, 20))
    return WebhookGateway(outbound, KEYS, lambda: MACHINE_NOW)


def strict_gateway(keys: Keys | None = KEYS) -> WebhookGateway:
    """As it is outside a laptop; names are found in no name server, but in a table."""
    known = {"leads.example": ["93.184.216.34"], "inside.example": ["93.184.216.34", "10.0.0.5"]}

    async def resolve(host: str, _port: int) -> Sequence[str]:
        return known.get(host, [])

    return WebhookGateway(Outbound(Guard(resolve=resolve)), keys)


@dataclass
class Webhooks:
    """A floor, a receiver, and the sender between them."""

    floor: Floor
    sink: Sink
    sender: WebhookSender

    async def installer(self, url: str | None = None, **changes: Any) -> UUID:
        """One that gets its leads by webhook."""
        installer_id = await self.floor.installer(**changes)
        await self.set_channel(installer_id, Channel.WEBHOOK, url or self.sink.url)
        return installer_id

    async def set_channel(self, installer_id: UUID, channel: Channel, url: str | None = None) -> ChannelSet:
        async with self.floor.database.transaction() as session:
            return await set_channel(
                session, SetChannel(installer_id, channel, url, "They asked for it", ROBIN), self.floor.clock.now()
            )

    async def given(self) -> UUID:
        """One lead more; returns its assignment."""
        await self.floor.dispatch(arrived := lead())
        [made] = await self.floor.assignments(arrived.lead_id)
        return made.id

    async def send(self) -> None:
        """Until nothing that is due is left."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await self.sender.step():
                pass

    async def send_all_tries(self) -> None:
        """The business clock goes on to each try."""
        for wait in (10, 30, 120, 600):
            await self.send()
            self.floor.clock.advance(timedelta(seconds=wait))
        await self.send()

    async def delivery(self, assignment_id: UUID) -> WebhookDelivery:
        async with self.floor.database.reading() as session:
            return await session.get_one(WebhookDelivery, assignment_id)

    async def attempts(self, assignment_id: UUID) -> list[WebhookAttempt]:
        query = select(WebhookAttempt).where(WebhookAttempt.assignment_id == assignment_id)
        async with self.floor.database.reading() as session:
            return list(await session.scalars(query.order_by(WebhookAttempt.attempt_no)))

    async def endpoint(self, installer_id: UUID, channel: Channel = Channel.WEBHOOK) -> DeliveryEndpoint:
        async with self.floor.database.reading() as session:
            return await session.get_one(DeliveryEndpoint, (installer_id, channel))

    async def log(self, assignment_id: UUID) -> list[tuple[str, str | None, int | None]]:
        rows = await self.floor.rows(
            "SELECT what, reason_code, status FROM delivery_log WHERE assignment_id = :id ORDER BY id",
            id=assignment_id,
        )
        return [(row["what"], row["reason_code"], row["status"]) for row in rows]


def sender_for(floor: Floor, limits: Limits | None = None, **knobs: Any) -> WebhookSender:
    return WebhookSender(floor.database, floor.clock, settings(**knobs), gateway(limits))


@asynccontextmanager
async def sending(floor: Floor, sink: Sink, limits: Limits | None = None, **knobs: Any) -> AsyncIterator[Webhooks]:
    sender = sender_for(floor, limits, **knobs)
    yield Webhooks(floor, sink, sender)
    await sender.close()


def expire_leases() -> str:
    """As if the process that holds them had died long ago."""
    return "UPDATE webhook_deliveries SET lease_until = now() - interval '1 hour' WHERE state = 'sending'"
