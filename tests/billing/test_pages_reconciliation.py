"""The rooms of reconciliation: the overview, the differences and one of them, the comparisons, the desk."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.identity import Role
from services.billing.certifying import SCHEDULE, Certifier
from services.billing.domain.reconciliation import CURES, DifferenceKind
from services.billing.measures.differences import measure_differences
from services.billing.models import Invoice
from services.billing.pages import desk_reconciliation
from services.billing.queries.found_differences import FOUND
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_reconciliation import StripeSide, issued_reference, reconcile, work_off_runs
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.fake_stripe import FakeStripe
from tests.billing.test_http_reconciliation import INVOICES, known
from tests.billing.windows import Window
from tests.kit.metrics import gauge

STRIPE, DIFFERENCES = "/console/stripe", "/console/differences"


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
async def difference_id(books: Books, stripe: FakeStripe) -> UUID:
    """An invoice that is a cent dearer at Stripe."""
    invoice = await books.issued_invoice()
    theirs = StripeSide(stripe, NOW - timedelta(hours=2))
    theirs.invoice(issued_reference(invoice), 9_351)
    await reconcile(books, stripe)
    return UUID(str(await books.value("SELECT id FROM differences")))


async def test_the_overview_says_what_cannot_be_compared_and_takes_a_report(books: Books, window: Window) -> None:
    invoice: Invoice = await books.issued_invoice()
    page = await window.open(STRIPE)
    assert "Some of it cannot be compared" in page
    assert "Nothing was compared with Stripe yet." in page
    assert "invoice_payment.paid" in page
    refused = await window.send(f"{STRIPE}/upload", status=422, report="invoices", csv="a,b\n1,2\n")
    assert "these columns are missing" in refused.text
    report = INVOICES.format(id=invoice.stripe_invoice_id, total="93.51") + "," * 70_000 + "\n"
    answer = await window.send(f"{STRIPE}/upload", report="invoices", csv=report)
    await work_off_runs(books, None)
    assert "1 difference was open at its end." in await window.open(answer.headers["Location"])
    assert "1 comparison<" in await window.open("/console/reconciliations")
    await window.send(f"{STRIPE}/review", note="One is being asked about")
    page = await window.open(f"{STRIPE}?done=review")
    assert "A review is due" not in page
    assert f"{DIFFERENCES}?state=open&amp;kind=amount" in page


async def test_the_overview_names_who_sees_to_stripe(books: Books, window: Window) -> None:
    await known(books)
    one = str(UUID(int=41))
    await window.send(f"{STRIPE}/roles", creator_id=one, approver_id=one)
    page = await window.open(STRIPE)
    assert "One person creates and approves" in page
    assert page.count("Chris Checker") >= 2
    await window.send(f"{STRIPE}/roles", creator_id=one)
    assert "One person creates and approves" not in await window.open(STRIPE)
    page = await window.open(STRIPE, Role.EDITOR)
    assert "can do it" in page


async def test_a_difference_shows_both_sides_and_what_can_be_done(
    books: Books, window: Window, difference_id: UUID
) -> None:
    path = f"{DIFFERENCES}/{difference_id}"
    page = await window.open(path)
    assert "Invoice: another amount" in page
    assert ("$93.50" in page, "$93.51" in page, CURES["invoice_amount_differs"].split(":")[0] in page) == (True,) * 3
    assert CURES["invoice_amount_differs"] in await window.open(f"{DIFFERENCES}?state=open")
    await known(books)
    await window.send(f"{path}/assign", owner_id=str(UUID(int=41)))
    assert "Chris Checker" in await window.open(f"{DIFFERENCES}?state=open&owner_id={UUID(int=41)}")
    await window.send(f"{path}/accept", status=422, reason_code="immaterial")
    await window.send(f"{path}/accept", reason_code="immaterial", reason="<b>A cent</b>")
    page = await window.open(path)
    assert "<b>A cent</b>" not in page
    assert "accepted it" in page
    assert CURES["invoice_amount_differs"] not in await window.open(f"{DIFFERENCES}?state=accepted")
    assert "0 differences" in await window.open(f"{DIFFERENCES}?state=open") or "No differences" in await window.open(
        f"{DIFFERENCES}?state=open"
    )


async def test_a_month_closes_with_what_differs_and_with_its_certificate(
    books: Books, window: Window, difference_id: UUID
) -> None:
    path = f"/console/month-close/{await books.value('SELECT period FROM invoices')}/reconcile"
    page = await window.open(path)
    assert f'<a href="{DIFFERENCES}?state=open">1</a>' in page
    assert "1 difference from Stripe to settle" in page
    assert "<dt>Books certified</dt><dd>Never</dd>" in page
    for door in (STRIPE, "/console/certificates/new", "/console/journal/trial-balance"):
        assert f'href="{door}"' in page
    certificate = await Certifier(books.database, books.clock, None).certify(SCHEDULE)
    await window.send(f"{DIFFERENCES}/{difference_id}/accept", reason_code="timing", reason="Rounded there")
    page = await window.open(path)
    assert f'href="/console/certificates/{certificate.id}"' in page
    assert "from Stripe to settle" not in page


async def test_an_invoice_is_named_by_its_number(books: Books, window: Window, stripe: FakeStripe) -> None:
    invoice = await books.issued_invoice()
    theirs = StripeSide(stripe, NOW - timedelta(hours=2))
    theirs.invoice(issued_reference(invoice), 9_350, "paid")
    theirs.charge("pi_never_told", 9_350)
    await reconcile(books, stripe)
    difference_id = await books.value("SELECT id FROM differences WHERE code = 'payment_not_here'")
    path = f"{DIFFERENCES}/{difference_id}"
    unknown = await window.send(f"{path}/record", status=404, invoice="WB-999999")
    assert "no invoice has this number" in unknown.text.lower()
    await window.send(f"{path}/record", invoice=invoice.number or "")
    assert "Gone by itself" in await window.open(f"{path}?done=record")
    assert await books.value("SELECT sum(amount_cents) FROM payments") == 9_350


async def test_many_are_given_to_one_and_accepted_at_once(books: Books, window: Window, difference_id: UUID) -> None:
    await known(books)
    deeds: list[tuple[str, dict[str, Any]]] = [
        ("assign", {"owner_id": str(UUID(int=41))}),
        ("accept", {"reason_code": "timing", "reason": "On its way"}),
    ]
    for action, fields in deeds:
        chosen = await window.send(f"{DIFFERENCES}/bulk", action=action, ids=str(difference_id))
        await window.send(f"{chosen.headers['Location']}/{action}", **fields)
    (row,) = await books.rows("SELECT owner_name, state, reason_text FROM differences")
    assert tuple(row) == ("Chris Checker", "accepted", "On its way")


async def test_events_of_stripes_are_tried_again_or_ignored_many_at_a_time(books: Books, window: Window) -> None:
    stripe = FakeStripe()
    for number in range(2):
        await webhook(books, f"evt_{number}", stripe.add_invoice(100))
    await work_off(books, stripe)
    ids = [str(row.id) for row in await books.rows("SELECT id FROM stripe_events")]
    deeds: list[tuple[str, str, dict[str, Any]]] = [
        ("retry", "pending", {}),
        ("ignore", "ignored", {"reason": "Not ours"}),
    ]
    for action, state, reason in deeds:
        chosen = await window.send("/console/stripe-events/bulk", action=action, ids=ids)
        await window.send(f"{chosen.headers['Location']}/{action}", **reason)
        assert {row.state for row in await books.rows("SELECT state FROM stripe_events")} == {state}
        await work_off(books, stripe)
    assert await books.value("SELECT count(*) FROM audit_entries WHERE action = 'ignore_stripe_event'") == 2


async def test_the_desk_and_the_gauges_tell_of_what_is_open_and_for_how_long(
    books: Books, stripe: FakeStripe, difference_id: UUID
) -> None:
    books.clock.advance(timedelta(hours=25))
    async with books.database.reading() as session:
        backlog = await desk_reconciliation.DIFFERENCES.count(session, books.clock.now())
        due = await desk_reconciliation.REVIEW.count(session, books.clock.now())
        figure = await desk_reconciliation.CLEARING.read(session, books.clock.now())
        await measure_differences(books.clock)(session)
    assert (backlog.number, backlog.oldest, due.number) == (1, NOW, 1)
    assert (figure.value, figure.trend) == ("Nothing", "As Stripe said last")
    ages = {kind: gauge("waybill_stripe_differences_oldest_age_seconds", kind=kind) for kind in DifferenceKind}
    assert ages == {kind: 25 * 3600 if kind is DifferenceKind.AMOUNT else 0 for kind in DifferenceKind}
    assert gauge("waybill_stripe_differences_open", kind="amount") == 1
    assert gauge("waybill_stripe_compared_timestamp_seconds") == NOW.timestamp()


def test_each_kind_of_difference_has_its_cure() -> None:
    suffixes = ("_not_here", "_not_at_stripe", "_amount_differs", "_state_differs")
    abouts = {code.removesuffix(suffix) for code in CURES for suffix in suffixes if code.endswith(suffix)}
    assert abouts == {"invoice", "payment", "refund", "credit_note", "transfer", "movement", "balance"}
    assert all(f"'{about}'" in FOUND for about in abouts)
