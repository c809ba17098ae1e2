"""Routing's consumers under the real runtime: batches, causes, what is parked and what is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from chassis.causation import Cause
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from chassis.parking import list_parked
from chassis.runtime import ConsumerRuntime, Patience
from contracts.billing import DeliveryCredited
from contracts.envelope import Envelope, Event, from_headers, to_headers
from contracts.intake import LeadCreated
from contracts.notifications import MessageAccepted, MessageFailed
from contracts.topics import Topic
from contracts.values import CapReleaseReason, CreditReason, MessagePurpose
from services.routing.consumers import consumers
from services.routing.domain.states import AssignmentStatus, CapState
from tests.routing.arrangements import MARRICKVILLE, MIA, NOW, SHARED, Floor

OFFSETS = count()


@dataclass(frozen=True, slots=True)
class Record:
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes | None]]
    offset: int
    partition: int = 0


def record(event: Event, *, version: int = 1, event_id: UUID | None = None) -> Record:
    envelope = Envelope(
        id=event_id or new_id(),
        type=event.type,
        source="/waybill/elsewhere",
        time=datetime(2026, 3, 3, tzinfo=UTC),
        subject=event.subject,
        dataschema=event.dataschema(),
        aggregate_version=version,
        correlation_id="the-request",
    )
    headers: list[tuple[str, bytes | None]] = [*to_headers(envelope)]
    return Record(event.topic.name, event.subject.encode(), event.model_dump_json().encode(), headers, next(OFFSETS))


class Feed:
    """Hands records of any of our topics to the consumer that takes them."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.runtimes = {
            consumer.topic.name: ConsumerRuntime(
                name=f"waybill.routing.{consumer.topic.name}",
                consumer=consumer,
                database=floor.database,
                patience=Patience(first_seconds=0.001, attempts=2),
            )
            for consumer in consumers(floor.clock)
        }

    async def take(self, *records: Record) -> None:
        await self.runtimes[records[0].topic].process(records)

    async def parked(self) -> Sequence[Any]:
        async with self.floor.database.reading() as session:
            return await list_parked(session)


@pytest.fixture
def feed(floor: Floor) -> Feed:
    return Feed(floor)


def created(**changes: Any) -> LeadCreated:
    given: dict[str, Any] = {
        "lead_id": new_id(),
        "source_id": new_id(),
        "selected_path": SHARED,
        "service": "solar-battery",
        "location": MARRICKVILLE,
        "contact": MIA,
        "received_at": NOW,
        **changes,
    }
    return LeadCreated(**given)


def accepted(assignment_id: UUID, **changes: Any) -> MessageAccepted:
    given: dict[str, Any] = {
        "message_id": new_id(),
        "purpose": MessagePurpose.LEAD_DELIVERY,
        "subject_kind": "assignment",
        "subject_id": assignment_id,
        "accepted_at": NOW,
        **changes,
    }
    return MessageAccepted(**given)


def failed(assignment_id: UUID, **changes: Any) -> MessageFailed:
    given: dict[str, Any] = {
        "message_id": new_id(),
        "purpose": MessagePurpose.LEAD_DELIVERY,
        "subject_kind": "assignment",
        "subject_id": assignment_id,
        "reason_code": "recipient_refused",
        "smtp_status": 550,
        "failed_at": NOW,
        **changes,
    }
    return MessageFailed(**given)


def credited(assignment_id: UUID, installer_id: UUID, reason: CreditReason) -> DeliveryCredited:
    return DeliveryCredited(
        assignment_id=assignment_id,
        delivery_event_id=new_id(),
        installer_id=installer_id,
        invoice_id=new_id(),
        reason_code=reason,
        credited_at=NOW,
    )


class TestLeadCreated:
    async def test_dispatches_a_batch(self, floor: Floor, feed: Feed) -> None:
        await floor.installers(3)
        await feed.take(*(record(created()) for _ in range(5)))
        assert len(await floor.assignments()) == 15

    async def test_each_event_that_follows_names_its_own_cause(self, floor: Floor, feed: Feed) -> None:
        await floor.installers(3)
        leads = [created() for _ in range(2)]
        ids = {lead.lead_id: new_id() for lead in leads}
        await feed.take(*(record(lead, event_id=ids[lead.lead_id]) for lead in leads))
        rows = await floor.rows("SELECT headers FROM outbox ORDER BY id")
        envelopes = [from_headers(unpack_headers(row["headers"])) for row in rows]
        following = [e for e in envelopes if e.type != "installer.changed"]
        made = {each.id: each.lead_id for each in await floor.assignments()}
        for envelope in following:
            lead_id = made.get(UUID(envelope.subject), UUID(envelope.subject))
            assert envelope.causation_id == str(ids[lead_id])
            assert envelope.correlation_id == "the-request"
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


class TestConsumers:
    def test_takes_what_it_should_from_each_topic(self, floor: Floor) -> None:
        taken: dict[Topic, set[str]] = {c.topic: set(c.by_type()) for c in consumers(floor.clock)}
        assert {topic.name: types for topic, types in taken.items()} == {
            "intake.leads": {"lead.created"},
            "notifications.messages": {"message.accepted", "message.failed"},
            "billing.deliveries": {"delivery.credited"},
        }

    def test_a_cause_carries_the_trace(self) -> None:
        arrived = from_headers(record(created()).headers)
        assert Cause.of(arrived) == Cause("the-request", str(arrived.id), None)
