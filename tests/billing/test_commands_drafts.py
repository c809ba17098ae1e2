"""Closing a month: drafts that are idempotent, exact to the cent, and say what they could not do."""

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.values import GstTreatment, ProductType
from services.billing.commands.drafts import DraftOutcome
from services.billing.commands.pricing import SentAssignment
from services.billing.domain import gst
from services.billing.domain.gst import Priced
from services.billing.domain.periods import Period
from services.billing.domain.voids import VoidReason
from services.billing.errors import MonthHasHeldDeliveries, PeriodNotEnded
from services.billing.queries import periods
from tests.billing.arrangements import LONG_AGO, MARCH, SYDNEY, Books, march, sent
from tests.billing.arrangements_settlement import void_whole

LINES = "SELECT * FROM invoice_lines ORDER BY invoice_id, line_no"


class TestGenerateDrafts:
    async def test_makes_one_invoice_per_installer_with_a_line_per_delivery(self, books: Books) -> None:
        first, second = await books.priced_installer(8_500, 3_850), await books.priced_installer(9_000, 4_000)
        await books.deliver(
            sent(first, march(3)), sent(first, march(2), ProductType.SHARED), sent(second, march(30, 23, 59))
        )
        results = {result.installer_id: result for result in await books.drafts()}
        assert results.keys() == {first, second}
        assert (results[first].outcome, results[first].line_count) == (DraftOutcome.DRAFTED, 2)
        assert results[first].total_cents == 8_500 + 3_850 + 1_235
        invoice = await books.invoice(results[first].invoice_id or new_id())
        assert (invoice.subtotal_cents, invoice.gst_cents, invoice.total_cents) == (12_350, 1_235, 13_585)
        assert (invoice.period, invoice.number, invoice.document_status) == ("2026-03", None, "draft")
        lines = [line for line in await books.rows(LINES) if line.invoice_id == invoice.id]
        assert [line.description for line in lines] == [
            "Shared lead, solar battery, Marrickville NSW 2204",
            "Exclusive lead, solar battery, Marrickville NSW 2204",
        ]
        events = await books.published("invoice.drafted")
        assert {event["installer_id"] for event in events} == {str(first), str(second)}

    async def test_refuses_a_period_that_has_not_ended(self, books: Books) -> None:
        books.clock.instant = MARCH.end - timedelta(microseconds=1)
        with pytest.raises(PeriodNotEnded):
            await books.drafts()
        books.clock.instant = MARCH.end
        assert await books.drafts() == []

    async def test_takes_the_month_half_open_in_the_zone_of_the_business(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        inside = [MARCH.start, MARCH.end - timedelta(microseconds=1)]
        outside = [MARCH.start - timedelta(microseconds=1), MARCH.end]
        await books.deliver(*(sent(installer_id, at) for at in [*inside, *outside]))
        (result,) = await books.drafts()
        assert result.line_count == 2

    @pytest.mark.parametrize(("name", "hours"), [("2026-04", 721), ("2026-10", 743)], ids=["ends", "begins"])
    async def test_counts_each_hour_of_a_month_in_which_daylight_saving_ends_or_begins(
        self, books: Books, name: str, hours: int
    ) -> None:
        """One delivery in each hour is on its invoice, and one each on its neighbours': none lost or doubled."""
        installer_id, month = await books.priced_installer(), Period.of_month(name, SYDNEY)
        assert int((month.end - month.start) / timedelta(hours=1)) == hours
        await books.deliver(*(sent(installer_id, month.start + timedelta(hours=n)) for n in range(-1, hours + 1)))
        number = int(name[-2:])
        months = [Period.of_month(f"2026-{number + step:02}", SYDNEY) for step in (-1, 0, 1)]
        books.clock.instant = months[-1].end
        counts = [[result.line_count for result in await books.drafts(one)] for one in months]
        assert counts == [[1], [hours], [1]]

    async def test_again_changes_nothing(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(3)))
        (first,) = await books.drafts()
        lines = await books.rows(LINES)
        (second,) = await books.drafts()
        assert (second.outcome, second.invoice_id) == (DraftOutcome.UNCHANGED, first.invoice_id)
        assert await books.rows(LINES) == lines
        assert len(await books.published("invoice.drafted")) == 1

    async def test_writes_a_draft_anew_for_deliveries_that_came_late(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(3)))
        (first,) = await books.drafts()
        await books.deliver(sent(installer_id, march(1)))
        (second,) = await books.drafts()
        assert (second.outcome, second.invoice_id) == (DraftOutcome.REDRAFTED, first.invoice_id)
        assert second.line_count == 2
        assert [line.line_no for line in await books.rows(LINES)] == [1, 2]
        assert [event["version"] for event in await books.published("invoice.drafted")] == [1, 2]

    async def test_names_deliveries_that_came_after_the_issue(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        invoice = await books.issue(await books.draft_of(installer_id))
        await books.deliver(sent(installer_id, march(5)))
        (result,) = await books.drafts()
        assert (result.outcome, result.code, result.invoice_id) == (DraftOutcome.FAILED, "late_deliveries", invoice.id)
        assert (await books.invoice(invoice.id)).total_cents == invoice.total_cents

    async def test_an_issued_month_with_nothing_new_is_done(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.issue(await books.draft_of(installer_id))
        (result,) = await books.drafts()
        assert result.outcome is DraftOutcome.UNCHANGED

    async def test_refuses_the_month_while_deliveries_are_held_and_names_them(self, books: Books) -> None:
        priced, unpriced = await books.priced_installer(), await books.installer()
        held = sent(unpriced, march(3))
        await books.deliver(sent(priced, march(3)), held)
        with pytest.raises(MonthHasHeldDeliveries) as refusal:
            await books.drafts()
        assert [error.field for error in refusal.value.errors] == [f"assignments.{held.assignment_id}"]
        assert await books.value("SELECT count(*) FROM invoices") == 0
        assert [result.installer_id for result in await books.drafts(installer_ids=[priced])] == [priced]
        await books.plan(unpriced, LONG_AGO, 8_500, 3_850)
        assert [result.outcome for result in await books.drafts(installer_ids=[unpriced])] == [DraftOutcome.DRAFTED]

    async def test_a_held_delivery_of_another_month_stands_in_nobodys_way(self, books: Books) -> None:
        await books.deliver(sent(await books.priced_installer(), march(3)), sent(await books.installer(), MARCH.end))
        assert len(await books.drafts()) == 1

    async def test_bills_again_what_a_void_invoice_let_go(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        first = await books.draft_of(installer_id)
        await void_whole(books, first, VoidReason.DUPLICATE)
        (result,) = await books.drafts()
        assert result.outcome is DraftOutcome.DRAFTED
        assert result.invoice_id != first


def scattered(installer_ids: list[UUID], count: int) -> list[SentAssignment]:
    """Deliveries of both products all over March, in no order."""
    return [
        sent(
            installer_ids[n % len(installer_ids)],
            MARCH.start + timedelta(minutes=n * 9_973 % 43_000),
            list(ProductType)[n * 31 % 7 % 2],
        )
        for n in range(count)
    ]


class TestAmounts:
    async def test_the_statement_and_the_rule_in_python_agree_line_by_line(self, books: Books) -> None:
        """A month of odd prices, with and without GST inside, GST-free ones between."""
        installer_id = await books.installer()
        for n in range(10):
            await books.plan(
                installer_id,
                MARCH.start + timedelta(days=3 * n),
                n * 7_919 % 9_999 + 1,
                n * 6_367 % 9_999 + 1,
                gst_treatment=GstTreatment.GST_FREE if n % 4 == 3 else GstTreatment.TAXABLE,
                includes_gst=n % 3 == 1,
            )
        await books.deliver(*scattered([installer_id], 300))
        preview = await self.preview(books)
        (result,) = await books.drafts()
        lines = await books.rows(LINES)
        split = gst.split_gst(
            [Priced(line.unit_price_cents, GstTreatment(line.gst_treatment), line.includes_gst) for line in lines]
        )
        assert [(line.ex_gst_cents, line.gst_cents) for line in lines] == [(a.ex_gst_cents, a.gst_cents) for a in split]
        invoice = await books.invoice(result.invoice_id or new_id())
        total = gst.total(split)
        assert (invoice.subtotal_cents, invoice.gst_cents) == (total.ex_gst_cents, total.gst_cents)
        assert preview == total
        assert all(before.line_no < after.line_no for before, after in pairwise(lines))

    async def preview(self, books: Books) -> gst.Amounts:
        async with books.database.reading() as session:
            (preview,) = await periods.preview(session, MARCH, None)
        return preview.amounts

    async def test_lines_sum_to_each_invoice_of_a_whole_month(self, books: Books) -> None:
        installers = [await books.priced_installer(3_333 + n, 1_111 + n) for n in range(5)]
        await books.deliver(*scattered(installers, 200))
        await books.drafts()
        differing = await books.rows(
            "SELECT id FROM invoices JOIN invoice_lines ON invoice_id = id GROUP BY id "
            "HAVING sum(ex_gst_cents) <> subtotal_cents OR sum(invoice_lines.gst_cents) <> invoices.gst_cents "
            "OR sum(inc_gst_cents) <> total_cents"
        )
        assert differing == []


class TestPreview:
    async def test_is_possible_before_the_month_ends_and_changes_nothing(self, books: Books) -> None:
        books.clock.instant = march(15)
        priced, unpriced = await books.priced_installer(name="Alpha Solar"), await books.installer(name="Zeta Solar")
        await books.deliver(
            sent(priced, march(3)), sent(priced, march(4), ProductType.SHARED), sent(unpriced, march(5))
        )
        async with books.database.reading() as session:
            alpha, zeta = await periods.preview(session, MARCH, None)
        assert (alpha.installer_id, alpha.installer_name, alpha.unbilled_count) == (priced, "Alpha Solar", 2)
        assert alpha.amounts.inc_gst_cents == 13_585
        assert (zeta.held_count, zeta.amounts.inc_gst_cents) == (1, 0)
        assert await books.value("SELECT count(*) FROM invoices") == 0

    async def test_says_which_invoice_there_is(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        invoice_id = await books.draft_of(installer_id)
        async with books.database.reading() as session:
            (preview,) = await periods.preview(session, MARCH, [installer_id])
        assert (preview.invoice_id, preview.unbilled_count) == (invoice_id, 0)
