"""The figures by which billing is steered: what each counts, of which month, and the rows that its door leads to."""

import re
from datetime import UTC, datetime
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from chassis.console.lists.asking import read_query
from chassis.console.lists.reading import read_totals
from contracts.values import CapReleaseReason, CreditReason, ProductType
from services.billing.commands.deliveries import CapRelease, release_caps
from services.billing.domain.periods import Period
from services.billing.models import Invoice
from services.billing.pages import deliveries
from tests.billing.arrangements import NOW, SYDNEY, Books, march, sent
from tests.billing.arrangements_settlement import client_invoices, void_whole
from tests.billing.desk import Desk, faults
from tests.billing.doors import in_the_journal
from tests.billing.windows import Window

PATH = "/console/billing-figures?month=2026-03"
ZONE = ZoneInfo(SYDNEY.key)


async def busy_march(books: Books) -> None:
    """Three recorded in March at $85.00 and $38.50, one held; one cap released, one credited in April."""
    invoice = await books.issued_invoice()
    released = sent(invoice.account_id, march(20), ProductType.SHARED)
    await books.deliver(released, sent(await books.priced_installer(name="<i>North</i>"), march(31, 23, 59)))
    await books.deliver(sent(await books.installer(), march(5)), sent(invoice.account_id, NOW))
    async with books.unit() as session:
        await release_caps(session, [CapRelease(released.assignment_id, CapReleaseReason.INVALID_LEAD)])
    await books.credit(invoice.id, 850, reason_code=CreditReason.INVALID_CONTACT)


async def an_issue_that_stands(books: Books) -> Invoice:
    """Of $187.00 in April, credited in part since; before it one in March, and one in April that was voided."""
    installer_id = await books.priced_installer()
    books.clock.instant = march(31, 12)
    february = Period.of_month("2026-02", SYDNEY)
    await books.deliver(sent(installer_id, datetime(2026, 2, 10, tzinfo=UTC)))
    (first,) = await books.drafts(february)
    assert first.invoice_id
    await books.issue(first.invoice_id)
    books.clock.instant = NOW
    voided = await books.issued_invoice(sent(installer_id, march(10)))
    await void_whole(books, voided.id)
    standing = await books.issued_invoice(sent(installer_id, march(11)))
    await books.credit(standing.id, 850)
    return standing


class TestTheFigures:
    async def test_count_a_month_of_deliveries_caps_and_prices(self, desk: Desk, books: Books) -> None:
        await busy_march(books)
        told = await desk.get("/admin/billing/figures", month="2026-03")
        assert (told["told_count"], told["recorded_count"], told["held_count"], told["unrecorded_count"]) == (
            4,
            3,
            1,
            0,
        )
        assert told["recorded_share"] == 0.75
        assert [(each["billable_count"], each["price_cents"]) for each in told["products"]] == [(2, 17_000), (1, 3_850)]
        assert told["caps"] == {"used_count": 2, "released_count": 1, "releases": {"invalid_lead": 1}}
        assert [(each["name"], each["exclusive_count"], each["price_cents"]) for each in told["installers"]] == [
            ("Sunny Roofs Pty Ltd", 1, 12_350),
            ("<i>North</i>", 1, 8_500),
        ]
        assert (told["credits"], told["credit_rate"], told["issued_count"]) == ([], None, 0)

    async def test_count_what_was_issued_and_credited_by_its_own_day(self, desk: Desk, books: Books) -> None:
        await busy_march(books)
        told = await desk.get("/admin/billing/figures")
        assert (told["period"], told["issued_cents"], told["issued_subtotal_cents"]) == ("2026-04", 9_350, 8_500)
        assert told["credits"] == [{"reason_code": "invalid_contact", "cents": 850, "cents_before": 0}]
        assert (told["credited_cents"], told["credit_rate"]) == (850, 0.1)
        assert told["products"][0]["billable_count_before"] == 2
        owed = told["collection"]
        assert (owed["outstanding_cents"], owed["days_sales_outstanding"], owed["until"]) == (8_415, None, None)

    async def test_leave_out_what_a_void_invoice_was_credited(self, desk: Desk, window: Window, books: Books) -> None:
        """As they leave out the invoice; the door shows as much."""
        await busy_march(books)
        (other,) = await client_invoices(books, 10_000)
        await books.credit(other, 2_000)
        await void_whole(books, other)
        told = await desk.get("/admin/billing/figures")
        assert (told["credited_cents"], told["issued_subtotal_cents"], told["credit_rate"]) == (850, 8_500, 0.1)
        given = "/console/adjustments?state=approved&kind=credit"
        assert "1 adjustment<" in await window.open(f"{given}&invoice=stands")
        assert "2 adjustments" in await window.open(given)

    async def test_of_a_month_that_is_none_are_refused(self, desk: Desk) -> None:
        answer = await desk.ask("GET", "/admin/billing/figures", params={"month": "2026-13"})
        assert faults(answer) == {"month": "string_pattern_mismatch"}


class TestThePage:
    async def test_has_a_door_to_what_each_number_counts(self, window: Window, books: Books) -> None:
        await busy_march(books)
        page = await window.open(PATH)
        assert "&lt;i&gt;North&lt;/i&gt;" in page
        doors = [unescape(path) for path in re.findall(r'href="(/console/delivery-events\?[^"]*)"', page)]
        counted = {path: await _count(books, path.partition("?")[2]) for path in doors}
        assert counted["/console/delivery-events?month=2026-03"] == 3
        assert counted["/console/delivery-events?month=2026-03&cap=counted"] == 2
        assert counted["/console/delivery-events?month=2026-03&cap_reason=invalid_lead"] == 1
        assert counted["/console/delivery-events?month=2026-03&product=exclusive&status=billable"] == 2
        assert all(counted.values())

    async def test_leads_to_dispatch_for_what_was_delivered_of_it(self, window: Window) -> None:
        page = await window.open(PATH)
        assert "Recorded of told" in page
        assert re.search(r'href="[^"]*/console/dispatch-health"[^>]*>Sent, of what was dispatched', page)

    @pytest.mark.parametrize("path", ["/console/accounts/{id}", "/console/billing-figures"])
    async def test_leads_to_the_issues_that_stand_for_what_was_invoiced(
        self, window: Window, books: Books, path: str
    ) -> None:
        standing = await an_issue_that_stands(books)
        page = await window.open(path.format(id=standing.account_id))
        (door,) = {unescape(each) for each in re.findall(r'href="(/console/journal\?kind=invoice_issued[^"]*)"', page)}
        assert await in_the_journal(books, door) == [18_700]
        assert "$187.00" in page

    async def test_says_so_where_nothing_was_delivered(self, window: Window) -> None:
        page = await window.open(PATH)
        assert "Nothing was delivered in the month" in page
        assert "\N{EN DASH}" in page

    @pytest.mark.parametrize("path", ["/console/accounts/{id}", "/console/desk/billing/about/installer/{id}"])
    async def test_of_an_account_stand_on_its_pages(self, window: Window, books: Books, path: str) -> None:
        invoice = await books.issued_invoice()
        await books.deliver(sent(invoice.account_id, NOW))
        page = await window.open(path.format(id=invoice.account_id))
        assert "April 2026" in page
        assert f"month=2026-04&amp;installer_id={invoice.account_id}&amp;cap=counted" in page
        assert f"/console/overdue?account_id={invoice.account_id}" in page


async def _count(books: Books, query: str) -> int:
    asked = read_query(deliveries.LISTING, query, ZONE)
    async with books.database.reading() as session:
        return (await read_totals(session, asked, books.clock.now())).count
