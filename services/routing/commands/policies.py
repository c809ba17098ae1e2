"""Policies as operators declare them: each change is a version of its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.database import locked_by_name
from contracts.routing import PolicyChange, RoutingPolicyChanged
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
    changes = _changes(before, after)
    tell_change(session, after.kind, after.version, changes, command.by, now)
    await _audit(session, command, before, after, changes)
    return after


def _changes(before: RoutingPolicy, after: RoutingPolicy) -> list[PolicyChange]:
    """The fields that changed, those of a reason with its name before theirs. What a version did not say was as it is
    to begin with.
    """
    was, became = (dict(_fields(body_of(policy_of(row.kind, row.body)))) for row in (before, after))
    changed = sorted(name for name in became if was.get(name) != became[name])
    return [PolicyChange(name=name, before=was.get(name), after=became[name]) for name in changed]


def tell_change(
    session: AsyncSession, policy: str, version: int, changes: Sequence[PolicyChange], by: Actor, now: datetime
) -> None:
    """Why it was changed stays in the audit: it is in somebody's own words."""
    event = RoutingPolicyChanged(
        policy=policy,
        version=version,
        changes=tuple(changes),
        changed_by_id=by.id,
        changed_by_name=by.name,
        changed_at=now,
    )
    outbox.add(session, event, version=version)


async def _audit(
    session: AsyncSession,
    command: SetPolicy,
    before: RoutingPolicy,
    after: RoutingPolicy,
    changes: Sequence[PolicyChange],
) -> None:
    await audit.record(
        session,
        actor=command.by,
        action="set_policy",
        subject=Subject("routing_policy", after.kind),
        before={"version": before.version, **{each.name: each.before for each in changes}},
        after={"version": after.version, **{each.name: each.after for each in changes}},
        reason_text=command.reason,
    )


def _fields(body: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _fields(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value
