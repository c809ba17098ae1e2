"""What billing tells the pages that span all services: what waits, its figures, its charts, and what it finds."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from chassis.console.desk import Desk, Today, Waiting, read_today
from chassis.console.wording import money
from chassis.http.auth import Operator
from chassis.ids import new_id
from contracts.identity import Capability
from contracts.values import AdjustmentType
from services.billing.models import Invoice
from services.billing.pages.desk import desk_of
from services.billing.queries import ageing
from tests.billing.arrangements import SYDNEY, Books, march, sent
from tests.billing.arrangements_settlement import ask_to_void, void_whole
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.doors import adjusted_cents, in_the_journal
from tests.billing.fake_stripe import FakeStripe
from tests.billing.test_pages_receivables import owing
from tests.billing.windows import Window
from tests.kit.statements import questions_of

DESK: Desk = desk_of(SYDNEY)


async def waits(books: Books) -> dict[str, int]:
    async with books.database.reading() as session:
        found = [(each, await each.count(session, books.clock.now())) for each in DESK.waiting]
    return {each.sentence(backlog.number): backlog.number for each, backlog in found if backlog.number}


async def figures(books: Books) -> dict[str, tuple[str, str]]:
    async with books.database.reading() as session:
        read = [(card.title, await card.read(session, books.clock.now())) for card in DESK.cards]
    return {title: (figure.value, figure.trend) for title, figure in read}


async def bars(books: Books, title: str) -> list[Any]:
    chart = next(each for each in DESK.charts if each.title == title)
    async with books.database.reading() as session:
        return list(await chart.read(session, books.clock.now()))


class TestWhatWaits:
    async def test_is_nothing_where_nothing_happened(self, books: Books) -> None:
        assert await waits(books) == {}

    async def test_begins_with_a_month_that_is_not_drafted(self, books: Books) -> None:
        await books.deliver(sent(await books.priced_installer(), march(10)))
        assert list(await waits(books)) == ["Last month has ended and is not drafted yet"]
        await books.drafts()
        assert list(await waits(books)) == ["1 draft of ended months to issue"]

    async def test_is_every_queue_with_its_number(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        invoice = await books.issued_invoice(*(sent(installer_id, march(day)) for day in range(1, 6)))
        await books.credit(invoice.id, 30_000)
        await ask_to_void(books, invoice.id)
        await books.deliver(sent(await books.installer(), march(3)), sent(await books.installer(), march(4)))
        stripe = FakeStripe()
        await webhook(books, "evt_1", stripe.add_invoice(100))
        await work_off(books, stripe)
        books.clock.instant += timedelta(days=10)
        assert list(await waits(books)) == [
            "2 deliveries wait for a price",
            "1 adjustment waits for approval",
            "1 void waits for approval",
            "1 invoice is overdue",
            "1 Stripe event names no invoice of ours",
        ]

    @pytest.mark.parametrize("waiting", DESK.waiting, ids=lambda each: each.path)
    async def test_leads_to_a_list_of_its_own(self, window: Window, waiting: Waiting) -> None:
        if waiting.path.startswith(("/console/held-deliveries", "/console/invoices")):
            assert "?" in waiting.path
        else:
            await window.open(waiting.path)


class TestFigures:
    async def test_stand_where_nothing_happened(self, books: Books) -> None:
        told = await figures(books)
        assert told["Credit rate, last 90 days"][0] == "–"  # noqa: RUF001
        assert told["Days sales outstanding"][0] == "–"  # noqa: RUF001

    async def test_tell_how_it_stands(self, books: Books) -> None:
        first = await books.issued_invoice()
        await books.issued_invoice()
        await books.credit(first.id, 850)
        await books.pay(first.id, first.total_cents - 935, "bank 1")
        books.clock.instant += timedelta(days=10)
        told = await figures(books)
        assert told["Invoiced this month, inc. GST"] == ("$187.00", "Nothing in all of March 2026")
        assert told["Outstanding"] == ("$93.50", "all of it overdue")
        assert told["Overdue"] == ("$93.50", "on 1 invoice")
        assert told["Credit rate, last 90 days"] == ("5.0 %", "$8.50 credited of $170.00 issued, ex GST")

    async def test_lead_to_what_they_count_and_to_no_more(self, books: Books) -> None:
        first = await books.issued_invoice()
        await books.credit(first.id, 850)
        books.clock.instant += timedelta(days=91)
        second = await books.issued_invoice()
        await books.credit(second.id, 1_700)
        await void_whole(books, (await books.issued_invoice()).id)
        async with books.database.reading() as session:
            now = books.clock.now()
            found = {card.title: await card.read(session, now) for card in DESK.cards}
        invoiced, rate = found["Invoiced this month, inc. GST"], found["Credit rate, last 90 days"]
        assert (invoiced.value, await in_the_journal(books, invoiced.path)) == ("$93.50", [9_350])
        assert (rate.value, await adjusted_cents(books, rate.path)) == ("20.0 %", -1_870)

    async def test_every_door_of_ours_opens(self, books: Books, window: Window) -> None:
        invoice = await books.issued_invoice()
        await books.credit(invoice.id, 850)
        async with books.database.reading() as session:
            read = [(card, await card.read(session, books.clock.now())) for card in DESK.cards]
        paths = [path for card, figure in read for path in (card.path, figure.path) if path]
        for chart in DESK.charts:
            paths += [bar.path for bar in await bars(books, chart.title)]
        for path in paths:
            if not path.startswith(("/console/delivery-events", "/console/invoices")):
                await window.open(path)


class TestOnePage:
    async def read(self, books: Books) -> tuple[Today, list[tuple[str, str]]]:
        """All of it, with what was asked for it."""
        now = books.clock.now()
        operator = Operator(new_id(), "Robin Field", new_id(), frozenset(Capability), now)
        async with books.database.reading() as session:
            connection = await session.connection()
            with questions_of(connection.sync_connection) as asked:
                return await read_today(DESK, operator, session, now), asked

    async def test_asks_for_nothing_twice_and_as_often_for_many_as_for_one(self, books: Books) -> None:
        await owing(books, 40)
        _, for_one = await self.read(books)
        await owing(books, -10, 0, 5, 40, 95)
        today, for_many = await self.read(books)
        assert [each for each, times in Counter(for_many).items() if times > 1] == []
        assert len(for_many) == len(for_one) <= 32
        assert len(today.cards) == len(DESK.cards)

    async def test_walks_over_what_is_owed_without_the_books(self, books: Books) -> None:
        """Each of the figures once for all that tell of it: how many, how much, how long, and of what was promised."""
        await owing(books, 40, 95)
        _, asked = await self.read(books)
        owed = [statement for statement, _ in asked if "balance_cents" in statement and "invoices" in statement]
        assert len(owed) == 4
        assert not [statement for statement in owed if "journal" in statement]


class TestCharts:
    async def test_show_what_is_owed_as_the_ageing_has_it(self, books: Books) -> None:
        await owing(books, -10, 0, 1, 30, 31, 60, 61, 90, 91, 200, 200)
        async with books.database.reading() as session:
            aged = (await ageing.aged(session, books.clock.now(), SYDNEY, 1)).total
        assert [bar.value for bar in await bars(books, "What is owed, by age")] == aged.owed_cents
        assert aged.owed_cents == [22_000, 22_000, 22_000, 22_000, 33_000]
        assert (await figures(books))["Overdue 31 days and more"][0] == money(aged.over_30_cents)

    async def test_show_why_credits_are_given_beside_the_time_before(self, books: Books) -> None:
        invoice = await books.issued_invoice()
        await books.credit(invoice.id, 850)
        books.clock.instant += timedelta(days=100)
        await books.credit(invoice.id, 1_000, reason_code="system_fault")
        await books.credit(invoice.id, 500, type=AdjustmentType.DEBIT, reason_code="price_correction")
        told = [(bar.label, bar.value, bar.before) for bar in await bars(books, "Why credits are given")]
        assert told == [("System fault", 1_000, 0), ("Invalid contact", 0, 850)]

    async def test_show_deliveries_beside_last_months(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        await books.deliver(sent(installer_id, march(10)), sent(installer_id, books.clock.now()))
        told = [(bar.label, bar.value, bar.before) for bar in await bars(books, "Billable deliveries this month")]
        assert told == [("Exclusive", 1, 1), ("Shared", 0, 0)]

    async def test_show_six_months_of_issues(self, books: Books) -> None:
        await books.issued_invoice()
        told = await bars(books, "Invoiced by month")
        assert [bar.value for bar in told] == [0, 0, 0, 0, 0, 9_350]
        assert await in_the_journal(books, told[-1].path) == [9_350]


class TestFinders:
    @pytest.fixture
    async def invoice(self, books: Books) -> Invoice:
        found = await books.issued_invoice()
        await books.pay(found.id, 5_000, "NAB 4711")
        return found

    async def hits(self, books: Books, text: str) -> list[tuple[str, str]]:
        async with books.database.reading() as session:
            return [(finder.title, hit.path) for finder in DESK.finders for hit in await finder.find(session, text)]

    async def test_find_an_invoice_by_whatever_names_it(self, books: Books, invoice: Invoice) -> None:
        expected = [("Invoices", f"/console/invoices/{invoice.id}")]
        for text in ("wb-0000", str(invoice.id), str(invoice.stripe_invoice_id), "NAB 4711"):
            assert await self.hits(books, text) == expected, text

    async def test_find_an_account_by_whatever_names_it(self, books: Books, invoice: Invoice) -> None:
        expected = [("Billing accounts", f"/console/accounts/{invoice.account_id}")]
        for text in ("sunny", "53 004 085 616", "ACCOUNTS@sunny-roofs.example", str(invoice.account_id)):
            assert await self.hits(books, text) == expected, text

    async def test_find_a_delivery_by_its_lead(self, books: Books, invoice: Invoice) -> None:
        delivery = (await books.rows("SELECT id, lead_id, assignment_id FROM delivery_events"))[0]
        for id_ in delivery:
            assert await self.hits(books, str(id_)) == [("Deliveries", f"/console/delivery-events/{delivery.id}")]

    async def test_find_a_credit_by_its_note(self, books: Books, invoice: Invoice) -> None:
        credit = await books.credit(invoice.id, 500)
        assert await self.hits(books, str(credit.number)) == [("Adjustments", f"/console/adjustments/{credit.id}")]
        assert await self.hits(books, "%") == []
