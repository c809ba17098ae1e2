"""Money that came in went back, or never was there: a new row takes it back, and nothing of the old one changes.

What a payment left to its customer goes first, the rest of it is owed again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from contracts.settlement import InvoicePaymentReversed
from services.billing.commands.adjusting import Decider
from services.billing.commands.journal import post
from services.billing.commands.payments import where_it_lies
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import (
    CURRENCY,
    LedgerAccount,
    Posting,
    PostingKind,
    payment_reversed_entries,
    rest_reversed_entries,
)
from services.billing.domain.settlement import ReversalReason
from services.billing.errors import CustomerCreditSpent, ReversalIdTaken, ReversalReferenceTaken, ReversalTooLarge
from services.billing.models import Invoice, Payment, PaymentReversal, Receipt
from services.billing.queries import accounts, invoices, receipts


@dataclass(frozen=True, slots=True)
class TakeBack:
    """`reversal_id` stands for one act, however often it is sent. Without an amount, all that is left goes back.

    `subject_id` is a payment or a receipt, by the command. `external_ref` names the money's way back, once: the bank's,
    or Stripe's id of the refund or the dispute.
    """

    reversal_id: UUID
    subject_id: UUID
    reason: ReversalReason
    by: Decider
    amount_cents: int | None = None
    notes: str | None = None
    external_ref: str | None = None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """`invoices` are those that are owed more now, or left less to their customer.

    What was owed on each before is told where it is new, and what the customer had with us, where any of that went.
    """

    reversals: Sequence[PaymentReversal]
    invoices: Sequence[Invoice]
    is_new: bool
    owed_before_cents: Mapping[UUID, int] = field(default_factory=dict)
    credit_before_cents: int | None = None
    credit_after_cents: int | None = None

    @property
    def amount_cents(self) -> int:
        return sum(reversal.amount_cents for reversal in self.reversals)


@dataclass(frozen=True, slots=True)
class _Part:
    """So much of a payment, whose invoice is locked, goes back by that reversal."""

    reversal_id: UUID
    payment: Payment
    invoice: Invoice
    cents: int

    @property
    def from_credit_cents(self) -> int:
        """What the invoice left to its customer goes first."""
        return min(self.cents, max(0, self.invoice.customer_credit_cents))


@dataclass(frozen=True, slots=True)
class _Rest:
    """So much of a receipt's rest goes back by that reversal."""

    reversal_id: UUID
    receipt: Receipt
    cents: int


async def reverse_payment(session: AsyncSession, command: TakeBack, now: datetime) -> TakenBack:
    """All of one payment or a part of it."""
    payment = await receipts.find_payment(session, command.subject_id)
    invoice = await invoices.lock(session, payment.invoice_id)
    known = await receipts.reversals(session, [command.reversal_id])
    if known:
        return _done_before(command, known, {payment.id}, [invoice])
    gone = await receipts.gone_back(session, [payment.id])
    cents = _amount(command, payment.amount_cents - gone.get(payment.id, 0))
    part = _Part(command.reversal_id, payment, invoice, cents)
    is_at_stripe = await receipts.is_at_stripe(session, payment)
    return await _take_back(session, command, [part], None, now, is_at_stripe=is_at_stripe)


async def reverse_receipt(session: AsyncSession, command: TakeBack, now: datetime) -> TakenBack:
    """All that is left of it in one act, its payments and its rest; each of them gets an id from the act's."""
    receipt = await receipts.find(session, command.subject_id)
    paid = await receipts.payments_of(session, receipt.id)
    found = await receipts.lock_invoices(session, [payment.invoice_id for payment in paid])
    await accounts.lock_credit(session, receipt.account_id)
    ids = {id_: uuid5(command.reversal_id, str(id_)) for id_ in (*(payment.id for payment in paid), receipt.id)}
    known = await receipts.reversals(session, [command.reversal_id, *ids.values()])
    if known:
        return _done_before(command, known, ids.keys(), list(found.values()))
    gone = await receipts.gone_back(session, [payment.id for payment in paid])
    left = [(payment, payment.amount_cents - gone.get(payment.id, 0)) for payment in paid]
    rest_cents = receipt.rest_cents - await receipts.rest_gone_back(session, receipt.id)
    _amount(command, sum(cents for _, cents in left) + rest_cents)
    parts = [_Part(ids[payment.id], payment, found[payment.invoice_id], cents) for payment, cents in left if cents]
    rest = _Rest(ids[receipt.id], receipt, rest_cents) if rest_cents else None
    is_at_stripe = receipt.external_payment_ref is not None
    return await _take_back(session, command, parts, rest, now, is_at_stripe=is_at_stripe)


async def reverse_rest(session: AsyncSession, command: TakeBack, now: datetime) -> TakenBack:
    """What of a receipt no invoice took, all of it or a part: mostly it is paid back to the customer."""
    receipt = await receipts.find(session, command.subject_id)
    await accounts.lock_credit(session, receipt.account_id)
    known = await receipts.reversals(session, [command.reversal_id])
    if known:
        return _done_before(command, known, {receipt.id}, [])
    cents = _amount(command, receipt.rest_cents - await receipts.rest_gone_back(session, receipt.id))
    rest = _Rest(command.reversal_id, receipt, cents)
    is_at_stripe = receipt.external_payment_ref is not None
    return await _take_back(session, command, [], rest, now, is_at_stripe=is_at_stripe)


async def _take_back(
    session: AsyncSession,
    command: TakeBack,
    parts: Sequence[_Part],
    rest: _Rest | None,
    now: datetime,
    *,
    is_at_stripe: bool,
) -> TakenBack:
    """The rows and the postings of all of it, each by one statement."""
    account_id = rest.receipt.account_id if rest else parts[0].invoice.account_id
    owed_before_cents = {part.invoice.id: part.invoice.owed_cents for part in parts}
    credit_before_cents, credit_after_cents = await _take_from_credit(session, account_id, parts, rest)
    out_of = where_it_lies(is_at_stripe=is_at_stripe)
    postings = [*(_posting(part, out_of, now) for part in parts), *([_rest_posting(rest, out_of, now)] if rest else [])]
    rows = _rows(command, parts, rest, now)
    were_paid = [_owe_again(part) for part in parts]
    session.add_all(rows)
    await flush_or_refuse(
        session,
        {
            "uq_payment_reversals_external_ref": ReversalReferenceTaken("it names another way back"),
            "pk_payment_reversals": _taken(command),
        },
    )
    await post(session, postings, now)
    for part, was_paid in zip(parts, were_paid, strict=True):
        outbox.add(session, _event(command, part, was_paid, now), version=part.invoice.next_version())
    return TakenBack(
        rows,
        [part.invoice for part in parts],
        is_new=True,
        owed_before_cents=owed_before_cents,
        credit_before_cents=credit_before_cents,
        credit_after_cents=credit_after_cents,
    )


async def _take_from_credit(
    session: AsyncSession, account_id: UUID, parts: Sequence[_Part], rest: _Rest | None
) -> tuple[int | None, int | None]:
    """What the customer had with us, and has from now on. What pays for other invoices is not there to go back."""
    cents = sum(part.from_credit_cents for part in parts) + (rest.cents if rest else 0)
    if not cents:
        return None, None
    account = await accounts.lock_credit(session, account_id)
    if cents > account.customer_credit_cents:
        detail = (
            f"{dollars(cents)} of it was the customer's, who has {dollars(account.customer_credit_cents)} with us: the "
            "rest pays for other invoices, take that back first"
        )
        raise CustomerCreditSpent(detail, account_id=account_id)
    account.customer_credit_cents -= cents
    return account.customer_credit_cents + cents, account.customer_credit_cents


def _owe_again(part: _Part) -> bool:
    """Whether the invoice had been told as paid and is no more."""
    from_credit_cents = part.from_credit_cents
    part.invoice.paid_cents -= part.cents
    part.invoice.customer_credit_cents -= from_credit_cents
    was_paid = part.invoice.paid_at is not None and part.cents > from_credit_cents
    if was_paid:
        part.invoice.paid_at = None
    return was_paid


def _rows(command: TakeBack, parts: Sequence[_Part], rest: _Rest | None, now: datetime) -> list[PaymentReversal]:
    subjects: list[dict[str, object]] = [
        {"id": part.reversal_id, "payment_id": part.payment.id, "amount_cents": part.cents} for part in parts
    ]
    if rest:
        subjects.append({"id": rest.reversal_id, "receipt_id": rest.receipt.id, "amount_cents": rest.cents})
    return [
        PaymentReversal(
            **subject,
            reason_code=command.reason,
            notes=command.notes,
            external_ref=command.external_ref if place == 0 else None,
            made_by_id=command.by.id,
            made_by_name=command.by.name,
            reversed_at=now,
        )
        for place, subject in enumerate(subjects)
    ]


def _posting(part: _Part, out_of: LedgerAccount, now: datetime) -> Posting:
    """Before the invoice is changed: the entries follow from what it left to its customer."""
    return Posting(
        source_key=f"payment_reversal:{part.reversal_id}",
        kind=PostingKind.PAYMENT_REVERSED,
        occurred_at=now,
        entries=payment_reversed_entries(out_of, part.cents, part.invoice.customer_credit_cents),
        party_id=part.invoice.account_id,
        invoice_id=part.invoice.id,
    )


def _rest_posting(rest: _Rest, out_of: LedgerAccount, now: datetime) -> Posting:
    return Posting(
        source_key=f"payment_reversal:{rest.reversal_id}",
        kind=PostingKind.PAYMENT_REVERSED,
        occurred_at=now,
        entries=rest_reversed_entries(out_of, rest.cents),
        party_id=rest.receipt.account_id,
    )


def _amount(command: TakeBack, left_cents: int) -> int:
    cents = left_cents if command.amount_cents is None else command.amount_cents
    if not 0 < cents <= left_cents:
        detail = f"{dollars(left_cents)} is left of it"
        raise ReversalTooLarge(detail, subject_id=command.subject_id, left_cents=left_cents)
    return cents


def _done_before(
    command: TakeBack, known: Sequence[PaymentReversal], subject_ids: Collection[UUID], changed: Sequence[Invoice]
) -> TakenBack:
    """The same act sent twice is one; another one under its id is a mistake to be told."""
    about = {row.payment_id or row.receipt_id for row in known}
    is_same = about <= set(subject_ids) and all(row.reason_code is command.reason for row in known)
    if not is_same or command.amount_cents not in {None, sum(row.amount_cents for row in known)}:
        raise _taken(command)
    return TakenBack(known, changed, is_new=False)


def _taken(command: TakeBack) -> ReversalIdTaken:
    return ReversalIdTaken("the id stands for another reversal", reversal_id=command.reversal_id)


def _event(command: TakeBack, part: _Part, was_paid: bool, now: datetime) -> InvoicePaymentReversed:
    return InvoicePaymentReversed.model_validate(
        {
            "invoice_id": part.invoice.id,
            "kind": part.invoice.kind,
            **part.invoice.parties,
            "payment_id": part.payment.id,
            "reversal_id": part.reversal_id,
            "reason_code": command.reason,
            "amount_cents": part.cents,
            "currency": CURRENCY,
            "balance_cents": part.invoice.owed_cents,
            "was_paid": was_paid,
            "reversed_at": now,
        }
    )
