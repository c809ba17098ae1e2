"""What operators declare of how leads are given, returns taken and the queue worked, over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from litestar import get, put
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import FieldError
from chassis.http import Body, Given, Operator, requires
from chassis.http.auth import CapabilityMissing
from contracts.forms import Fault
from contracts.identity import Capability
from services.routing.commands.policies import SetPolicy, set_policy
from services.routing.domain.policies import Policy, PolicyKind, body_of, policy_of
from services.routing.errors import PolicyUnreadable
from services.routing.http.fields import Note
from services.routing.models import RoutingPolicy
from services.routing.queries.policies import newest

MAY_CHANGE: Mapping[PolicyKind, Capability] = {
    PolicyKind.ORDERING: Capability.WRITE_ROUTING,
    PolicyKind.QUEUE: Capability.WRITE_ROUTING,
    PolicyKind.RETURNS: Capability.MANAGE_BILLING_OPS,
}


class PolicyView(BaseModel):
    """The newest version, which is in force; what it leaves out is as it is to begin with."""

    kind: PolicyKind
    version: int
    policy: dict[str, Any]
    changed_by: str
    changed_at: datetime
    reason: str

    @classmethod
    def of(cls, row: RoutingPolicy) -> "PolicyView":
        return cls(
            kind=row.kind,
            version=row.version,
            policy=body_of(policy_of(row.kind, row.body)),
            changed_by=row.changed_by,
            changed_at=row.changed_at,
            reason=row.reason,
        )


class PolicyBody(Body):
    """`version` is the one that you changed; what `policy` leaves out is as it is to begin with."""

    policy: dict[str, Any]
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    reason: Note


@get("/admin/routing-policies/{kind:str}", guards=[requires(Capability.READ_OPS)])
async def get_routing_policy(kind: FromPath[PolicyKind], database: Given[Database]) -> PolicyView:
    async with database.reading() as session:
        return PolicyView.of(await newest(session, kind))


@put("/admin/routing-policies/{kind:str}", guards=[requires(Capability.WRITE_ROUTING)])
async def put_routing_policy(
    kind: FromPath[PolicyKind],
    data: JSONBody[PolicyBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> PolicyView:
    """In force from the next decision, return or item on; nothing that was decided changes."""
    refuse_who_may_not(operator, kind)
    command = SetPolicy(read_policy(kind, data.policy), data.reason, operator, data.version)
    async with database.transaction() as session:
        return PolicyView.of(await set_policy(session, command, clock.now()))


def refuse_who_may_not(operator: Operator, kind: PolicyKind) -> None:
    """Returns are money's too."""
    if not operator.can(MAY_CHANGE[kind]):
        raise CapabilityMissing(f"the policy of {kind} needs {MAY_CHANGE[kind]}")


def read_policy(kind: PolicyKind, body: Mapping[str, Any]) -> Policy:
    """Raises PolicyUnreadable, which names what cannot be."""
    try:
        return policy_of(kind, body)
    except Fault as fault:
        raise PolicyUnreadable(str(fault), errors=(FieldError("policy", fault.code, str(fault)),)) from fault
    except (AttributeError, TypeError, ValueError) as fault:
        told = "the policy is not of the form that it is told in"
        raise PolicyUnreadable(told, errors=(FieldError("policy", "policy_unreadable", told),)) from fault


ROUTES = (get_routing_policy, put_routing_policy)
