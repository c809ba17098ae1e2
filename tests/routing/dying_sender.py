"""A worker that is killed as soon as an installer has taken a lead: before it can say so."""

import asyncio
import os
import signal
import sys
from datetime import datetime

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from services.routing.commands.sending import Address
from services.routing.webhook_gateway import Judged, WebhookGateway
from services.routing.webhooks import WebhookSender
from tests.routing.arrangements import NOW
from tests.routing.webhooks import gateway, settings


class Dying(WebhookGateway):
    def __init__(self) -> None:
        self._living = gateway()
        self.keys = self._living.keys

    async def send(self, webhook_id: str, address: Address, body: bytes, now: datetime) -> Judged:
        await self._living.send(webhook_id, address, body, now)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives this")


async def main(database_url: str) -> None:
    database = Database(create_engine(database_url), "/waybill/routing")
    sender = WebhookSender(database, FixedClock(NOW), settings(database_url), Dying())
    while True:
        await sender.step()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
