"""The rules of experts' pay."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payouts.domain import (
    AttemptKind,
    Bar,
    Gate,
    HeldReason,
    NextStep,
    ParticipationRule,
    PayoutDeed,
    PayoutMethod,
    PayoutState,
    ReceivedEvent,
    RuleKind,
    Standing,
    first_closed,
    gates,
    idempotency_key,
    is_doubtful,
    largest_remainder,
    look_up_after,
    obstacle_to,
    obstacle_to_allocation,
    pool_of,
    read_event,
    split_pool,
    state_after_refusal,
    step_for_open_attempt,
)

LEAVES = st.none() | st.booleans() | st.integers() | st.text()
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def dumped(tree: object) -> bytes:
    return json.dumps(tree).encode()


NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
ANA, BEN, CAI = (UUID(int=number) for number in (1, 2, 3))


def rule(expert_id: UUID, kind: RuleKind, value: int) -> ParticipationRule:
    return ParticipationRule(expert_id, kind, value)


class TestLargestRemainder:
    @given(st.integers(0, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
    def test_the_parts_sum_to_the_whole(self, total_cents: int, weights: list[int]) -> None:
        parts = largest_remainder(total_cents, weights, sum(weights))
        assert sum(parts) == total_cents
        assert all(
            abs(part - total_cents * weight / sum(weights)) < 1 for part, weight in zip(parts, weights, strict=True)
        )

    def test_equal_weights_differ_by_a_cent_at_the_most_and_the_first_gets_it(self) -> None:
        assert largest_remainder(100, [1, 1, 1], 3) == [34, 33, 33]

    def test_nothing_to_share_with_is_no_part(self) -> None:
        assert largest_remainder(100, [], 0) == []


class TestSplitPool:
    def test_fixed_and_percentage_come_first_and_shares_take_the_rest(self) -> None:
        split = split_pool(
            1_000_00,
            700_00,
            [rule(ANA, RuleKind.FIXED, 150_00), rule(BEN, RuleKind.PERCENTAGE, 1_000), rule(CAI, RuleKind.SHARE, 1)],
        )
        assert dict(split.amounts_cents) == {ANA: 150_00, BEN: 100_00, CAI: 450_00}

    @given(st.integers(1, 10**10), st.lists(st.integers(1, 5_000), min_size=1, max_size=12))
    def test_percentages_come_to_what_their_sum_does(self, amount_cents: int, points: list[int]) -> None:
        rules = [rule(uuid4(), RuleKind.PERCENTAGE, value) for value in points]
        split = split_pool(amount_cents, 10**12, rules)
        assert sum(cents for _, cents in split.amounts_cents) == amount_cents * sum(points) // 10_000
        exact = [amount_cents * value for value in points]
        assert all(
            abs(cents * 10_000 - part) < 10_000 for (_, cents), part in zip(split.amounts_cents, exact, strict=True)
        )

    def test_two_halves_of_the_pool_are_the_pool(self) -> None:
        rules = [rule(ANA, RuleKind.PERCENTAGE, 3_500), rule(BEN, RuleKind.PERCENTAGE, 3_500)]
        split = split_pool(1_005, pool_of(1_005, 7_000), rules)
        assert split.amounts_cents == ((ANA, 352), (BEN, 351))

    @given(st.integers(1, 10**10), st.integers(0, 10_000), st.lists(st.integers(1, 1000), min_size=1, max_size=12))
    def test_with_shares_the_parts_sum_to_the_pool(self, amount_cents: int, points: int, weights: list[int]) -> None:
        pool_cents = pool_of(amount_cents, points)
        split = split_pool(amount_cents, pool_cents, [rule(uuid4(), RuleKind.SHARE, weight) for weight in weights])
        if split.held is None:
            assert sum(cents for _, cents in split.amounts_cents) == pool_cents
        else:
            assert split.held is HeldReason.NOTHING_LEFT_TO_SHARE
            assert pool_cents < len(weights)

    def test_a_board_without_rules_is_held(self) -> None:
        assert split_pool(100, 70, []).held is HeldReason.NO_PARTICIPATION

    def test_rules_beyond_the_pool_are_held_and_say_by_how_much(self) -> None:
        split = split_pool(100_00, 70_00, [rule(ANA, RuleKind.FIXED, 70_01)])
        assert split.held is HeldReason.POOL_EXCEEDED
        assert split.detail == "the rules exceed the pool by $0.01"

    def test_the_platform_keeps_the_fraction_of_a_cent(self) -> None:
        assert pool_of(99, 7_000) == 69


class TestGates:
    def check(self, **changes: object) -> str | None:
        facts: dict[str, object] = {
            "is_client_paid": True,
            "method": PayoutMethod.STRIPE_CONNECT,
            "stripe_account_id": "acct_1",
            "is_expert_active": True,
            "gnosis_safe_enabled": False,
        }
        closed = first_closed(gates(**(facts | changes)))  # type: ignore[arg-type]
        return closed.reason_code if closed else None

    def test_all_open(self) -> None:
        assert self.check() is None

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"is_client_paid": False}, "client_has_not_paid"),
            ({"is_expert_active": False}, "expert_suspended"),
            ({"method": PayoutMethod.GNOSIS_SAFE}, "gnosis_safe_disabled"),
            ({"method": PayoutMethod.GNOSIS_SAFE, "gnosis_safe_enabled": True}, "gnosis_safe_has_no_sender"),
            ({"stripe_account_id": None}, "no_stripe_account"),
        ],
    )
    def test_names_what_is_in_the_way(self, changes: dict[str, object], reason: str) -> None:
        assert self.check(**changes) == reason


class TestOpenAttempts:
    def test_the_same_key_again_while_stripe_surely_keeps_it(self) -> None:
        assert step_for_open_attempt(NOW, NOW + timedelta(hours=22, minutes=59)) is NextStep.SEND_AGAIN

    def test_only_a_look_after_that(self) -> None:
        assert step_for_open_attempt(NOW, NOW + timedelta(hours=23)) is NextStep.LOOK_UP

    def test_are_looked_up_soon_at_first_and_seldom_in_the_end(self) -> None:
        waits = [look_up_after(timedelta(seconds=age)) for age in (0, 30, 60, 3_600, 86_400)]
        assert [wait.total_seconds() for wait in waits] == [3, 3, 6, 360, 900]

    def test_keys_tell_attempts_and_kinds_apart(self) -> None:
        keys = {idempotency_key(kind, ANA, number) for kind in AttemptKind for number in (1, 2)}
        assert len(keys) == 4
        assert idempotency_key(AttemptKind.TRANSFER, ANA, 1) == idempotency_key(AttemptKind.TRANSFER, ANA, 1)


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "state"),
        [
            ("balance_insufficient", PayoutState.READY),
            ("account_invalid", PayoutState.ON_HOLD),
            ("something_else", PayoutState.FAILED),
        ],
    )
    def test_decide_what_becomes_of_the_payout(self, code: str, state: PayoutState) -> None:
        assert state_after_refusal(code) is state

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("never_happened", True),
            ("reversal_never_happened", True),
            ("http_200", True),
            ("idempotency_error", True),
            ("balance_insufficient", False),
            ("amount_too_small", False),
        ],
    )
    def test_are_doubtful_where_they_are_not_stripes_own(self, code: str, expected: bool) -> None:
        assert is_doubtful(code) is expected


class TestReadEvent:
    @given(st.binary() | TREES.map(dumped))
    def test_reads_whatever_comes(self, raw: bytes) -> None:
        assert read_event(raw) is None

    def test_gives_the_account_of_an_event_that_is_about_one(self) -> None:
        event = {"id": "evt_1", "object": "event", "type": "account.updated", "account": "acct_1"}
        assert read_event(dumped(event)) == ReceivedEvent("evt_1", "account.updated", "acct_1")
        for change in ({"type": "transfer.created"}, {"account": ["acct_1"]}):
            read = read_event(dumped(event | change))
            assert read is not None
            assert read.stripe_account_id is None


class TestObstacles:
    def bar(self, deed: PayoutDeed, state: PayoutState, **changes: Any) -> Bar | None:
        obstacle = obstacle_to(deed, Standing(state, **changes))
        return obstacle.bar if obstacle else None

    @pytest.mark.parametrize(
        ("deed", "states"),
        [
            (PayoutDeed.RUN, {PayoutState.READY}),
            (PayoutDeed.RELEASE, {PayoutState.ON_HOLD, PayoutState.FAILED}),
            (PayoutDeed.REVERSE, {PayoutState.SENT}),
        ],
    )
    def test_are_none_in_the_states_of_a_deed_alone(self, deed: PayoutDeed, states: set[PayoutState]) -> None:
        assert {state for state in PayoutState if self.bar(deed, state) is None} == states
        assert {self.bar(deed, state) for state in PayoutState if state not in states} == {Bar.STATE}

    def test_a_closed_gate_is_named_with_its_reason(self) -> None:
        closed = Gate("method_enabled", False, "gnosis_safe_disabled")
        obstacle = obstacle_to(PayoutDeed.RUN, Standing(PayoutState.READY, (closed,), is_asked_by_me=True))
        assert obstacle is not None
        assert (obstacle.bar, obstacle.reason_code) == (Bar.GATE, "gnosis_safe_disabled")
        assert "Gnosis Safe" in obstacle.text

    @pytest.mark.parametrize(
        ("deed", "state", "changes", "bar"),
        [
            (PayoutDeed.RUN, PayoutState.READY, {"is_asked_by_me": True}, Bar.APPROVAL),
            (PayoutDeed.RUN, PayoutState.READY, {"has_stripe": False}, Bar.NO_STRIPE),
            (PayoutDeed.REVERSE, PayoutState.SENT, {"has_open_attempt": True}, Bar.UNDER_WAY),
            (PayoutDeed.REVERSE, PayoutState.SENT, {"has_stripe": False}, Bar.NO_STRIPE),
            (PayoutDeed.RELEASE, PayoutState.ON_HOLD, {"has_stripe": False}, None),
        ],
    )
    def test_beyond_the_state(
        self, deed: PayoutDeed, state: PayoutState, changes: dict[str, bool], bar: Bar | None
    ) -> None:
        assert self.bar(deed, state, **changes) is bar

    def test_pay_is_allocated_once_the_board_is_closed_and_its_rules_allow_it(self) -> None:
        split = split_pool(100_00, 70_00, [rule(ANA, RuleKind.SHARE, 1)])
        assert obstacle_to_allocation(is_closed=True, split=split) is None
        assert obstacle_to_allocation(is_closed=False, split=split) == "the board is not closed"
        assert obstacle_to_allocation(is_closed=True, split=split_pool(100, 70, [])) is not None
