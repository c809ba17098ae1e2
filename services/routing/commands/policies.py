"""Policies as operators declare them: each change is a version of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.database import locked_by_name
from services.routing.domain.policies import Policy, QueuePolicy, body_of, policy_of
from services.routing.errors import PolicyChangedMeanwhile
from services.routing.models import RoutingPolicy
from services.routing.queries.operators import owner_for
from services.routing.queries.policies import newest


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """`expected_version` is the one that the operator saw; None takes whatever stands."""

    policy: Policy
    reason: str
    by: Actor
    expected_version: int | None = None


async def set_policy(session: AsyncSession, command: SetPolicy, now: datetime) -> RoutingPolicy:
    """In force from the next decision on; what was decided by the one before stays. The same again is no change."""
    kind = command.policy.kind
    # Nobody may change a version, so none of them can be locked: the kind's name is.
    await locked_by_name(session, f"routing_policy {kind}")
    before = await newest(session, kind)
    if policy_of(kind, before.body) == command.policy:
        return before
    if command.expected_version not in (None, before.version):
        raise PolicyChangedMeanwhile(f"the policy is at version {before.version}", version=before.version)
    if isinstance(command.policy, QueuePolicy) and command.policy.fallback_owner_id is not None:
        await owner_for(session, command.policy.fallback_owner_id, command.by)
    after = RoutingPolicy(
        kind=kind,
        version=before.version + 1,
        body=body_of(command.policy),
        changed_by=command.by.name,
        changed_at=now,
        reason=command.reason,
    )
    session.add(after)
    await session.flush()
    await _audit(session, command, before, after)
    return after


async def _audit(session: AsyncSession, command: SetPolicy, before: RoutingPolicy, after: RoutingPolicy) -> None:
    """Keeps the fields that changed, those of a reason with its name before theirs. What a version did not say was as
    it is to begin with.
    """
    was, became = (dict(_fields(body_of(policy_of(row.kind, row.body)))) for row in (before, after))
    changed = sorted(name for name in became if was.get(name) != became[name])
    await audit.record(
        session,
        actor=command.by,
        action="set_policy",
        subject=Subject("routing_policy", after.kind),
        before={"version": before.version, **{name: was.get(name) for name in changed}},
        after={"version": after.version, **{name: became[name] for name in changed}},
        reason_text=command.reason,
    )


def _fields(body: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _fields(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value
