"""How well what is sold is collected: the measures by their formulas, and the months that they are reckoned from."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape

import pytest

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.domain.collection import MonthEnd, counted_back, figures_of
from services.billing.pages.desk_receivables import sales_outstanding
from services.billing.snapshotting import SnapshotTaker
from tests.billing.arrangements import NOW, SYDNEY, Books, client_state
from tests.billing.arrangements_settlement import void_whole
from tests.billing.desk import Desk
from tests.billing.doors import in_the_journal
from tests.billing.windows import Window

PATH = "/console/receivables/figures"


def month(name: str, days: int, sales: int, owed: int, not_due: int = 0) -> MonthEnd:
    until = date.fromisoformat(f"{name}-01").replace(day=days)
    return MonthEnd(name, days, sales, owed, not_due, None, 0, 0, until, new_id())


JANUARY, FEBRUARY, MARCH = (
    month("2026-01", 31, 30_000, 20_000),
    month("2026-02", 28, 20_000, 24_000),
    month("2026-03", 31, 40_000, 45_000, not_due=27_000),
)


class TestTheMeasures:
    def test_are_of_the_last_month_and_the_two_before_it(self) -> None:
        it = figures_of([month("2025-12", 31, 999_999, 999_999), JANUARY, FEBRUARY, MARCH])
        assert (it.span_sales_cents, it.span_days, it.opening_cents) == (90_000, 90, 24_000)
        assert (it.simple, it.best_possible, it.delinquent) == (45.0, 27.0, 18.0)
        # (240 + 400 - 450) of (240 + 400 - 270).
        assert it.effectiveness == 51.4

    def test_of_nothing_sold_or_paid_are_none(self) -> None:
        it = figures_of([month("2026-03", 31, 0, 0)])
        assert {it.simple, it.best_possible, it.delinquent, it.effectiveness, it.late, it.true} == {None}
        assert it.counted_back == 0

    def test_lateness_is_by_the_invoices_that_were_paid(self) -> None:
        it = figures_of([replace(MARCH, paid_count=4, late_days=10, true_days=12.345)])
        assert (it.late, it.true) == (2.5, 12.3)

    @pytest.mark.parametrize(
        ("owed", "days"),
        [(0, 0.0), (20_000, 15.5), (40_000, 31.0), (45_000, 38.0), (90_000, 90.0), (90_001, None)],
    )
    def test_counts_back_month_by_month(self, owed: int, days: float | None) -> None:
        assert counted_back([JANUARY, FEBRUARY, replace(MARCH, owed_cents=owed)]) == days

    def test_a_month_of_more_credits_than_sales_takes_nothing_off(self) -> None:
        assert counted_back([JANUARY, month("2026-02", 28, -5_000, 0), replace(MARCH, owed_cents=55_000)]) == 74.5


async def three_months(books: Books) -> str:
    """A client that is billed in February, March and April, of which February's is paid ten days late in April."""
    client = client_state(new_id())
    issued = []
    for at, cents in ((datetime(2026, 2, 10, 2, tzinfo=UTC), 28_000), (datetime(2026, 3, 10, 2, tzinfo=UTC), 31_000)):
        books.clock.instant = at
        draft = await books.board_draft(cents, client=client)
        issued.append(await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None))
    books.clock.instant = datetime(2026, 3, 22, 2, tzinfo=UTC)
    await books.pay(issued[0].id, 30_800, "bank 1")
    books.clock.instant = NOW
    await SnapshotTaker(books.database, books.clock, SYDNEY).run(NOW)
    return str(client.id)


class TestTheMonths:
    async def test_are_told_with_what_they_are_reckoned_from(self, books: Books, desk: Desk) -> None:
        account_id = await three_months(books)
        whole = await desk.get("/admin/billing/receivables/figures")
        march, february = whole["months"]
        assert (february["month"], february["sales_cents"], february["simple"]) == ("2026-02", 30_800, 28.0)
        assert (march["opening_cents"], march["owed_cents"], march["span_days"]) == (30_800, 34_100, 59)
        assert (march["counted_back"], march["true"], march["late"]) == (31.0, 21.0, 10.0)
        assert march["effectiveness"] == 100.0
        of_one = await desk.get("/admin/billing/receivables/figures", account_id=account_id)
        assert of_one["months"] == whole["months"]
        unknown = await desk.ask("GET", "/admin/billing/receivables/figures", params={"account_id": str(new_id())})
        assert unknown.status_code == 404

    async def test_stand_on_the_page_with_each_formula(self, books: Books, window: Window) -> None:
        account_id = await three_months(books)
        page = await window.open(f"{PATH}?account_id={account_id}")
        assert "Collection figures of Harbour Bank Ltd" in page
        assert "$341.00 owed ÷ $649.00 of net sales x 59 days" in page
        assert "($308.00 owed before + $341.00 sold - $341.00 owed) ÷ ($308.00 + $341.00 - $341.00 not due yet)" in page
        doors = [unescape(path) for path in re.findall(r'href="(/console/receivables/invoices[^"]*)"', page)]
        assert {f"account_id={account_id}" in path for path in doors} == {True}
        assert "AUD owed on 1 invoice" in await window.open(doors[0])

    async def test_lead_to_the_postings_of_their_sales_and_to_no_later_ones(self, books: Books, window: Window) -> None:
        await three_months(books)
        (_february, march) = await books.rows("SELECT id FROM invoices ORDER BY number")
        await void_whole(books, march.id)
        page = await window.open(PATH)
        doors = [unescape(path) for path in re.findall(r'href="(/console/journal[^"]*kind=credit_given[^"]*)"', page)]
        assert {"snapshot=" in path for path in doors} == {True}
        # Of March alone, of both months, and each month's row.
        assert [await in_the_journal(books, path) for path in doors] == [[34_100], [34_100, 30_800], [34_100], [30_800]]

    async def test_is_one_number_wherever_it_is_told(self, books: Books, window: Window, desk: Desk) -> None:
        await three_months(books)
        [march, february] = (await desk.get("/admin/billing/receivables/figures"))["months"]
        now = (await desk.get("/admin/billing/figures"))["collection"]
        then = (await desk.get("/admin/billing/figures", month="2026-02"))["collection"]
        assert (now["days_sales_outstanding"], now["until"]) == (march["simple"], "2026-03-31") == (31.0, "2026-03-31")
        assert (then["days_sales_outstanding"], then["sales_in_span_cents"]) == (february["simple"], 30_800)
        told = "$341.00 owed ÷ $649.00 of net sales x 59 days, at the end of 31 Mar 2026"
        for path in ("/console/receivables", "/console/billing-figures"):
            page = await window.open(path)
            assert "31.0 days" in page
            assert told in page
        async with books.database.reading() as session:
            card = await sales_outstanding(SYDNEY).read(session, books.clock.now())
        assert (card.value, card.trend) == ("31.0 days", f"{told}; paid 40.0 days after issue")

    async def test_say_what_they_wait_for(self, window: Window) -> None:
        assert "No month has ended yet" in await window.open(PATH)
