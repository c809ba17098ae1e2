"""Voids over the limit: asked for by one operator, agreed to by another; up to it, and of a draft, one is enough."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from contracts.settlement import InvoiceVoidAsked
from services.billing import errors
from services.billing.commands.adjusting import Decider
from services.billing.commands.voids import VoidInvoice, refuse_unfit, void_invoice
from services.billing.domain import voids as rules
from services.billing.domain.adjustments import needs_second_operator
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import CURRENCY
from services.billing.domain.statuses import DocumentStatus
from services.billing.domain.voids import VoidObstacle, VoidReason, VoidState
from services.billing.models import Invoice, VoidRequest
from services.billing.queries import invoices, void_requests


@dataclass(frozen=True, slots=True)
class AskVoid:
    """`void_request_id` stands for one void that waits, however often it is sent."""

    void_request_id: UUID
    invoice_id: UUID
    reason: VoidReason
    by: Decider
    notes: str | None = None


_REFUSALS = {
    VoidObstacle.MAKER: errors.MakerCannotApprove,
    VoidObstacle.NOT_ISSUED: errors.NotIssued,
    VoidObstacle.HAS_MONEY: errors.HasPayments,
    VoidObstacle.WRITTEN_OFF: errors.InvoiceWrittenOff,
    VoidObstacle.OWED_OTHERWISE: errors.VoidedOtherwise,
}


async def ask_void(session: AsyncSession, command: AskVoid, limit_cents: int, now: datetime) -> VoidRequest | None:
    """None where the invoice is void at once: one operator is enough up to the limit, and for what nobody owes."""
    invoice = await invoices.lock(session, command.invoice_id)
    known = await session.get(VoidRequest, command.void_request_id)
    if known is not None:
        _refuse_another(known, command)
        if known.state is VoidState.REJECTED:
            detail = f"{known.decided_by_name} turned it down: ask for it anew"
            raise errors.VoidRequestDecided(detail, void_request_id=known.id)
        return known
    await _refuse_second(session, invoice)
    if not needs_second_operator(invoice.owed_cents, limit_cents):
        await void_invoice(session, VoidInvoice(invoice.id, command.reason, command.by.name), now)
        return None
    refuse_unfit(invoice)
    asked = _asked_for(command, invoice, now)
    session.add(asked)
    await flush_or_refuse(session, {"pk_void_requests": _taken(command)})
    outbox.add(session, _asked_event(invoice, asked, now), version=invoice.next_version())
    return asked


async def approve_void(session: AsyncSession, void_request_id: UUID, by: Decider, now: datetime) -> VoidRequest:
    """By another operator than its maker, as long as what was asked for is what is owed: then the invoice is void."""
    invoice, asked = await void_requests.lock(session, void_request_id)
    if asked.state is VoidState.APPROVED:
        return asked
    _refuse(asked, obstacle_to_approval(invoice, asked, by.id))
    _decide(asked, VoidState.APPROVED, by, now)
    await void_invoice(session, VoidInvoice(invoice.id, asked.reason_code, by.name), now)
    return asked


async def reject_void(session: AsyncSession, void_request_id: UUID, by: Decider, now: datetime) -> VoidRequest:
    """It never had an effect."""
    invoice, asked = await void_requests.lock(session, void_request_id)
    if asked.state is VoidState.REJECTED:
        return asked
    _refuse(asked, rules.obstacle_to_rejection(asked.state))
    _decide(asked, VoidState.REJECTED, by, now)
    outbox.add(session, _asked_event(invoice, asked, now), version=invoice.next_version())
    await session.flush()
    return asked


def obstacle_to_approval(invoice: Invoice, asked: VoidRequest, by_id: UUID) -> VoidObstacle | None:
    return rules.obstacle_to_approval(
        asked.state,
        is_by_maker=asked.made_by_id == by_id,
        is_invoice_issued=invoice.document_status is DocumentStatus.ISSUED,
        has_money=invoice.has_money,
        is_written_off=invoice.written_off_cents > 0,
        is_what_is_owed=asked.amount_cents == invoice.owed_cents,
    )


def _decide(asked: VoidRequest, state: VoidState, by: Decider, now: datetime) -> None:
    asked.state = state
    asked.decided_by_id, asked.decided_by_name, asked.decided_at = by.id, by.name, now


def _asked_for(command: AskVoid, invoice: Invoice, now: datetime) -> VoidRequest:
    return VoidRequest(
        id=command.void_request_id,
        invoice_id=invoice.id,
        amount_cents=invoice.owed_cents,
        reason_code=command.reason,
        notes=command.notes,
        state=VoidState.PENDING,
        made_by_id=command.by.id,
        made_by_name=command.by.name,
        created_at=now,
    )


async def _refuse_second(session: AsyncSession, invoice: Invoice) -> None:
    pending = await void_requests.pending_of(session, invoice.id)
    if pending is not None:
        detail = f"a void of {dollars(pending.amount_cents)} waits for approval: an invoice has one at a time"
        raise errors.VoidRequestStands(detail, invoice_id=invoice.id, void_request_id=pending.id)


def _refuse(asked: VoidRequest, obstacle: VoidObstacle | None) -> None:
    if obstacle is not None:
        raise _REFUSALS.get(obstacle, errors.VoidRequestDecided)(obstacle, void_request_id=asked.id)


def _refuse_another(known: VoidRequest, command: AskVoid) -> None:
    """The same request sent twice is one void."""
    given = (command.invoice_id, command.reason, command.notes)
    if (known.invoice_id, known.reason_code, known.notes) != given:
        raise _taken(command)


def _taken(command: AskVoid) -> errors.VoidRequestIdTaken:
    return errors.VoidRequestIdTaken("the id stands for another void", void_request_id=command.void_request_id)


def _asked_event(invoice: Invoice, asked: VoidRequest, now: datetime) -> InvoiceVoidAsked:
    """That it waits for a second operator, or was turned down."""
    return InvoiceVoidAsked.model_validate(
        {
            "invoice_id": invoice.id,
            "void_request_id": asked.id,
            "state": asked.state,
            "kind": invoice.kind,
            "number": invoice.number,
            **invoice.parties,
            "amount_cents": asked.amount_cents,
            "currency": CURRENCY,
            "reason_code": asked.reason_code,
            "changed_at": now,
        }
    )
