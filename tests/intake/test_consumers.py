"""Following routing: what its events make of our leads, in any grouping and however often they come."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from chassis.database import Database
from chassis.ids import new_id
from contracts.envelope import Event, Incoming
from contracts.routing import (
    DispatchDecided,
    DispatchDelivered,
    DispatchExceptionOwnerChanged,
    DispatchExceptionRaised,
    DispatchExceptionResolved,
    DispatchExceptionSnoozed,
    DispatchRejected,
    DispatchReopened,
)
from services.intake.commands.leads.taking import take_lead
from services.intake.consumers import dispatches
from services.intake.errors import LeadNotFound
from tests.intake.samples import NOW, rows, screened, taking, working_source
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import incoming
from tests.kit.statements import statements_of

CONSUMER = dispatches.CONSUMER
LATER = NOW + timedelta(minutes=1)


async def handle(database: Database, *events: Incoming[Event]) -> None:
    """One batch of one type, as the runtime hands it over."""
    handler = CONSUMER.handlers[type(events[0].event)]
    async with database.transaction() as session:
        await handler(session, list(events))


def decided(lead_id: UUID, version: int, assignments: int = 1) -> Incoming[Event]:
    chosen = tuple(new_id() for _ in range(assignments))
    event = DispatchDecided(
        lead_id=lead_id,
        decision_id=new_id(),
        attempt_no=1,
        assignment_ids=chosen,
        candidates_count=4,
        decided_at=LATER,
    )
    return incoming(event, version)


def delivered(lead_id: UUID, version: int) -> Incoming[Event]:
    return incoming(DispatchDelivered(lead_id=lead_id, delivered_at=LATER), version)


def reopened(lead_id: UUID, version: int) -> Incoming[Event]:
    return incoming(DispatchReopened(lead_id=lead_id, reason_code="did_not_request", reopened_at=LATER), version)


def raised(lead_id: UUID, version: int, reason: str = "no_eligible_installer") -> Incoming[Event]:
    event = DispatchExceptionRaised(
        lead_id=lead_id, exception_id=new_id(), reason_code=reason, detail="nobody serves it", raised_at=LATER
    )
    return incoming(event, version)


def resolved(lead_id: UUID, version: int, resolution: str = "assigned") -> Incoming[Event]:
    event = DispatchExceptionResolved(lead_id=lead_id, exception_id=new_id(), resolution=resolution, resolved_at=LATER)
    return incoming(event, version)


def rejected(lead_id: UUID, version: int, reason: str = "unplaceable") -> Incoming[Event]:
    event = DispatchRejected(
        lead_id=lead_id,
        exception_id=new_id(),
        reason_code=reason,
        note="nobody goes to the island",
        rejected_by_name="Robin Field",
        rejected_at=LATER,
    )
    return incoming(event, version)


async def leads(database: Database, number: int = 1) -> list[UUID]:
    _, source = await working_source(database)
    taken = [(await take_lead(database, taking(source, f"key-{i}"))).lead_id for i in range(number)]
    await screened(database)
    return taken


async def standing(database: Database, lead_id: UUID) -> tuple[str, int, str | None]:
    (row,) = await rows(
        database, "SELECT status, dispatch_version, exception_reason FROM leads WHERE id = :id", id=lead_id
    )
    return row["status"], row["dispatch_version"], row["exception_reason"]


async def way(database: Database, lead_id: UUID) -> list[str]:
    steps = await rows(
        database, "SELECT to_status FROM lead_status_changes WHERE lead_id = :id ORDER BY id", id=lead_id
    )
    return [step["to_status"] for step in steps]


class TestALeadThatIsRejectedInTheQueue:
    async def test_is_closed_by_who_rejected_it_and_says_so_once(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        await handle(database, raised(lead, 1))
        await handle(database, rejected(lead, 2))
        await handle(database, rejected(lead, 2))
        assert await standing(database, lead) == ("closed", 2, None)
        [entry] = await rows(database, "SELECT * FROM audit_entries WHERE action = 'close_lead'")
        assert (entry["actor_name"], entry["reason_code"], entry["reason_text"]) == (
            "Robin Field",
            "unplaceable",
            "nobody goes to the island",
        )
        closed = await rows(database, "SELECT 1 FROM outbox WHERE convert_from(body, 'utf8') LIKE '%closed_at%'")
        assert len(closed) == 1

    async def test_is_closed_for_a_reason_that_is_not_known_here(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        await handle(database, rejected(lead, 1, "out_of_season"))
        (row,) = await rows(database, "SELECT status, close_reason FROM leads")
        assert row == {"status": "closed", "close_reason": "other"}

    async def test_stays_as_it_ended_where_it_has_ended(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        async with database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE leads SET status = 'closed', close_reason = 'withdrawn'")
        await handle(database, rejected(lead, 1))
        (row,) = await rows(database, "SELECT status, close_reason FROM leads")
        assert row == {"status": "closed", "close_reason": "withdrawn"}


class TestFollowingDispatch:
    async def test_a_lead_goes_from_decision_to_delivery(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        await handle(database, decided(lead, 1))
        await handle(database, delivered(lead, 2))
        assert await standing(database, lead) == ("delivered", 2, None)
        assert await way(database, lead) == ["routable", "dispatching", "delivered"]
        (row,) = await rows(database, "SELECT delivered_at, status_since FROM leads")
        assert row == {"delivered_at": LATER, "status_since": LATER}

    async def test_waits_as_it_did_while_somebody_has_its_exception_or_puts_it_off(
        self, database: RolledBackDatabase
    ) -> None:
        (lead,) = await leads(database)
        await handle(database, raised(lead, 1, "all_at_cap"))
        item = new_id()
        owned = DispatchExceptionOwnerChanged(lead_id=lead, exception_id=item, owner_name="Kim", changed_at=LATER)
        await handle(database, incoming(owned, 2))
        snoozed = DispatchExceptionSnoozed(lead_id=lead, exception_id=item, snoozed_until=LATER, changed_at=LATER)
        await handle(database, incoming(snoozed, 3))
        assert await standing(database, lead) == ("exception", 3, "all_at_cap")

    async def test_an_exception_keeps_its_reason_until_it_is_resolved(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        await handle(database, raised(lead, 1, "auto_dispatch_off"))
        assert await standing(database, lead) == ("exception", 1, "auto_dispatch_off")
        await handle(database, resolved(lead, 2))
        assert await standing(database, lead) == ("dispatching", 2, None)

    async def test_a_decision_for_nobody_is_an_exception_whose_reason_comes_behind(
        self, database: RolledBackDatabase
    ) -> None:
        (lead,) = await leads(database)
        await handle(database, decided(lead, 1, assignments=0))
        await handle(database, raised(lead, 2))
        assert await standing(database, lead) == ("exception", 2, "no_eligible_installer")
        assert await way(database, lead) == ["routable", "exception"]

    async def test_taking_an_item_off_the_queue_alone_does_not_move_the_lead(
        self, database: RolledBackDatabase
    ) -> None:
        (lead,) = await leads(database)
        await handle(database, raised(lead, 1))
        await handle(database, resolved(lead, 2, "resolved_by_operator"))
        assert (await standing(database, lead))[:2] == ("exception", 2)

    async def test_a_delivered_lead_stays_so_whatever_becomes_of_its_other_shares(
        self, database: RolledBackDatabase
    ) -> None:
        (lead,) = await leads(database)
        await handle(database, decided(lead, 1, assignments=3))
        await handle(database, delivered(lead, 2))
        await handle(database, raised(lead, 3, "delivery_failed"))
        assert await standing(database, lead) == ("delivered", 3, None)

    async def test_a_delivered_lead_is_on_its_way_again_once_it_is_reopened_and_by_nothing_else(
        self, database: RolledBackDatabase
    ) -> None:
        (lead,) = await leads(database)
        await handle(database, decided(lead, 1))
        await handle(database, delivered(lead, 2))
        await handle(database, reopened(lead, 3))
        assert await standing(database, lead) == ("dispatching", 3, None)
        await handle(database, raised(lead, 4, "returned"))
        assert await standing(database, lead) == ("exception", 4, "returned")
        await handle(database, delivered(lead, 5))
        assert await way(database, lead) == [
            "routable", "dispatching", "delivered", "dispatching", "exception", "delivered",
        ]  # fmt: skip

    async def test_a_closed_lead_is_not_reopened(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        await handle(database, delivered(lead, 1))
        async with database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE leads SET status = 'closed', close_reason = 'withdrawn'")
        await handle(database, reopened(lead, 2))
        assert (await standing(database, lead))[:2] == ("closed", 2)

    async def test_a_closed_lead_stays_closed_but_its_delivery_is_kept(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        await handle(database, decided(lead, 1))
        async with database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE leads SET status = 'closed', close_reason = 'withdrawn'")
        await handle(database, delivered(lead, 2))
        (row,) = await rows(database, "SELECT status, delivered_at FROM leads")
        assert row == {"status": "closed", "delivered_at": LATER}

    async def test_an_older_event_changes_nothing(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        await handle(database, raised(lead, 5))
        await handle(database, decided(lead, 4))
        assert (await standing(database, lead))[:2] == ("exception", 5)

    async def test_several_of_one_lead_in_a_batch_apply_in_version_order(self, database: RolledBackDatabase) -> None:
        (lead,) = await leads(database)
        await handle(database, raised(lead, 3, "later"), raised(lead, 2, "earlier"))
        assert await standing(database, lead) == ("exception", 3, "later")

    async def test_refuses_a_lead_that_is_not_here(self, database: RolledBackDatabase) -> None:
        with pytest.raises(LeadNotFound):
            await handle(database, decided(new_id(), 1))

    @pytest.mark.parametrize("number", [1, 2, 200])
    async def test_a_batch_takes_the_same_four_statements_whatever_its_size(
        self, database: RolledBackDatabase, number: int
    ) -> None:
        ours = await leads(database, number)
        with statements_of(database.connection.sync_connection) as statements:
            await handle(database, *[decided(lead, 1) for lead in ours])
        assert len(statements) == 4
        assert await statuses(database) == ["dispatching"] * number


async def statuses(database: Database) -> Sequence[str]:
    return [row["status"] for row in await rows(database, "SELECT status FROM leads")]
