"""Who sees to Stripe over HTTP: who creates, who approves, who reconciles; and what its endpoint is subscribed to."""

from datetime import datetime
from typing import Self
from uuid import UUID

from litestar import get, put
from litestar.params import JSONBody
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from contracts.identity import Capability
from services.billing.commands.reviews import NameRoles, name_roles
from services.billing.domain.webhooks import WEBHOOK_TYPES, WebhookUse
from services.billing.models import KnownOperator, StripeRoles
from services.billing.queries import operators, reconciliations

PATH = "/admin/billing/stripe-roles"


class RoleHolder(BaseModel):
    """Of an operator whom identity has not told of, the id alone is known."""

    operator_id: UUID
    name: str | None
    is_active: bool | None

    @classmethod
    def of(cls, operator_id: UUID | None, known: dict[UUID, KnownOperator]) -> Self | None:
        if operator_id is None:
            return None
        operator = known.get(operator_id)
        return cls(
            operator_id=operator_id,
            name=operator.name if operator else None,
            is_active=operator.is_active if operator else None,
        )


class WebhookType(BaseModel):
    """`asked`: Stripe is asked what was paid. `compared`: what it is about is looked up and compared when it comes.

    `nightly`: the nightly comparison looks at it. `kept`: nothing more.
    """

    type: str
    use: WebhookUse


class StripeRolesView(BaseModel):
    """`are_apart`: who approves is somebody else than who creates, as a second pair of eyes."""

    creator: RoleHolder | None
    approver: RoleHolder | None
    reconciler: RoleHolder | None
    are_apart: bool
    changed_at: datetime | None
    changed_by: str | None
    webhook_types: list[WebhookType]


class RolesBody(Body):
    """All three are set as given; null names nobody."""

    creator_id: UUID | None
    approver_id: UUID | None
    reconciler_id: UUID | None


@get(PATH, guards=[requires(Capability.READ_OPS)])
async def get_stripe_roles(database: Given[Database]) -> StripeRolesView:
    async with database.reading() as session:
        return await roles_view(session)


@put(PATH, guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def put_stripe_roles(
    data: JSONBody[RolesBody], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> StripeRolesView:
    """Names who creates invoices at Stripe, who approves them, and who holds the books against Stripe's each week."""
    async with database.transaction() as session:
        await name_by_operator(session, data, operator, clock.now())
        return await roles_view(session)


async def name_by_operator(session: AsyncSession, data: RolesBody, operator: Actor, now: datetime) -> StripeRoles:
    before = _ids(await reconciliations.roles(session))
    roles = await name_roles(session, NameRoles(**data.model_dump()), operator.name, now)
    if _ids(roles) != before:
        await audit.record(
            session,
            actor=operator,
            action="name_stripe_roles",
            subject=Subject("stripe_roles", "1"),
            before=before,
            after=_ids(roles),
        )
    return roles


def _ids(roles: StripeRoles | None) -> dict[str, UUID | None]:
    return {name: getattr(roles, name, None) for name in RolesBody.model_fields}


async def roles_view(session: AsyncSession) -> StripeRolesView:
    roles = await reconciliations.roles(session)
    ids = _ids(roles)
    known = await operators.of_ids(session, [id_ for id_ in ids.values() if id_])
    creator, approver = ids["creator_id"], ids["approver_id"]
    return StripeRolesView(
        creator=RoleHolder.of(creator, known),
        approver=RoleHolder.of(approver, known),
        reconciler=RoleHolder.of(ids["reconciler_id"], known),
        are_apart=None not in {creator, approver} and creator != approver,
        changed_at=roles.changed_at if roles else None,
        changed_by=roles.changed_by if roles else None,
        webhook_types=[WebhookType(type=type_, use=use) for type_, use in WEBHOOK_TYPES.items()],
    )


ROUTES = (get_stripe_roles, put_stripe_roles)
