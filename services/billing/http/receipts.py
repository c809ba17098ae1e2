"""Money that came in for an account at once, over HTTP; and what came in, listed."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Change, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.commands.receipts import RecordedReceipt, RecordReceipt, preview_split, record_receipt
from services.billing.domain.allocation import rest_of
from services.billing.domain.settlement import ReversalReason
from services.billing.domain.statuses import PaymentMethod
from services.billing.errors import StripeTellsPayments
from services.billing.http.fields import AmountCents, Reference, StripePaymentId
from services.billing.http.invoice_views import PaymentView
from services.billing.models import Receipt
from services.billing.queries import accounts, listings, receipts
from services.billing.stripe_gateway import StripeGateway

MONEY, READ = Capability.MANAGE_BILLING_OPS, Capability.READ_OPS
MOST_PARTS = 500


class Part(Body):
    """So much of the receipt pays for that invoice."""

    invoice_id: UUID
    amount_cents: AmountCents


class NewReceipt(Body):
    """`parts` say which invoices it pays for; without them the oldest due is paid first. The rest is the customer's.

    `reference` stands for money that came in once, however often it is sent: the bank's, the cheque's, the receipt's.
    `external_payment_ref` is Stripe's id of it, where it came through Stripe and no key is set.
    """

    amount_cents: AmountCents
    received_at: AwareInstant
    method: PaymentMethod
    reference: Reference
    external_payment_ref: StripePaymentId | None = None
    parts: Annotated[list[Part], Field(max_length=MOST_PARTS)] | None = None

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        ids = [part.invoice_id for part in self.parts or ()]
        if len(ids) != len(set(ids)):
            raise ValueError("name each invoice once")
        return self

    @property
    def split(self) -> dict[UUID, int] | None:
        return None if self.parts is None else {part.invoice_id: part.amount_cents for part in self.parts}


class SplitAmount(Body):
    amount_cents: AmountCents


class SplitPart(BaseModel):
    invoice_id: UUID
    number: str
    due_at: datetime
    owed_cents: int
    amount_cents: int


class SplitPreview(BaseModel):
    """What the oldest due first comes to: nothing is recorded by it."""

    amount_cents: int
    rest_cents: int
    parts: list[SplitPart]


class ReversalView(BaseModel):
    """Of a payment, or of the rest of a receipt."""

    id: UUID
    payment_id: UUID | None
    receipt_id: UUID | None
    amount_cents: int
    reason_code: ReversalReason
    notes: str | None
    external_ref: str | None
    made_by_id: UUID
    made_by_name: str
    reversed_at: datetime


class ReceiptView(BaseModel):
    """`amount_cents` is its payments and `rest_cents`, which no invoice took."""

    id: UUID
    account_id: UUID
    amount_cents: int
    rest_cents: int
    currency: str
    received_at: datetime
    method: PaymentMethod
    reference: str | None
    external_payment_ref: str | None
    recorded_by: str
    recorded_at: datetime

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        return cls.model_validate(receipt, from_attributes=True)


class ReceiptDetail(ReceiptView):
    payments: list[PaymentView]
    reversals: list[ReversalView]


async def receipt_detail(session: AsyncSession, receipt: Receipt) -> ReceiptDetail:
    paid = await receipts.payments_of(session, receipt.id)
    gone = await receipts.reversals_of(session, [payment.id for payment in paid], [receipt.id])
    return ReceiptDetail(
        **ReceiptView.of(receipt).model_dump(),
        payments=[PaymentView.model_validate(payment, from_attributes=True) for payment in paid],
        reversals=[ReversalView.model_validate(reversal, from_attributes=True) for reversal in gone],
    )


@post(
    "/admin/billing/accounts/{account_id:uuid}/receipts/preview",
    status_code=200,
    guards=[requires(READ)],
)
async def post_split_preview(
    account_id: FromPath[UUID], data: JSONBody[SplitAmount], database: Given[Database]
) -> SplitPreview:
    """Which invoices the sum would pay for, the oldest due first; nothing changes."""
    async with database.reading() as session:
        return await previewed(session, account_id, data.amount_cents)


async def previewed(session: AsyncSession, account_id: UUID, amount_cents: int) -> SplitPreview:
    parts = await preview_split(session, account_id, amount_cents)
    owed = {each.invoice_id: each for each in await receipts.owed(session, account_id)}
    return SplitPreview(
        amount_cents=amount_cents,
        rest_cents=rest_of(amount_cents, parts),
        parts=[
            SplitPart(
                invoice_id=id_,
                number=owed[id_].number,
                due_at=owed[id_].due_at,
                owed_cents=owed[id_].cents,
                amount_cents=cents,
            )
            for id_, cents in parts.items()
        ],
    )


@post("/admin/billing/accounts/{account_id:uuid}/receipts", guards=[requires(MONEY, step_up=True)])
async def post_receipt(
    account_id: FromPath[UUID],
    data: JSONBody[NewReceipt],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Response[ReceiptDetail]:
    """Records one sum over several invoices of an account; what none of them takes is the customer's credit.

    With a Stripe key set, a payment under Stripe's id is recorded by what Stripe tells, each for its own invoice.
    """
    _refuse_stripes(data, gateway)
    command = RecordReceipt(
        account_id=account_id,
        by=operator.name,
        parts=data.split,
        **data.model_dump(include={"amount_cents", "received_at", "method", "reference", "external_payment_ref"}),
    )
    async with database.transaction() as session:
        recorded = await record_receipt(session, command, clock.now())
        if recorded.is_new:
            await _audited(session, operator, recorded)
        await session.flush()
        return Response(await receipt_detail(session, recorded.receipt))


def _refuse_stripes(data: NewReceipt, gateway: StripeGateway | None) -> None:
    if gateway is not None and data.external_payment_ref is not None:
        detail = "Stripe tells us of its payments: record it on its invoice, where it can be looked up"
        raise StripeTellsPayments(detail, external_payment_ref=data.external_payment_ref)


async def _audited(session: AsyncSession, operator: Operator, recorded: RecordedReceipt) -> None:
    """On the account the whole, with what its customer has with us; on each invoice its part."""
    receipt = recorded.receipt
    credit_cents = (await accounts.find(session, receipt.account_id)).customer_credit_cents
    facts: dict[str, Any] = {"receipt_id": receipt.id, "reference": receipt.reference, "method": receipt.method}
    whole = facts | {"amount_cents": receipt.amount_cents, "rest_cents": receipt.rest_cents}
    await audit.record(
        session,
        actor=operator,
        action="record_receipt",
        subject=Subject("account", receipt.account_id),
        before={"customer_credit_cents": credit_cents - receipt.rest_cents},
        after=whole | {"customer_credit_cents": credit_cents},
    )
    changes = [
        Change(
            Subject("invoice", payment.invoice_id),
            {"balance_cents": recorded.invoices[payment.invoice_id].balance_cents + payment.amount_cents},
            facts
            | {
                "amount_cents": payment.amount_cents,
                "balance_cents": recorded.invoices[payment.invoice_id].balance_cents,
            },
        )
        for payment in recorded.payments
    ]
    await audit.record_all(session, changes, actor=operator, action="record_payment")


@get("/admin/billing/receipts", guards=[requires(READ)])
async def list_receipts(
    database: Given[Database], page: Given[PageRequest], account_id: FromQuery[UUID | None] = None
) -> Page[ReceiptView]:
    """The latest first."""
    async with database.reading() as session:
        found = await listings.receipts(session, page, account_id)
    return page.page(found, lambda row: (row.received_at, row.id), ReceiptView.of)


@get("/admin/billing/receipts/{receipt_id:uuid}", guards=[requires(READ)])
async def get_receipt(receipt_id: FromPath[UUID], database: Given[Database]) -> ReceiptDetail:
    """With its payments, and what went back of them and of its rest."""
    async with database.reading() as session:
        return await receipt_detail(session, await receipts.find(session, receipt_id))


@get("/admin/billing/payments", guards=[requires(READ)])
async def list_payments(
    database: Given[Database],
    page: Given[PageRequest],
    account_id: FromQuery[UUID | None] = None,
    invoice_id: FromQuery[UUID | None] = None,
) -> Page[PaymentView]:
    """What invoices were paid by, the latest first."""
    async with database.reading() as session:
        found = await listings.payments(session, page, account_id, invoice_id)
    return page.page(
        found,
        lambda row: (row.received_at, row.id),
        lambda row: PaymentView.model_validate(row, from_attributes=True),
    )


ROUTES = (post_split_preview, post_receipt, list_receipts, get_receipt, list_payments)
