"""Deliveries that came after their month was invoiced: a debit charges them, or an operator voids them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.errors import FieldError
from contracts.billing import DeliveryVoided
from contracts.values import CreditReason, InvoiceKind
from services.billing.commands.credit_answers import answer_voided
from services.billing.commands.drafts import wait_for_other_runs
from services.billing.domain import adjustments as rules
from services.billing.domain import gst
from services.billing.domain.adjustments import RefusedReason
from services.billing.domain.deliveries import VoidObstacle, obstacle_to_void
from services.billing.domain.gst import Amounts
from services.billing.domain.issuing import dollars
from services.billing.domain.statuses import EventStatus
from services.billing.errors import (
    DeliveriesCostNothing,
    DeliveriesNotLate,
    DeliveryIsBilled,
    NotOfThisKind,
    ReasonRefused,
    SecondOperatorNeeded,
    UnknownReason,
)
from services.billing.models import Adjustment, AdjustmentDelivery, DeliveryEvent, Invoice
from services.billing.queries import deliveries


@dataclass(frozen=True, slots=True)
class LateCharge:
    """What one delivery adds to a debit."""

    delivery_event_id: UUID
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class VoidDelivery:
    """`limit_cents` is with GST: beyond it no operator lets money go alone.

    `request_id` is the request for a credit that it carries out, if it does one.
    """

    delivery_event_id: UUID
    reason_code: str
    limit_cents: int
    request_id: UUID | None = None


async def late_charges(session: AsyncSession, invoice: Invoice, ids: Collection[UUID]) -> list[LateCharge]:
    """At the prices of their own instants, GST rounded once for all of them; refused whole with each fault named."""
    if invoice.kind is not InvoiceKind.INSTALLER:
        raise NotOfThisKind("a client's invoice has no deliveries", invoice_id=invoice.id)
    found = {delivery.id: delivery for delivery in await deliveries.lock(session, ids)}
    billed = await deliveries.billed_on(session, ids)
    faults = [
        FieldError(f"delivery_event_ids.{id_}", fault, "Name deliveries of the invoice's month that nothing bills yet")
        for id_ in sorted(ids)
        if (fault := _fault(invoice, found.get(id_), id_ in billed)) is not None
    ]
    if faults:
        detail = f"{len(faults)} of the deliveries cannot be charged to this invoice"
        raise DeliveriesNotLate(detail, errors=tuple(faults), invoice_id=invoice.id)
    late = sorted(found.values(), key=lambda delivery: (delivery.delivered_at, delivery.id))
    charges = [
        LateCharge(delivery.id, amounts)
        for delivery, amounts in zip(late, gst.split_gst([delivery.priced for delivery in late]), strict=True)
    ]
    if not any(charge.amounts.ex_gst_cents for charge in charges):
        raise DeliveriesCostNothing("there is nothing to charge: void them instead", invoice_id=invoice.id)
    return charges


async def name_deliveries(session: AsyncSession, adjustment: Adjustment, charges: Sequence[LateCharge]) -> None:
    if not charges:
        return
    rows = [
        {
            "adjustment_id": adjustment.id,
            "delivery_event_id": charge.delivery_event_id,
            "ex_gst_cents": charge.amounts.ex_gst_cents,
            "gst_cents": charge.amounts.gst_cents,
        }
        for charge in charges
    ]
    await session.execute(insert(AdjustmentDelivery), rows)


async def void_delivery(session: AsyncSession, command: VoidDelivery, now: datetime) -> DeliveryEvent:
    """Takes a delivery that nothing bills out of billing for good, for a reason for which it would be credited."""
    reason = _reason(command)
    # A run of drafts that has read it already would bill it all the same.
    await wait_for_other_runs(session)
    delivery = await deliveries.lock_one(session, command.delivery_event_id)
    billed = await deliveries.billed_on(session, [delivery.id])
    cents = gst.split_gst([delivery.priced])[0].inc_gst_cents
    match obstacle_to_void(
        delivery.event_status, is_billed=bool(billed), inc_gst_cents=cents, limit_cents=command.limit_cents
    ):
        case VoidObstacle.VOID:
            return delivery
        case VoidObstacle.BILLED as why:
            raise DeliveryIsBilled(why, delivery_event_id=delivery.id, invoice_id=billed.get(delivery.id))
        case VoidObstacle.OVER_THE_LIMIT as why:
            raise SecondOperatorNeeded(f"{dollars(cents)}: {why}", delivery_event_id=delivery.id)
    delivery.event_status, delivery.credit_reason_code, delivery.ended_at = EventStatus.VOID, reason, now
    outbox.add(session, _voided_event(delivery, reason, now), version=delivery.next_version())
    await answer_voided(session, delivery, command.request_id, now)
    return delivery


def _fault(invoice: Invoice, delivery: DeliveryEvent | None, is_billed: bool) -> str | None:
    if delivery is None:
        return "delivery_unknown"
    if invoice.period_start is None or invoice.period_end is None or delivery.installer_id != invoice.account_id:
        return "delivery_of_another_installer"
    if not invoice.period_start <= delivery.delivered_at < invoice.period_end:
        return "delivery_of_another_period"
    if delivery.event_status is not EventStatus.BILLABLE:
        return "delivery_not_billable"
    return "delivery_is_billed" if is_billed else None


def _reason(command: VoidDelivery) -> CreditReason:
    if command.reason_code in frozenset(RefusedReason):
        raise ReasonRefused(f"{command.reason_code} is a sales outcome, and we bill on delivery")
    if command.reason_code not in rules.CREDIT_REASONS:
        raise UnknownReason(f"the reason is one of {', '.join(sorted(rules.CREDIT_REASONS))}")
    return CreditReason(command.reason_code)


def _voided_event(delivery: DeliveryEvent, reason: CreditReason, now: datetime) -> DeliveryVoided:
    return DeliveryVoided(
        assignment_id=delivery.assignment_id,
        delivery_event_id=delivery.id,
        installer_id=delivery.installer_id,
        reason_code=reason,
        voided_at=now,
    )
