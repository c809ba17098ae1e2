"""What an invoice's page tells, read at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.console import Console
from chassis.console.timeline import Moment, moments_of, seen_of
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.domain.statuses import Action, Obstacle, Standing, obstacle_to
from services.billing.http.invoice_views import InvoiceDetail, LineView, detail_of, standing_of
from services.billing.models import Account, DeliveryEvent, Invoice
from services.billing.queries import deliveries, invoices

SHOWN_LINES = 100
VERBS = {
    "issue_invoice": "issued it",
    "send_invoice": "sent it",
    "void_invoice": "voided it",
    "resend_invoice": "had it mailed again",
    "record_payment": "recorded a payment",
    "mark_invoice_paid": "marked it paid",
    "apply_credit": "paid for it with the customer's credit",
    "add_adjustment": "adjusted it",
    "approve_adjustment": "agreed to an adjustment",
    "reject_adjustment": "rejected an adjustment",
    "set_invoice_lines": "changed its lines",
    "redraft_invoice": "drafted it again",
    "keep_stripe_reference": "kept its Stripe reference",
}


@dataclass(frozen=True, slots=True)
class Look:
    """`late` are deliveries of its month that nothing bills; `delivered` is when its shown deliveries were."""

    detail: InvoiceDetail
    account: Account
    standing: Standing
    successor: Invoice | None
    late: Sequence[DeliveryEvent]
    delivered: Mapping[UUID, datetime]
    seen: str
    told: Sequence[Moment]

    @property
    def shown_lines(self) -> Sequence[LineView]:
        return self.detail.lines[:SHOWN_LINES]

    def obstacle(self, action: Action) -> Obstacle | None:
        return obstacle_to(action, self.standing)


async def look_at(
    session: AsyncSession, invoice_id: UUID, kind: InvoiceKind, house: House, console: Console
) -> Look | None:
    """None where it is of the other kind: its page is elsewhere."""
    invoice, account = await invoices.with_account(session, invoice_id)
    if invoice.kind is not kind:
        return None
    detail = await detail_of(session, invoice_id, house, console.clock.now())
    subject = Subject("invoice", invoice_id)
    shown = [line.delivery_event_id for line in detail.lines[:SHOWN_LINES] if line.delivery_event_id]
    delivered = await session.execute(
        select(DeliveryEvent.id, DeliveryEvent.delivered_at).where(DeliveryEvent.id.in_(shown))
    )
    return Look(
        detail=detail,
        account=account,
        standing=await standing_of(session, invoice, account),
        successor=await invoices.successor(session, invoice_id),
        late=await deliveries.late_of(session, invoice) if invoice.period else (),
        delivered={row.id: row.delivered_at for row in delivered},
        seen=await seen_of(session, subject),
        told=await moments_of(session, [subject], VERBS, console.wording),
    )
