"""Policies in force: the seeded ones, a change by an operator, two operators at once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from chassis.clock import FixedClock
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.policies import SetPolicy, set_policy
from services.routing.domain.policies import DEFAULT_CARE, Care, OrderingPolicy, Policy, QueuePolicy, ReturnsPolicy
from services.routing.domain.states import ExceptionReason
from services.routing.errors import PolicyChangedMeanwhile
from services.routing.queries.policies import InForce, in_force
from tests.routing.arrangements import NOW, ROBIN, Floor, committing


async def change(floor: Floor, policy: Policy, seen: int | None = None) -> int:
    async with floor.database.transaction() as session:
        return (await set_policy(session, SetPolicy(policy, "quieter mornings", ROBIN, seen), NOW)).version


async def found(floor: Floor, policy: type[Any]) -> InForce[Any]:
    async with floor.database.reading() as session:
        return await in_force(session, policy)


class TestInForce:
    @pytest.mark.parametrize("policy", [OrderingPolicy, QueuePolicy, ReturnsPolicy])
    async def test_each_kind_begins_with_its_defaults(self, floor: Floor, policy: type[Any]) -> None:
        now = await found(floor, policy)
        assert (now.version, now.policy) == (1, policy())

    async def test_the_newest_version_is_the_one(self, floor: Floor) -> None:
        await floor.policy(OrderingPolicy(backlog_per_hour=9))
        await floor.policy(OrderingPolicy(backlog_per_hour=2))
        now = await found(floor, OrderingPolicy)
        assert (now.version, now.policy.backlog_per_hour) == (3, 2)


class TestSetPolicy:
    async def test_keeps_each_version_with_who_and_why(self, floor: Floor) -> None:
        assert await change(floor, ReturnsPolicy(quota_percent=20), seen=1) == 2
        row = (await found(floor, ReturnsPolicy)).row
        assert (row.changed_by, row.changed_at, row.reason) == (ROBIN.name, NOW, "quieter mornings")

    async def test_audits_what_changed_and_nothing_else(self, floor: Floor) -> None:
        kinds = dict(DEFAULT_CARE) | {ExceptionReason.ALL_AT_CAP: Care(budget=5, escalate_minutes=1_440)}
        await change(floor, QueuePolicy(ROBIN.id, kinds))
        [entry] = await floor.rows("SELECT * FROM audit_entries")
        assert (entry["action"], entry["subject_kind"], entry["subject_id"]) == (
            "set_policy",
            "routing_policy",
            "queue",
        )
        assert entry["before"] == {
            "version": 1,
            "fallback_owner_id": None,
            "kinds.all_at_cap.budget": 20,
            "kinds.all_at_cap.unowned_minutes": 480,
        }
        assert entry["after"] == {
            "version": 2,
            "fallback_owner_id": str(ROBIN.id),
            "kinds.all_at_cap.budget": 5,
            "kinds.all_at_cap.unowned_minutes": 30,
        }

    async def test_the_same_again_is_no_change(self, floor: Floor) -> None:
        assert await change(floor, OrderingPolicy(most_owed_leads=4), seen=1) == 2
        assert await change(floor, OrderingPolicy(most_owed_leads=4), seen=1) == 2
        assert await floor.audited() == ["set_policy"]

    async def test_refuses_who_has_not_seen_what_stands(self, floor: Floor) -> None:
        await change(floor, OrderingPolicy(most_owed_leads=4))
        with pytest.raises(PolicyChangedMeanwhile):
            await change(floor, OrderingPolicy(most_owed_leads=5), seen=1)
        assert (await found(floor, OrderingPolicy)).policy.most_owed_leads == 4

    async def test_of_two_at_once_one_is_told_of_the_other(
        self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock
    ) -> None:
        async with committing(fresh_database("routing"), clock) as floor:
            changes = [change(floor, OrderingPolicy(most_owed_leads=number), seen=1) for number in (6, 7)]
            outcomes = await asyncio.gather(*changes, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [PolicyChangedMeanwhile]
            assert (await found(floor, OrderingPolicy)).version == 2
