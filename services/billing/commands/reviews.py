"""A person says that what differs from Stripe was looked at, and who sees to Stripe is named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import FieldError
from chassis.ids import new_id
from services.billing.errors import NothingReconciled, OwnerUnknown
from services.billing.models import KnownOperator, ReconciliationReview, StripeRoles
from services.billing.queries import differences, reconciliations


@dataclass(frozen=True, slots=True)
class Review:
    by_id: UUID
    by_name: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class NameRoles:
    """Each an operator's id, or None for nobody."""

    creator_id: UUID | None
    approver_id: UUID | None
    reconciler_id: UUID | None

    @property
    def named(self) -> Mapping[str, UUID]:
        fields = ("creator_id", "approver_id", "reconciler_id")
        return {name: getattr(self, name) for name in fields if getattr(self, name) is not None}


async def review_last(session: AsyncSession, command: Review, now: datetime) -> ReconciliationReview:
    """Of the last comparison, once: the next review is of a newer one."""
    run, last = await reconciliations.last_finished(session), await reconciliations.last_review(session)
    if run is None or (last is not None and last.reconciliation_id == run.id):
        raise NothingReconciled("compare with Stripe first: the last comparison is reviewed already, or there is none")
    counts = await differences.open_counts(session)
    review = ReconciliationReview(
        id=new_id(),
        reconciliation_id=run.id,
        open_count=sum(each.count for each in counts),
        owner_missing_count=sum(each.unowned_count for each in counts),
        note=command.note,
        reviewed_by_id=command.by_id,
        reviewed_by_name=command.by_name,
        reviewed_at=now,
    )
    session.add(review)
    return review


async def name_roles(session: AsyncSession, command: NameRoles, by_name: str, now: datetime) -> StripeRoles:
    """An operator whom identity has not told of yet is taken; one who may not do it is refused."""
    faults = []
    for field, operator_id in command.named.items():
        operator = await session.get(KnownOperator, operator_id)
        if operator is not None and not operator.may_own:
            faults.append(FieldError(field, "cannot_own", "Name an active operator who may work on billing"))
    if faults:
        raise OwnerUnknown("who is named cannot do it", errors=tuple(faults))
    roles = await session.get(StripeRoles, 1, with_for_update=True)
    if roles is None:
        roles = StripeRoles(id=1)
        session.add(roles)
    roles.creator_id, roles.approver_id = command.creator_id, command.approver_id
    roles.reconciler_id, roles.changed_at, roles.changed_by = command.reconciler_id, now, by_name
    await session.flush()
    return roles
