"""Invoices as mail: each with its document, none that was voided before it left."""

from typing import Any

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from tests.kit.databases import RolledBackDatabase
from tests.notifications.inbound import Topics
from tests.notifications.samples import (
    PDF,
    document_rendered,
    invoice_sent,
    invoice_voided,
    one,
    published,
    rows,
    states,
)


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock) -> Topics:
    return Topics(database, clock)


class TestInvoices:
    async def test_the_mail_carries_the_document(self, desk: Topics, database: RolledBackDatabase) -> None:
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

    async def test_each_who_gets_a_copy_gets_one_mail_of_its_own(
        self, desk: Topics, database: RolledBackDatabase
    ) -> None:
        """Whoever is named twice, or is the recipient, gets one; and the event that comes twice makes none anew."""
        document = document_rendered()
        copies = (
            "mia@southernsun.example",
            "MIA@southernsun.example",
            "Accounts@SouthernSun.example",
            "b@a.example",
        )
        sent = invoice_sent(document, copy_to=copies)
        await desk.take(document, sent)
        await desk.take(sent)
        mails = await rows(
            database, "SELECT recipient_email, document_id, context FROM messages ORDER BY recipient_email"
        )
        assert [mail["recipient_email"] for mail in mails] == [
            "accounts@southernsun.example",
            "b@else.example",
            "mia@southernsun.example",
        ]
        assert {mail["document_id"] for mail in mails} == {document.document_id}
        assert all(mail["context"] == mails[0]["context"] for mail in mails)

    async def test_a_second_sending_is_a_second_mail(self, desk: Topics, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document))
        await desk.take(invoice_sent(document, send_no=2))
        await desk.take(invoice_sent(document, send_no=2))
        assert await states(database) == ["queued", "queued"]

    @pytest.mark.parametrize(
        "change", [{"sha256": "0" * 64}, {"content_base64": "not base64!"}, {"content_base64": "AAAA"}]
    )
    async def test_a_document_whose_bytes_are_others_is_parked(
        self, desk: Topics, database: RolledBackDatabase, change: dict[str, Any]
    ) -> None:
        good, bad = document_rendered(), document_rendered(**change)
        await desk.take(good, bad, invoice_sent(bad), invoice_sent(good))
        parked = await rows(database, "SELECT event_type, reason_code FROM parked_events ORDER BY record_offset")
        assert [(row["event_type"], row["reason_code"]) for row in parked] == [
            ("invoice.document_rendered", "document_corrupt"),
            ("invoice.sent", "behind_a_parked_event"),
        ]
        assert await states(database) == ["queued"]

    async def test_a_mail_without_its_document_is_parked(self, desk: Topics, database: RolledBackDatabase) -> None:
        await desk.take(invoice_sent(document_rendered()))
        parked = await one(database, "SELECT reason_code FROM parked_events")
        assert parked["reason_code"] == "document_unknown"
        assert await states(database) == []


class TestInvoiceVoided:
    async def test_stops_what_has_not_left(self, desk: Topics, database: RolledBackDatabase) -> None:
        document, other = document_rendered(), document_rendered()
        await desk.take(document, other, invoice_sent(document), invoice_sent(other))
        await desk.take(invoice_voided(document.invoice_id))
        kept = await rows(database, "SELECT subject_id, state, reason_code FROM messages ORDER BY state")
        assert [tuple(row.values()) for row in kept] == [
            (document.invoice_id, "cancelled", "invoice_voided"),
            (other.invoice_id, "queued", None),
        ]
        assert await published(database) == []

    async def test_in_the_same_batch_too(self, desk: Topics, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document), invoice_voided(document.invoice_id))
        assert await states(database) == ["cancelled"]

    async def test_that_comes_before_the_sending_stops_it_all_the_same(
        self, desk: Topics, database: RolledBackDatabase
    ) -> None:
        document = document_rendered()
        await desk.take(invoice_voided(document.invoice_id))
        await desk.take(document, invoice_sent(document))
        await desk.take(invoice_sent(document, send_no=2))
        assert await states(database) == ["cancelled", "cancelled"]

    async def test_told_twice_is_done_once(self, desk: Topics, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document))
        for _ in range(2):
            await desk.take(invoice_voided(document.invoice_id), invoice_voided(document.invoice_id))
        assert await states(database) == ["cancelled"]
        assert await rows(database, "SELECT 1 FROM parked_events") == []

    async def test_leaves_what_was_accepted(self, desk: Topics, database: RolledBackDatabase) -> None:
        document = document_rendered()
        await desk.take(document, invoice_sent(document))
        async with database.transaction() as session:
            await session.execute(text("UPDATE messages SET state = 'accepted', accepted_at = now()"))
        await desk.take(invoice_voided(document.invoice_id))
        kept = await one(database, "SELECT state, cancelled_at FROM messages")
        assert (kept["state"], kept["cancelled_at"]) == ("accepted", None)
