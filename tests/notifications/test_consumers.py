"""Events in, mails out: who gets a lead, and who is paid, through the real runtime."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from services.notifications.consumers import Consumers
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import TRACE, incoming
from tests.notifications.conftest import settings_of
from tests.notifications.inbound import NO_SERVER, Topics
from tests.notifications.samples import assignment_cancelled, assignment_created, one, payout_sent, published, states


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock) -> Topics:
    return Topics(database, clock)


class TestAssignmentCreated:
    @pytest.mark.parametrize(("channel", "mails"), [(None, 1), ("mail", 1), ("webhook", 0)])
    async def test_is_mailed_where_no_webhook_delivers_it(
        self, desk: Topics, database: RolledBackDatabase, channel: str | None, mails: int
    ) -> None:
        await desk.take(assignment_created(channel=channel))
        assert await states(database) == ["queued"] * mails

    async def test_queues_the_lead_for_the_installer(self, desk: Topics, database: RolledBackDatabase) -> None:
        event = assignment_created()
        await desk.take(event)
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["purpose"], mail["subject_kind"], mail["subject_id"]) == (
            "lead_delivery",
            "assignment",
            event.assignment_id,
        )
        assert (mail["state"], mail["recipient_email"], mail["priority"]) == ("queued", "leads@southernsun.example", 0)
        assert mail["traceparent"] == TRACE
        assert mail["header_id"] == f"<{mail['id']}@waybill.example>"

    async def test_a_replay_mails_nobody_twice(self, desk: Topics, database: RolledBackDatabase) -> None:
        event = assignment_created()
        records = await desk.take(event)
        await desk.again(records)
        # The same fact under another event id, as after a restored backup of the publisher.
        await desk.take(event)
        assert await states(database) == ["queued"]

    async def test_a_batch_is_one_insert_for_all(self, desk: Topics, database: RolledBackDatabase) -> None:
        await desk.take(*(assignment_created() for _ in range(200)))
        assert await states(database) == ["queued"] * 200

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"deliver_to": "nobody"}, "recipient_invalid"),
            ({"deliver_to": "a@example.test\r\nBcc: all@example.test"}, "recipient_invalid"),
            ({"contact": None}, "contact_erased"),
        ],
    )
    async def test_what_cannot_be_sent_fails_at_once_and_routing_is_told(
        self, desk: Topics, database: RolledBackDatabase, change: dict[str, Any], reason: str
    ) -> None:
        event = assignment_created(**change)
        await desk.take(event, assignment_created())
        assert sorted(await states(database)) == ["failed", "queued"]
        (told,) = await published(database)
        assert told.envelope.type == "message.failed"
        assert told.envelope.traceparent == TRACE
        body = json.loads(told.body)
        assert (body["subject_id"], body["reason_code"]) == (str(event.assignment_id), reason)


class TestWaking:
    async def test_the_sender_is_told_once_the_mail_is_committed(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        woken: list[str] = []
        consumers = Consumers(clock, settings_of(NO_SERVER), lambda: woken.append("woken"))
        async with database.transaction() as session:
            await consumers.on_assignment_created(session, [incoming(assignment_created())])
            assert woken == []
        assert woken == ["woken"]

    async def test_a_rollback_wakes_nobody(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        woken: list[str] = []
        consumers = Consumers(clock, settings_of(NO_SERVER), lambda: woken.append("woken"))
        with pytest.raises(ZeroDivisionError):
            async with database.transaction() as session:
                await consumers.on_assignment_created(session, [incoming(assignment_created())])
                raise ZeroDivisionError
        assert woken == []


class TestAssignmentCancelled:
    async def test_stops_a_mail_that_has_not_left(self, desk: Topics, database: RolledBackDatabase) -> None:
        event, other = assignment_created(), assignment_created()
        await desk.take(event, other)
        await desk.take(assignment_cancelled(event.assignment_id))
        assert await states(database) == ["cancelled", "queued"]
        assert await published(database) == []

    async def test_in_the_same_batch_too(self, desk: Topics, database: RolledBackDatabase) -> None:
        event = assignment_created()
        await desk.take(event, assignment_cancelled(event.assignment_id))
        assert await states(database) == ["cancelled"]

    async def test_leaves_what_was_accepted(self, desk: Topics, database: RolledBackDatabase) -> None:
        event = assignment_created()
        await desk.take(event)
        async with database.transaction() as session:
            await session.execute(text("UPDATE messages SET state = 'accepted', accepted_at = now()"))
        await desk.take(assignment_cancelled(event.assignment_id))
        assert await states(database) == ["accepted"]


class TestPayoutSent:
    async def test_queues_the_receipt(self, desk: Topics, database: RolledBackDatabase) -> None:
        event = payout_sent()
        await desk.take(event)
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["purpose"], mail["subject_kind"], mail["subject_id"], mail["recipient_email"]) == (
            "payout_receipt",
            "payout",
            event.payout_id,
            "priya.raman@example.test",
        )
