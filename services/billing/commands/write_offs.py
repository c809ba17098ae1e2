"""What is not waited for any more: asked for by one operator, over the limit agreed to by another, then in the books.

All that is owed on an invoice, with its GST taken back; paid after all, it is reversed first.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from contracts.settlement import InvoiceWriteOffAsked, InvoiceWriteOffReversed, InvoiceWrittenOff
from services.billing import errors
from services.billing.commands.adjusting import Decider
from services.billing.commands.journal import post
from services.billing.commands.promises import withdraw_open_promise
from services.billing.domain import settlement as rules
from services.billing.domain.adjustments import needs_second_operator
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import (
    CURRENCY,
    Entry,
    Posting,
    PostingKind,
    write_off_reversed_entries,
    written_off_entries,
)
from services.billing.domain.settlement import WriteOffObstacle, WriteOffReason, WriteOffState, written_off_gst
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Invoice, WriteOff
from services.billing.queries import invoices, write_offs


@dataclass(frozen=True, slots=True)
class AskWriteOff:
    """`write_off_id` stands for one write-off, however often it is sent. It is of all that is owed."""

    write_off_id: UUID
    invoice_id: UUID
    reason: WriteOffReason
    by: Decider
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class ReverseWriteOff:
    write_off_id: UUID
    reason: str
    by: Decider


PROMISE_ENDED = "The invoice is written off"

_REFUSALS = {
    WriteOffObstacle.MAKER: errors.MakerCannotApprove,
    WriteOffObstacle.NOT_ISSUED: errors.NotIssued,
    WriteOffObstacle.OWED_OTHERWISE: errors.OwedOtherwise,
}


async def ask_write_off(session: AsyncSession, command: AskWriteOff, limit_cents: int, now: datetime) -> WriteOff:
    """In the books at once, or pending where a second operator has to agree."""
    invoice = await invoices.lock(session, command.invoice_id)
    known = await session.get(WriteOff, command.write_off_id)
    if known is not None:
        _refuse_another(known, command)
        return known
    await _refuse_unfit(session, invoice)
    written = _asked_for(command, invoice, now)
    session.add(written)
    await flush_or_refuse(session, {"pk_write_offs": _taken(command)})
    if not needs_second_operator(written.amount_cents, limit_cents):
        await _put_into_books(session, invoice, written, command.by, now)
    else:
        outbox.add(session, _asked_event(invoice, written, now), version=invoice.next_version())
    return written


async def approve_write_off(session: AsyncSession, write_off_id: UUID, by: Decider, now: datetime) -> WriteOff:
    """By another operator than its maker, as long as what was asked for is what is owed."""
    invoice, written = await write_offs.lock(session, write_off_id)
    if written.state is WriteOffState.APPROVED:
        return written
    _refuse(
        written,
        rules.obstacle_to_approval(
            written.state,
            is_by_maker=written.made_by_id == by.id,
            is_invoice_issued=invoice.document_status is DocumentStatus.ISSUED,
            is_what_is_owed=written.amount_cents == invoice.owed_cents,
        ),
    )
    await _put_into_books(session, invoice, written, by, now)
    return written


async def reject_write_off(session: AsyncSession, write_off_id: UUID, by: Decider, now: datetime) -> WriteOff:
    """It never had an effect."""
    invoice, written = await write_offs.lock(session, write_off_id)
    if written.state is WriteOffState.REJECTED:
        return written
    _refuse(written, rules.obstacle_to_rejection(written.state))
    _decide(written, WriteOffState.REJECTED, by.id, by.name, now)
    outbox.add(session, _asked_event(invoice, written, now), version=invoice.next_version())
    await session.flush()
    return written


async def reverse_write_off(session: AsyncSession, command: ReverseWriteOff, now: datetime) -> WriteOff:
    """It is owed again, as it was: paid after all, or written off by mistake."""
    invoice, written = await write_offs.lock(session, command.write_off_id)
    if written.state is WriteOffState.REVERSED:
        return written
    _refuse(written, rules.obstacle_to_reversal(written.state))
    written.state, written.reversed_at, written.reversal_reason = WriteOffState.REVERSED, now, command.reason
    written.reversed_by_id, written.reversed_by_name = command.by.id, command.by.name
    invoice.written_off_cents -= written.amount_cents
    await session.flush()
    entries = write_off_reversed_entries(written.amount_cents, written.gst_cents)
    await post(session, [_posting(invoice, written, PostingKind.WRITE_OFF_REVERSED, entries, now)], now)
    outbox.add(session, _reversed_event(invoice, written, now), version=invoice.next_version())
    return written


async def reject_pending_of(session: AsyncSession, invoice: Invoice, by: str, now: datetime) -> None:
    """The invoice, which is locked, is void: nothing is left to write off."""
    pending = await write_offs.pending_of(session, invoice.id)
    if pending is not None:
        _decide(pending, WriteOffState.REJECTED, None, by, now)
        outbox.add(session, _asked_event(invoice, pending, now), version=invoice.next_version())


async def _put_into_books(
    session: AsyncSession, invoice: Invoice, written: WriteOff, by: Decider, now: datetime
) -> None:
    """The GST is that of the invoice as it stands now, with its credits and debits."""
    await withdraw_open_promise(session, invoice, by.name, PROMISE_ENDED, now)
    written.gst_cents = _gst(invoice)
    _decide(written, WriteOffState.APPROVED, by.id, by.name, now)
    invoice.written_off_cents += written.amount_cents
    await session.flush()
    entries = written_off_entries(written.amount_cents, written.gst_cents)
    await post(session, [_posting(invoice, written, PostingKind.WRITTEN_OFF, entries, now)], now)
    outbox.add(session, _written_off_event(invoice, written, now), version=invoice.next_version())


def _decide(written: WriteOff, state: WriteOffState, by_id: UUID | None, by_name: str, now: datetime) -> None:
    written.state = state
    written.decided_by_id, written.decided_by_name, written.decided_at = by_id, by_name, now


def _asked_for(command: AskWriteOff, invoice: Invoice, now: datetime) -> WriteOff:
    return WriteOff(
        id=command.write_off_id,
        invoice_id=invoice.id,
        amount_cents=invoice.owed_cents,
        gst_cents=_gst(invoice),
        reason_code=command.reason,
        notes=command.notes,
        state=WriteOffState.PENDING,
        made_by_id=command.by.id,
        made_by_name=command.by.name,
        created_at=now,
    )


def _gst(invoice: Invoice) -> int:
    gst_cents = invoice.gst_cents + invoice.adjusted_gst_cents
    return written_off_gst(invoice.owed_cents, gst_cents, invoice.adjusted_total_cents)


async def _refuse_unfit(session: AsyncSession, invoice: Invoice) -> None:
    if invoice.document_status is not DocumentStatus.ISSUED:
        raise errors.NotIssued(
            f"the invoice is {invoice.document_status}: nothing is owed on it", invoice_id=invoice.id
        )
    live = await write_offs.live_of(session, invoice.id)
    if live is not None:
        detail = f"a write-off of {dollars(live.amount_cents)} is {live.state}: an invoice has one at a time"
        raise errors.WriteOffStands(detail, invoice_id=invoice.id, write_off_id=live.id)
    if not invoice.owed_cents:
        raise errors.NothingOwed("nothing is left to pay on it", invoice_id=invoice.id)


def _refuse(written: WriteOff, obstacle: WriteOffObstacle | None) -> None:
    if obstacle is not None:
        raise _REFUSALS.get(obstacle, errors.WriteOffDecided)(obstacle, write_off_id=written.id)


def _refuse_another(known: WriteOff, command: AskWriteOff) -> None:
    """The same request sent twice is one write-off."""
    given = (command.invoice_id, command.reason, command.notes)
    if (known.invoice_id, known.reason_code, known.notes) != given:
        raise _taken(command)


def _taken(command: AskWriteOff) -> errors.WriteOffIdTaken:
    return errors.WriteOffIdTaken("the id stands for another write-off", write_off_id=command.write_off_id)


def _posting(
    invoice: Invoice, written: WriteOff, kind: PostingKind, entries: tuple[Entry, ...], now: datetime
) -> Posting:
    suffix = ":reversed" if kind is PostingKind.WRITE_OFF_REVERSED else ""
    return Posting(
        source_key=f"write_off:{written.id}{suffix}",
        kind=kind,
        occurred_at=now,
        entries=entries,
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def _told(invoice: Invoice, written: WriteOff) -> dict[str, object]:
    return {
        "invoice_id": invoice.id,
        "write_off_id": written.id,
        "kind": invoice.kind,
        "number": invoice.number,
        **invoice.parties,
        "amount_cents": written.amount_cents,
        "gst_cents": written.gst_cents,
        "currency": CURRENCY,
        "reason_code": written.reason_code,
    }


def _asked_event(invoice: Invoice, written: WriteOff, now: datetime) -> InvoiceWriteOffAsked:
    """That it waits for a second operator, or was turned down."""
    return InvoiceWriteOffAsked.model_validate(_told(invoice, written) | {"state": written.state, "changed_at": now})


def _written_off_event(invoice: Invoice, written: WriteOff, now: datetime) -> InvoiceWrittenOff:
    return InvoiceWrittenOff.model_validate(_told(invoice, written) | {"written_off_at": now})


def _reversed_event(invoice: Invoice, written: WriteOff, now: datetime) -> InvoiceWriteOffReversed:
    balance = {"balance_cents": invoice.balance_cents, "reversed_at": now}
    return InvoiceWriteOffReversed.model_validate(_told(invoice, written) | balance)
