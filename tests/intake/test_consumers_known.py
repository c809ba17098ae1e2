"""What intake keeps of the other services' events, in whatever order they come and however many at once."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any, ClassVar
from uuid import UUID

import pytest

from chassis.database import Database
from chassis.ids import new_id
from services.intake.consumers import dispatches
from services.intake.work import CONSUMERS
from tests.intake.samples import NOW, rows
from tests.intake.telling import ASSIGNMENT, INSTALLER, LEAD, take, take_batch, told
from tests.intake.test_consumers import decided, leads
from tests.kit.databases import RolledBackDatabase
from tests.kit.statements import statements_of


async def only(database: Database, table: str) -> dict[str, Any]:
    (row,) = await rows(database, f"SELECT * FROM {table}")
    return row


def test_subscribes_to_what_a_leads_page_tells_and_to_who_may_own_it() -> None:
    assert {consumer.topic.name for consumer in CONSUMERS} == {
        "billing.deliveries",
        "billing.invoices",
        "identity.operators",
        "notifications.messages",
        "routing.assignments",
        "routing.dispatches",
    }


class TestAssignments:
    WAY: ClassVar[Sequence[tuple[str, int, dict[str, Any]]]] = (
        ("assignment.created", 1, {"installer_name": "Bright Roofs"}),
        ("assignment.sent", 2, {"sent_at": NOW}),
        ("assignment.return_requested", 3, {"reason_code": "out_of_area"}),
        ("assignment.cap_released", 4, {"reason_code": "invalid_lead"}),
    )

    @pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
    async def test_come_to_the_same_in_any_order(self, database: RolledBackDatabase, order: tuple[int, ...]) -> None:
        way = [told(type_, version, **changed) for type_, version, changed in self.WAY]
        await take(database, *(way[place] for place in order))
        kept = await only(database, "lead_assignments")
        assert (kept["status"], kept["cap_status"], kept["cap_reason"]) == ("sent", "released", "invalid_lead")
        assert (kept["installer_name"], kept["sent_at"], kept["return_state"]) == ("Bright Roofs", NOW, "asked")
        assert (kept["lead_id"], kept["installer_id"], kept["version"]) == (LEAD, INSTALLER, 4)

    @pytest.mark.parametrize(
        ("type_", "status", "cap"),
        [
            ("assignment.failed", "failed", "given_back"),
            ("assignment.cancelled", "cancelled", "given_back"),
            ("assignment.returned", "returned", "released"),
        ],
    )
    async def test_that_end_say_so(self, database: RolledBackDatabase, type_: str, status: str, cap: str) -> None:
        await take(database, told("assignment.created", 1), told(type_, 3))
        kept = await only(database, "lead_assignments")
        assert (kept["status"], kept["cap_status"]) == (status, cap)
        assert (kept["returned_at"] is not None) is (status == "returned")

    async def test_a_return_that_was_denied_or_withdrawn_leaves_the_lead_where_it_is(
        self, database: RolledBackDatabase
    ) -> None:
        await take(database, told("assignment.sent", 2), told("assignment.return_requested", 3))
        for version, (type_, state) in enumerate(
            [("assignment.return_denied", "denied"), ("assignment.return_withdrawn", "withdrawn")], start=4
        ):
            await take(database, told(type_, version))
            kept = await only(database, "lead_assignments")
            assert (kept["status"], kept["return_state"], kept["returned_at"]) == ("sent", state, None)

    async def test_many_are_one_statement(self, database: RolledBackDatabase) -> None:
        many = [told("assignment.created", 1, assignment_id=new_id()) for _ in range(40)]
        with statements_of(database.connection.sync_connection) as statements:
            await take_batch(database, *many, *many[:3])
        assert len(statements) == 1
        assert len(await rows(database, "SELECT * FROM lead_assignments")) == 40


class TestDeliveries:
    async def test_one_that_was_held_is_billable_once_it_has_a_price(self, database: RolledBackDatabase) -> None:
        held, recorded = told("delivery.held", 1), told("delivery.recorded", 2, unit_price_cents=4_500)
        await take(database, held)
        assert (await only(database, "lead_deliveries"))["state"] == "held"
        await take(database, recorded, held)
        kept = await only(database, "lead_deliveries")
        assert (kept["state"], kept["unit_price_cents"], kept["reason_code"]) == (
            "billable",
            4_500,
            "no_price_plan",
        )

    @pytest.mark.parametrize(("type_", "state"), [("delivery.credited", "credited"), ("delivery.voided", "void")])
    async def test_an_end_that_came_first_gets_its_beginning(
        self, database: RolledBackDatabase, type_: str, state: str
    ) -> None:
        await take(database, told(type_, 2))
        assert (await only(database, "lead_deliveries"))["lead_id"] is None
        await take(database, told("delivery.recorded", 1, unit_price_cents=4_500))
        kept = await only(database, "lead_deliveries")
        assert (kept["state"], kept["lead_id"], kept["unit_price_cents"], kept["version"]) == (state, LEAD, 4_500, 2)


class TestInvoices:
    async def test_are_known_from_the_draft_to_the_payment(self, database: RolledBackDatabase) -> None:
        states = []
        way: Sequence[tuple[str, dict[str, Any]]] = [
            ("invoice.drafted", {}),
            ("invoice.issued", {"number": "WB-000007"}),
            ("invoice.payment_recorded", {"balance_cents": 100}),
            ("invoice.paid", {"number": "WB-000007"}),
            ("invoice.adjusted", {"adjustment_type": "debit", "balance_cents": 500}),
            ("invoice.paid", {"number": "WB-000007"}),
            ("invoice.payment_reversed", {"balance_cents": 0, "was_paid": False}),
            ("invoice.payment_reversed", {"balance_cents": 500}),
            ("invoice.written_off", {"number": "WB-000007"}),
            ("invoice.write_off_reversed", {"number": "WB-000007"}),
            ("invoice.paid", {"number": "WB-000007"}),
            ("invoice.credit_unapplied", {"balance_cents": 500}),
        ]
        for version, (type_, changed) in enumerate(way, start=1):
            await take(database, told(type_, version, **changed))
            states.append((await only(database, "known_invoices"))["state"])
        assert states[:5] == ["draft", "issued", "partly_paid", "paid", "issued"]
        assert states[5:] == ["paid", "paid", "issued", "written_off", "issued", "paid", "issued"]
        assert (await only(database, "known_invoices"))["number"] == "WB-000007"

    async def test_a_payment_that_leaves_nothing_and_a_credit_say_nothing_of_their_own(
        self, database: RolledBackDatabase
    ) -> None:
        await take(database, told("invoice.issued", 1))
        await take(database, told("invoice.payment_recorded", 2, balance_cents=0))
        await take(database, told("invoice.adjusted", 3, adjustment_type="credit", balance_cents=10))
        assert (await only(database, "known_invoices"))["state"] == "issued"

    async def test_a_delivery_stands_on_the_invoice_that_listed_it_last(self, database: RolledBackDatabase) -> None:
        first, second = new_id(), new_id()
        later = told("invoice.deliveries_listed", 3, **listing(second, "WB-000009", 2))
        earlier = told("invoice.deliveries_listed", 3, **listing(first, "WB-000008", 1))
        await take(database, later, earlier)
        assert (await only(database, "invoiced_deliveries"))["number"] == "WB-000009"
        await take_batch(database, told("invoice.deliveries_listed", 4, **listing(first, "WB-000008", 3)), later)
        assert (await only(database, "invoiced_deliveries"))["invoice_id"] == first


def listing(invoice_id: UUID, number: str, hours: int) -> dict[str, Any]:
    at = NOW + timedelta(hours=hours)
    return {"invoice_id": invoice_id, "number": number, "assignment_ids": (ASSIGNMENT,), "listed_at": at}


class TestMessages:
    async def test_what_became_of_the_mail_is_kept(self, database: RolledBackDatabase) -> None:
        mail = {"purpose": "lead_delivery", "subject_kind": "assignment", "subject_id": ASSIGNMENT}
        id_ = new_id()
        failed = told("message.failed", 2, message_id=id_, smtp_status=550, **mail)
        await take(database, failed, told("message.accepted", 1, message_id=id_, **mail))
        kept = await only(database, "lead_messages")
        assert (kept["outcome"], kept["smtp_status"], kept["assignment_id"]) == ("failed", 550, ASSIGNMENT)

    @pytest.mark.parametrize("came_first", ["message.accepted", "message.bounced"])
    async def test_what_came_back_was_accepted_whichever_is_heard_of_first(
        self, database: RolledBackDatabase, came_first: str
    ) -> None:
        mail = {"purpose": "lead_delivery", "subject_kind": "assignment", "subject_id": ASSIGNMENT}
        id_ = new_id()
        accepted = told("message.accepted", 1, message_id=id_, **mail)
        bounced = told(
            "message.bounced", 2, message_id=id_, enhanced_status="5.2.2", reason_code="mailbox_full", **mail
        )
        for each in sorted((accepted, bounced), key=lambda each: each.envelope.type != came_first):
            await take(database, each)
        kept = await only(database, "lead_messages")
        assert (kept["outcome"], kept["bounce_status"], kept["bounce_reason"], kept["version"]) == (
            "accepted",
            "5.2.2",
            "mailbox_full",
            2,
        )
        assert kept["bounced_at"] is not None

    @pytest.mark.parametrize(("purpose", "kind"), [("ops_alert", "assignment"), ("invoice", "invoice")])
    async def test_other_mails_are_not(self, database: RolledBackDatabase, purpose: str, kind: str) -> None:
        await take(database, told("message.accepted", 1, purpose=purpose, subject_kind=kind))
        assert await rows(database, "SELECT * FROM lead_messages") == []

    async def test_what_tells_of_a_lead_that_one_has_is_kept_with_its_purpose(
        self, database: RolledBackDatabase
    ) -> None:
        id_ = new_id()
        await take(database, told("message.settled", 1, message_id=id_, purpose="return_answer", outcome="failed"))
        await take(database, told("message.settled", 2, message_id=id_, purpose="return_answer", outcome="accepted"))
        kept = await only(database, "lead_messages")
        assert (kept["assignment_id"], kept["purpose"], kept["outcome"]) == (ASSIGNMENT, "return_answer", "accepted")


class TestDecisions:
    async def test_are_kept_once_with_how_many_were_chosen(self, database: RolledBackDatabase) -> None:
        (lead_id,) = await leads(database)
        decision = decided(lead_id, 1, assignments=2)
        async with database.transaction() as session:
            handler = dispatches.CONSUMER.handlers[type(decision.event)]
            await handler(session, [decision])
            await handler(session, [decision])
        kept = await only(database, "lead_decisions")
        assert (kept["lead_id"], kept["candidates"], kept["chosen"], kept["attempt_no"]) == (lead_id, 4, 2, 1)
