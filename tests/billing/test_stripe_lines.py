"""An invoice beside Stripe's, line by line: what differs is named with both sides, before anything is issued."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from services.billing.commands.references import KeepReference, keep_reference
from services.billing.domain.stripe_lines import MOST_TOLD, Differs, Item, compare, told_briefly
from services.billing.stripe_gateway import StripeLine
from tests.billing.arrangements import Books
from tests.billing.desk import Desk, answering
from tests.billing.fake_stripe import FakeStripe
from tests.billing.windows import Window
from tests.kit.identity import TestIdentity

OURS = Item("Exclusive leads delivered", 2, 8_500, 17_000, 1_700)
SHARED = Item("Shared leads delivered", 1, 3_850, 3_850, 385)


class TestToldBriefly:
    def test_names_the_first_and_counts_the_others(self) -> None:
        told = told_briefly(compare([SHARED] * (MOST_TOLD + 3), []))
        assert len(told) == MOST_TOLD + 1
        assert told[-1] == "3 more of its lines differ"

    def test_leaves_out_what_takes_no_cent_away(self) -> None:
        assert told_briefly(compare([OURS], [Item("Leads", 2, 8_500, 17_000, 1_700)])) == []


class TestComparing:
    def test_the_same_in_another_order_differs_in_nothing(self) -> None:
        assert [line.differences for line in compare([OURS, SHARED], [SHARED, OURS])] == [(), ()]

    def test_a_line_that_lacks_on_a_side_is_told_there(self) -> None:
        other = Item("Set-up", 1, 100, 100, 10)
        missing, theirs = compare([SHARED], [])[0], compare([], [other])[0]
        assert (missing.differences, theirs.differences) == ((Differs.MISSING_AT_STRIPE,), (Differs.MISSING_HERE,))
        assert missing.told == "Stripe has no line of Shared leads delivered: 1 at $38.50, $38.50, GST $3.85"

    @pytest.mark.parametrize(
        ("theirs", "differences"),
        [
            (Item("Exclusive leads", 2, 8_500, 17_000, 1_700), (Differs.DESCRIPTION,)),
            (
                Item("Exclusive leads delivered", 1, 8_500, 8_500, 850),
                (Differs.QUANTITY, Differs.AMOUNT, Differs.GST),
            ),
            (Item("Exclusive leads delivered", 2, None, 17_000, 1_700), (Differs.PRICE,)),
            (Item("Exclusive leads delivered", 2, 8_500, 17_000, 0), (Differs.GST,)),
        ],
    )
    def test_what_differs_is_named(self, theirs: Item, differences: tuple[Differs, ...]) -> None:
        (line,) = compare([OURS], [theirs])
        assert line.differences == differences
        assert line.is_of_money is (differences != (Differs.DESCRIPTION,))


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
async def looking_desk(books: Books, identity: TestIdentity, stripe: FakeStripe) -> AsyncIterator[Desk]:
    """With a key of Stripe set."""
    async with answering(books.database, identity, books.clock, stripe) as desk:
        yield desk


LINES = [StripeLine("Exclusive leads delivered", 1, 8_400, 8_400, 840)]


class TestAgainstStripe:
    async def test_an_issue_whose_totals_differ_is_refused_with_the_lines(
        self, books: Books, looking_desk: Desk, stripe: FakeStripe
    ) -> None:
        draft = await books.draft_of(await books.priced_installer())
        reference = stripe.add_invoice(9_240, lines=LINES)
        path = f"/admin/billing/invoices/{draft}"
        told = await looking_desk.do("POST", f"{path}/mark-issued", {"stripe_invoice_id": reference}, status=409)
        assert [(each["field"], each["code"]) for each in told["errors"]] == [
            ("finance", "stripe_total_mismatch"),
            ("lines.1", "stripe_line_differs"),
        ]
        assert "ours is 1 at $85.00, $85.00, GST $8.50; Stripe's is 1 at $84.00, $84.00" in told["errors"][1]["message"]
        assert (await books.invoice(draft)).number is None

    async def test_many_that_are_issued_from_the_list_name_them_too(
        self, books: Books, looking_desk: Desk, stripe: FakeStripe
    ) -> None:
        draft = await books.draft_of(await books.priced_installer())
        async with books.unit() as session:
            await keep_reference(session, KeepReference(draft, stripe.add_invoice(9_240, lines=LINES)))
        window = Window(looking_desk.client, looking_desk.identity)
        chosen = await window.send("/console/invoices/bulk", action="mark_issued", ids=str(draft))
        await window.send(f"{chosen.headers['Location']}/mark-issued")
        (row,) = await books.rows("SELECT state, detail FROM bulk_rows")
        assert row.state == "refused"
        assert "Stripe's is $92.40; Exclusive leads delivered: ours is 1 at $85.00" in row.detail

    async def test_both_are_told_side_by_side(self, books: Books, looking_desk: Desk, stripe: FakeStripe) -> None:
        draft = await books.draft_of(await books.priced_installer())
        path = f"/admin/billing/invoices/{draft}"
        told = await looking_desk.do("GET", f"{path}/stripe-comparison", status=409)
        assert told["type"].endswith(":stripe_invoice_unknown")
        reference = stripe.add_invoice(9_240, lines=LINES)
        await looking_desk.do("PUT", f"{path}/stripe-reference", {"stripe_invoice_id": reference})
        told = await looking_desk.get(f"{path}/stripe-comparison")
        assert (told["difference_cents"], told["lines"][0]["differences"]) == (-110, ["price", "amount", "gst"])
        page = await Window(looking_desk.client, looking_desk.identity).open(
            f"/console/invoices/{draft}/stripe-comparison"
        )
        assert "Stripe asks for $1.10 less" in page
        stripe.silent = 1
        await looking_desk.do("GET", f"{path}/stripe-comparison", status=503)

    async def test_nothing_is_looked_up_where_references_are_typed_in(self, books: Books, desk: Desk) -> None:
        draft = await books.draft_of(await books.priced_installer())
        told = await desk.do("GET", f"/admin/billing/invoices/{UUID(str(draft))}/stripe-comparison", status=409)
        assert told["type"].endswith(":stripe_not_connected")
