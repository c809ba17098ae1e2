"""Deliveries that came after the issue: charged by a debit that names them, or void; billed once, and never stuck."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.ids import new_id
from contracts.values import AdjustmentType, GstTreatment, ProductType
from services.billing.commands.drafts import DraftOutcome
from services.billing.commands.late_deliveries import VoidDelivery, void_delivery
from services.billing.commands.voids import VoidInvoice, void_invoice
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.statuses import EventStatus
from services.billing.domain.voids import VoidReason
from services.billing.errors import (
    AdjustmentIdTaken,
    AmountNotExpected,
    DeliveriesCostNothing,
    DeliveriesMissing,
    DeliveriesNotExpected,
    DeliveriesNotLate,
    DeliveryIsBilled,
    DeliveryNotFound,
    NotOfThisKind,
    ReasonRefused,
    SecondOperatorNeeded,
    UnknownReason,
)
from services.billing.models import Adjustment, DeliveryEvent, Invoice
from services.billing.queries import documents
from services.billing.rendering import Renderer
from tests.billing.arrangements import MARCH, NOW, SYDNEY, Books, march, sent, words
from tests.billing.arrangements_settlement import client_invoices

LIMIT_CENTS = 20_000


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """March, issued; $93.50 are owed."""
    return await books.issued_invoice()


async def late(books: Books, invoice: Invoice, product: ProductType = ProductType.EXCLUSIVE) -> UUID:
    """A delivery of March that came after the issue."""
    delivery = sent(invoice.account_id, march(31, 23), product)
    await books.deliver(delivery)
    found = await books.value("SELECT id FROM delivery_events WHERE assignment_id = :id", id=delivery.assignment_id)
    return UUID(str(found))


async def charge(books: Books, invoice_id: UUID, *ids: UUID, **changed: Any) -> Adjustment:
    debit = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.LATE_DELIVERY}
    amount_cents = changed.pop("amount_cents", None)
    return await books.credit(invoice_id, amount_cents, delivery_event_ids=frozenset(ids), **debit | changed)


async def void(books: Books, delivery_id: UUID, reason: str = "system_fault") -> DeliveryEvent:
    async with books.unit() as session:
        return await void_delivery(session, VoidDelivery(delivery_id, reason, LIMIT_CENTS), NOW)


async def void_whole(books: Books, invoice: Invoice) -> None:
    async with books.unit() as session:
        await void_invoice(session, VoidInvoice(invoice.id, VoidReason.ISSUED_IN_ERROR, "Robin Field"), NOW)


class TestDebit:
    async def test_charges_what_they_cost_and_the_month_is_done(self, books: Books, invoice: Invoice) -> None:
        ids = [await late(books, invoice), await late(books, invoice, ProductType.SHARED)]
        (before,) = await books.drafts()
        assert (before.outcome, before.code) == (DraftOutcome.FAILED, "late_deliveries")
        debit = await charge(books, invoice.id, *ids)
        assert (debit.ex_gst_cents, debit.gst_cents, debit.number) == (8_500 + 3_850, 1_235, "WB-A-000001")
        assert (await books.invoice(invoice.id)).balance_cents == 9_350 + 13_585
        (after,) = await books.drafts()
        assert after.outcome is DraftOutcome.UNCHANGED
        assert (await books.trial_balance())["receivable"] == 9_350 + 13_585

    async def test_is_told_with_what_it_charges(self, books: Books, invoice: Invoice) -> None:
        ids = [await late(books, invoice), await late(books, invoice)]
        debit = await charge(books, invoice.id, *ids)
        charged = await books.rows("SELECT assignment_id FROM delivery_events WHERE id = ANY(:ids)", ids=ids)
        listed = (await books.published("invoice.deliveries_listed"))[-1]
        assert (listed["adjustment_id"], listed["number"]) == (str(debit.id), "WB-000001")
        assert set(listed["assignment_ids"]) == {str(row.assignment_id) for row in charged}

    async def test_rounds_the_gst_once_for_all_of_them(self, books: Books) -> None:
        invoice = await books.issued_invoice(sent(await books.priced_installer(5, 5), march(3)))
        ids = [await late(books, invoice) for _ in range(3)]
        assert (await charge(books, invoice.id, *ids)).gst_cents == 2

    async def test_takes_prices_as_they_were_agreed(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.plan(installer_id, march(1), 11_000, 5_500, includes_gst=True)
        await books.plan(installer_id, march(31), 5_000, 2_500, gst_treatment=GstTreatment.GST_FREE)
        invoice = await books.issued_invoice(sent(installer_id, march(3)))
        free, inclusive = await late(books, invoice), sent(installer_id, march(20))
        await books.deliver(inclusive)
        found = await books.value("SELECT id FROM delivery_events WHERE assignment_id = :a", a=inclusive.assignment_id)
        debit = await charge(books, invoice.id, free, found)
        assert (debit.ex_gst_cents, debit.gst_cents) == (10_000 + 5_000, 1_000)

    async def test_says_on_its_note_what_it_charges(self, books: Books, invoice: Invoice) -> None:
        debit = await charge(books, invoice.id, await late(books, invoice))
        renderer = Renderer(books.database, books.clock, SYDNEY)
        while await renderer.step():
            continue
        async with books.database.reading() as session:
            note = words((await documents.of_adjustment(session, debit.id)).content)
        assert "Exclusive lead, solar battery, Marrickville NSW 2204 1 $85.00 $85.00 $8.50 $93.50" in note
        assert "Debit inc. GST, AUD $93.50" in note

    async def test_twice_under_one_id_is_once(self, books: Books, invoice: Invoice) -> None:
        first, second, id_ = await late(books, invoice), await late(books, invoice), new_id()
        for _ in range(2):
            await charge(books, invoice.id, first, adjustment_id=id_)
        assert (await books.invoice(invoice.id)).debits_cents == 8_500
        with pytest.raises(AdjustmentIdTaken):
            await charge(books, invoice.id, first, second, adjustment_id=id_)

    async def test_names_each_one_that_it_cannot_charge(self, books: Books, invoice: Invoice) -> None:
        other = await books.issued_invoice()
        await books.deliver(next_month := sent(invoice.account_id, MARCH.end))
        billed = await books.value("SELECT delivery_event_id FROM invoice_lines WHERE invoice_id = :i", i=invoice.id)
        april = await books.value("SELECT id FROM delivery_events WHERE assignment_id = :a", a=next_month.assignment_id)
        charged, others, voided, unknown = (
            await late(books, invoice),
            await late(books, other),
            await late(books, invoice),
            new_id(),
        )
        await charge(books, invoice.id, charged)
        await void(books, voided)
        with pytest.raises(DeliveriesNotLate) as refusal:
            await charge(books, invoice.id, billed, april, charged, others, voided, unknown)
        assert {error.field.split(".")[1]: error.code for error in refusal.value.errors} == {
            str(billed): "delivery_is_billed",
            str(april): "delivery_of_another_period",
            str(charged): "delivery_is_billed",
            str(others): "delivery_of_another_installer",
            str(voided): "delivery_not_billable",
            str(unknown): "delivery_unknown",
        }

    async def test_lets_them_go_with_its_invoice(self, books: Books, invoice: Invoice) -> None:
        id_ = await late(books, invoice)
        await charge(books, invoice.id, id_)
        await void_whole(books, invoice)
        assert await books.trial_balance() == {}
        (result,) = await books.drafts()
        assert (result.outcome, result.line_count) == (DraftOutcome.DRAFTED, 2)

    async def test_asks_for_names_where_they_belong_and_nowhere_else(self, books: Books, invoice: Invoice) -> None:
        id_ = await late(books, invoice)
        with pytest.raises(DeliveriesMissing):
            await charge(books, invoice.id)
        with pytest.raises(AmountNotExpected):
            await charge(books, invoice.id, id_, amount_cents=8_500)
        with pytest.raises(DeliveriesNotExpected):
            await charge(books, invoice.id, id_, amount_cents=1, reason_code=DebitReason.PRICE_CORRECTION)
        with pytest.raises(DeliveriesNotExpected):
            await books.credit(invoice.id, 1, delivery_event_ids=frozenset([id_]))
        (client_invoice,) = await client_invoices(books, 10_000)
        with pytest.raises(NotOfThisKind):
            await charge(books, client_invoice, id_)

    async def test_of_nothing_is_refused(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.plan(installer_id, march(1), 8_500, 0)
        invoice = await books.issued_invoice(sent(installer_id, march(3)))
        with pytest.raises(DeliveriesCostNothing):
            await charge(books, invoice.id, await late(books, invoice, ProductType.SHARED))

    async def test_the_database_bills_a_delivery_once_whatever_the_program_tries(
        self, books: Books, invoice: Invoice
    ) -> None:
        """On a line and by a debit, by two debits, or of another installer."""
        id_, other = await late(books, invoice), await late(books, await books.issued_invoice())
        await charge(books, invoice.id, id_)
        debit = await books.value("SELECT id FROM adjustments")
        billed = await books.value("SELECT delivery_event_id FROM invoice_lines WHERE invoice_id = :i", i=invoice.id)
        statement = (
            "INSERT INTO adjustment_deliveries (adjustment_id, delivery_event_id, ex_gst_cents, gst_cents) "
            "VALUES (:debit, :id, 0, 0)"
        )
        for delivery_id in (billed, other):
            with pytest.raises(DBAPIError):
                async with books.unit() as session:
                    await session.execute(text(statement), {"debit": debit, "id": delivery_id})
        for statement in (
            "UPDATE adjustment_deliveries SET is_live = false",
            "UPDATE delivery_events SET event_status = 'void', credit_reason_code = 'system_fault'",
        ):
            with pytest.raises(DBAPIError):
                async with books.unit() as session:
                    await session.execute(text(statement))


class TestVoidDelivery:
    async def test_takes_it_out_of_the_month_for_good(self, books: Books, invoice: Invoice) -> None:
        delivery = await void(books, await late(books, invoice))
        assert (delivery.event_status, delivery.credit_reason_code) == (EventStatus.VOID, "system_fault")
        (result,) = await books.drafts()
        assert result.outcome is DraftOutcome.UNCHANGED
        (event,) = await books.published("delivery.voided")
        assert (event["reason_code"], event["version"], event["key"]) == (
            "system_fault",
            2,
            str(delivery.assignment_id),
        )

    async def test_before_the_month_is_drafted_leaves_it_out_of_the_draft(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(3)), sent(installer_id, march(4)))
        await void(books, await books.value("SELECT id FROM delivery_events LIMIT 1"))
        (result,) = await books.drafts()
        assert (result.line_count, result.total_cents) == (1, 9_350)

    async def test_twice_is_once(self, books: Books, invoice: Invoice) -> None:
        id_ = await late(books, invoice)
        for _ in range(2):
            await void(books, id_)
        assert len(await books.published("delivery.voided")) == 1

    async def test_refuses_what_is_billed_or_was_credited(self, books: Books, invoice: Invoice) -> None:
        billed = await books.value("SELECT delivery_event_id FROM invoice_lines")
        with pytest.raises(DeliveryIsBilled) as refusal:
            await void(books, billed)
        assert refusal.value.ids["invoice_id"] == str(invoice.id)
        await charge(books, invoice.id, charged := await late(books, invoice))
        with pytest.raises(DeliveryIsBilled):
            await void(books, charged)
        await books.credit(invoice.id, None)
        with pytest.raises(DeliveryIsBilled):
            await void(books, billed)

    async def test_refuses_a_reason_for_which_nothing_is_credited(self, books: Books, invoice: Invoice) -> None:
        id_ = await late(books, invoice)
        with pytest.raises(ReasonRefused):
            await void(books, id_, "did_not_win")
        with pytest.raises(UnknownReason):
            await void(books, id_, "goodwill")

    async def test_over_the_limit_is_no_matter_of_one_operator(self, books: Books) -> None:
        invoice = await books.issued_invoice(sent(await books.priced_installer(18_183), march(3)))
        with pytest.raises(SecondOperatorNeeded, match=r"\$200\.01"):
            await void(books, await late(books, invoice))

    async def test_refuses_an_unknown_one(self, books: Books) -> None:
        with pytest.raises(DeliveryNotFound):
            await void(books, new_id())
