"""Events in, mails out: through the real runtime, inbox and all."""

import json
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from chassis.consumer import Consumer
from chassis.pacing import Patience
from chassis.records import Record
from chassis.runtime import ConsumerRuntime
from contracts.envelope import Event
from services.notifications.consumers import Consumers
from services.notifications.settings import Settings
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import TRACE, incoming, record_of
from tests.notifications.conftest import settings_of
from tests.notifications.samples import (
    PDF,
    assignment_cancelled,
    assignment_created,
    delivery_held,
    document_rendered,
    exception_escalated,
    exception_raised,
    invoice_sent,
    invoice_voided,
    one,
    payment_held,
    payment_recorded,
    payout_held,
    payout_sent,
    published,
    rows,
    states,
)


@pytest.fixture
def settings() -> Settings:
    return settings_of("smtp://127.0.0.1:1")


class Desk:
    """Takes events as the broker would hand them over, each the next of its aggregate."""

    def __init__(self, database: RolledBackDatabase, clock: FixedClock, settings: Settings) -> None:
        self._runtimes = {c.topic.name: _runtime(c, database) for c in Consumers(clock, settings).all()}
        self._offset = 0
        self._versions: Counter[str] = Counter()

    async def take(self, *events: Event) -> list[Record]:
        """One batch of one topic."""
        records: list[Record] = []
        for event in events:
            self._offset += 1
            self._versions[event.subject] += 1
            records.append(record_of(event, offset=self._offset, version=self._versions[event.subject]))
        await self.again(records)
        return records

    async def again(self, records: list[Record]) -> None:
        await self._runtimes[records[0].topic].process(records)


def _runtime(consumer: Consumer, database: RolledBackDatabase) -> ConsumerRuntime:
    return ConsumerRuntime(
        name=f"tests.{consumer.topic.name}",
        consumer=consumer,
        database=database,
        patience=Patience(first_seconds=0.001, attempts=2),
    )


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock, settings: Settings) -> Desk:
    return Desk(database, clock, settings)


class TestAssignmentCreated:
    @pytest.mark.parametrize(("channel", "mails"), [(None, 1), ("mail", 1), ("webhook", 0)])
    async def test_is_mailed_where_no_webhook_delivers_it(
        self, desk: Desk, database: RolledBackDatabase, channel: str | None, mails: int
    ) -> None:
        await desk.take(assignment_created(channel=channel))
        assert await states(database) == ["queued"] * mails

    async def test_queues_the_lead_for_the_installer(self, desk: Desk, database: RolledBackDatabase) -> None:
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

    async def test_a_replay_mails_nobody_twice(self, desk: Desk, database: RolledBackDatabase) -> None:
        event = assignment_created()
        records = await desk.take(event)
        await desk.again(records)
        # The same fact under another event id, as after a restored backup of the publisher.
        await desk.take(event)
        assert await states(database) == ["queued"]

    async def test_a_batch_is_one_insert_for_all(self, desk: Desk, database: RolledBackDatabase) -> None:
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
        self, desk: Desk, database: RolledBackDatabase, change: dict[str, Any], reason: str
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
        self, database: RolledBackDatabase, clock: FixedClock, settings: Settings
    ) -> None:
        woken: list[str] = []
        consumers = Consumers(clock, settings, lambda: woken.append("woken"))
        async with database.transaction() as session:
            await consumers.on_assignment_created(session, [incoming(assignment_created())])
            assert woken == []
        assert woken == ["woken"]

    async def test_a_rollback_wakes_nobody(
        self, database: RolledBackDatabase, clock: FixedClock, settings: Settings
    ) -> None:
        woken: list[str] = []
        consumers = Consumers(clock, settings, lambda: woken.append("woken"))
        with pytest.raises(ZeroDivisionError):
            async with database.transaction() as session:
                await consumers.on_assignment_created(session, [incoming(assignment_created())])
                raise ZeroDivisionError
        assert woken == []


class TestAssignmentCancelled:
    async def test_stops_a_mail_that_has_not_left(self, desk: Desk, database: RolledBackDatabase) -> None:
        event, other = assignment_created(), assignment_created()
        await desk.take(event, other)
        await desk.take(assignment_cancelled(event.assignment_id))
        assert await states(database) == ["cancelled", "queued"]
        assert await published(database) == []

    async def test_in_the_same_batch_too(self, desk: Desk, database: RolledBackDatabase) -> None:
        event = assignment_created()
        await desk.take(event, assignment_cancelled(event.assignment_id))
        assert await states(database) == ["cancelled"]

    async def test_leaves_what_was_accepted(self, desk: Desk, database: RolledBackDatabase) -> None:
        event = assignment_created()
        await desk.take(event)
        async with database.transaction() as session:
            await session.execute(text("UPDATE messages SET state = 'accepted', accepted_at = now()"))
        await desk.take(assignment_cancelled(event.assignment_id))
        assert await states(database) == ["accepted"]


class TestInvoices:
    async def test_the_mail_carries_the_document(self, desk: Desk, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document))
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["purpose"], mail["subject_id"], mail["document_id"]) == (
            "invoice",
            document.invoice_id,
            document.document_id,
        )
        kept = await one(database, "SELECT content, sha256 FROM documents")
        assert (kept["content"], kept["sha256"]) == (PDF, document.sha256)

    async def test_a_second_sending_is_a_second_mail(self, desk: Desk, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document))
        await desk.take(invoice_sent(document, send_no=2))
        await desk.take(invoice_sent(document, send_no=2))
        assert await states(database) == ["queued", "queued"]

    @pytest.mark.parametrize(
        "change", [{"sha256": "0" * 64}, {"content_base64": "not base64!"}, {"content_base64": "AAAA"}]
    )
    async def test_a_document_whose_bytes_are_others_is_parked(
        self, desk: Desk, database: RolledBackDatabase, change: dict[str, Any]
    ) -> None:
        good, bad = document_rendered(), document_rendered(**change)
        await desk.take(good, bad, invoice_sent(bad), invoice_sent(good))
        parked = await rows(database, "SELECT event_type, reason_code FROM parked_events ORDER BY record_offset")
        assert [(row["event_type"], row["reason_code"]) for row in parked] == [
            ("invoice.document_rendered", "document_corrupt"),
            ("invoice.sent", "behind_a_parked_event"),
        ]
        assert await states(database) == ["queued"]

    async def test_a_mail_without_its_document_is_parked(self, desk: Desk, database: RolledBackDatabase) -> None:
        await desk.take(invoice_sent(document_rendered()))
        parked = await one(database, "SELECT reason_code FROM parked_events")
        assert parked["reason_code"] == "document_unknown"
        assert await states(database) == []


class TestInvoiceVoided:
    async def test_stops_what_has_not_left(self, desk: Desk, database: RolledBackDatabase) -> None:
        document, other = document_rendered(), document_rendered()
        await desk.take(document, other, invoice_sent(document), invoice_sent(other))
        await desk.take(invoice_voided(document.invoice_id))
        kept = await rows(database, "SELECT subject_id, state, reason_code FROM messages ORDER BY state")
        assert [tuple(row.values()) for row in kept] == [
            (document.invoice_id, "cancelled", "invoice_voided"),
            (other.invoice_id, "queued", None),
        ]
        assert await published(database) == []

    async def test_in_the_same_batch_too(self, desk: Desk, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document), invoice_voided(document.invoice_id))
        assert await states(database) == ["cancelled"]

    async def test_that_comes_before_the_sending_stops_it_all_the_same(
        self, desk: Desk, database: RolledBackDatabase
    ) -> None:
        document = document_rendered()
        await desk.take(invoice_voided(document.invoice_id))
        await desk.take(document, invoice_sent(document))
        await desk.take(invoice_sent(document, send_no=2))
        assert await states(database) == ["cancelled", "cancelled"]

    async def test_told_twice_is_done_once(self, desk: Desk, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document))
        for _ in range(2):
            await desk.take(invoice_voided(document.invoice_id), invoice_voided(document.invoice_id))
        assert await states(database) == ["cancelled"]
        assert await rows(database, "SELECT 1 FROM parked_events") == []

    async def test_leaves_what_was_accepted(self, desk: Desk, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document))
        async with database.transaction() as session:
            await session.execute(text("UPDATE messages SET state = 'accepted', accepted_at = now()"))
        await desk.take(invoice_voided(document.invoice_id))
        kept = await one(database, "SELECT state, cancelled_at FROM messages")
        assert (kept["state"], kept["cancelled_at"]) == ("accepted", None)


class TestPayoutSent:
    async def test_queues_the_receipt(self, desk: Desk, database: RolledBackDatabase) -> None:
        event = payout_sent()
        await desk.take(event)
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["purpose"], mail["subject_kind"], mail["subject_id"], mail["recipient_email"]) == (
            "payout_receipt",
            "payout",
            event.payout_id,
            "priya.raman@example.test",
        )


class TestAlerts:
    async def test_a_batch_makes_one_mail_that_lists_all(self, desk: Desk, database: RolledBackDatabase) -> None:
        events = [exception_raised() for _ in range(30)]
        records = await desk.take(*events)
        mail = await one(database, "SELECT * FROM messages")
        first_id = next(raw for name, raw in records[0].headers if name == "ce_id")
        assert (mail["subject_kind"], str(mail["subject_id"]).encode()) == ("dispatch.exception_raised", first_id)
        assert mail["recipient_email"] == "ops@waybill.example"
        assert [item["ids"]["lead"] for item in mail["context"]["items"]] == [str(event.lead_id) for event in events]

    async def test_a_flood_is_counted_and_not_listed_whole(self, desk: Desk, database: RolledBackDatabase) -> None:
        await desk.take(*(payout_held() for _ in range(130)))
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["context"]["count"], len(mail["context"]["items"])) == (130, 100)

    async def test_a_later_batch_joins_an_alert_that_still_waits(
        self, desk: Desk, database: RolledBackDatabase
    ) -> None:
        await desk.take(delivery_held())
        await desk.take(delivery_held(), delivery_held())
        mail = await one(database, "SELECT * FROM messages")
        assert mail["context"]["count"] == 3

    async def test_each_kind_has_its_own(self, desk: Desk, database: RolledBackDatabase) -> None:
        await desk.take(exception_raised())
        await desk.take(delivery_held())
        await desk.take(payout_held())
        kinds = [row["subject_kind"] for row in await rows(database, "SELECT subject_kind FROM messages ORDER BY id")]
        assert kinds == ["dispatch.exception_raised", "delivery.held", "payout.held"]

    async def test_what_waits_for_too_long_is_told_by_who_has_it(
        self, desk: Desk, database: RolledBackDatabase
    ) -> None:
        await desk.take(exception_escalated())
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["subject_kind"], mail["purpose"]) == ("dispatch.exception_escalated", "ops_alert")
        [item] = mail["context"]["items"]
        assert item["detail"] == "its mail server refused the address; nobody has it"

    async def test_a_payment_that_is_not_in_the_books_alerts(self, desk: Desk, database: RolledBackDatabase) -> None:
        await desk.take(held := payment_held())
        mail = await one(database, "SELECT * FROM messages")
        (item,) = mail["context"]["items"]
        assert (mail["subject_kind"], item["reason_code"], item["detail"]) == (
            "invoice.payment_held",
            "currency_not_kept",
            "it is in USD",
        )
        assert item["ids"] == {"invoice": str(held.invoice_id), "payment": "pi_3PqT2cLkdIwHu7ix"}

    async def test_a_payment_of_more_than_was_owed_alerts_and_others_do_not(
        self, desk: Desk, database: RolledBackDatabase
    ) -> None:
        await desk.take(payment_recorded())
        assert await rows(database, "SELECT * FROM messages") == []
        await desk.take(payment_recorded(), payment_recorded(customer_credit_cents=1_100))
        mail = await one(database, "SELECT * FROM messages")
        (item,) = mail["context"]["items"]
        assert (item["reason_code"], item["detail"]) == ("over_paid", "$11.00 of $93.50 is the customer's")

    async def test_a_replay_alerts_once(self, desk: Desk, database: RolledBackDatabase) -> None:
        records = await desk.take(exception_raised(), exception_raised())
        await desk.again(records)
        mail = await one(database, "SELECT * FROM messages")
        assert mail["context"]["count"] == 2

    async def test_alerts_of_a_kind_keep_their_distance(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        desk = Desk(database, clock, settings_of("smtp://127.0.0.1:1", alert_interval_seconds=60))
        await desk.take(exception_raised())
        async with database.transaction() as session:
            await session.execute(text("UPDATE messages SET state = 'accepted', accepted_at = now(), attempts = 1"))
        await desk.take(exception_raised())
        waits = await rows(database, "SELECT next_attempt_at - created_at AS wait FROM messages ORDER BY id")
        assert [row["wait"].total_seconds() for row in waits] == [0, 60]
