"""An erased person at notifications: nothing of them in any table, and nothing that waits is sent."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from services.notifications.commands.forgetting import KEPT
from services.notifications.commands.messages import retry_message
from services.notifications.commands.outcomes import Outcome, RecordTerms, record_outcomes
from services.notifications.commands.tickets import TicketRequest, create_ticket
from services.notifications.domain.replies import Phase, Reply, Verdict
from services.notifications.errors import MessageCancelled
from tests.kit.databases import RolledBackDatabase
from tests.kit.forgetting import undeclared
from tests.kit.sealed import key_created, key_destroyed
from tests.notifications.inbound import Handlers
from tests.notifications.samples import (
    CONTACT,
    NOW,
    OPERATOR,
    SYDNEY,
    assignment_created,
    exception_raised,
    lead_corrected,
    one,
    published,
    rows,
)
from tests.notifications.test_keys import of_lead

SAID = (CONTACT.name, CONTACT.email, "412345678", "412 345 678", CONTACT.street)


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock) -> Handlers:
    return Handlers(database, clock)


async def everywhere(database: RolledBackDatabase) -> str:
    """All that stands in any table but what waits to be relayed."""
    tables = await rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    told = ""
    for table in (each["tablename"] for each in tables if not each["tablename"].startswith("outbox")):
        for each in await rows(database, f"SELECT to_jsonb(t)::text AS told FROM {table} t"):
            told += each["told"]
    return told


async def told(desk: Handlers, **changes: Any) -> UUID:
    event = of_lead(**changes)
    await desk.take(key_created(event.lead_id))
    await desk.take(event)
    lead_id: UUID = event.lead_id
    return lead_id


async def execute(database: RolledBackDatabase, statement: str, **values: Any) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement), values)


class TestForgetting:
    async def test_leaves_nothing_of_the_person_in_any_table(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        lead_id = await told(desk)
        await desk.take(lead_corrected("phone", lead_id=lead_id))
        await desk.take(exception_raised().model_copy(update={"detail": f"{CONTACT.name} is on holiday"}))
        async with database.transaction() as session:
            request = TicketRequest(f"About {CONTACT.name}", CONTACT.name, CONTACT.email, "Ring 0412 345 678 back")
            await create_ticket(session, request, OPERATOR, NOW)
        before = await everywhere(database)
        assert all(word in before for word in SAID if word != "412 345 678")
        await desk.take(key_destroyed(lead_id), version=2)
        after = await everywhere(database)
        assert not [word for word in SAID if word in after]
        kept = await rows(database, "SELECT context FROM messages WHERE purpose = 'lead_delivery'")
        assert kept[0]["context"]["postcode"] == "2204"

    async def test_of_a_mail_that_waits_for_its_key_finds_the_person_all_the_same(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        event = of_lead()
        await desk.take(event)
        await desk.take(key_destroyed(event.lead_id), version=2)
        message = await one(database, "SELECT state, reason_code, waits_for_lead_id, context FROM messages")
        assert (message["state"], message["reason_code"], message["waits_for_lead_id"]) == (
            "failed",
            "contact_erased",
            None,
        )
        assert "sealed_contact" not in message["context"]

    async def test_settles_what_waits_and_has_nobody_send_it_again(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        lead_id = await told(desk)
        await desk.take(lead_corrected("phone", lead_id=lead_id))
        await desk.take(key_destroyed(lead_id), version=2)
        states = await rows(database, "SELECT purpose, state, reason_code FROM messages ORDER BY purpose")
        assert {(each["state"], each["reason_code"]) for each in states} == {("failed", "contact_erased")}
        assert [event.envelope.type for event in await published(database)] == [
            "message.failed",
            "message.settled",
        ]
        correction = await one(database, "SELECT id FROM messages WHERE purpose = 'lead_correction'")
        async with database.transaction() as session:
            with pytest.raises(MessageCancelled):
                await retry_message(session, correction["id"], OPERATOR, "again", override_suppression=False, now=NOW)

    async def test_keeps_no_answer_to_a_mail_that_was_under_way(
        self, database: RolledBackDatabase, desk: Handlers
    ) -> None:
        lead_id = await told(desk)
        account, attempt = uuid4(), uuid4()
        await execute(
            database,
            "INSERT INTO sender_accounts (id, name, from_address, from_name, secret_name, mail_classes, daily_cap, "
            "state, state_since, counted_since, created_at) "
            "VALUES (:id, 'one', 'a@b.example', 'A', 'SMTP', '{transactional}', 9, 'active', now(), now(), now())",
            id=account,
        )
        await execute(
            database,
            "UPDATE messages SET state = 'sending', lease_until = now(), sender_account_id = :id, attempts = 1",
            id=account,
        )
        message = await one(database, "SELECT id FROM messages")
        await execute(
            database,
            "INSERT INTO attempts (id, message_id, attempt_no, outcome, sender_account_id, started_at) "
            "VALUES (:id, :message, 1, 'pending', :account, now())",
            id=attempt,
            message=message["id"],
            account=account,
        )
        await desk.take(key_destroyed(lead_id), version=2)
        reply = Reply(Phase.CONTENT, 451, f"4.3.0 {CONTACT.name} is too long")
        async with database.transaction() as session:
            outcome = Outcome.of(message["id"], 1, account, reply, "0" * 64)
            await record_outcomes(session, [outcome], RecordTerms(NOW, SYDNEY, 30))
        assert outcome.verdict is not Verdict.ACCEPTED
        after = await one(database, "SELECT state FROM messages")
        assert after["state"] == "cancelled"
        assert CONTACT.name not in await everywhere(database)

    async def test_takes_what_was_sent_as_sent(self, database: RolledBackDatabase, desk: Handlers) -> None:
        lead_id = await told(desk)
        await execute(database, "UPDATE messages SET state = 'accepted', accepted_at = now()")
        await desk.take(key_destroyed(lead_id), version=2)
        message = await one(database, "SELECT state, cancelled_at, recipient_email FROM messages")
        assert (message["state"], message["cancelled_at"]) == ("accepted", None)
        assert message["recipient_email"] == "leads@southernsun.example"

    async def test_leaves_another_person_s_mail_alone(self, database: RolledBackDatabase, desk: Handlers) -> None:
        lead_id = await told(desk)
        namesake = CONTACT.model_copy(update={"email": "another@mia.example", "phone": "+61499000222"})
        await desk.take(assignment_created(contact=namesake.model_copy(update={"street": "1 Far Road"})))
        other = CONTACT.model_copy(
            update={
                "name": "Noah Vella",
                "email": "noah@vella.example",
                "phone": "+61499000111",
                "street": "9 Long Road",
            }
        )
        await desk.take(assignment_created(contact=other))
        await desk.take(key_destroyed(lead_id), version=2)
        left = await everywhere(database)
        assert "Noah Vella" in left
        assert f'"{CONTACT.name}"' in left


class TestTheList:
    async def test_of_what_is_forgotten_is_whole(self, database: RolledBackDatabase) -> None:
        """A column that can hold text is blanked by an erasure, or it is told why it names nobody."""
        found = await undeclared(database, KEPT, roots=("messages",))
        assert found == {"not on the list": [], "not there": [], "twice": []}
