"""Clients' invoices: one for a board, its draft looked through, sent, and paid."""

from sqlalchemy import func, select

from chassis.console.cells import Kind
from chassis.console.listing import Column, Empty, Exact, Listing, Search, Tab, routes_of
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.models import Account, Invoice
from services.billing.pages.filters import Quarter
from services.billing.pages.invoice_words import ACCOUNT, CLIENTS, EXTRA_COLUMNS, FILTERS, MONEY_COLUMNS, NUMBER

ROOM = "client-invoices"
PATH = CLIENTS
DRAFTS = f"{PATH}?status=draft"

LISTING = Listing(
    name=ROOM,
    title="Client invoices",
    noun=("invoice", "invoices"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select()
    .select_from(Invoice)
    .join(Account, Account.id == Invoice.account_id)
    .where(Invoice.kind == InvoiceKind.CLIENT),
    key=Invoice.id,
    order="-created",
    columns=(
        NUMBER,
        ACCOUNT,
        Column("order", "Purchase order", Invoice.purchase_order),
        *MONEY_COLUMNS,
        Column("stripe", "Stripe invoice", Invoice.stripe_invoice_id, Kind.ID, is_extra=True),
        Column("board_id", "Board id", Invoice.board_id, Kind.ID, is_extra=True),
        *EXTRA_COLUMNS,
    ),
    filters=(
        Search(
            "q",
            "Number, client, purchase order or id",
            texts=(Invoice.number, Account.name, Invoice.purchase_order, Invoice.stripe_invoice_id),
            ids=(Invoice.id, Invoice.account_id, Invoice.board_id),
        ),
        # By its issue, or by its drafting while it is a draft.
        Quarter("quarter", "Fiscal quarter", column=func.coalesce(Invoice.issued_at, Invoice.created_at)),
        *FILTERS,
        Exact("board_id", "Board", column=Invoice.board_id),
    ),
    tabs=(
        Tab("Drafts", "status=draft"),
        Tab("Sent and unpaid", "status=issued&status=partially_paid"),
        Tab("Overdue", "overdue=true&sort=-balance"),
        Tab("Paid", "status=paid"),
        Tab("All"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No client invoices",
        "A board that is closed has its draft here by itself, with the contracted amount as its line.",
        "file-text",
    ),
)

ROUTES = routes_of(LISTING)
