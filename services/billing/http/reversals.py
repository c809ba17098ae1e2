"""What takes money back, over HTTP: of a payment, of a receipt, of its rest, of credit that was applied."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Change, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.commands.adjusting import Decider
from services.billing.commands.customer_credit import unapply_customer_credit
from services.billing.commands.reversals import TakeBack, TakenBack, reverse_payment, reverse_receipt, reverse_rest
from services.billing.domain.settlement import ReversalReason
from services.billing.http.fields import AmountCents, Note, Reference
from services.billing.http.receipts import ReversalView
from services.billing.models import Invoice
from services.billing.queries import accounts, customer_credit, receipts

MONEY = Capability.MANAGE_BILLING_OPS
Command = Callable[[AsyncSession, TakeBack, datetime], Awaitable[TakenBack]]


class WholeReversal(Body):
    """With a `reversal_id`, sent twice it is one. `external_ref` names the way back, the bank's or Stripe's, once."""

    reason_code: ReversalReason
    notes: Note | None = None
    external_ref: Reference | None = None
    reversal_id: UUID | None = None


class PartReversal(WholeReversal):
    """Without an amount, all that is left of it."""

    amount_cents: AmountCents | None = None


class Undo(Body):
    notes: Note = Field(description="why: it stands in the audit")


class BalanceView(BaseModel):
    invoice_id: UUID
    number: str | None
    balance_cents: int


class ReversedView(BaseModel):
    """`invoices` are those that it concerns, as they are owed now."""

    amount_cents: int
    reversals: list[ReversalView]
    invoices: list[BalanceView]


class SourceView(BaseModel):
    """Where credit lies: in what a receipt left, or an invoice (more was paid than is owed, or credited later)."""

    receipt_id: UUID | None
    invoice_id: UUID | None
    name: str
    since: datetime | None
    cents: int


class ApplicationView(BaseModel):
    application_id: UUID
    invoice_id: UUID
    number: str | None
    amount_cents: int
    applied_at: datetime


class CustomerCreditView(BaseModel):
    """What the customer has with us: the sources, less what of it pays for invoices."""

    account_id: UUID
    credit_cents: int
    sources: list[SourceView]
    applications: list[ApplicationView]


@post("/admin/billing/payments/{payment_id:uuid}/reverse", status_code=200, guards=[requires(MONEY, step_up=True)])
async def post_reverse_payment(
    payment_id: FromPath[UUID],
    data: JSONBody[PartReversal],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ReversedView:
    """Takes a payment back, or a part of it: a new row and a new posting, the old ones stay as they are.

    What was left to the customer goes first (a refund of too much), the rest is owed on the invoice again.
    """
    async with database.transaction() as session:
        return await take_back_by_operator(session, reverse_payment, payment_id, data, operator, clock.now())


@post("/admin/billing/receipts/{receipt_id:uuid}/reverse", status_code=200, guards=[requires(MONEY, step_up=True)])
async def post_reverse_receipt(
    receipt_id: FromPath[UUID],
    data: JSONBody[WholeReversal],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ReversedView:
    """Takes all that is left of a receipt back in one act: its payments and its rest."""
    async with database.transaction() as session:
        return await take_back_by_operator(session, reverse_receipt, receipt_id, data, operator, clock.now())


@post(
    "/admin/billing/receipts/{receipt_id:uuid}/reverse-rest",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
)
async def post_reverse_rest(
    receipt_id: FromPath[UUID],
    data: JSONBody[PartReversal],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ReversedView:
    """Pays back what of a receipt no invoice took, or takes it out of the books where it never came in."""
    async with database.transaction() as session:
        return await take_back_by_operator(session, reverse_rest, receipt_id, data, operator, clock.now())


async def take_back_by_operator(
    session: AsyncSession, command: Command, subject_id: UUID, data: WholeReversal, operator: Operator, now: datetime
) -> ReversedView:
    asked = TakeBack(
        reversal_id=data.reversal_id or new_id(),
        subject_id=subject_id,
        reason=data.reason_code,
        by=Decider(operator.id, operator.name),
        amount_cents=data.amount_cents if isinstance(data, PartReversal) else None,
        notes=data.notes,
        external_ref=data.external_ref,
    )
    taken = await command(session, asked, now)
    await session.flush()
    if taken.is_new:
        await _audited(session, operator, asked, taken)
    return ReversedView(
        amount_cents=taken.amount_cents,
        reversals=[ReversalView.model_validate(row, from_attributes=True) for row in taken.reversals],
        invoices=[_balance(invoice) for invoice in taken.invoices],
    )


async def _audited(session: AsyncSession, operator: Operator, asked: TakeBack, taken: TakenBack) -> None:
    """On each invoice what went back of its payment; on the account what went back of its credit."""
    by_payment = {row.payment_id: row for row in taken.reversals if row.payment_id}
    payments = {id_: await receipts.find_payment(session, id_) for id_ in by_payment}
    balances = {invoice.id: invoice for invoice in taken.invoices}
    changes = [
        Change(
            Subject("invoice", payments[id_].invoice_id),
            {
                "paid_cents": balances[payments[id_].invoice_id].paid_cents + row.amount_cents,
                "balance_cents": taken.owed_before_cents[payments[id_].invoice_id],
            },
            {
                "paid_cents": balances[payments[id_].invoice_id].paid_cents,
                "balance_cents": balances[payments[id_].invoice_id].owed_cents,
                "reversal_id": row.id,
                "payment_id": id_,
                "amount_cents": row.amount_cents,
            },
        )
        for id_, row in by_payment.items()
    ]
    changes += [
        Change(
            Subject("account", (await receipts.find(session, row.receipt_id)).account_id),
            {"customer_credit_cents": taken.credit_before_cents},
            {
                "customer_credit_cents": taken.credit_after_cents,
                "reversal_id": row.id,
                "receipt_id": row.receipt_id,
                "amount_cents": row.amount_cents,
            },
        )
        for row in taken.reversals
        if row.receipt_id
    ]
    await audit.record_all(
        session, changes, actor=operator, action="reverse_payment", reason_code=asked.reason, reason_text=asked.notes
    )


@get("/admin/billing/accounts/{account_id:uuid}/customer-credit", guards=[requires(Capability.READ_OPS)])
async def get_customer_credit(account_id: FromPath[UUID], database: Given[Database]) -> CustomerCreditView:
    """Where the customer's credit lies, and which invoices it pays for."""
    async with database.reading() as session:
        account = await accounts.find(session, account_id)
        return CustomerCreditView(
            account_id=account_id,
            credit_cents=account.customer_credit_cents,
            sources=_views(SourceView, await customer_credit.sources(session, account_id)),
            applications=_views(ApplicationView, await customer_credit.applications(session, account_id)),
        )


@post(
    "/admin/billing/credit-applications/{application_id:uuid}/reverse",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
)
async def post_unapply_credit(
    application_id: FromPath[UUID],
    data: JSONBody[Undo],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> BalanceView:
    """Takes applied credit back from its invoice: it is the customer's again, and the invoice is owed again."""
    async with database.transaction() as session:
        return _balance(await unapply_by_operator(session, application_id, data.notes, operator, clock.now()))


async def unapply_by_operator(
    session: AsyncSession, application_id: UUID, notes: str, operator: Operator, now: datetime
) -> Invoice:
    taken = await unapply_customer_credit(session, application_id, now)
    if taken.is_new:
        balance_cents = taken.invoice.balance_cents
        await audit.record(
            session,
            actor=operator,
            action="unapply_credit",
            subject=Subject("invoice", taken.invoice.id),
            before={"balance_cents": balance_cents - taken.amount_cents},
            after={
                "balance_cents": balance_cents,
                "amount_cents": taken.amount_cents,
                "application_id": application_id,
            },
            reason_text=notes,
        )
    await session.flush()
    return taken.invoice


def _balance(invoice: Invoice) -> BalanceView:
    return BalanceView(invoice_id=invoice.id, number=invoice.number, balance_cents=invoice.owed_cents)


def _views(view: type[BaseModel], rows: Sequence[object]) -> list[BaseModel]:
    return [view.model_validate(row, from_attributes=True) for row in rows]


ROUTES = (
    post_reverse_payment,
    post_reverse_receipt,
    post_reverse_rest,
    get_customer_credit,
    post_unapply_credit,
)
