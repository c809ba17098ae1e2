"""How well what is sold is collected: the measures by their formulas, and the months that they are reckoned from."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.domain.collection import MonthEnd, counted_back, figures_of
from services.billing.snapshotting import SnapshotTaker
from tests.billing.arrangements import NOW, SYDNEY, Books, client_state
from tests.billing.desk import Desk
from tests.billing.windows import Window

PATH = "/console/receivables/figures"


def month(name: str, days: int, sales: int, owed: int, not_due: int = 0) -> MonthEnd:
    until = date.fromisoformat(f"{name}-01").replace(day=days)
    return MonthEnd(name, days, sales, owed, not_due, None, 0, 0, until)


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
        assert f"/console/receivables/invoices?as_of=2026-03-31&amp;account_id={account_id}" in page

    async def test_say_what_they_wait_for(self, window: Window) -> None:
        assert "No month has ended yet" in await window.open(PATH)
