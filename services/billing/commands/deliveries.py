"""The delivery ledger: one event per assignment for ever, at the price of its own instant.

A month's assignments arrive in batches; every step is one statement for the whole batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import DeliveryHeld, DeliveryRecorded
from contracts.values import CapReleaseReason, CapStatus
from services.billing.commands.adjustments import ApprovalRule
from services.billing.commands.credit_requests import Causes, settle, wait_for_who_asks
from services.billing.commands.pricing import (
    FACTS,
    FIRST_VERSION,
    SentAssignment,
    lock_prices,
    record_held,
    record_sent,
)
from services.billing.models import DeliveryEvent, HeldDelivery
from services.billing.queries import deliveries as ledger
from services.billing.queries.rows import TEXTS, UUIDS, rows

NO_PRICE_PLAN = "no_price_plan"


@dataclass(frozen=True, slots=True)
class CapRelease:
    assignment_id: UUID
    reason: CapReleaseReason


async def record_deliveries(
    session: AsyncSession, sent: Sequence[SentAssignment], rule: ApprovalRule, now: datetime
) -> None:
    """Records what a plan prices and holds the rest; what is in the ledger or the queue already stays as it is.

    Credits that were asked for before are settled by `rule`.
    """
    await wait_for_who_asks(session)
    sent = _first_of_each(sent)
    causes = {assignment.assignment_id: assignment.cause for assignment in sent if assignment.cause is not None}
    await _record_or_hold(session, sent, causes, now)
    await settle(session, [assignment.assignment_id for assignment in sent], rule, now, causes)


async def _record_or_hold(session: AsyncSession, sent: Sequence[SentAssignment], causes: Causes, now: datetime) -> None:
    _publish_recorded(session, await record_sent(session, sent, now), causes)
    unpriced = await _unknown(session, sent)
    if not unpriced:
        return
    # A plan may have been committed since the prices were read. With its installer locked, either it is seen now,
    # or whoever adds it later finds the delivery in the queue.
    await lock_prices(session, {assignment.installer_id for assignment in unpriced}, shared=True)
    _publish_recorded(session, await record_sent(session, unpriced, now), causes)
    await _hold(session, await _unknown(session, unpriced), now)


async def release_held(session: AsyncSession, installer_id: UUID, rule: ApprovalRule, now: datetime) -> list[UUID]:
    """Records the held deliveries that a plan covers by now, each at its own instant; returns their assignments.

    The caller waited for who asks for credits, and has locked the installer's prices.
    """
    waiting = await ledger.lock_held(session, installer_id)
    recorded = await record_held(session, waiting, now)
    released = [row.assignment_id for row in recorded]
    await session.execute(
        update(HeldDelivery)
        .where(HeldDelivery.assignment_id.in_(released))
        .values(released_at=now, version=HeldDelivery.version + 1)
    )
    _publish_recorded(session, recorded, {})
    await settle(session, released, rule, now)
    return released


async def release_caps(session: AsyncSession, releases: Sequence[CapRelease]) -> None:
    """Sets the cap status and nothing else: what a delivery costs is no matter of caps. The first reason stands."""
    reasons: dict[UUID, str] = {}
    for release in releases:
        reasons.setdefault(release.assignment_id, release.reason)
    given = rows("given", assignment_id=(UUIDS, list(reasons)), reason=(TEXTS, list(reasons.values())))
    # The queue first: a delivery that leaves it meanwhile takes its cap status along.
    for table in (HeldDelivery, DeliveryEvent):
        await session.execute(
            update(table)
            .where(table.assignment_id == given.c.assignment_id, table.cap_status == CapStatus.COUNTED)
            .values(cap_status=CapStatus.RELEASED, cap_release_reason=given.c.reason)
            .execution_options(synchronize_session=False)
        )


async def _hold(session: AsyncSession, unpriced: Sequence[SentAssignment], now: datetime) -> None:
    if not unpriced:
        return
    held = [
        {name: getattr(assignment, name) for name in FACTS}
        | {"reason_code": NO_PRICE_PLAN, "cap_status": CapStatus.COUNTED, "held_at": now, "version": FIRST_VERSION}
        for assignment in unpriced
    ]
    statement = insert(HeldDelivery).values(held).on_conflict_do_nothing().returning(HeldDelivery.assignment_id)
    fresh = set(await session.scalars(statement))
    for assignment in unpriced:
        if assignment.assignment_id in fresh:
            _publish_held(session, assignment)


async def _unknown(session: AsyncSession, sent: Sequence[SentAssignment]) -> list[SentAssignment]:
    """Those that are neither in the ledger nor in the queue."""
    known = await ledger.known_assignments(session, [assignment.assignment_id for assignment in sent])
    return [assignment for assignment in sent if assignment.assignment_id not in known]


def _first_of_each(sent: Sequence[SentAssignment]) -> list[SentAssignment]:
    """A statement takes the rows of a batch in any order: which of two stands is decided here."""
    first: dict[UUID, SentAssignment] = {}
    for assignment in sent:
        first.setdefault(assignment.assignment_id, assignment)
    return list(first.values())


def _publish_recorded(session: AsyncSession, recorded: Sequence[Row[Any]], causes: Causes) -> None:
    for row in recorded:
        event = DeliveryRecorded(
            assignment_id=row.assignment_id,
            delivery_event_id=row.id,
            lead_id=row.lead_id,
            installer_id=row.installer_id,
            product_type=row.product_type,
            unit_price_cents=row.unit_price_cents,
            currency=row.currency,
            gst_treatment=row.gst_treatment,
            delivered_at=row.delivered_at,
            price_plan_id=row.price_plan_id,
            decision_id=row.decision_id,
        )
        outbox.add(session, event, version=row.version, cause=causes.get(row.assignment_id))


def _publish_held(session: AsyncSession, assignment: SentAssignment) -> None:
    event = DeliveryHeld(
        assignment_id=assignment.assignment_id,
        lead_id=assignment.lead_id,
        installer_id=assignment.installer_id,
        reason_code=NO_PRICE_PLAN,
        delivered_at=assignment.delivered_at,
    )
    outbox.add(session, event, version=FIRST_VERSION, cause=assignment.cause)
