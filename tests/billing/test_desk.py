"""What the pages over all services are told of billing."""

from contracts.values import CreditReason, InvoiceKind, ProductType
from services.billing.domain.periods import Period
from services.billing.domain.statuses import EventStatus
from services.billing.queries import desk
from tests.billing.arrangements import INSTALLER_ABN, MARCH, NOW, SYDNEY, Books, march, sent

APRIL = Period.containing(NOW, SYDNEY)


async def test_an_invoice_is_found_by_what_people_know_of_it(books: Books) -> None:
    invoice = await books.issued_invoice()
    await books.board_draft()
    async with books.database.reading() as session:
        for text in ("wb-000001", str(invoice.stripe_invoice_id), str(invoice.id)):
            ((found, name),) = await desk.find_invoices(session, text)
            assert (found.id, name) == (invoice.id, "Sunny Roofs Pty Ltd")
        ((found, _),) = await desk.find_invoices(session, "po-77")
        assert found.kind is InvoiceKind.CLIENT
        assert await desk.find_invoices(session, "%") == []


async def test_an_account_is_found_by_its_name_number_and_mail(books: Books) -> None:
    installer_id = await books.installer()
    async with books.database.reading() as session:
        for text in ("sunny", INSTALLER_ABN, "53 004 085 616", "accounts@sunny", str(installer_id)):
            (found,) = await desk.find_accounts(session, text)
            assert found.id == installer_id


async def test_a_delivery_is_found_by_each_of_its_ids(books: Books) -> None:
    assignment = sent(await books.priced_installer(), march(4))
    await books.deliver(assignment)
    async with books.database.reading() as session:
        for id_ in (assignment.assignment_id, assignment.lead_id):
            assert len(await desk.find_deliveries(session, str(id_))) == 1
        assert await desk.find_deliveries(session, "marrickville") == []


async def test_what_waits_is_counted_with_its_oldest(books: Books) -> None:
    await books.draft_of(await books.priced_installer())
    await books.deliver(sent(await books.installer(), march(3)))
    async with books.database.reading() as session:
        assert await desk.held_queue(session) == desk.Queue(1, NOW)
        assert await desk.draft_queue(session, InvoiceKind.INSTALLER) == desk.Queue(1, NOW)
        assert await desk.draft_queue(session, InvoiceKind.CLIENT) == desk.Queue(0, None)


async def test_the_month_is_summed(books: Books) -> None:
    installer_id = await books.priced_installer()
    shared = sent(installer_id, march(5), ProductType.SHARED)
    invoice = await books.issued_invoice(sent(installer_id, march(4)), shared)
    await books.credit(invoice.id, None, line_no=1)
    async with books.database.reading() as session:
        left = (await books.invoice(invoice.id)).balance_cents
        assert await desk.invoiced_cents(session, APRIL) == left
        assert await desk.invoiced_cents(session, MARCH) == 0
        assert await desk.outstanding(session) == (1, left)
        assert await desk.deliveries_by_status(session, MARCH) == {EventStatus.BILLABLE: 1, EventStatus.CREDITED: 1}
        assert await desk.credited_by_reason(session, MARCH) == {CreditReason.INVALID_CONTACT: 1}
        assert len(await desk.billable_by_product(session, MARCH)) == 1


def test_the_month_before_is_a_month_whatever_the_clocks_do() -> None:
    assert APRIL.previous(SYDNEY) == MARCH
    assert Period.of_month("2026-01", SYDNEY).previous(SYDNEY).name == "2025-12"
