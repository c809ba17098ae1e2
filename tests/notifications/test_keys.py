"""Sealed leads as mail: opened by the key that is there, or by the one that comes, and by none that was destroyed."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from chassis.database import Database
from services.notifications.domain.contacts import PARTS
from services.notifications.queries.messages import is_anything_due
from tests.kit.databases import RolledBackDatabase
from tests.kit.sealed import key_created, key_destroyed, sealed
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.inbound import Handlers
from tests.notifications.samples import CONTACT, NOW, assignment_created, lead_corrected, one, published, rows, states


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock) -> Handlers:
    return Handlers(database, clock)


def of_lead(**changes: Any) -> Any:
    lead_id = uuid4()
    known = {"lead_id": lead_id, "contact": None, "sealed_contact": sealed(CONTACT, lead_id)}
    return assignment_created(**known | changes)


TOLD = {"name": CONTACT.name, "email": CONTACT.email, "phone": CONTACT.phone, "street": CONTACT.street}


async def contexts(database: Database) -> list[Any]:
    return [row["context"] for row in await rows(database, "SELECT context FROM messages ORDER BY id")]


class TestASealedLead:
    async def test_is_opened_by_the_key_that_is_there(self, database: RolledBackDatabase, desk: Handlers) -> None:
        event = of_lead()
        await desk.take(key_created(event.lead_id))
        await desk.take(event)
        message = await one(database, "SELECT context, waits_for_lead_id, state FROM messages")
        assert {part: message["context"][part] for part in PARTS} == TOLD
        assert (message["waits_for_lead_id"], message["state"]) == (None, "queued")

    async def test_waits_for_its_key_and_goes_out_when_it_comes(
        self, database: RolledBackDatabase, clock: FixedClock, sender_of: MakeSender, smtp_sink: Any
    ) -> None:
        woken: list[int] = []
        desk = Handlers(database, clock, lambda: woken.append(1))
        event = of_lead()
        await desk.take(event)
        await run_until_idle(sender_of(database))
        assert await states(database) == ["queued"]
        async with database.reading() as session:
            assert not await is_anything_due(session, NOW)
        assert CONTACT.email not in str(await contexts(database))
        before = len(woken)
        await desk.take(key_created(event.lead_id))
        assert len(woken) == before + 1
        await run_until_idle(sender_of(database))
        assert await states(database) == ["accepted"]
        assert CONTACT.phone[-3:] in str(await contexts(database))

    async def test_a_correction_waits_as_well(self, database: RolledBackDatabase, desk: Handlers) -> None:
        lead_id = uuid4()
        seal = sealed(CONTACT, lead_id)
        await desk.take(lead_corrected("phone", lead_id=lead_id, contact=None, sealed_contact=seal))
        await desk.take(key_created(lead_id))
        (context,) = await contexts(database)
        assert context["contact"] == TOLD
        assert "sealed_contact" not in context

    @pytest.mark.parametrize("is_sealed", [True, False])
    async def test_of_a_destroyed_key_is_withheld_whatever_came_first(
        self, database: RolledBackDatabase, desk: Handlers, is_sealed: bool
    ) -> None:
        event = of_lead() if is_sealed else of_lead(contact=CONTACT, sealed_contact=None)
        await desk.take(key_created(event.lead_id))
        await desk.take(key_destroyed(event.lead_id), version=2)
        await desk.take(event)
        await desk.take(key_created(event.lead_id))
        message = await one(database, "SELECT state, reason_code, context FROM messages")
        assert (message["state"], message["reason_code"]) == ("failed", "contact_erased")
        assert CONTACT.name not in str(message)
        assert [event.envelope.type for event in await published(database)] == ["message.failed"]
        correction = lead_corrected("email", lead_id=event.lead_id, contact=None, sealed_contact=event.sealed_contact)
        await desk.take(correction)
        assert len(await states(database)) == 1

    async def test_many_take_the_same_statements(self, database: RolledBackDatabase, desk: Handlers) -> None:
        events = [of_lead() for _ in range(40)]
        await desk.take(*events)
        await desk.take(*[key_created(event.lead_id) for event in events])
        assert all(context["email"] == CONTACT.email for context in await contexts(database))

    async def test_meets_its_key_whichever_is_first_to_commit(self, own_database: Database, clock: FixedClock) -> None:
        """Both at once, again and again: none of the mails is left waiting."""
        desk = Handlers(own_database, clock)
        events = [of_lead() for _ in range(30)]
        await asyncio.gather(
            *(desk.take(event) for event in events), *(desk.take(key_created(event.lead_id)) for event in events)
        )
        async with own_database.reading() as session:
            waiting = await session.scalar(text("SELECT count(*) FROM messages WHERE waits_for_lead_id IS NOT NULL"))
        assert waiting == 0
        assert len(await states(own_database)) == 30

    async def test_meets_the_end_of_its_key_whichever_is_first_to_commit(
        self, own_database: Database, clock: FixedClock
    ) -> None:
        desk = Handlers(own_database, clock)
        events = [of_lead() for _ in range(30)]
        for event in events[::2]:
            await desk.take(key_created(event.lead_id))
        ends = (desk.take(key_destroyed(event.lead_id), version=2) for event in events)
        await asyncio.gather(*(desk.take(event) for event in events), *ends)
        assert set(await states(own_database)) == {"failed"}
        assert not [context for context in await contexts(own_database) if CONTACT.name in str(context)]
        assert {row["key"] for row in await rows(own_database, "SELECT key FROM lead_keys")} == {None}
