"""Tickets: asked, answered by mail in one thread, closed, and open again when the answer does not arrive."""

from uuid import UUID, uuid4

import pytest

from deploy.local.smtp_sink.faults import Action, Fault
from services.notifications.commands.tickets import (
    ThreadTerms,
    TicketReply,
    TicketRequest,
    close_ticket,
    create_ticket,
    reply_to_ticket,
)
from services.notifications.domain.tickets import reply_token
from services.notifications.errors import IdTaken
from tests.kit.databases import RolledBackDatabase
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import DOMAIN, NOW, OPERATOR, one, rows

TERMS = ThreadTerms(b"a key for tests", "support@waybill.example", DOMAIN)


async def ticket(database: RolledBackDatabase, ticket_id: UUID | None = None, subject: str = "Invoice?") -> UUID:
    request = TicketRequest(
        subject, "Mia O'Brien", "mia.obrien@example.test", "Where is my invoice?", ticket_id or uuid4()
    )
    async with database.transaction() as session:
        return (await create_ticket(session, request, OPERATOR, NOW)).id


async def reply(database: RolledBackDatabase, ticket_id: UUID, body: str = "Here it is.", **more: object) -> None:
    async with database.transaction() as session:
        await reply_to_ticket(session, TicketReply(ticket_id, body, OPERATOR, **more), TERMS, NOW)  # type: ignore[arg-type]


async def state(database: RolledBackDatabase, ticket_id: UUID) -> str:
    row = await one(database, "SELECT state FROM tickets WHERE id = :id", id=ticket_id)
    return str(row["state"])


async def entries(database: RolledBackDatabase) -> list[tuple[str, str]]:
    found = await rows(database, "SELECT kind, body FROM ticket_entries ORDER BY created_at, kind DESC, id")
    return [(row["kind"], row["body"]) for row in found]


class TestCreateTicket:
    async def test_opens_with_the_requesters_words(self, database: RolledBackDatabase) -> None:
        ticket_id = await ticket(database)
        assert await state(database, ticket_id) == "open"
        assert await entries(database) == [("request", "Where is my invoice?")]

    async def test_asked_twice_under_one_id_is_one(self, database: RolledBackDatabase) -> None:
        ticket_id = uuid4()
        assert await ticket(database, ticket_id) == await ticket(database, ticket_id)
        assert len(await entries(database)) == 1
        with pytest.raises(IdTaken):
            await ticket(database, ticket_id, subject="Something else")


class TestReplyToTicket:
    async def test_mails_the_requester_and_logs_a_note(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        ticket_id = await ticket(database)
        await reply(database, ticket_id, note="Found it in the spam folder.")
        gateway = FakeGateway()
        await run_until_idle(sender_of(database, gateway))
        (mail,) = gateway.mailbox
        assert mail.is_to("mia.obrien@example.test")
        assert (mail.subject, mail.text and mail.text.splitlines()[0]) == ("Re: Invoice?", "Here it is.")
        assert await state(database, ticket_id) == "pending"
        assert ("note", "Found it in the spam folder.") in await entries(database)
        assert "spam folder" not in mail.raw.decode()

    async def test_a_note_is_logged_even_where_none_is_given(self, database: RolledBackDatabase) -> None:
        await reply(database, await ticket(database))
        assert ("note", "Reply 1 queued to the requester.") in await entries(database)

    async def test_the_answer_comes_back_with_a_token_that_only_we_can_make(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        ticket_id = await ticket(database)
        await reply(database, ticket_id)
        gateway = FakeGateway()
        await run_until_idle(sender_of(database, gateway))
        (mail,) = gateway.mailbox
        token = str(mail.message["Reply-To"]).removeprefix("support+").removesuffix("@waybill.example")
        assert token == reply_token(ticket_id, TERMS.key)
        assert mail.message["Message-ID"] == f"<ticket.{token}.1@waybill.example>"

    async def test_replies_make_one_thread(self, database: RolledBackDatabase, sender_of: MakeSender) -> None:
        ticket_id = await ticket(database)
        gateway = FakeGateway()
        for _ in range(3):
            await reply(database, ticket_id)
            await run_until_idle(sender_of(database, gateway))
        first, second, third = gateway.mailbox
        root = str(first.message["References"])
        assert first.message["In-Reply-To"] == root
        assert second.message["In-Reply-To"] == first.message["Message-ID"]
        assert third.message["References"] == f"{root} {second.message['Message-ID']}"

    async def test_sent_twice_under_one_id_is_one_mail(self, database: RolledBackDatabase) -> None:
        ticket_id, reply_id = await ticket(database), uuid4()
        for _ in range(2):
            await reply(database, ticket_id, id=reply_id)
        assert len(await rows(database, "SELECT 1 FROM messages")) == 1
        with pytest.raises(IdTaken):
            await reply(database, await ticket(database), id=reply_id)

    async def test_can_close_the_ticket_with_it(self, database: RolledBackDatabase) -> None:
        ticket_id = await ticket(database)
        await reply(database, ticket_id, closes=True)
        assert await state(database, ticket_id) == "closed"

    async def test_a_reply_that_does_not_arrive_opens_the_ticket_again(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        ticket_id = await ticket(database)
        await reply(database, ticket_id, closes=True)
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE))
        await run_until_idle(sender_of(database, gateway))
        assert await state(database, ticket_id) == "open"
        assert ("note", "The reply was not delivered: no_such_mailbox, 5.1.1.") in await entries(database)

    async def test_a_suppressed_requester_opens_it_again_too(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        ticket_id = await ticket(database)
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE, times=1))
        for _ in range(2):
            await reply(database, ticket_id)
            await run_until_idle(sender_of(database, gateway))
        assert await state(database, ticket_id) == "open"
        assert len(gateway.mailbox) == 0


class TestCloseTicket:
    async def test_twice_is_once(self, database: RolledBackDatabase) -> None:
        ticket_id = await ticket(database)
        for _ in range(2):
            async with database.transaction() as session:
                await close_ticket(session, ticket_id, OPERATOR, "answered by telephone", NOW)
        assert await state(database, ticket_id) == "closed"
        assert [kind for kind, _ in await entries(database)].count("note") == 1
        actions = [row["action"] for row in await rows(database, "SELECT action FROM audit_entries ORDER BY id")]
        assert actions == ["create_ticket", "close_ticket"]
