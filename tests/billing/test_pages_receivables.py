"""Who owes what for how long: the ageing, its doors to the invoices, and whether it ties."""

import csv
import re
from datetime import date, datetime, timedelta
from html import unescape

import pytest

from contracts.values import InvoiceKind
from services.billing.domain.ageing import Age, age_of, due_between
from services.billing.pages import receivables
from services.billing.pages.desk import desk_of
from services.billing.queries import ageing
from services.billing.snapshotting import SnapshotTaker
from tests.billing.arrangements import SYDNEY, Books
from tests.billing.arrangements_settlement import client_invoices
from tests.billing.arrangements_stripe import pay_at_stripe
from tests.billing.desk import Desk
from tests.billing.windows import Window

TODAY = date(2026, 4, 2)
PATH = "/console/receivables"


def on(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 11, tzinfo=SYDNEY)


async def owing(books: Books, *days_overdue: int, name: str = "Harbour Bank Ltd") -> None:
    """Client invoices of $110.00 each on 2 April 2026, so many days overdue; negative where not due yet."""
    for days in days_overdue:
        due = on(TODAY - timedelta(days))
        books.clock.instant = min(due, on(TODAY)) - timedelta(days=1)
        draft = await books.board_draft(10_000)
        await books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None, due_at=due)
    books.clock.instant = on(TODAY)


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-5, Age.NOT_DUE),
        (0, Age.NOT_DUE),
        (1, Age.TO_30),
        (30, Age.TO_30),
        (31, Age.TO_60),
        (60, Age.TO_60),
        (61, Age.TO_90),
        (90, Age.TO_90),
        (91, Age.OVER_90),
        (900, Age.OVER_90),
    ],
)
def test_ages_by_calendar_days(days: int, age: Age) -> None:
    assert age_of(days) is age
    first, last = due_between(age, TODAY)
    due = TODAY - timedelta(days)
    assert (first or due) <= due <= (last or due)


async def weeks_of_owing(books: Books) -> None:
    """On Monday the 23rd of March one was owed, a week later two, and now three; the first is late since between."""
    await owing(books, 40, 5, 1)
    await SnapshotTaker(books.database, books.clock, SYDNEY).run(books.clock.now())


class TestTheAgeing:
    async def test_ties_with_nothing_in_it(self, window: Window) -> None:
        page = await window.open(PATH)
        assert "Ties with the journal" in page
        assert "Nobody owes anything" in page

    async def test_sorts_what_is_owed_by_its_due_day(self, books: Books) -> None:
        await owing(books, -10, 0, 1, 30, 31, 60, 61, 90, 91, 200)
        async with books.database.reading() as session:
            found = await ageing.aged(session, books.clock.now(), SYDNEY, 200)
        assert found.total.owed_cents == [22_000] * 5
        assert found.ledger_cents == 110_000
        assert found.ties
        assert found.account_count == 10

    async def test_each_cell_is_a_door_to_the_invoices_that_it_sums(self, books: Books, window: Window) -> None:
        await owing(books, -10, 5, 40, 40, 95)
        page = await window.open(PATH)
        doors = {unescape(path) for path in re.findall(r'href="(/console/overdue\?[^"]*due_[^"]*)"', page)}
        by_age = {path for path in doors if "account_id" not in path}
        sums = [re.findall(r"Owed <strong[^>]*>([^<]*)", await window.open(path))[0] for path in sorted(by_age)]
        assert sorted(sums) == ["$110.00", "$110.00", "$110.00", "$220.00"]
        of_one = next(path for path in sorted(doors) if "account_id" in path)
        assert "1 invoice<" in await window.open(of_one)

    async def test_those_beyond_the_page_are_summed(self, books: Books) -> None:
        await owing(books, 1, 2, 3)
        async with books.database.reading() as session:
            found = await ageing.aged(session, books.clock.now(), SYDNEY, 2)
            others = await ageing.aged(session, books.clock.now(), SYDNEY, 2, before_count=2)
            none_left = await ageing.aged(session, books.clock.now(), SYDNEY, 2, before_count=3)
        assert (len(found.accounts), found.after_count, found.total.total_cents) == (2, 1, 33_000)
        assert (len(others.accounts), others.after_count, others.total) == (1, 0, found.total)
        assert none_left == found

    async def test_those_beyond_the_page_have_a_page_of_their_own(
        self, books: Books, window: Window, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(receivables, "MOST_ACCOUNTS", 2)
        await owing(books, 1, 2, 3)
        page = await window.open(PATH)
        assert "1 other account<" in page
        assert page.count(f'href="{PATH}?beyond=2"') == 4
        others = await window.open(f"{PATH}?beyond=2")
        assert "Accounts 3 to 3 of 3" in others
        assert "other account" not in others
        await window.open(f"{PATH}?beyond=-1", status=422)

    async def test_keeps_unapplied_credit_beside_what_is_owed(self, books: Books, window: Window) -> None:
        first, _second = await client_invoices(books, 10_000, 20_000)
        await pay_at_stripe(books, first, 15_000)
        page = await window.open(PATH)
        assert "Ties with the journal" in page
        assert "$40.00" in page
        assert "/console/journal?on=customer_credit&amp;party_id=" in page
        assert "$220.00" in page

    async def test_what_is_disputed_leads_to_its_invoices(self, books: Books, window: Window) -> None:
        first, _second = await client_invoices(books, 200_000, 10_000)
        await books.credit(first, 50_000)
        page = await window.open(PATH)
        assert "$550.00" in page
        (door, *_) = re.findall(r'href="(/console/receivables/invoices[^"]*disputed=true[^"]*)"', page)
        behind = await window.open(unescape(door))
        assert "1 invoice<" in behind
        assert "$2,200.00" in behind


class TestTheSnapshots:
    async def test_are_taken_shown_and_compared(self, books: Books, window: Window) -> None:
        await owing(books, -10, 5, 40)
        id_ = "0197d2b0-0000-7000-8000-000000000001"
        for _ in range(2):
            answer = await window.send(f"{PATH}/snapshots", snapshot_id=id_)
            assert answer.headers["location"].endswith(f"{id_}?done=take_snapshot")
        assert await books.value("SELECT count(*) FROM audit_entries WHERE action = 'take_receivables_snapshot'") == 1
        books.clock.instant += timedelta(days=7)
        page = await window.open(f"{PATH}/snapshots/{id_}")
        assert "Ties with the journal" in page
        assert "$330.00" in page
        assert "no earlier snapshot was kept" in page
        (door, *_) = re.findall(r'href="(/console/receivables/invoices\?snapshot=[^"]*age=to_60[^"]*)"', page)
        assert "1 invoice<" in await window.open(unescape(door))
        exported = await window.send(f"{PATH}/snapshots/{id_}/export", status=200)
        assert len(exported.text.splitlines()) == 4
        listed = await window.open(f"{PATH}/snapshots?kind=by_hand")
        assert "1 snapshot<" in listed
        await window.send(f"{PATH}/snapshots", status=422, snapshot_id=id_, as_of="2027-01-01")

    async def test_show_week_by_week(self, books: Books, window: Window) -> None:
        await owing(books, 20)
        await SnapshotTaker(books.database, books.clock, SYDNEY).run(books.clock.now())
        await owing(books, 1)
        page = await window.open(PATH)
        assert "Week over week" in page
        assert "Nothing was kept of" not in page
        for figure in ("Outstanding", "Overdue", "Overdue 31 days and more"):
            assert f"{figure}, week by week" in page
        assert page.count("$110.00") >= 3
        assert "$220.00" in page

    async def test_stand_beside_this_monday_and_the_one_before(self, books: Books, window: Window) -> None:
        await weeks_of_owing(books)
        page = await window.open(PATH)
        (row,) = re.findall(r'<th scope="row">Overdue 31 days and more</th>(.*?)</tr>', page, re.DOTALL)
        assert re.findall(r"\$[\d.,]+|\N{EN DASH}", row) == [
            "\N{EN DASH}",
            "$110.00",
            "$110.00",
            "\N{EN DASH}",
            "$110.00",
        ]
        listed = await window.send(f"{PATH}/snapshots/export", status=200, query="kind=weekly&sort=-as_of")
        of_weeks = list(csv.DictReader(listed.text.lstrip("\ufeff").splitlines()))
        changes = [[each[f"{name}_change"] for name in ("owed", "overdue", "over_30")] for each in of_weeks]
        assert changes[:2] == [["110.00", "110.00", "110.00"], ["0.00", "0.00", "0.00"]]
        before, monday = re.findall(r'href="([^"]*/snapshots/[^"]*)"', row)
        assert "the end of 22 Mar 2026" in await window.open(before)
        assert "the end of 29 Mar 2026" in await window.open(monday)

    async def test_are_compared_over_http_with_what_is_owed_now(self, books: Books, desk: Desk) -> None:
        await weeks_of_owing(books)
        told = (await desk.get("/admin/billing/receivables"))["trends"]
        amounts = [[value for name, value in each.items() if name != "figure"] for each in told]
        assert [each["figure"] for each in told] == ["outstanding", "overdue", "overdue_over_30"]
        # Now, on Monday, the Monday before, and what either week added.
        assert amounts == [
            [33_000, 22_000, 11_000, 11_000, 11_000],
            [33_000, 22_000, 11_000, 11_000, 11_000],
            [11_000, 11_000, 0, 0, 11_000],
        ]
        then = await desk.get("/admin/billing/receivables", as_of=(TODAY - timedelta(days=1)).isoformat())
        assert then["trends"] == []

    async def test_stand_on_the_desk(self, books: Books, window: Window) -> None:
        await weeks_of_owing(books)
        desk, now = desk_of(SYDNEY), books.clock.now()
        async with books.database.reading() as session:
            told = {card.title: await card.read(session, now) for card in desk.cards}
            charts = {chart.title: await chart.read(session, now) for chart in desk.charts}
        more = "$110.00 more than on Monday, $220.00 more than the Monday before"
        assert told["Outstanding"].trend == f"all of it overdue; {more}"
        assert told["Overdue"].trend == f"on 3 invoices; {more}"
        late = told["Overdue 31 days and more"]
        assert (late.value, late.trend) == ("$110.00", "as on Monday, $110.00 more than the Monday before")
        assert "1 invoice<" in await window.open(late.path)
        assert [bar.value for bar in charts["Overdue 31 days and more, week by week"]][-2:] == [0, 11_000]


class TestAPastDay:
    async def test_is_told_as_the_books_stood(self, books: Books, window: Window) -> None:
        await owing(books, 10)
        invoice_id = await books.value("SELECT id FROM invoices")
        yesterday = (TODAY - timedelta(days=1)).isoformat()
        await books.pay(invoice_id, 11_000, "bank 1", received_at=on(TODAY - timedelta(days=1)))
        assert "Nobody owes anything" in await window.open(PATH)
        page = await window.open(f"{PATH}?as_of={yesterday}")
        assert "As the books stood at the end of 1 Apr 2026" in page
        assert "Ties with the journal" in page
        assert page.count("$110.00") >= 4
        assert "/console/overdue?due" not in page
        doors = [unescape(path) for path in re.findall(r'href="(/console/receivables/invoices[^"]*age=[^"]*)"', page)]
        behind = await window.open(doors[0])
        assert "As of the end of 1 Apr 2026" in behind
        assert "WB-000001" in behind
        answer = await window.send(f"{PATH}/invoices/export", status=200, as_of=yesterday, age="to_30")
        assert answer.text.splitlines()[1].endswith(",9,0.00,110.00")
        before_its_issue = (TODAY - timedelta(days=30)).isoformat()
        assert "Nobody owes anything" in await window.open(f"{PATH}?as_of={before_its_issue}")

    async def test_equals_what_the_invoices_say_at_the_end_of_today(self, books: Books) -> None:
        await owing(books, -3, 12, 45)
        credit_from, _ = await client_invoices(books, 10_000, 20_000)
        await pay_at_stripe(books, credit_from, 15_000)
        async with books.database.reading() as session:
            now = await ageing.aged(session, books.clock.now(), SYDNEY, None)
            soon = books.clock.now() + timedelta(seconds=1)
            before = await ageing.aged(session, books.clock.now(), SYDNEY, None, soon)
        assert now == before

    @pytest.mark.parametrize("day", ["2026-04-03", "yesterday", "2026-13-01"])
    async def test_that_is_none_is_refused(self, window: Window, day: str) -> None:
        await window.open(f"{PATH}?as_of={day}", status=422)

    async def test_today_is_now(self, window: Window) -> None:
        assert "Back to now" not in await window.open(f"{PATH}?as_of=2026-04-02")
        await window.open(f"{PATH}?as_of=")


async def test_the_csv_has_every_account(books: Books, window: Window) -> None:
    await owing(books, 1, 2)
    answer = await window.send(f"{PATH}/export", status=200)
    lines = answer.text.splitlines()
    assert lines[0].endswith("account_id,account,kind,not_due,to_30,to_60,to_90,over_90,owed,disputed,customer_credit")
    assert len(lines) == 3
    assert lines[1].endswith("client,0.00,110.00,0.00,0.00,0.00,110.00,0.00,0.00")


async def test_the_queue_has_what_is_overdue_the_oldest_first(books: Books, window: Window) -> None:
    await owing(books, 0, 3, 45)
    page = await window.open("/console/overdue?state=overdue")
    assert "2 invoices" in page
    assert page.index(">45<") < page.index(">3<")
    assert "$220.00" in page
    assert "1 invoice<" in await window.open("/console/overdue?state=not_due")
