"""The customer's credit: what came in beyond what is owed, kept for the customer, and applied to another invoice."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import InvoiceCreditApplied
from contracts.settlement import InvoiceCreditUnapplied
from services.billing.commands.journal import post
from services.billing.commands.payments import note_if_paid
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import (
    CURRENCY,
    LedgerAccount,
    Posting,
    PostingKind,
    credit_applied_entries,
    credit_unapplied_entries,
)
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import (
    CreditApplicationIdTaken,
    CreditApplicationNotFound,
    CreditCameBack,
    NoCustomerCredit,
    NotIssued,
)
from services.billing.models import Account, Invoice
from services.billing.queries import accounts, invoices, journal


@dataclass(frozen=True, slots=True)
class ApplyCredit:
    """`application_id` stands for one application, however often it is sent; without an amount, as far as it goes."""

    application_id: UUID
    invoice_id: UUID
    amount_cents: int | None = None


@dataclass(frozen=True, slots=True)
class AppliedCredit:
    invoice: Invoice
    amount_cents: int
    is_new: bool


async def apply_customer_credit(session: AsyncSession, command: ApplyCredit, now: datetime) -> AppliedCredit:
    """Pays for an invoice what its own customer has with us."""
    invoice = await invoices.lock(session, command.invoice_id)
    source_key = _key(command.application_id)
    done = await journal.amount_of(session, source_key, LedgerAccount.CUSTOMER_CREDIT)
    if done is not None:
        _refuse_another(done, command)
        return AppliedCredit(invoice, done.amount_cents, is_new=False)
    if invoice.document_status is not DocumentStatus.ISSUED:
        raise NotIssued(f"the invoice is {invoice.document_status}: nothing is owed on it", invoice_id=invoice.id)
    account = await accounts.lock_credit(session, invoice.account_id)
    amount_cents = _amount(invoice, account, command.amount_cents)
    invoice.customer_credit_cents -= amount_cents
    account.customer_credit_cents -= amount_cents
    await session.flush()
    await post(session, [_posting(invoice, source_key, amount_cents, now)], now)
    outbox.add(session, _applied_event(invoice, amount_cents, now), version=invoice.next_version())
    note_if_paid(session, invoice, now)
    return AppliedCredit(invoice, amount_cents, is_new=True)


async def unapply_customer_credit(session: AsyncSession, application_id: UUID, now: datetime) -> AppliedCredit:
    """All of one application: the invoice is owed again, and the money is the customer's again."""
    done = CreditApplicationNotFound.unless(
        await journal.amount_of(session, _key(application_id), LedgerAccount.CUSTOMER_CREDIT),
        "no credit was applied under this id",
        application_id=application_id,
    )
    if done.invoice_id is None:
        raise CreditApplicationNotFound("no credit was applied under this id", application_id=application_id)
    invoice = await invoices.lock(session, done.invoice_id)
    source_key = f"{_key(application_id)}:reversed"
    if await journal.amount_of(session, source_key, LedgerAccount.CUSTOMER_CREDIT) is not None:
        return AppliedCredit(invoice, done.amount_cents, is_new=False)
    _refuse_came_back(invoice, done.amount_cents, application_id)
    account = await accounts.lock_credit(session, invoice.account_id)
    invoice.customer_credit_cents += done.amount_cents
    account.customer_credit_cents += done.amount_cents
    invoice.paid_at = None
    await session.flush()
    await post(session, [_unapplied_posting(invoice, source_key, done.amount_cents, now)], now)
    event = _unapplied_event(invoice, application_id, done.amount_cents, now)
    outbox.add(session, event, version=invoice.next_version())
    return AppliedCredit(invoice, done.amount_cents, is_new=True)


def _key(application_id: UUID) -> str:
    return f"credit_application:{application_id}"


def _refuse_came_back(invoice: Invoice, amount_cents: int, application_id: UUID) -> None:
    """A credit note may have left it to the customer since: then less of it pays for the invoice than was applied."""
    pays_cents = max(0, -invoice.customer_credit_cents)
    if amount_cents > pays_cents:
        detail = f"{dollars(amount_cents)} was applied, and only {dollars(pays_cents)} still pays for the invoice"
        raise CreditCameBack(detail, invoice_id=invoice.id, application_id=application_id)


def _refuse_another(done: journal.PostedAmount, command: ApplyCredit) -> None:
    """The same request sent twice is one application."""
    if done.invoice_id != command.invoice_id or command.amount_cents not in {None, done.amount_cents}:
        raise CreditApplicationIdTaken(
            "the id stands for another application of credit", application_id=command.application_id
        )


def _amount(invoice: Invoice, account: Account, asked_cents: int | None) -> int:
    amount_cents = min(invoice.owed_cents, account.customer_credit_cents) if asked_cents is None else asked_cents
    if not 0 < amount_cents <= min(invoice.owed_cents, account.customer_credit_cents):
        detail = (
            f"{dollars(amount_cents)} was asked for, the customer has {dollars(account.customer_credit_cents)} with us "
            f"and {dollars(invoice.owed_cents)} is owed"
        )
        raise NoCustomerCredit(detail, invoice_id=invoice.id, account_id=account.id)
    return amount_cents


def _posting(invoice: Invoice, source_key: str, amount_cents: int, now: datetime) -> Posting:
    return Posting(
        source_key=source_key,
        kind=PostingKind.CREDIT_APPLIED,
        occurred_at=now,
        entries=credit_applied_entries(amount_cents),
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def _unapplied_posting(invoice: Invoice, source_key: str, amount_cents: int, now: datetime) -> Posting:
    return Posting(
        source_key=source_key,
        kind=PostingKind.CREDIT_UNAPPLIED,
        occurred_at=now,
        entries=credit_unapplied_entries(amount_cents),
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def _unapplied_event(
    invoice: Invoice, application_id: UUID, amount_cents: int, now: datetime
) -> InvoiceCreditUnapplied:
    return InvoiceCreditUnapplied(
        invoice_id=invoice.id,
        application_id=application_id,
        amount_cents=amount_cents,
        currency=CURRENCY,
        balance_cents=invoice.owed_cents,
        unapplied_at=now,
    )


def _applied_event(invoice: Invoice, amount_cents: int, now: datetime) -> InvoiceCreditApplied:
    return InvoiceCreditApplied(
        invoice_id=invoice.id,
        amount_cents=amount_cents,
        currency=CURRENCY,
        balance_cents=invoice.balance_cents,
        applied_at=now,
    )
