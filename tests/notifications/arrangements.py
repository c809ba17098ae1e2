"""Tickets, mail and what became of it, as tests of the pages need them; all by the commands."""

from dataclasses import dataclass, field
from uuid import UUID

from chassis.audit import Actor
from chassis.clock import FixedClock
from chassis.database import Database
from deploy.local.smtp_sink.faults import Fault
from services.notifications.commands.messages import Draft, queue_messages
from services.notifications.commands.suppressions import suppress_address
from services.notifications.commands.tickets import (
    ThreadTerms,
    TicketReply,
    TicketRequest,
    create_ticket,
    reply_to_ticket,
)
from services.notifications.main import house_of
from services.notifications.rendering import Renderer
from services.notifications.sender import Sender, SenderParts
from tests.notifications.conftest import run_until_idle, settings_of
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import DOMAIN, OPERATOR

TERMS = ThreadTerms(b"a key for tests", "support@waybill.example", DOMAIN)


@dataclass
class Mailroom:
    """On committed rows; its mail server is in this process and does what it is told."""

    database: Database
    clock: FixedClock
    gateway: FakeGateway = field(default_factory=FakeGateway)

    async def ticket(self, subject: str = "Where is my invoice?", name: str = "Mia O'Brien") -> UUID:
        request = TicketRequest(subject, name, "mia.obrien@example.test", "It was due last week.\n\nThank you.")
        async with self.database.transaction() as session:
            return (await create_ticket(session, request, OPERATOR, self.clock.now())).id

    async def reply(self, ticket_id: UUID, body: str = "It went out today.", author: Actor = OPERATOR) -> None:
        async with self.database.transaction() as session:
            await reply_to_ticket(session, TicketReply(ticket_id, body, author), TERMS, self.clock.now())

    async def queue(self, *drafts: Draft) -> list[UUID]:
        async with self.database.transaction() as session:
            await queue_messages(session, drafts, DOMAIN, self.clock.now())
        return [one.id for one in drafts]

    async def send(self, *faults: Fault) -> None:
        """All that is due; the server does the faults to the first of it."""
        for fault in faults:
            self.gateway.faults.order(fault.model_copy())  # it counts itself down
        settings = settings_of("smtp://127.0.0.1:1")
        sender = Sender(SenderParts(self.database, self.clock, settings, self.gateway, Renderer(house_of(settings))))
        await run_until_idle(sender)
        await sender.close()

    async def suppress(self, address: str, reason: str = "They asked us to") -> UUID:
        async with self.database.transaction() as session:
            return (await suppress_address(session, address, OPERATOR, reason, self.clock.now(), 30)).id
