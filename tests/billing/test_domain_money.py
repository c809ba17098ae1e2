"""Money to the cent: GST, shares of a sum, credits over lines, postings that balance."""

from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.values import GstTreatment
from services.billing.domain import adjustments, gst
from services.billing.domain.adjustments import LineLeft
from services.billing.domain.gst import Amounts, Priced
from services.billing.domain.journal import (
    Entry,
    LedgerAccount,
    Posting,
    PostingKind,
    Unbalanced,
    credit_entries,
    invoice_entries,
    reversing_entries,
)
from tests.billing.arrangements import NOW

MARCH_HELD = UUID(int=7)
Issued = list[tuple[int, GstTreatment]]
CENTS = st.integers(min_value=0, max_value=10_000_000)
PRICED = st.builds(Priced, CENTS, st.sampled_from(GstTreatment), st.booleans())


TAXABLE, FREE = GstTreatment.TAXABLE, GstTreatment.GST_FREE


def credit(
    lines: list[LineLeft], credited: Amounts, ex_gst_cents: int, line_no: int | None
) -> tuple[list[LineLeft], Amounts]:
    """What is left of the lines, and what is credited of them, after one credit more."""
    shares = adjustments.split_credit(ex_gst_cents, adjustments.creditable(lines, line_no))
    given = {share.line_no: share.amounts for share in shares}
    assert all(amounts.ex_gst_cents > 0 and amounts.gst_cents >= 0 for amounts in given.values())
    total = gst.total(list(given.values()))
    assert total.ex_gst_cents == ex_gst_cents
    left = [
        LineLeft(line.line_no, line.treatment, minus(line.left, given.get(line.line_no, Amounts(0, 0))))
        for line in lines
    ]
    return left, gst.total([credited, total])


def minus(amounts: Amounts, taken: Amounts) -> Amounts:
    return Amounts(amounts.ex_gst_cents - taken.ex_gst_cents, amounts.gst_cents - taken.gst_cents)


class TestSplitGst:
    @given(st.lists(PRICED, max_size=40))
    def test_parts_sum_to_the_invoice_and_no_line_is_off_by_a_cent(self, lines: list[Priced]) -> None:
        split = gst.split_gst(lines)
        total = gst.total(split)
        assert total.gst_cents == gst.round_half_up(sum(line.gst_110ths for line in lines), gst.WHOLE)
        for line, amounts in zip(lines, split, strict=True):
            shown = amounts.inc_gst_cents if line.includes_gst else amounts.ex_gst_cents
            assert shown == line.amount_cents
            assert abs(amounts.gst_cents * gst.WHOLE - line.gst_110ths) < gst.WHOLE
            assert amounts.gst_cents == 0 or line.treatment is GstTreatment.TAXABLE

    @given(st.lists(st.tuples(PRICED, st.integers(min_value=0, max_value=30)), max_size=8))
    def test_a_preview_by_groups_comes_to_the_same_as_the_lines(self, counted: list[tuple[Priced, int]]) -> None:
        lines = [line for line, count in counted for _ in range(count)]
        assert gst.total_of(counted) == gst.total(gst.split_gst(lines))

    def test_rounds_once_for_the_invoice_and_not_once_per_line(self) -> None:
        """Three lines of $0.05 carry half a cent each: 1.5 cents round to 2, where each line alone would make 3."""
        split = gst.split_gst([Priced(5), Priced(5), Priced(5)])
        assert [amounts.gst_cents for amounts in split] == [1, 1, 0]

    def test_rounds_a_half_up(self) -> None:
        assert gst.split_gst([Priced(5)])[0] == Amounts(5, 1)
        assert gst.split_gst([Priced(4)])[0] == Amounts(4, 0)

    def test_takes_an_eleventh_out_of_a_price_that_includes_it(self) -> None:
        assert gst.split_gst([Priced(11_000, includes_gst=True)])[0] == Amounts(10_000, 1_000)

    def test_carries_a_discount_line_with_its_sign(self) -> None:
        split = gst.split_gst([Priced(100_000), Priced(-25_005)])
        assert gst.total(split) == Amounts(74_995, 7_500)


class TestShareOut:
    @given(CENTS, st.lists(CENTS, min_size=1, max_size=30).filter(any))
    def test_parts_sum_to_the_whole(self, amount: int, weights: list[int]) -> None:
        parts = gst.share_out(amount, weights)
        assert sum(parts) == amount
        assert all(part >= 0 for part in parts)

    def test_refuses_nothing_to_share_over(self) -> None:
        with pytest.raises(ValueError, match="nothing"):
            gst.share_out(100, [0, 0])


class TestSplitCredit:
    LINES = st.lists(st.tuples(st.integers(1, 500_000), st.sampled_from(GstTreatment)), min_size=1, max_size=20)

    @given(LINES, st.data())
    def test_parts_sum_and_never_exceed_a_line(self, issued: Issued, data: st.DataObject) -> None:
        split = gst.split_gst([Priced(cents, treatment) for cents, treatment in issued])
        lines = [LineLeft(no, t, a) for no, ((_, t), a) in enumerate(zip(issued, split, strict=True), start=1)]
        wanted = data.draw(st.integers(1, sum(line.left.ex_gst_cents for line in lines)))
        shares = adjustments.split_credit(wanted, lines)
        left = {line.line_no: line.left for line in lines}
        assert sum(share.amounts.ex_gst_cents for share in shares) == wanted
        for share in shares:
            assert 0 < share.amounts.ex_gst_cents <= left[share.line_no].ex_gst_cents
            assert 0 <= share.amounts.gst_cents <= left[share.line_no].gst_cents
            assert share.takes_all == (share.amounts.ex_gst_cents == left[share.line_no].ex_gst_cents)

    @given(LINES)
    def test_crediting_everything_leaves_nothing(self, issued: Issued) -> None:
        split = gst.split_gst([Priced(cents, treatment) for cents, treatment in issued])
        lines = [LineLeft(no, t, a) for no, ((_, t), a) in enumerate(zip(issued, split, strict=True), start=1)]
        shares = adjustments.split_credit(gst.total(split).ex_gst_cents, lines)
        assert gst.total([share.amounts for share in shares]) == gst.total(split)

    DISCOUNTED = st.lists(
        st.tuples(st.integers(-50_000, 500_000), st.sampled_from(GstTreatment)), min_size=1, max_size=8
    )

    @given(DISCOUNTED, st.data())
    def test_over_discounts_no_more_than_the_invoice_is_credited_and_all_of_it_can_be(
        self, issued: Issued, data: st.DataObject
    ) -> None:
        split = gst.split_gst([Priced(cents, treatment) for cents, treatment in issued])
        whole = gst.total(split)
        assume(whole.ex_gst_cents > 0 and whole.gst_cents >= 0)
        lines = [LineLeft(no, t, a) for no, ((_, t), a) in enumerate(zip(issued, split, strict=True), start=1)]
        credited = Amounts(0, 0)
        for _ in range(data.draw(st.integers(0, 4))):
            line_no = data.draw(st.none() | st.integers(1, len(lines)))
            found = adjustments.creditable(lines, line_no)
            if not found:
                continue
            wanted = data.draw(st.integers(1, sum(line.left.ex_gst_cents for line in found)))
            lines, credited = credit(lines, credited, wanted, line_no)
        left = adjustments.creditable(lines)
        if left:
            lines, credited = credit(lines, credited, sum(line.left.ex_gst_cents for line in left), None)
        assert credited == whole
        assert adjustments.creditable(lines) == []

    @pytest.mark.parametrize(
        ("lines", "left"),
        [
            pytest.param([(1_000, TAXABLE), (-200, TAXABLE)], [(1, 800, 80)], id="a discount"),
            pytest.param(
                [(600, TAXABLE), (300, TAXABLE), (-300, TAXABLE)], [(1, 400, 40), (2, 200, 20)], id="over two"
            ),
            pytest.param(
                [(1_000, TAXABLE), (1_000, FREE), (-1_000, TAXABLE)], [(2, 1_000, 0)], id="all of a treatment"
            ),
            pytest.param([(1_000, TAXABLE), (-400, FREE)], [(1, 600, 100)], id="of the other treatment"),
            pytest.param([(1_000, TAXABLE), (-1_000, TAXABLE)], [], id="nothing is left"),
        ],
    )
    def test_what_may_be_credited_of_a_discounted_invoice(
        self, lines: Issued, left: list[tuple[int, int, int]]
    ) -> None:
        split = gst.split_gst([Priced(cents, treatment) for cents, treatment in lines])
        issued = [LineLeft(no, t, a) for no, ((_, t), a) in enumerate(zip(lines, split, strict=True), start=1)]
        found = adjustments.creditable(issued)
        assert [(line.line_no, line.left.ex_gst_cents, line.left.gst_cents) for line in found] == left

    def test_one_line_as_far_as_its_discounted_invoice_goes(self) -> None:
        split = gst.split_gst([Priced(600), Priced(300), Priced(-500)])
        issued = [LineLeft(no, TAXABLE, amounts) for no, amounts in enumerate(split, start=1)]
        assert [line.left for line in adjustments.creditable(issued, 1)] == [Amounts(400, 40)]
        assert [line.left for line in adjustments.creditable(issued, 2)] == [Amounts(300, 30)]
        assert adjustments.creditable(issued, 3) == []

    def test_over_the_limit_means_over_it(self) -> None:
        assert not adjustments.needs_second_operator(20_000, 20_000)
        assert adjustments.needs_second_operator(20_001, 20_000)


class TestPosting:
    def test_a_posting_that_does_not_balance_cannot_be_made(self) -> None:
        entries = (Entry(LedgerAccount.CASH, 100), Entry(LedgerAccount.RECEIVABLE, -99))
        with pytest.raises(Unbalanced):
            Posting("payment:1", PostingKind.PAYMENT_RECEIVED, NOW, entries)

    @given(CENTS, CENTS)
    def test_what_is_reversed_comes_to_nothing(self, ex_gst: int, gst_cents: int) -> None:
        entries = [*invoice_entries(ex_gst, gst_cents), *credit_entries(ex_gst // 2, gst_cents // 3)]
        sums: dict[LedgerAccount, int] = {}
        for entry in [*entries, *reversing_entries(entries)]:
            sums[entry.account] = sums.get(entry.account, 0) + entry.amount_cents
        assert not any(sums.values())
