"""What invoices were paid by: each payment of an invoice, alone or out of a sum that came in for several."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select

from chassis.console.cells import Kind
from chassis.console.listing import (
    Amount,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Flag,
    Listing,
    Search,
    Tab,
    among,
    routes_of,
)
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.domain.statuses import PaymentMethod
from services.billing.models import Account, Invoice, Payment, PaymentReversal, Receipt
from services.billing.pages.doors import PAYMENTS, RECEIPTS, account_name, account_path, invoice_number, invoice_path

ROOM = "payments"
PATH = PAYMENTS
KINDS: Mapping[str, str] = {InvoiceKind.INSTALLER: "Installers", InvoiceKind.CLIENT: "Clients"}

GONE_CENTS = (
    select(cast(func.coalesce(func.sum(PaymentReversal.amount_cents), 0), BigInteger))
    .where(PaymentReversal.payment_id == Payment.id)
    .correlate(Payment)
    .scalar_subquery()
)
IS_REVERSED = select(PaymentReversal.id).where(PaymentReversal.payment_id == Payment.id).correlate(Payment).exists()

ROWS: Select[Any] = (
    select()
    .select_from(Payment)
    .join(Invoice, Invoice.id == Payment.invoice_id)
    .join(Account, Account.id == Invoice.account_id)
    .outerjoin(Receipt, Receipt.id == Payment.receipt_id)
)

LISTING = Listing(
    name=ROOM,
    title="Payments",
    noun=("payment", "payments"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    one_per=Payment,
    key=Payment.id,
    order="-received",
    note="Money is recorded on an invoice's page, or on an account's where one sum pays for several.",
    links=(("Receipts", RECEIPTS, None),),
    columns=(
        Column("received", "Received", Payment.received_at, Kind.DAY, sorts=True),
        Column(
            "invoice",
            "Invoice",
            Invoice.number,
            path=lambda row: invoice_path(row.invoice_kind, row.invoice_id),
        ),
        Column("account", "Account", Account.name, path=lambda row: account_path(row.account_id), wraps=True),
        Column("method", "How", Payment.method, Kind.WORD),
        Column("reference", "Reference", func.coalesce(Payment.reference, Receipt.reference), wraps=True),
        Column("amount", "Amount", Payment.amount_cents, Kind.MONEY, sorts=True, sums=True),
        Column("gone", "Taken back", GONE_CENTS, Kind.MONEY),
        Column(
            "receipt",
            "Came in with",
            Receipt.amount_cents,
            Kind.MONEY,
            path=lambda row: f"{RECEIPTS}/{row.receipt_id}" if row.receipt_id else "",
        ),
        Column("by", "Recorded by", Payment.recorded_by),
        Column("recorded", "Recorded", Payment.recorded_at, Kind.AGO, is_extra=True),
        Column(
            "stripe",
            "Stripe payment",
            func.coalesce(Payment.external_payment_ref, Receipt.external_payment_ref),
            Kind.ID,
            is_extra=True,
        ),
    ),
    also={
        "invoice_id": Invoice.id,
        "invoice_kind": Invoice.kind,
        "account_id": Account.id,
        "receipt_id": Payment.receipt_id,
    },
    filters=(
        Search(
            "q",
            "Reference, invoice, account or Stripe payment",
            texts=(
                Payment.reference,
                Payment.external_payment_ref,
                Receipt.reference,
                Receipt.external_payment_ref,
                Invoice.number,
                Account.name,
            ),
            ids=(Payment.id, Payment.invoice_id, Payment.receipt_id),
        ),
        Choice("method", "How", options=among(Payment.method, PaymentMethod)),
        Choice("kind", "Of", options=among(Invoice.kind, InvoiceKind, KINDS)),
        Flag("reversed", "Taken back", condition=IS_REVERSED),
        Days("received", "Received", column=Payment.received_at),
        Days("recorded", "Recorded", column=Payment.recorded_at),
        Amount("amount", "Amount", column=Payment.amount_cents),
        Exact("account_id", "Account", column=Invoice.account_id, name_of=account_name),
        Exact("invoice_id", "Invoice", column=Payment.invoice_id, name_of=invoice_number),
        Exact("receipt_id", "Receipt", column=Payment.receipt_id),
    ),
    tabs=(
        Tab("All"),
        Tab("At Stripe", "method=stripe"),
        Tab("By bank", "method=bank_transfer"),
        Tab("Taken back", "reversed=true"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No payments", "A payment that is recorded, or that Stripe tells of, comes here.", "banknote"),
)

ROUTES = routes_of(LISTING)
