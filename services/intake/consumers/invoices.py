"""What billing says of invoices: their numbers, whether they are paid, and which deliveries they charge."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts.billing import (
    InvoiceAdjusted,
    InvoiceCreditApplied,
    InvoiceDeliveriesListed,
    InvoiceDrafted,
    InvoiceIssued,
    InvoicePaid,
    InvoicePaymentRecorded,
    InvoiceVoided,
)
from contracts.envelope import Incoming
from contracts.settlement import (
    InvoiceCreditUnapplied,
    InvoicePaymentReversed,
    InvoiceWriteOffReversed,
    InvoiceWrittenOff,
)
from contracts.topics import INVOICES
from contracts.values import AdjustmentType
from services.intake.commands.following import Listed, Told, follow_invoices, list_deliveries
from services.intake.consumers.remembered import remembered

Event = (
    InvoiceAdjusted
    | InvoiceCreditApplied
    | InvoiceCreditUnapplied
    | InvoiceDeliveriesListed
    | InvoiceDrafted
    | InvoiceIssued
    | InvoicePaid
    | InvoicePaymentRecorded
    | InvoicePaymentReversed
    | InvoiceVoided
    | InvoiceWriteOffReversed
    | InvoiceWrittenOff
)


async def on_drafted(session: AsyncSession, batch: list[Incoming[InvoiceDrafted]]) -> None:
    await follow_invoices(
        session, [_told(i, {"state": "draft", "since": None, "kind": i.event.kind.value}) for i in batch]
    )


async def on_issued(session: AsyncSession, batch: list[Incoming[InvoiceIssued]]) -> None:
    await follow_invoices(session, [_told(i, {"state": "issued", "since": i.event.issued_at}, _face(i)) for i in batch])


async def on_paid(session: AsyncSession, batch: list[Incoming[InvoicePaid]]) -> None:
    await follow_invoices(session, [_told(i, {"state": "paid", "since": i.event.paid_at}, _face(i)) for i in batch])


async def on_voided(session: AsyncSession, batch: list[Incoming[InvoiceVoided]]) -> None:
    await follow_invoices(session, [_told(i, {"state": "void", "since": i.event.voided_at}, _face(i)) for i in batch])


async def on_payment_recorded(session: AsyncSession, batch: list[Incoming[InvoicePaymentRecorded]]) -> None:
    """That nothing is left is told by an event of its own."""
    await _leaves_open(
        session, [_told(i, {**PARTLY_PAID, "since": i.event.received_at}) for i in batch if i.event.balance_cents > 0]
    )


async def on_credit_applied(session: AsyncSession, batch: list[Incoming[InvoiceCreditApplied]]) -> None:
    await _leaves_open(
        session, [_told(i, {**PARTLY_PAID, "since": i.event.applied_at}) for i in batch if i.event.balance_cents > 0]
    )


async def on_payment_reversed(session: AsyncSession, batch: list[Incoming[InvoicePaymentReversed]]) -> None:
    """What was paid is owed again; what was only more than is owed and went back leaves it paid."""
    await _leaves_open(
        session,
        [_told(i, {"state": "issued", "since": i.event.reversed_at}) for i in batch if i.event.balance_cents > 0],
    )


async def on_credit_unapplied(session: AsyncSession, batch: list[Incoming[InvoiceCreditUnapplied]]) -> None:
    await _leaves_open(
        session,
        [_told(i, {"state": "issued", "since": i.event.unapplied_at}) for i in batch if i.event.balance_cents > 0],
    )


async def on_written_off(session: AsyncSession, batch: list[Incoming[InvoiceWrittenOff]]) -> None:
    await follow_invoices(
        session, [_told(i, {"state": "written_off", "since": i.event.written_off_at}, _face(i)) for i in batch]
    )


async def on_write_off_reversed(session: AsyncSession, batch: list[Incoming[InvoiceWriteOffReversed]]) -> None:
    await follow_invoices(
        session, [_told(i, {"state": "issued", "since": i.event.reversed_at}, _face(i)) for i in batch]
    )


async def on_adjusted(session: AsyncSession, batch: list[Incoming[InvoiceAdjusted]]) -> None:
    """A debit opens an invoice again, a paid one too; a credit leaves it what it is until it is paid."""
    await _leaves_open(
        session,
        [
            _told(i, {"state": "issued", "since": i.event.adjusted_at})
            for i in batch
            if i.event.adjustment_type is AdjustmentType.DEBIT and i.event.balance_cents > 0
        ],
    )


async def on_deliveries_listed(session: AsyncSession, batch: list[Incoming[InvoiceDeliveriesListed]]) -> None:
    await follow_invoices(
        session, [_told(i, {}, {**_face(i), "state": "issued", "since": i.event.listed_at}) for i in batch]
    )
    await list_deliveries(session, [listed for incoming in batch for listed in _listed(incoming.event)])


PARTLY_PAID = {"state": "partly_paid"}


async def _leaves_open(session: AsyncSession, told: list[Told]) -> None:
    if told:
        await follow_invoices(session, told)


def _told(incoming: Incoming[Event], facts: Mapping[str, object], assumed: Mapping[str, object] | None = None) -> Told:
    return Told(incoming.event.invoice_id, incoming.envelope.aggregate_version, facts, assumed or {})


def _face(
    incoming: Incoming[InvoiceIssued]
    | Incoming[InvoicePaid]
    | Incoming[InvoiceVoided]
    | Incoming[InvoiceDeliveriesListed]
    | Incoming[InvoiceWriteOffReversed]
    | Incoming[InvoiceWrittenOff],
) -> Mapping[str, object]:
    return {"number": incoming.event.number, "kind": incoming.event.kind.value}


def _listed(event: InvoiceDeliveriesListed) -> list[Listed]:
    return [
        Listed(assignment_id, event.invoice_id, event.number, event.adjustment_id, event.listed_at)
        for assignment_id in event.assignment_ids
    ]


CONSUMER = Consumer(
    INVOICES,
    remembered(
        {
            InvoiceDrafted: on_drafted,
            InvoiceIssued: on_issued,
            InvoicePaid: on_paid,
            InvoiceVoided: on_voided,
            InvoicePaymentRecorded: on_payment_recorded,
            InvoicePaymentReversed: on_payment_reversed,
            InvoiceCreditApplied: on_credit_applied,
            InvoiceCreditUnapplied: on_credit_unapplied,
            InvoiceWrittenOff: on_written_off,
            InvoiceWriteOffReversed: on_write_off_reversed,
            InvoiceAdjusted: on_adjusted,
            InvoiceDeliveriesListed: on_deliveries_listed,
        }
    ),
)
