"""A draft keeps its Stripe reference until its issue takes it."""

from uuid import UUID

import pytest

from contracts.identity import Role
from services.billing.commands.references import KeepReference, keep_reference
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.voids import VoidReason
from services.billing.errors import NotADraft, StripeReferenceTaken
from tests.billing.arrangements import Books, march, sent
from tests.billing.arrangements_settlement import void_whole
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.desk import Desk, code_of
from tests.billing.fake_stripe import FakeStripe

REFERENCE = "in_1Nxe8TLkdIwHu7ix"


@pytest.fixture
async def draft(books: Books) -> UUID:
    return await books.draft_of(await books.priced_installer())


async def keep(books: Books, invoice_id: UUID, reference: str | None = REFERENCE) -> None:
    async with books.unit() as session:
        await keep_reference(session, KeepReference(invoice_id, reference))


async def test_an_issue_that_names_none_takes_the_one_that_is_kept(desk: Desk, books: Books, draft: UUID) -> None:
    path, body = f"/admin/billing/invoices/{draft}", {"stripe_invoice_id": REFERENCE, "reason": "Made by hand"}
    kept = await desk.do("PUT", f"{path}/stripe-reference", body)
    assert await books.value("SELECT reason_text FROM audit_entries") == "Made by hand"
    assert (kept["status"], kept["stripe_invoice_id"], kept["blockers"]) == ("draft", REFERENCE, [])
    issued = await desk.do("POST", f"{path}/mark-issued", {})
    assert (issued["number"], issued["stripe_invoice_id"]) == ("WB-000001", REFERENCE)


async def test_it_is_taken_back_by_none(books: Books, draft: UUID) -> None:
    await keep(books, draft)
    await keep(books, draft, None)
    assert (await books.invoice(draft)).stripe_invoice_id is None


async def test_two_drafts_do_not_share_one(books: Books, draft: UUID) -> None:
    other = await books.priced_installer()
    await books.deliver(sent(other, march(4)))
    (second,) = [each.invoice_id for each in await books.drafts() if each.installer_id == other]
    assert second is not None
    await keep(books, draft)
    with pytest.raises(StripeReferenceTaken):
        await keep(books, second)


async def test_what_is_issued_keeps_its_own(books: Books) -> None:
    invoice = await books.issued_invoice()
    with pytest.raises(NotADraft):
        await keep(books, invoice.id)


async def test_the_draft_that_follows_a_void_one_may_have_it(books: Books, draft: UUID) -> None:
    await keep(books, draft)
    await void_whole(books, draft, VoidReason.DUPLICATE)
    (again,) = await books.drafts()
    assert again.invoice_id not in {None, draft}
    await keep(books, again.invoice_id)
    assert (await books.invoice(draft)).stripe_invoice_id is None


async def test_a_payment_that_comes_before_the_issue_waits_for_it(books: Books, draft: UUID) -> None:
    await keep(books, draft)
    await webhook(books, "evt_1", REFERENCE)
    await work_off(books, FakeStripe())
    assert await books.value("SELECT state FROM stripe_events") == StripeEventState.UNMATCHED
    await books.issue(draft, stripe_invoice_id=REFERENCE)
    assert await books.value("SELECT state FROM stripe_events") == StripeEventState.PENDING


async def test_it_takes_who_may_move_money(desk: Desk, draft: UUID) -> None:
    body = {"stripe_invoice_id": REFERENCE}
    answer = await desk.ask("PUT", f"/admin/billing/invoices/{draft}/stripe-reference", body, role=Role.EDITOR)
    assert code_of(answer) == "capability_missing"
