"""Issuing: the gate with every blocker, the number, the freeze, the books; and voiding, which turns them back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.commands import deliveries_listed
from services.billing.commands.accounts import SetAccount, apply_account_states, set_account
from services.billing.domain.issuing import StripeFacts
from services.billing.domain.periods import last_second
from services.billing.domain.statuses import DocumentStatus, InvoiceStatus
from services.billing.domain.tax_invoice import Party
from services.billing.domain.voids import VoidReason
from services.billing.errors import (
    AlreadyIssuedOtherwise,
    DueBeforeIssue,
    HasPayments,
    InvoiceNotFound,
    NotADraft,
    NotOfThisKind,
    NotReadyToIssue,
    StripeReferenceTaken,
)
from tests.billing.arrangements import LONG_AGO, NOW, SYDNEY, Books, installer_state, march, sent
from tests.billing.arrangements_settlement import void_whole


async def blockers(books: Books, invoice_id: Any, **changed: Any) -> list[str]:
    with pytest.raises(NotReadyToIssue) as refusal:
        await books.issue(invoice_id, **changed)
    return [error.code for error in refusal.value.errors]


class TestIssueInvoice:
    async def test_gives_a_number_a_due_date_and_a_frozen_face(self, books: Books) -> None:
        invoice = await books.issued_invoice(stripe_invoice_url="https://invoice.stripe.example/i/1")
        assert invoice.number == "WB-000001"
        assert invoice.status is InvoiceStatus.ISSUED
        assert invoice.due_at is not None
        assert invoice.due_at.astimezone(books.house.zone).isoformat() == "2026-04-09T23:59:59+10:00"
        assert (invoice.buyer or {})["name"] == "Sunny Roofs Pty Ltd"
        assert (invoice.seller or {})["abn"] == "51824753556"
        (event,) = await books.published("invoice.issued")
        assert (event["number"], event["total_cents"], event["gst_cents"]) == ("WB-000001", 9_350, 850)
        assert event["stripe_invoice_id"] == invoice.stripe_invoice_id

    async def test_tells_which_deliveries_it_charges(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        issued, listed = await books.published("invoice.issued"), await books.published("invoice.deliveries_listed")
        charged = await books.rows(
            """
            SELECT d.assignment_id FROM delivery_events d JOIN invoice_lines l ON l.delivery_event_id = d.id
             WHERE l.invoice_id = :id ORDER BY l.line_no
            """,
            id=invoice.id,
        )
        assert [(each["number"], each["part_no"]) for each in listed] == [("WB-000001", 1)]
        assert "adjustment_id" not in listed[0]
        assert listed[0]["assignment_ids"] == [str(row.assignment_id) for row in charged]
        assert listed[0]["invoice_id"] == issued[0]["invoice_id"]

    async def test_tells_them_in_parts_where_they_are_many(self, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deliveries_listed, "MOST_IN_A_PART", 1)
        installer_id = await books.priced_installer()
        await books.issued_invoice(sent(installer_id, march(3)), sent(installer_id, march(4)))
        listed = await books.published("invoice.deliveries_listed")
        assert [(each["part_no"], len(each["assignment_ids"])) for each in listed] == [(1, 1), (2, 1)]

    async def test_posts_receivable_revenue_and_gst(self, books: Books) -> None:
        await books.issued_invoice()
        assert await books.trial_balance() == {"receivable": 9_350, "revenue": -8_500, "gst_payable": -850}

    async def test_twice_is_once(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        again = await books.issue(invoice.id, stripe_invoice_id=invoice.stripe_invoice_id)
        assert again.number == invoice.number
        assert len(await books.published("invoice.issued")) == 1
        with pytest.raises(AlreadyIssuedOtherwise):
            await books.issue(invoice.id)

    async def test_numbers_have_no_gap_where_an_issue_fails(self, books: Books) -> None:
        first = await books.issued_invoice()
        draft = await books.draft_of(await books.priced_installer())
        with pytest.raises(StripeReferenceTaken):
            await books.issue(draft, stripe_invoice_id=first.stripe_invoice_id)
        assert (await books.issue(draft)).number == "WB-000002"

    async def test_takes_the_due_day_that_it_is_given_to_its_end(self, books: Books) -> None:
        """So that it is overdue at the same instant wherever that is asked."""
        due_at = NOW + timedelta(days=3)
        day = due_at.astimezone(SYDNEY).date()
        assert (await books.issued_invoice(due_at=due_at)).due_at == last_second(day, SYDNEY)
        draft = await books.draft_of(await books.priced_installer())
        with pytest.raises(DueBeforeIssue):
            await books.issue(draft, due_at=NOW - timedelta(days=1))

    async def test_refuses_what_is_void_unknown_or_of_another_kind(self, books: Books) -> None:
        with pytest.raises(InvoiceNotFound):
            await books.issue(new_id())
        invoice = await books.issued_invoice()
        await void_whole(books, invoice.id)
        with pytest.raises(NotADraft):
            await books.issue(invoice.id)
        with pytest.raises(NotOfThisKind):
            await books.issue(invoice.id, kind=InvoiceKind.CLIENT)

    async def test_an_invoice_for_nothing_is_paid_at_once_and_moves_no_money(self, books: Books) -> None:
        installer_id = await books.priced_installer(0, 0)
        invoice = await books.issue(await books.draft_of(installer_id))
        assert invoice.status is InvoiceStatus.PAID
        assert await books.trial_balance() == {}


class TestGate:
    async def test_names_a_missing_stripe_reference(self, books: Books) -> None:
        draft = await books.draft_of(await books.priced_installer())
        assert await blockers(books, draft, stripe_invoice_id=None) == ["stripe_reference_missing"]
        assert (await books.invoice(draft)).document_status is DocumentStatus.DRAFT

    async def test_names_a_seller_without_identity(self, books: Books) -> None:
        draft = await books.draft_of(await books.priced_installer())
        books.house = replace(books.house, seller=Party("", None))
        assert await blockers(books, draft) == ["seller_name_missing", "seller_abn_missing", "seller_address_missing"]

    async def test_names_a_buyer_without_identity_from_a_thousand_dollars(self, books: Books) -> None:
        installer_id = await books.priced_installer(90_909, name=" ", billing_name=" ", abn=None)
        assert await blockers(books, await books.draft_of(installer_id)) == ["buyer_identity_missing"]
        async with books.unit() as session:
            await apply_account_states(session, [installer_state(installer_id, version=2)], NOW)
        draft = await books.value("SELECT id FROM invoices")
        assert (await books.issue(draft)).number == "WB-000001"

    async def test_names_held_deliveries_and_those_the_draft_lacks(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.plan(installer_id, march(5), 8_500, 3_850)
        draft = await books.draft_of(installer_id)
        await books.deliver(sent(installer_id, march(2)), sent(installer_id, march(20)))
        assert await blockers(books, draft) == ["held_deliveries", "draft_is_stale"]
        await books.plan(installer_id, LONG_AGO, 8_500, 3_850)
        await books.drafts()
        assert (await books.issue(draft)).total_cents == 3 * 9_350

    async def test_names_both_amounts_where_stripe_differs(self, books: Books) -> None:
        draft = await books.draft_of(await books.priced_installer())
        facts = StripeFacts("in_mismatch01", found=True, total_cents=9_351, currency="aud", status="open")
        with pytest.raises(NotReadyToIssue, match=r"ours is \$93\.50, Stripe's is \$93\.51"):
            await books.issue(draft, stripe_invoice_id="in_mismatch01", stripe=facts)
        matching = replace(facts, total_cents=9_350)
        assert (await books.issue(draft, stripe_invoice_id="in_mismatch01", stripe=matching)).number == "WB-000001"

    async def test_names_a_stripe_invoice_of_another_customer(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        async with books.unit() as session:
            await set_account(session, SetAccount(installer_id, None, "cus_sunnyroofs01"), NOW)
        draft = await books.draft_of(installer_id)
        facts = StripeFacts("in_another001", True, 9_350, "aud", "open", "cus_harbourbank")
        assert await blockers(books, draft, stripe_invoice_id="in_another001", stripe=facts) == [
            "stripe_customer_mismatch"
        ]

    async def test_says_who_can_take_each_blocker_away(self, books: Books) -> None:
        installer_id = await books.priced_installer(billing_email="")
        with pytest.raises(NotReadyToIssue) as refusal:
            await books.issue(await books.draft_of(installer_id), stripe_invoice_id=None)
        assert [(error.field, error.code) for error in refusal.value.errors] == [
            ("installer_care", "buyer_email_missing"),
            ("finance", "stripe_reference_missing"),
        ]


class TestVoidInvoice:
    async def test_of_a_draft_lets_its_deliveries_go(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        draft = await books.invoice(await books.draft_of(installer_id))
        voided = await void_whole(books, draft.id, VoidReason.ISSUED_IN_ERROR)
        assert (voided.status, voided.number) == (InvoiceStatus.VOID, None)
        assert await books.trial_balance() == {}
        assert len(await books.drafts()) == 1

    async def test_of_an_issued_one_keeps_its_number_and_turns_the_books_back(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        voided = await void_whole(books, invoice.id, VoidReason.ISSUED_IN_ERROR)
        assert (voided.status, voided.number) == (InvoiceStatus.VOID, "WB-000001")
        assert await books.trial_balance() == {}
        assert await books.value("SELECT count(*) FROM journal_postings") == 2
        (event,) = await books.published("invoice.voided")
        assert (event["number"], event["reason_code"]) == ("WB-000001", "issued_in_error")
        (result,) = await books.drafts()
        assert result.invoice_id is not None
        assert (await books.issue(result.invoice_id)).number == "WB-000002"

    async def test_turns_credits_back_too_and_leaves_credited_deliveries_credited(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        kept = sent(installer_id, march(20))
        invoice = await books.issued_invoice(sent(installer_id, march(10)), kept)
        await books.credit(invoice.id, None, line_no=1)
        await void_whole(books, invoice.id, VoidReason.ISSUED_IN_ERROR)
        assert await books.trial_balance() == {}
        (result,) = await books.drafts()
        assert result.line_count == 1
        billed = await books.value(
            "SELECT assignment_id FROM invoice_lines JOIN delivery_events ON id = delivery_event_id WHERE is_live"
        )
        assert billed == kept.assignment_id

    async def test_rejects_what_still_waits_for_a_second_operator(self, books: Books) -> None:
        installer_id = await books.priced_installer(100_000)
        invoice = await books.issued_invoice(sent(installer_id, march(10)))
        await books.credit(invoice.id, 50_000)
        await void_whole(books, invoice.id, VoidReason.ISSUED_IN_ERROR)
        assert await books.value("SELECT state FROM adjustments") == "rejected"

    async def test_twice_is_once(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await void_whole(books, invoice.id, VoidReason.ISSUED_IN_ERROR)
        await void_whole(books, invoice.id, VoidReason.ISSUED_IN_ERROR)
        assert len(await books.published("invoice.voided")) == 1

    async def test_refuses_once_money_came_in(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await books.pay(invoice.id, 1, "bank 1")
        with pytest.raises(HasPayments):
            await void_whole(books, invoice.id, VoidReason.ISSUED_IN_ERROR)
