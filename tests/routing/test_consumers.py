"""Routing's consumers under the real runtime: batches, causes, what is parked and what is not."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from chassis.causation import Cause
from chassis.clock import FixedClock
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from chassis.parking import VERSION_PASSED
from contracts.envelope import from_headers
from contracts.routing import AssignmentCreated, DispatchExceptionRaised
from contracts.topics import Topic
from contracts.values import CapReleaseReason, CreditReason, MessagePurpose
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.exceptions import RetryDispatch, retry_dispatch
from services.routing.consumers import consumers
from services.routing.domain.states import AssignmentStatus, CapState, DispatchStatus, ExceptionReason
from tests.kit.records import CORRELATION, TRACE
from tests.routing.arrangements import MIA, NOW, ROBIN, Floor, committing
from tests.routing.feed import Feed, accepted, closed, created, credited, failed, record, voided


@pytest.fixture
def feed(floor: Floor) -> Feed:
    return Feed(floor)


class TestLeadCreated:
    async def test_dispatches_a_batch(self, floor: Floor, feed: Feed) -> None:
        await floor.installers(3)
        await feed.take(*(record(created()) for _ in range(5)))
        assert len(await floor.assignments()) == 15

    async def test_each_event_that_follows_names_its_own_cause(self, floor: Floor, feed: Feed) -> None:
        await floor.installers(3)
        leads = [created() for _ in range(2)]
        ids = {lead.lead_id: new_id() for lead in leads}
        await feed.take(*(record(lead, id=ids[lead.lead_id]) for lead in leads))
        rows = await floor.rows("SELECT headers FROM outbox ORDER BY id")
        envelopes = [from_headers(unpack_headers(row["headers"])) for row in rows]
        following = [e for e in envelopes if e.type != "installer.changed"]
        made = {each.id: each.lead_id for each in await floor.assignments()}
        for envelope in following:
            lead_id = made.get(UUID(envelope.subject), UUID(envelope.subject))
            assert envelope.causation_id == str(ids[lead_id])
            assert envelope.correlation_id == CORRELATION
        assert len(following) == 8

    async def test_the_same_event_twice_is_applied_once(self, floor: Floor, feed: Feed) -> None:
        await floor.installer()
        arrived = record(created())
        await feed.take(arrived)
        await feed.take(arrived)
        assert len(await floor.assignments()) == 1

    async def test_another_event_of_the_same_lead_dispatches_it_no_second_time(self, floor: Floor, feed: Feed) -> None:
        await floor.installer()
        lead = created()
        await feed.take(record(lead), record(lead, version=2))
        assert len(await floor.decisions(lead.lead_id)) == 1
        assert await feed.parked() == []


class TestALeadAtWhichDispatchFails:
    """Whatever the fault: here the tables refuse what dispatch writes of one service, and of no other."""

    REFUSE = "ALTER TABLE dispatch_exceptions ADD CONSTRAINT refused CHECK (reason <> 'no_coverage') NOT VALID"
    ALLOW = "ALTER TABLE dispatch_exceptions DROP CONSTRAINT refused"

    @pytest.fixture
    async def floor(self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Floor]:
        database = fresh_database("routing")
        self.owner = await asyncpg.connect(database.owner_url)
        await self.owner.execute(self.REFUSE)
        async with committing(database, clock) as floor:
            yield floor
        await self.owner.close()

    async def test_waits_for_an_operator_and_operations_hear_of_it(self, floor: Floor, feed: Feed) -> None:
        await floor.installer()
        failing, other = created(service="roofing"), created()
        await feed.take(record(other), record(failing, id=(cause := new_id())), record(created()))
        item = await floor.only_exception()
        assert (item.lead_id, item.reason) == (failing.lead_id, ExceptionReason.DISPATCH_FAILED)
        assert item.detail == "dispatch failed: IntegrityError"
        [raised] = await floor.events("dispatch.exception_raised")
        assert isinstance(raised, DispatchExceptionRaised)
        assert (raised.lead_id, raised.exception_id, raised.reason_code) == (item.lead_id, item.id, "dispatch_failed")
        rows = await floor.rows("SELECT headers FROM outbox")
        envelopes = [from_headers(unpack_headers(row["headers"])) for row in rows]
        [envelope] = [each for each in envelopes if each.subject == str(failing.lead_id)]
        assert envelope.causation_id == str(cause)
        assert (await floor.dispatch_of(failing.lead_id)).status is DispatchStatus.EXCEPTION
        assert await feed.parked() == []
        assert len(await floor.assignments()) == 2

    async def test_is_dispatched_by_a_retry_once_the_fault_is_gone(self, floor: Floor, feed: Feed) -> None:
        await feed.take(record(created(service="roofing")))
        installer_id = await floor.installer(services=("roofing",))
        await self.owner.execute(self.ALLOW)
        async with floor.database.transaction() as session:
            await retry_dispatch(session, RetryDispatch((await floor.only_exception()).id, ROBIN), NOW)
        assert (await floor.only_assignment()).installer_id == installer_id
        [created_event] = await floor.events("assignment.created")
        assert isinstance(created_event, AssignmentCreated)
        assert created_event.contact == MIA
        assert await floor.exceptions(is_open=True) == []

    async def test_comes_again_and_is_left_as_it_is(self, floor: Floor, feed: Feed) -> None:
        failing = created(service="roofing")
        await feed.take(record(failing))
        await feed.take(record(failing, version=2))
        assert (await floor.only_exception()).occurrences == 1
        assert await feed.parked() == []

    async def test_is_parked_where_not_even_that_can_be_written(self, floor: Floor, feed: Feed) -> None:
        await self.owner.execute("ALTER TABLE lead_contacts ADD CONSTRAINT refused_too CHECK (false) NOT VALID")
        await feed.take(record(created(service="roofing")))
        [parked] = await feed.parked()
        assert (parked.reason_code, parked.reason_detail) == ("handler_failed", "IntegrityError")
        assert await floor.exceptions() == []


class TestLeadClosed:
    async def test_in_the_batch_of_its_creation_ends_it(self, floor: Floor, feed: Feed) -> None:
        await floor.installers(3)
        lead, other = created(), created()
        await feed.take(record(lead), record(other), record(closed(lead.lead_id), version=2))
        statuses = {each.lead_id: each.status for each in await floor.assignments()}
        assert statuses == {lead.lead_id: AssignmentStatus.CANCELLED, other.lead_id: AssignmentStatus.PENDING}
        assert await feed.parked() == []

    async def test_names_its_event_as_the_cause(self, floor: Floor, feed: Feed) -> None:
        await floor.installer()
        lead = created()
        await feed.take(record(lead))
        await feed.take(record(closed(lead.lead_id), version=2, id=(cause := new_id())))
        rows = await floor.rows("SELECT headers FROM outbox ORDER BY id DESC LIMIT 1")
        envelope = from_headers(unpack_headers(rows[0]["headers"]))
        assert (envelope.type, envelope.causation_id) == ("assignment.cancelled", str(cause))

    async def test_of_a_lead_that_was_never_dispatched_ends_nothing(self, floor: Floor, feed: Feed) -> None:
        await feed.take(record(closed(new_id()), version=2))
        assert await feed.parked() == []
        assert await floor.events() == []

    async def test_before_its_creation_gives_it_to_nobody_though_that_be_replayed(
        self, floor: Floor, feed: Feed
    ) -> None:
        await floor.installer()
        lead = created()
        await feed.take(record(closed(lead.lead_id), version=2))
        await feed.take(record(lead))
        [parked] = await feed.parked()
        assert parked.reason_code == VERSION_PASSED
        await feed.replay(parked.id)
        assert (await floor.dispatch_of(lead.lead_id)).status is DispatchStatus.CLOSED
        assert await floor.assignments() == []


class TestMessages:
    async def test_an_accepted_mail_makes_its_assignment_sent(self, floor: Floor, feed: Feed) -> None:
        await floor.installer()
        await feed.take(record(created()))
        await feed.take(record(accepted((await floor.only_assignment()).id)))
        assert (await floor.only_assignment()).status is AssignmentStatus.SENT

    async def test_a_failed_mail_makes_its_assignment_failed(self, floor: Floor, feed: Feed) -> None:
        await floor.installer()
        await feed.take(record(created()))
        await feed.take(record(failed((await floor.only_assignment()).id)))
        assert (await floor.only_assignment()).status is AssignmentStatus.FAILED

    @pytest.mark.parametrize(
        "other",
        [{"purpose": MessagePurpose.OPS_ALERT}, {"subject_kind": "invoice"}],
    )
    async def test_other_mails_say_nothing_of_it(self, floor: Floor, feed: Feed, other: dict[str, Any]) -> None:
        await floor.installer()
        await feed.take(record(created()))
        made = (await floor.only_assignment()).id
        await feed.take(record(accepted(made, **other)), record(failed(made, **other)))
        assert (await floor.only_assignment()).status is AssignmentStatus.PENDING
        assert await feed.parked() == []

    async def test_what_concerns_an_unknown_assignment_is_parked_and_the_rest_flows(
        self, floor: Floor, feed: Feed
    ) -> None:
        await floor.installers(3)
        await feed.take(record(created()))
        made = [record(accepted(each.id)) for each in await floor.assignments()]
        await feed.take(made[0], record(accepted(new_id())), *made[1:])
        [parked] = await feed.parked()
        assert parked.reason_code == "no_such_assignment"
        assert {each.status for each in await floor.assignments()} == {AssignmentStatus.SENT}

    async def test_a_failure_behind_an_acceptance_in_one_batch_changes_nothing(self, floor: Floor, feed: Feed) -> None:
        await floor.installer()
        await feed.take(record(created()))
        made, message_id = (await floor.only_assignment()).id, new_id()
        await feed.take(
            record(accepted(made, message_id=message_id)), record(failed(made, message_id=message_id), version=2)
        )
        assert (await floor.only_assignment()).status is AssignmentStatus.SENT
        assert await floor.exceptions() == []


class TestDeliveryCredited:
    async def test_a_credit_for_an_invalid_lead_frees_the_place(self, floor: Floor, feed: Feed) -> None:
        installer_id = await floor.installer()
        await feed.take(record(created()))
        made = (await floor.only_assignment()).id
        await floor.deliver(made)
        await feed.take(record(credited(made, installer_id, CreditReason.INVALID_CONTACT)))
        after = await floor.only_assignment()
        assert (after.cap_state, after.cap_release_reason) == (CapState.RELEASED, CapReleaseReason.CREDIT_LINKED)
        assert await floor.counts(installer_id) == {}

    async def test_any_other_credit_leaves_it(self, floor: Floor, feed: Feed) -> None:
        installer_id = await floor.installer()
        await feed.take(record(created()))
        made = (await floor.only_assignment()).id
        await floor.deliver(made)
        await feed.take(record(credited(made, installer_id, CreditReason.SYSTEM_FAULT)))
        assert (await floor.only_assignment()).cap_state is CapState.COUNTED


class TestDeliveryVoided:
    """Never billed instead of credited: to the caps it is the same."""

    async def test_a_void_for_an_invalid_lead_frees_the_place(self, floor: Floor, feed: Feed) -> None:
        installer_id = await floor.installer()
        await feed.take(record(created()))
        made = (await floor.only_assignment()).id
        await floor.deliver(made)
        await feed.take(record(voided(made, installer_id, CreditReason.INVALID_CONTACT)))
        after = await floor.only_assignment()
        assert (after.cap_state, after.cap_release_reason) == (CapState.RELEASED, CapReleaseReason.CREDIT_LINKED)
        assert after.cap_release_note == "voided: invalid_contact"
        assert await floor.counts(installer_id) == {}

    async def test_what_is_free_already_is_passed_by(self, floor: Floor, feed: Feed) -> None:
        installer_id = await floor.installer()
        await feed.take(record(created()))
        made = (await floor.only_assignment()).id
        await floor.deliver(made)
        await feed.take(record(credited(made, installer_id, CreditReason.INVALID_CONTACT)))
        await feed.take(record(voided(made, installer_id, CreditReason.INVALID_CONTACT), version=2))
        assert (await floor.only_assignment()).cap_release_note == "credited: invalid_contact"
        assert await floor.counts(installer_id) == {}

    async def test_any_other_void_leaves_it(self, floor: Floor, feed: Feed) -> None:
        installer_id = await floor.installer()
        await feed.take(record(created()))
        made = (await floor.only_assignment()).id
        await floor.deliver(made)
        await feed.take(record(voided(made, installer_id, CreditReason.SYSTEM_FAULT)))
        assert (await floor.only_assignment()).cap_state is CapState.COUNTED


class TestConsumers:
    def test_takes_what_it_should_from_each_topic(self, floor: Floor) -> None:
        taken: dict[Topic, set[str]] = {c.topic: set(c.by_type()) for c in consumers(floor.clock)}
        assert {topic.name: types for topic, types in taken.items()} == {
            "intake.lead_keys": {"lead_key.created", "lead_key.destroyed"},
            "intake.leads": {"lead.created", "lead.corrected", "lead.closed", "lead.erased", "lead.reopened"},
            "intake.lead_deeds": {"lead.merged", "lead.unmerged"},
            "notifications.messages": {"message.accepted", "message.failed", "message.bounced"},
            "billing.deliveries": {
                "delivery.credited",
                "delivery.credit_answered",
                "delivery.recorded",
                "delivery.voided",
            },
            "billing.accounts": {"account.changed"},
            "identity.operators": {"operator.changed"},
        }

    def test_a_cause_carries_the_trace(self) -> None:
        arrived = from_headers(record(created()).headers)
        assert Cause.of(arrived) == Cause(CORRELATION, str(arrived.id), TRACE)
