"""Snapshots of the receivables: what they hold, that they are kept as they were, and what time asks for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.audit import SYSTEM
from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.commands.receivables import TakenSnapshot, TakeSnapshot, snapshot_after_issue, take_snapshot
from services.billing.domain.ageing import Aged
from services.billing.domain.receivables import (
    SnapshotKind,
    begun_weeks,
    ended_months,
    month_of,
    trends,
    week_before,
    week_began,
    weekly_trends,
)
from services.billing.errors import SnapshotIdTaken, SnapshotInTheFuture
from services.billing.queries import snapshots
from services.billing.snapshotting import SnapshotTaker
from tests.billing.arrangements import NOW, SYDNEY, Books, client_state
from tests.billing.arrangements_settlement import approve, client_invoices, void_whole
from tests.billing.arrangements_stripe import pay_at_stripe
from tests.billing.credits import ask, issued, proposed
from tests.billing.taken_back import reverse_payment
from tests.billing.test_pages_receivables import owing

APRIL_BEGINS = datetime(2026, 4, 1, tzinfo=SYDNEY).astimezone(UTC)


async def taken(books: Books, kind: SnapshotKind = SnapshotKind.BY_HAND, **changed: Any) -> TakenSnapshot:
    async with books.unit() as session:
        command = TakeSnapshot(kind, "Robin Field", **changed)
        return await take_snapshot(session, command, SYDNEY, books.clock.now())


class TestItsCalendar:
    def test_a_week_begins_on_the_monday_of_the_business(self) -> None:
        sunday_night = datetime(2026, 4, 5, 23, 59, tzinfo=SYDNEY)
        assert week_began(sunday_night, SYDNEY) == datetime(2026, 3, 30, tzinfo=SYDNEY)
        assert week_began(sunday_night + timedelta(minutes=1), SYDNEY) == datetime(2026, 4, 6, tzinfo=SYDNEY)

    def test_the_instant_at_which_a_month_ends_is_of_that_month(self) -> None:
        assert month_of(APRIL_BEGINS, SYDNEY).name == "2026-03"
        assert month_of(APRIL_BEGINS + timedelta(microseconds=1), SYDNEY).name == "2026-04"

    def test_months_have_ended_once_they_are_over(self) -> None:
        first = datetime(2026, 1, 31, 23, 0, tzinfo=SYDNEY)
        before = APRIL_BEGINS - timedelta(microseconds=1)
        assert [month.name for month in ended_months(first, before, SYDNEY)] == ["2026-01", "2026-02"]
        assert [month.name for month in ended_months(first, APRIL_BEGINS, SYDNEY)][-1] == "2026-03"

    def test_weeks_have_begun_since_the_first_whatever_the_clock_was_put_to(self) -> None:
        first = datetime(2026, 3, 30, tzinfo=SYDNEY)
        # The clock is put back on 5 April.
        weeks = [datetime(2026, 4, 6, tzinfo=SYDNEY), datetime(2026, 4, 13, tzinfo=SYDNEY)]
        assert begun_weeks(first, weeks[1], SYDNEY) == weeks
        assert begun_weeks(first, weeks[1] - timedelta(microseconds=1), SYDNEY) == weeks[:1]
        assert begun_weeks(first, first, SYDNEY) == []

    @pytest.mark.parametrize(("monday", "before"), [("2026-04-06", "2026-03-30"), ("2026-10-05", "2026-09-28")])
    def test_a_week_before_is_midnight_too_whatever_the_clock_was_put_to(self, monday: str, before: str) -> None:
        then = datetime.fromisoformat(before).replace(tzinfo=SYDNEY)
        assert week_before(datetime.fromisoformat(monday).replace(tzinfo=SYDNEY).astimezone(UTC), SYDNEY) == then

    def test_a_trend_without_anything_before_it_has_no_delta(self) -> None:
        now, before = Aged([100, 20, 30, 0, 4]), Aged([0, 0, 50, 0, 0])
        assert [trend.delta_cents for trend in trends(now, before)] == [104, 4, -16]
        assert {trend.delta_cents for trend in trends(now, None)} == {None}

    def test_a_week_is_told_beside_the_one_before_it_where_both_were_kept(self) -> None:
        now, monday, before = Aged([100, 20, 30, 0, 4]), Aged([90, 0, 30, 0, 0]), Aged([0, 0, 50, 0, 0])
        told = weekly_trends(now, monday, before)
        assert [(each.since_monday_cents, each.last_week_cents) for each in told] == [(34, 70), (24, -20), (4, -20)]
        assert [each.monday_before_cents for each in told] == [50, 50, 50]
        assert {each.last_week_cents for each in weekly_trends(now, monday, None)} == {None}
        assert {each.since_monday_cents for each in weekly_trends(now, None, before)} == {None}


class TestTakeSnapshot:
    async def test_holds_what_is_owed_beside_credit_and_what_is_disputed(self, books: Books) -> None:
        await owing(books, -10, 5, 40, 95)
        first, second = await client_invoices(books, 10_000, 200_000)
        await pay_at_stripe(books, first, 15_000)
        asked = await books.credit(second, 50_000)
        snapshot = (await taken(books)).snapshot
        assert snapshot.aged == Aged([231_000, 11_000, 11_000, 0, 11_000], 4_000, 55_000)
        assert (snapshot.ledger_cents, snapshot.account_count, snapshot.ties) == (264_000, 5, True)
        await approve(books, asked.id)
        later = (await taken(books, as_of=None)).snapshot
        assert later.id == snapshot.id

    async def test_says_what_an_instant_that_is_over_was_like(self, books: Books) -> None:
        first, second = await client_invoices(books, 10_000, 200_000)
        asked = await books.credit(second, 50_000)
        then = books.clock.now() + timedelta(hours=1)
        books.clock.instant += timedelta(days=1)
        await approve(books, asked.id)
        await books.pay(first, 11_000, "bank 1")
        before = (await taken(books, as_of=then)).snapshot
        assert (before.aged.total_cents, before.aged.disputed_cents) == (231_000, 55_000)
        now = (await taken(books)).snapshot
        assert (now.aged.total_cents, now.aged.disputed_cents, now.ties) == (165_000, 0, True)

    async def test_says_what_was_disputed_of_what_is_void_since(self, books: Books) -> None:
        """As the ageing of that day does: the door of what was kept still leads to its invoice."""
        assignment, invoice_id = await issued(books)
        await ask(books, proposed(assignment))
        then = books.clock.now() + timedelta(hours=1)
        books.clock.instant += timedelta(days=1)
        await void_whole(books, invoice_id)
        before = (await taken(books, as_of=then)).snapshot
        assert (before.aged.total_cents, before.aged.disputed_cents) == (9_350, 9_350)
        now = (await taken(books)).snapshot
        assert (now.aged.total_cents, now.aged.disputed_cents) == (0, 0)

    async def test_counts_the_month_with_its_credits_and_how_late_it_was_paid(self, books: Books) -> None:
        await owing(books, 12)
        late = await books.value("SELECT id FROM invoices")
        await books.pay(late, 11_000, "bank 1")
        (invoice_id,) = await client_invoices(books, 20_000)
        await books.credit(invoice_id, 10_000)
        snapshot = (await taken(books)).snapshot
        # Issued in March; of April are the 220.00 less 110.00.
        assert (snapshot.sales_cents, snapshot.paid_count, snapshot.late_days) == (11_000, 1, 12)
        assert snapshot.true_days == 0
        books.clock.instant += timedelta(days=10)
        assert (await taken(books)).snapshot.true_days == 10

    async def test_takes_credits_off_the_sales_of_what_was_paid_already(self, books: Books) -> None:
        """And what is void in the end was never sold, whatever was paid, credited and taken back before."""
        kept, voided = await client_invoices(books, 20_000, 10_000)
        await books.pay(kept, 22_000, "bank 1")
        paid = await books.pay(voided, 11_000, "bank 2")
        await books.credit(kept, 10_000)
        await books.credit(voided, 5_000)
        assert (await taken(books)).snapshot.sales_cents == 22_000 - 11_000 + 11_000 - 5_500
        await reverse_payment(books, paid.payment.id, 11_000)
        await void_whole(books, voided)
        books.clock.instant += timedelta(hours=1)
        assert (await taken(books)).snapshot.sales_cents == 22_000 - 11_000

    async def test_keeps_each_account_and_sums_to_them(self, books: Books) -> None:
        await owing(books, 5, 40, 40)
        snapshot = (await taken(books)).snapshot
        async with books.database.reading() as session:
            found = await snapshots.accounts(session, snapshot.id, None)
        assert [part.aged.total_cents for part, _, _ in found] == [11_000] * 3
        assert sum(part.to_60_cents for part, _, _ in found) == snapshot.to_60_cents == 22_000
        assert {kind for _, kind, _ in found} == {InvoiceKind.CLIENT}

    async def test_tells_of_it_once(self, books: Books) -> None:
        await owing(books, 5)
        first = await taken(books)
        again = await taken(books, snapshot_id=first.snapshot.id)
        assert (first.is_new, again.is_new) == (True, False)
        (event,) = await books.published("receivables.snapshot_taken")
        assert event["subject_id"] == str(first.snapshot.id) == event["key"]
        assert (event["to_30_cents"], event["ledger_cents"], event["ties"]) == (11_000, 11_000, True)

    async def test_refuses_what_is_to_come_and_another_under_its_id(self, books: Books) -> None:
        with pytest.raises(SnapshotInTheFuture):
            await taken(books, as_of=books.clock.now() + timedelta(seconds=1))
        first = await taken(books)
        with pytest.raises(SnapshotIdTaken):
            await taken(books, SnapshotKind.WEEKLY, snapshot_id=first.snapshot.id)

    async def test_after_an_issue_names_its_month(self, books: Books) -> None:
        async with books.unit() as session:
            found = await snapshot_after_issue(session, "2026-03", "Robin Field", SYDNEY, NOW)
        assert (found.snapshot.kind, found.snapshot.period) == (SnapshotKind.MONTH_ISSUED, "2026-03")

    @pytest.mark.parametrize("change", ["UPDATE receivables_snapshots SET ledger_cents = 1", "DELETE FROM promises"])
    async def test_nothing_of_it_can_be_changed(self, books: Books, change: str) -> None:
        await taken(books)
        with pytest.raises(DBAPIError, match=r"permission denied|is not allowed"):
            async with books.unit() as session:
                await session.execute(text(change))


class TestWhatTimeAsksFor:
    async def test_takes_each_end_of_a_month_and_each_week_that_are_missing(self, books: Books) -> None:
        client = client_state(new_id())
        for month in (1, 2):
            books.clock.instant = datetime(2026, month, 20, 2, tzinfo=UTC)
            draft = await books.board_draft(10_000, client=client)
            await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        books.clock.instant = NOW
        taker = SnapshotTaker(books.database, books.clock, SYDNEY)
        await taker.run(NOW)
        await taker.run(NOW)
        rows = await books.rows(
            "SELECT kind, period, to_60_cents, ledger_cents FROM receivables_snapshots "
            "WHERE kind <> 'weekly' ORDER BY period"
        )
        assert [tuple(row) for row in rows] == [
            ("month_end", "2026-01", 0, 11_000),
            ("month_end", "2026-02", 0, 22_000),
            ("month_end", "2026-03", 11_000, 22_000),
        ]

    async def test_makes_up_for_each_week_that_was_missed_as_it_was(self, books: Books) -> None:
        client = client_state(new_id())
        for at in (datetime(2026, 3, 10, 2, tzinfo=UTC), datetime(2026, 3, 18, 2, tzinfo=UTC)):
            books.clock.instant = at
            draft = await books.board_draft(10_000, client=client)
            await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        books.clock.instant = NOW
        await taken(books, SnapshotKind.WEEKLY, as_of=datetime(2026, 3, 23, tzinfo=SYDNEY))
        await SnapshotTaker(books.database, books.clock, SYDNEY).run(NOW)
        rows = await books.rows(
            "SELECT as_of, ledger_cents, taken_by FROM receivables_snapshots WHERE kind = 'weekly' ORDER BY 1"
        )
        assert [(row.as_of.astimezone(SYDNEY).date(), row.ledger_cents, row.taken_by) for row in rows] == [
            (date(2026, 3, 16), 11_000, SYSTEM.name),
            (date(2026, 3, 23), 22_000, "Robin Field"),
            (date(2026, 3, 30), 22_000, SYSTEM.name),
        ]

    async def test_takes_none_of_empty_books(self, books: Books) -> None:
        await SnapshotTaker(books.database, books.clock, SYDNEY).run(NOW)
        assert await books.value("SELECT count(*) FROM receivables_snapshots") == 0
