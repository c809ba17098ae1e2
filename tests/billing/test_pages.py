"""What billing's lists are narrowed by, and that a page's SQL says of an invoice what its rules say."""

from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from chassis.console.lists.asking import NotThisList, read_query
from chassis.console.lists.reading import read_page, read_totals
from contracts.values import CapReleaseReason, InvoiceKind
from services.billing.commands.deliveries import CapRelease, release_caps
from services.billing.domain.deliveries import VoidObstacle, obstacle_to_void
from services.billing.domain.statuses import Action, EventStatus, InvoiceStatus, Obstacle, Standing, obstacle_to
from services.billing.models import Invoice
from services.billing.pages import LISTINGS, accounts, client_invoices, deliveries, held, invoices
from services.billing.queries.standings import STATUS, TOTAL_CENTS
from tests.billing.arrangements import NOW, SYDNEY, Books, march, sent
from tests.billing.windows import Window

ZONE = ZoneInfo(SYDNEY.key)
NOBODY = UUID(int=404)


async def found(books: Books, listing: object, query: str) -> tuple[int, dict[str, int]]:
    asked = read_query(listing, query, ZONE)  # type: ignore[arg-type]
    async with books.database.reading() as session:
        totals = await read_totals(session, asked, books.clock.now())
        page = await read_page(session, asked, books.clock.now())
    assert len(page.rows) == totals.count
    return totals.count, dict(totals.sums)


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.name)
async def test_every_tab_and_order_of_every_list_can_be_asked(books: Books, listing: object) -> None:
    queries = [tab.query for tab in listing.tabs]  # type: ignore[attr-defined]
    queries += [f"sort=-{column.name}" for column in listing.columns if column.sorts]  # type: ignore[attr-defined]
    for query in queries:
        assert (await found(books, listing, query))[0] == 0


class TestDeliveries:
    async def test_are_found_by_month_state_and_whether_they_are_invoiced(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.draft_of(installer_id, sent(installer_id, march(1, 0, 30)), sent(installer_id, march(31, 23, 30)))
        await books.deliver(sent(installer_id, march(15)))
        assert await found(books, deliveries.LISTING, "month=2026-03") == (3, {"price": 25_500})
        assert (await found(books, deliveries.LISTING, "month=2026-02"))[0] == 0
        assert (await found(books, deliveries.LISTING, "status=billable&invoiced=no"))[0] == 1
        assert (await found(books, deliveries.LISTING, "invoiced=yes"))[0] == 2
        assert (await found(books, deliveries.LISTING, f"installer_id={installer_id}&q=sunny"))[0] == 3

    async def test_are_found_by_where_they_stand_and_why_their_cap_was_released(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        released = sent(invoice.account_id, march(20))
        await books.draft_of(await books.priced_installer())
        await books.deliver(released)
        async with books.unit() as session:
            await release_caps(session, [CapRelease(released.assignment_id, CapReleaseReason.OPERATOR_ERROR)])
        for query, number in (
            ("invoiced=issued", 1),
            ("invoiced=draft", 1),
            ("invoiced=no&invoiced=draft", 2),
            ("cap_reason=operator_error", 1),
            ("cap_reason=invalid_lead", 0),
            (f"invoice_id={invoice.id}&product=exclusive", 1),
        ):
            assert (await found(books, deliveries.LISTING, query))[0] == number, query

    async def test_are_exported_as_they_are_filtered_and_those_held_are_told_of(
        self, books: Books, window: Window
    ) -> None:
        invoice = await books.issued_invoice()
        await books.deliver(sent(await books.priced_installer(name="North Coast Solar"), march(4)))
        await books.deliver(sent(await books.installer(), march(5)))
        address = f"/console/delivery-events?installer_id={invoice.account_id}"
        assert "1 delivery is held without a price, and not in this list" in await window.open(address)
        answer = await window.send("/console/delivery-events/export", status=200, query=address.partition("?")[2])
        assert "Sunny Roofs" in answer.text
        assert "WB-000001" in answer.text
        assert "North Coast" not in answer.text

    def test_of_no_month_are_not_guessed(self) -> None:
        with pytest.raises(NotThisList) as refused:
            read_query(deliveries.LISTING, "month=March", ZONE)
        assert [fault.field for fault in refused.value.errors] == ["month"]

    async def test_without_a_price_are_told_with_their_installer_or_without(self, books: Books) -> None:
        await books.deliver(sent(await books.installer(), march(3)), sent(NOBODY, march(4)))
        assert (await found(books, held.LISTING, "state=waits"))[0] == 2
        assert (await found(books, held.LISTING, "state=waits&q=sunny"))[0] == 1

    @pytest.mark.parametrize(
        ("status", "is_billed", "cents", "why_not"),
        [
            (EventStatus.BILLABLE, False, 20_000, None),
            (EventStatus.BILLABLE, False, 20_001, VoidObstacle.OVER_THE_LIMIT),
            (EventStatus.BILLABLE, True, 0, VoidObstacle.BILLED),
            (EventStatus.CREDITED, False, 0, VoidObstacle.BILLED),
            (EventStatus.VOID, False, 0, VoidObstacle.VOID),
        ],
    )
    def test_are_voided_by_one_rule(
        self, status: EventStatus, is_billed: bool, cents: int, why_not: VoidObstacle | None
    ) -> None:
        assert obstacle_to_void(status, is_billed=is_billed, inc_gst_cents=cents, limit_cents=20_000) is why_not


class TestInvoices:
    async def test_have_the_state_and_total_in_sql_that_they_have_in_the_rules(self, books: Books) -> None:
        paid, part, credited, untouched, board = [await books.issued_invoice() for _ in range(4)] + [
            await books.invoice(await books.board_draft())
        ]
        await books.pay(paid.id, 9_350, "bank 1")
        await books.pay(part.id, 50, "bank 2")
        await books.credit(credited.id, None)
        async with books.database.reading() as session:
            rows = (await session.execute(select(Invoice, STATUS, TOTAL_CENTS))).all()
        assert {invoice.id for invoice, _, _ in rows} == {each.id for each in (paid, part, credited, untouched, board)}
        for invoice, status, total_cents in rows:
            assert (status, total_cents) == (invoice.status, invoice.adjusted_total_cents)
            own = f"status={invoice.status}&q={invoice.id}"
            listing = client_invoices.LISTING if invoice.kind is InvoiceKind.CLIENT else invoices.LISTING
            assert (await found(books, listing, own))[0] == 1

    async def test_of_a_kind_are_found_by_state_and_day(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await books.board_draft()
        assert await found(books, invoices.LISTING, "status=issued&status=partially_paid") == (
            1,
            {"subtotal": 8_500, "gst": 850, "total": 9_350, "balance": 9_350},
        )
        assert (await found(books, invoices.LISTING, "overdue=true&sort=-balance"))[0] == 0
        books.clock.instant = NOW.replace(month=5)
        assert (await found(books, invoices.LISTING, "overdue=true"))[0] == 1
        assert (await found(books, invoices.LISTING, f"q={invoice.number}&month=2026-03"))[0] == 1
        assert (await found(books, client_invoices.LISTING, "status=draft&quarter=FY2026-Q4"))[0] == 1
        assert (await found(books, client_invoices.LISTING, "quarter=FY2026-Q3"))[0] == 0

    @pytest.mark.parametrize(
        ("action", "kind", "status", "facts", "why_not"),
        [
            (Action.MARK_ISSUED, InvoiceKind.CLIENT, InvoiceStatus.DRAFT, {}, Obstacle.ISSUED_BY_ITS_SENDING),
            (Action.SEND, InvoiceKind.INSTALLER, InvoiceStatus.DRAFT, {}, Obstacle.SENT_BY_ITS_ISSUE),
            (Action.EDIT_LINES, InvoiceKind.CLIENT, InvoiceStatus.ISSUED, {}, Obstacle.NOT_A_DRAFT),
            (Action.RECORD_PAYMENT, InvoiceKind.CLIENT, InvoiceStatus.DRAFT, {}, Obstacle.NOT_ISSUED),
            (Action.RECORD_PAYMENT, InvoiceKind.CLIENT, InvoiceStatus.PAID, {}, Obstacle.SETTLED),
            (Action.APPLY_CREDIT, InvoiceKind.CLIENT, InvoiceStatus.ISSUED, {}, Obstacle.NO_CREDIT),
            (Action.VOID, InvoiceKind.CLIENT, InvoiceStatus.PAID, {"has_money": True}, Obstacle.HAS_MONEY),
            (Action.RESEND, InvoiceKind.CLIENT, InvoiceStatus.ISSUED, {}, Obstacle.NO_DOCUMENT),
            (Action.REDRAFT, InvoiceKind.CLIENT, InvoiceStatus.PAID, {}, Obstacle.NOT_VOID),
            (Action.ADJUST, InvoiceKind.CLIENT, InvoiceStatus.VOID, {}, Obstacle.VOID),
        ],
    )
    def test_say_why_something_cannot_be_done(
        self,
        action: Action,
        kind: InvoiceKind,
        status: InvoiceStatus,
        facts: dict[str, bool],
        why_not: Obstacle,
    ) -> None:
        standing = Standing(kind, status, **{"has_money": False, "has_document": False, **facts})
        assert obstacle_to(action, standing) is why_not


class TestAccounts:
    async def test_tell_what_is_owed_and_who_has_no_price_now(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        unpriced = await books.installer(name="North Coast Solar")
        await books.close_plan(await books.priced_installer(), march(1))
        count, sums = await found(books, accounts.LISTING, "owed_min=0.01&sort=-owed")
        assert (count, sums["owed"]) == (1, invoice.total_cents)
        assert (await found(books, accounts.LISTING, "unpriced=true"))[0] == 2
        assert (await found(books, accounts.LISTING, f"q={unpriced}"))[0] == 1
        assert (await found(books, accounts.LISTING, "q=53 004 085 616"))[0] == 3
