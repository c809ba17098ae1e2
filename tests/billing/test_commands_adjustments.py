"""Credits and debits: for decided reasons alone, linked to lines, over the limit with a second operator."""

import pytest

from chassis.ids import new_id
from contracts.values import AdjustmentType, GstTreatment, InvoiceKind
from services.billing.commands.client_invoices import DraftLine, SetLines, set_lines
from services.billing.domain.adjustments import DebitReason, RefusedReason
from services.billing.domain.statuses import AdjustmentState, InvoiceStatus
from services.billing.errors import (
    AdjustmentDecided,
    AdjustmentIdTaken,
    AmountMissing,
    CreditTooLarge,
    LineNotFound,
    MakerCannotApprove,
    NotIssued,
    ReasonRefused,
    UnknownReason,
)
from services.billing.models import Adjustment, Invoice
from tests.billing.arrangements import CHECKER, MAKER, Books, march, sent
from tests.billing.arrangements_settlement import approve, reject, void_whole


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """Three exclusive leads of $85.00 ex GST."""
    installer_id = await books.priced_installer()
    return await books.issued_invoice(*(sent(installer_id, march(day)) for day in (3, 4, 5)))


class TestCredit:
    async def test_reduces_what_is_owed_with_its_gst_and_keeps_the_face(self, books: Books, invoice: Invoice) -> None:
        adjustment = await books.credit(invoice.id, 8_500, line_no=2)
        assert (adjustment.state, adjustment.number) == (AdjustmentState.APPROVED, "WB-A-000001")
        after = await books.invoice(invoice.id)
        assert (after.credits_cents, after.adjusted_gst_cents, after.balance_cents) == (8_500, -850, 18_700)
        assert after.total_cents == invoice.total_cents
        (event,) = await books.published("invoice.adjusted")
        assert (event["amount_cents"], event["gst_cents"], event["balance_cents"]) == (8_500, 850, 18_700)
        assert (await books.trial_balance())["credits_given"] == 8_500

    async def test_of_a_whole_line_credits_its_delivery(self, books: Books, invoice: Invoice) -> None:
        await books.credit(invoice.id, None, line_no=2, reason_code="duplicate_dispatch")
        rows = await books.rows("SELECT event_status, credit_reason_code, cap_status FROM delivery_events ORDER BY 1")
        assert [tuple(row) for row in rows] == [
            ("billable", None, "counted"),
            ("billable", None, "counted"),
            ("credited", "duplicate_dispatch", "counted"),
        ]
        (event,) = await books.published("delivery.credited")
        assert (event["reason_code"], event["version"]) == ("duplicate_dispatch", 2)

    async def test_in_parts_of_a_line_credits_its_delivery_with_the_last_part(
        self, books: Books, invoice: Invoice
    ) -> None:
        await books.credit(invoice.id, 3_333, line_no=1)
        assert await books.published("delivery.credited") == []
        await books.credit(invoice.id, 5_167, line_no=1)
        assert len(await books.published("delivery.credited")) == 1
        assert await books.value("SELECT sum(gst_cents)::int FROM adjustment_lines WHERE line_no = 1") == 850

    async def test_without_a_line_is_shared_out_over_what_is_left(self, books: Books, invoice: Invoice) -> None:
        await books.credit(invoice.id, None, line_no=3)
        await books.credit(invoice.id, 1_001)
        rows = await books.rows("SELECT line_no, ex_gst_cents FROM adjustment_lines WHERE line_no < 3 ORDER BY 1")
        assert [tuple(row) for row in rows] == [(1, 501), (2, 500)]

    async def test_of_all_leaves_nothing_to_pay_and_nothing_paid(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await books.credit(invoice.id, None)
        after = await books.invoice(invoice.id)
        assert (after.balance_cents, after.status, after.paid_at) == (0, InvoiceStatus.PAID, None)
        assert await books.published("invoice.paid") == []

    async def test_of_the_rest_after_a_payment_makes_it_paid(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await books.pay(invoice.id, 8_250, "bank 1")
        await books.credit(invoice.id, 1_000)
        assert len(await books.published("invoice.paid")) == 1

    @pytest.mark.parametrize("reason", list(RefusedReason))
    async def test_refuses_sales_outcomes_by_name(self, books: Books, invoice: Invoice, reason: str) -> None:
        with pytest.raises(ReasonRefused, match=reason):
            await books.credit(invoice.id, 100, reason_code=reason)

    async def test_refuses_reasons_that_nobody_decided(self, books: Books, invoice: Invoice) -> None:
        with pytest.raises(UnknownReason, match="invalid_contact"):
            await books.credit(invoice.id, 100, reason_code="goodwill")

    async def test_refuses_more_than_the_line_or_the_invoice_has(self, books: Books, invoice: Invoice) -> None:
        with pytest.raises(CreditTooLarge, match=r"\$85\.01 .* \$85\.00"):
            await books.credit(invoice.id, 8_501, line_no=1)
        with pytest.raises(CreditTooLarge):
            await books.credit(invoice.id, 25_501)
        with pytest.raises(LineNotFound):
            await books.credit(invoice.id, 100, line_no=4)

    async def test_refuses_a_draft(self, books: Books) -> None:
        draft = await books.draft_of(await books.priced_installer())
        with pytest.raises(NotIssued):
            await books.credit(draft, 100)

    async def test_sent_twice_under_one_id_is_one(self, books: Books, invoice: Invoice) -> None:
        id_ = new_id()
        first = await books.credit(invoice.id, 100, adjustment_id=id_)
        assert (await books.credit(invoice.id, 100, adjustment_id=id_)).number == first.number
        assert (await books.invoice(invoice.id)).credits_cents == 100
        other = await books.issued_invoice()
        for id_of, amount, changed in (
            (invoice.id, 101, {}),
            (invoice.id, None, {}),
            (invoice.id, 100, {"line_no": 1}),
            (invoice.id, 100, {"notes": "Another"}),
            (invoice.id, 100, {"reason_code": "system_fault"}),
            (invoice.id, 100, {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION}),
            (other.id, 100, {}),
        ):
            with pytest.raises(AdjustmentIdTaken):
                await books.credit(id_of, amount, adjustment_id=id_, **changed)

    async def test_of_all_sent_twice_is_one_though_nothing_is_left(self, books: Books, invoice: Invoice) -> None:
        id_ = new_id()
        for _ in range(2):
            assert (await books.credit(invoice.id, None, line_no=1, adjustment_id=id_)).ex_gst_cents == 8_500
        with pytest.raises(AdjustmentIdTaken):
            await books.credit(invoice.id, 8_500, line_no=1, adjustment_id=id_)


class TestCreditOfADiscount:
    """A client's invoice whose lines take something off: nobody is given back what was never paid."""

    async def issued(self, books: Books, *lines: DraftLine) -> Invoice:
        draft = await books.board_draft()
        async with books.unit() as session:
            await set_lines(session, SetLines(draft, 1, lines))
        return await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)

    @pytest.mark.parametrize(
        ("lines", "credited"),
        [
            pytest.param([DraftLine("Board", 1, 1_000), DraftLine("Goodwill", 1, -200)], (800, 80), id="a discount"),
            pytest.param(
                [
                    DraftLine("Board", 1, 1_000),
                    DraftLine("Travel", 1, 1_000, GstTreatment.GST_FREE),
                    DraftLine("Goodwill", 1, -1_000),
                ],
                (1_000, 0),
                id="of all that is taxable",
            ),
        ],
    )
    async def test_of_all_is_what_the_invoice_comes_to(
        self, books: Books, lines: list[DraftLine], credited: tuple[int, int]
    ) -> None:
        invoice = await self.issued(books, *lines)
        adjustment = await books.credit(invoice.id, None)
        assert (adjustment.ex_gst_cents, adjustment.gst_cents) == credited
        assert (await books.invoice(invoice.id)).balance_cents == 0
        assert await books.trial_balance() == {"revenue": -credited[0], "credits_given": credited[0]}

    async def test_explicitly_of_all_is_the_same(self, books: Books) -> None:
        invoice = await self.issued(books, DraftLine("Board", 1, 1_000), DraftLine("Goodwill", 1, -200))
        with pytest.raises(CreditTooLarge, match=r"\$8\.01 .* \$8\.00"):
            await books.credit(invoice.id, 801)
        await books.credit(invoice.id, 800)
        assert (await books.invoice(invoice.id)).balance_cents == 0


class TestSecondOperator:
    @pytest.fixture
    async def pending(self, books: Books, invoice: Invoice) -> Adjustment:
        """$200.20 with GST: over the limit."""
        return await books.credit(invoice.id, 18_200)

    async def test_is_not_needed_at_the_limit(self, books: Books, invoice: Invoice) -> None:
        assert (await books.credit(invoice.id, 18_182)).state is AdjustmentState.APPROVED
        assert await books.published("invoice.adjustment_asked") == []

    async def test_is_waited_for_over_the_limit(self, books: Books, invoice: Invoice, pending: Adjustment) -> None:
        assert (pending.state, pending.number, pending.inc_gst_cents) == (AdjustmentState.PENDING, None, 20_020)
        assert (await books.invoice(invoice.id)).credits_cents == 0
        assert await books.published("invoice.adjusted") == []
        (asked,) = await books.published("invoice.adjustment_asked")
        assert (asked["state"], asked["adjustment_id"]) == ("pending", str(pending.id))
        assert (asked["amount_cents"], asked["gst_cents"], asked["number"]) == (18_200, 1_820, invoice.number)

    async def test_puts_it_into_the_books(self, books: Books, invoice: Invoice, pending: Adjustment) -> None:
        approved = await approve(books, pending.id, CHECKER)
        assert (approved.state, approved.decided_by_id) == (AdjustmentState.APPROVED, CHECKER.id)
        assert (await books.invoice(invoice.id)).balance_cents == 28_050 - 20_020
        await approve(books, pending.id, CHECKER)
        assert len(await books.published("invoice.adjusted")) == 1
        assert len(await books.published("invoice.adjustment_asked")) == 1

    async def test_is_not_the_maker(self, books: Books, pending: Adjustment) -> None:
        with pytest.raises(MakerCannotApprove):
            await approve(books, pending.id, MAKER)

    async def test_agrees_to_no_more_than_is_left_by_then(
        self, books: Books, invoice: Invoice, pending: Adjustment
    ) -> None:
        await books.credit(invoice.id, 8_500, line_no=1)
        with pytest.raises(CreditTooLarge):
            await approve(books, pending.id, CHECKER)

    async def test_agrees_after_the_payment_all_the_same(
        self, books: Books, invoice: Invoice, pending: Adjustment
    ) -> None:
        await books.pay(invoice.id, 28_050, "bank 1")
        await approve(books, pending.id, CHECKER)
        assert (await books.invoice(invoice.id)).customer_credit_cents == 20_020

    async def test_may_say_no_for_good(self, books: Books, pending: Adjustment) -> None:
        assert (await reject(books, pending.id, CHECKER)).state is AdjustmentState.REJECTED
        await reject(books, pending.id, CHECKER)
        with pytest.raises(AdjustmentDecided):
            await approve(books, pending.id, CHECKER)
        told = await books.published("invoice.adjustment_asked")
        assert [event["state"] for event in told] == ["pending", "rejected"]

    async def test_of_an_invoice_that_is_voided_is_turned_down(
        self, books: Books, invoice: Invoice, pending: Adjustment
    ) -> None:
        await void_whole(books, invoice.id)
        told = await books.published("invoice.adjustment_asked")
        assert [(event["state"], event["adjustment_id"]) for event in told] == [
            ("pending", str(pending.id)),
            ("rejected", str(pending.id)),
        ]

    async def test_cannot_take_back_what_is_in_the_books(self, books: Books, pending: Adjustment) -> None:
        await approve(books, pending.id, CHECKER)
        with pytest.raises(AdjustmentDecided):
            await reject(books, pending.id, CHECKER)


class TestDebit:
    DEBIT = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION, "notes": "As agreed in May"}

    async def test_adds_to_what_is_owed(self, books: Books, invoice: Invoice) -> None:
        await books.credit(invoice.id, 3_850, **self.DEBIT)
        after = await books.invoice(invoice.id)
        assert (after.debits_cents, after.adjusted_gst_cents, after.balance_cents) == (3_850, 385, 28_050 + 4_235)
        assert (await books.trial_balance())["revenue"] == -(25_500 + 3_850)

    async def test_names_its_amount_and_a_reason_of_its_own(self, books: Books, invoice: Invoice) -> None:
        with pytest.raises(AmountMissing):
            await books.credit(invoice.id, None, **self.DEBIT)
        with pytest.raises(UnknownReason):
            await books.credit(invoice.id, 100, **self.DEBIT | {"reason_code": "invalid_contact"})
