"""An erased person at billing: what was typed about their deliveries goes, the books stay as they were."""

from typing import Any

from sqlalchemy import text

from chassis import audit
from chassis.audit import Subject, System
from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from contracts.intake import LeadErased
from services.billing.commands.forgetting import KEPT
from services.billing.work import consumers
from tests.billing.arrangements import HOUSE, NOW, Books
from tests.kit.forgetting import undeclared
from tests.kit.records import incoming


class TestForgetting:
    async def test_of_a_lead_that_was_never_delivered_is_nothing(self, books: Books) -> None:
        await _take(books.database, LeadErased(lead_id=new_id(), erasure_id=new_id(), erased_at=NOW))

    async def test_takes_the_reason_of_a_deed_and_leaves_who_did_it_when(self, books: Books) -> None:
        lead_id = new_id()
        async with books.database.transaction() as session:
            subject = Subject("lead", lead_id)
            await audit.record(
                session, actor=System("Robin Field"), action="void_delivery", subject=subject, reason_text="Mia rang"
            )
        await _take(books.database, LeadErased(lead_id=lead_id, erasure_id=new_id(), erased_at=NOW))
        async with books.database.reading() as session:
            (entry,) = (await session.execute(text("SELECT actor_name, reason_text FROM audit_entries"))).all()
        assert tuple(entry) == ("Robin Field", "Erased on request")


class TestTheList:
    async def test_of_what_is_forgotten_is_whole(self, books: Books) -> None:
        """A column that can hold text is blanked by an erasure, or it is told why it names nobody."""
        found = await undeclared(books.database, KEPT, roots=("delivery_events",))
        assert found == {"not on the list": [], "not there": [], "twice": []}


async def _take(database: Database, event: LeadErased) -> None:
    handlers: dict[Any, Any] = {}
    for consumer in consumers(FixedClock(NOW), HOUSE.approval):
        handlers |= consumer.handlers
    async with database.transaction() as session:
        await handlers[LeadErased](session, [incoming(event)])
