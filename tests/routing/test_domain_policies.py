"""Policies: what they are to begin with, how they are kept, and what they cannot be."""

from typing import Any

import pytest

from chassis.ids import new_id
from contracts.forms import Fault
from services.routing.domain.policies import (
    DEFAULT_CARE,
    Care,
    OrderingPolicy,
    OverQuota,
    Policy,
    PolicyKind,
    QueuePolicy,
    ReturnsPolicy,
    body_of,
    policy_of,
)
from services.routing.domain.states import ExceptionReason


@pytest.mark.parametrize(
    "policy",
    [
        OrderingPolicy(most_owed_leads=7, same_person_days=0),
        ReturnsPolicy(quota_percent=0),
        ReturnsPolicy(over_quota=OverQuota.DENY),
        QueuePolicy(new_id(), dict(DEFAULT_CARE) | {ExceptionReason.ALL_AWAY: Care(budget=3, factor=4)}),
        QueuePolicy(),
    ],
)
def test_a_policy_is_read_as_it_was_kept(policy: Policy) -> None:
    assert policy_of(policy.kind, body_of(policy)) == policy


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        (PolicyKind.ORDERING, OrderingPolicy()),
        (PolicyKind.QUEUE, QueuePolicy()),
        (PolicyKind.RETURNS, ReturnsPolicy()),
    ],
)
def test_what_a_kept_policy_does_not_say_is_as_it_is_to_begin_with(kind: PolicyKind, policy: Policy) -> None:
    assert policy_of(kind, {}) == policy


def test_a_reason_that_is_told_in_part_keeps_the_rest_of_its_own_defaults() -> None:
    policy = policy_of(PolicyKind.QUEUE, {"kinds": {"all_at_cap": {"budget": 2}}})
    assert isinstance(policy, QueuePolicy)
    care = policy.kinds[ExceptionReason.ALL_AT_CAP]
    assert (care.budget, care.escalate_minutes, care.unowned_minutes) == (2, 1_440, 480)


def test_every_reason_is_cared_for() -> None:
    assert set(DEFAULT_CARE) == set(ExceptionReason)


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        (PolicyKind.ORDERING, {"most_owed_leads": 0}, "policy_value"),
        (PolicyKind.ORDERING, {"most_owed_leads": True}, "policy_value"),
        (PolicyKind.ORDERING, {"same_person_days": "90"}, "policy_value"),
        (PolicyKind.RETURNS, {"quota_percent": 101}, "policy_value"),
        (PolicyKind.RETURNS, {"quota": 5}, "policy_field"),
        (PolicyKind.QUEUE, {"kinds": {"all_away": {"factor": 0}}}, "policy_value"),
        (PolicyKind.QUEUE, {"kinds": {"all_away": {"patience": 1}}}, "policy_field"),
        (PolicyKind.QUEUE, {"kinds": {"on_the_moon": {}}}, "policy_field"),
        (PolicyKind.QUEUE, {"owner": None}, "policy_field"),
    ],
)
def test_what_a_policy_cannot_say_is_a_fault(kind: PolicyKind, body: dict[str, Any], code: str) -> None:
    with pytest.raises(Fault) as fault:
        policy_of(kind, body)
    assert fault.value.code == code
