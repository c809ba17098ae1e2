"""The entries of what ends or takes back settlement, the GST of what is written off, and what is in a void's way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.journal import (
    Entry,
    LedgerAccount,
    credit_applied_entries,
    credit_unapplied_entries,
    payment_entries,
    payment_reversed_entries,
    rest_reversed_entries,
    stripe_fee_entries,
    stripe_moved_entries,
    unapplied_entries,
    write_off_reversed_entries,
    written_off_entries,
)
from services.billing.domain.settlement import WriteOffState, written_off_gst
from services.billing.domain.voids import VoidObstacle, VoidState, obstacle_to_approval, obstacle_to_rejection

CENTS = st.integers(1, 10_000_000)
BANK = LedgerAccount.CASH


def sums(*sides: tuple[Entry, ...]) -> dict[str, int]:
    """What is left on each account."""
    found: dict[str, int] = {}
    for entry in (entry for side in sides for entry in side):
        found[entry.account] = found.get(entry.account, 0) + entry.amount_cents
    return {account: cents for account, cents in found.items() if cents}


class TestPaymentReversed:
    @given(CENTS, st.integers(0, 10_000_000))
    def test_of_a_whole_payment_undoes_it(self, amount: int, beyond: int) -> None:
        """Where nothing became of what it left to the customer."""
        excess = min(amount, beyond)
        assert sums(payment_entries(BANK, amount, excess), payment_reversed_entries(BANK, amount, excess)) == {}

    @given(CENTS, st.integers(-10_000_000, 10_000_000))
    def test_takes_no_more_of_the_credit_than_there_is(self, amount: int, left_over: int) -> None:
        found = sums(payment_reversed_entries(BANK, amount, left_over))
        taken = found.get("customer_credit", 0)
        assert 0 <= taken <= max(0, left_over)
        assert found.get("receivable", 0) == amount - taken
        assert found["cash"] == -amount


class TestThereAndBack:
    @given(CENTS)
    def test_a_rest_comes_and_goes(self, cents: int) -> None:
        assert sums(unapplied_entries(BANK, cents)) == {"cash": cents, "customer_credit": -cents}
        assert sums(unapplied_entries(BANK, cents), rest_reversed_entries(BANK, cents)) == {}

    @given(CENTS)
    def test_credit_is_applied_and_taken_off_again(self, cents: int) -> None:
        assert sums(credit_applied_entries(cents)) == {"customer_credit": cents, "receivable": -cents}
        assert sums(credit_applied_entries(cents), credit_unapplied_entries(cents)) == {}

    @given(CENTS, CENTS)
    def test_a_write_off_and_its_reversal(self, amount: int, part: int) -> None:
        gst = min(amount, part)
        found = sums(written_off_entries(amount, gst))
        assert (found["receivable"], found.get("bad_debts", 0) + found.get("gst_payable", 0)) == (-amount, amount)
        assert found.get("gst_payable", 0) == gst
        assert sums(written_off_entries(amount, gst), write_off_reversed_entries(amount, gst)) == {}


class TestStripe:
    def test_a_fee_leaves_its_balance_and_may_come_back(self) -> None:
        assert sums(stripe_fee_entries(175)) == {"stripe_fees": 175, "stripe_clearing": -175}
        assert sums(stripe_fee_entries(175), stripe_fee_entries(-175)) == {}
        assert stripe_fee_entries(0) == ()

    def test_a_pay_out_and_a_top_up(self) -> None:
        assert sums(stripe_moved_entries(5_000)) == {"cash": 5_000, "stripe_clearing": -5_000}
        assert sums(stripe_moved_entries(-5_000)) == {"cash": -5_000, "stripe_clearing": 5_000}


class TestWrittenOffGst:
    @given(CENTS, st.data())
    def test_of_all_of_it_is_exactly_the_invoices(self, total: int, data: st.DataObject) -> None:
        gst = data.draw(st.integers(0, total // 11 + 1))
        assert written_off_gst(total, gst, total) == gst

    @given(CENTS, st.data())
    def test_is_never_more_than_the_amount_nor_than_the_invoices(self, total: int, data: st.DataObject) -> None:
        gst = data.draw(st.integers(0, total // 11))
        amount = data.draw(st.integers(1, total))
        assert 0 <= written_off_gst(amount, gst, total) <= min(amount, gst)

    def test_rounds_a_half_up(self) -> None:
        assert written_off_gst(5, 100, 1_000) == 1
        assert written_off_gst(4, 100, 1_000) == 0


def test_one_that_waits_or_is_in_the_books_is_live() -> None:
    assert [state for state in WriteOffState if state.is_live] == [WriteOffState.PENDING, WriteOffState.APPROVED]


class TestVoids:
    CLEAR = {
        "is_by_maker": False,
        "is_invoice_issued": True,
        "has_money": False,
        "is_written_off": False,
        "is_what_is_owed": True,
    }

    def test_that_wait_are_agreed_to_or_turned_down(self) -> None:
        assert obstacle_to_approval(VoidState.PENDING, **self.CLEAR) is None
        assert obstacle_to_rejection(VoidState.PENDING) is None

    @pytest.mark.parametrize("state", [VoidState.APPROVED, VoidState.REJECTED])
    def test_are_decided_once(self, state: VoidState) -> None:
        obstacle = obstacle_to_approval(state, **self.CLEAR)
        assert obstacle is obstacle_to_rejection(state) is VoidObstacle[state.name]

    @pytest.mark.parametrize(
        ("changed", "obstacle"),
        [
            ({"is_by_maker": True}, VoidObstacle.MAKER),
            ({"is_invoice_issued": False, "is_what_is_owed": False}, VoidObstacle.NOT_ISSUED),
            ({"has_money": True, "is_what_is_owed": False}, VoidObstacle.HAS_MONEY),
            ({"is_written_off": True, "is_what_is_owed": False}, VoidObstacle.WRITTEN_OFF),
            ({"is_what_is_owed": False}, VoidObstacle.OWED_OTHERWISE),
        ],
        ids=lambda given: given.name.lower() if isinstance(given, VoidObstacle) else "",
    )
    def test_are_not_agreed_to_where(self, changed: dict[str, bool], obstacle: VoidObstacle) -> None:
        """The first thing in the way is told: that another amount is owed follows from most of them."""
        assert obstacle_to_approval(VoidState.PENDING, **self.CLEAR | changed) is obstacle
