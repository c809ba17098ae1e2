"""What is owed, by when it was due: the queue of those to remind, and every invoice behind the ageing's cells."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Date, Select, case, cast, func, select

from chassis.console.cells import Kind
from chassis.console.listing import (
    NOW,
    ZONE,
    Amount,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Search,
    Tab,
    among,
    routes_of,
)
from chassis.console.wording import words
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account, Invoice
from services.billing.pages.doors import account_name, account_path, invoice_path

ROOM = "overdue"
PATH = "/console/overdue"
QUEUE = f"{PATH}?state=overdue"

TODAY = cast(func.timezone(ZONE, NOW), Date)
TODAY_BEGINS = func.timezone(ZONE, func.date_trunc("day", func.timezone(ZONE, NOW)))
DAYS_OVERDUE = func.greatest(0, TODAY - cast(func.timezone(ZONE, Invoice.due_at), Date))
IS_OVERDUE = Invoice.due_at < TODAY_BEGINS
TOTAL_CENTS = Invoice.total_cents - Invoice.credits_cents + Invoice.debits_cents + Invoice.adjusted_gst_cents
KINDS: Mapping[str, str] = {InvoiceKind.INSTALLER: "Installer", InvoiceKind.CLIENT: "Client"}

ROWS: Select[Any] = (
    select()
    .select_from(Invoice)
    .join(Account, Account.id == Invoice.account_id)
    .where(Invoice.document_status == DocumentStatus.ISSUED, Invoice.balance_cents > 0)
)

LISTING = Listing(
    name=ROOM,
    title="Owed invoices",
    noun=("invoice", "invoices"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=Invoice.id,
    order="due",
    links=(("Receivables", "/console/receivables", None),),
    columns=(
        Column("number", "Invoice", Invoice.number),
        Column("account", "Account", Account.name, path=lambda row: account_path(row.account_id), wraps=True),
        Column("kind", "Kind", Invoice.kind, say=lambda row: KINDS[row.kind]),
        Column("due", "Due", Invoice.due_at, Kind.DAY, sorts=True),
        Column(
            "days",
            "Days overdue",
            DAYS_OVERDUE,
            Kind.NUMBER,
            is_late=lambda row, _now: row.days > 0,
        ),
        Column(
            "state",
            "State",
            case((Invoice.paid_cents > Invoice.customer_credit_cents, "partially_paid"), else_="issued"),
            Kind.CHIP,
            say=lambda row: f"{words(row.state)}, overdue" if row.days > 0 else row.state,
            tone=lambda row: "danger" if row.days > 0 else "info",
        ),
        Column("total", "Total", TOTAL_CENTS, Kind.MONEY, sums=True),
        Column("balance", "Owed", Invoice.balance_cents, Kind.MONEY, sorts=True, sums=True),
        Column("issued", "Issued", Invoice.issued_at, Kind.DAY, is_extra=True),
        Column("stripe", "Stripe invoice", Invoice.stripe_invoice_id, is_extra=True),
        Column("credit", "Customer credit", Account.customer_credit_cents, Kind.MONEY, is_extra=True),
        Column("account_id", "Account id", Invoice.account_id, Kind.ID, is_extra=True),
    ),
    filters=(
        Search(
            "q",
            "Number, account or Stripe id",
            texts=(Invoice.number, Account.name, Account.billing_email, Invoice.stripe_invoice_id),
            ids=(Invoice.id, Invoice.account_id),
        ),
        Choice(
            "state",
            "Due",
            options=(Option("overdue", "Overdue", IS_OVERDUE), Option("not_due", "Not due yet", ~IS_OVERDUE)),
        ),
        Choice("kind", "Kind", options=among(Invoice.kind, InvoiceKind, KINDS)),
        Days("due", "Due day", column=Invoice.due_at),
        Amount("owed", "Owed", column=Invoice.balance_cents),
        Exact("account_id", "Account", column=Invoice.account_id, name_of=account_name),
    ),
    tabs=(Tab("Overdue", "state=overdue"), Tab("Not due yet", "state=not_due"), Tab("All that is owed")),
    document=lambda row: invoice_path(row.kind, row.id),
    empty=Empty(
        "Nothing is owed", "An invoice comes here when it is issued, and leaves once it is paid.", "circle-check"
    ),
)

ROUTES = routes_of(LISTING)
