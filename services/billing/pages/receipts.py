"""Money that came in for an account at once: what it paid for, and what of it no invoice took."""

from typing import Any

from sqlalchemy import Select, select

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
from services.billing.domain.statuses import PaymentMethod
from services.billing.models import Account, Receipt
from services.billing.pages.doors import PAYMENTS, RECEIPTS, account_name, account_path
from services.billing.queries.customer_credit import REST_LEFT_CENTS

PATH = RECEIPTS
ROWS: Select[Any] = select().select_from(Receipt).join(Account, Account.id == Receipt.account_id)

LISTING = Listing(
    name="receipts",
    title="Receipts",
    noun=("receipt", "receipts"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    one_per=Receipt,
    key=Receipt.id,
    order="-received",
    note="One sum for several invoices is recorded on its account's page.",
    links=(("Payments", PAYMENTS, None),),
    room="payments",
    columns=(
        Column("received", "Received", Receipt.received_at, Kind.DAY, sorts=True),
        Column("account", "Account", Account.name, path=lambda row: account_path(row.account_id), wraps=True),
        Column("method", "How", Receipt.method, Kind.WORD),
        Column("reference", "Reference", Receipt.reference, wraps=True),
        Column("amount", "Amount", Receipt.amount_cents, Kind.MONEY, sorts=True, sums=True),
        Column("rest", "No invoice took", Receipt.rest_cents, Kind.MONEY, sums=True),
        Column("left", "Still there of that", REST_LEFT_CENTS, Kind.MONEY),
        Column("by", "Recorded by", Receipt.recorded_by),
        Column("recorded", "Recorded", Receipt.recorded_at, Kind.AGO, is_extra=True),
        Column("stripe", "Stripe payment", Receipt.external_payment_ref, Kind.ID, is_extra=True),
    ),
    also={"account_id": Receipt.account_id},
    filters=(
        Search(
            "q",
            "Reference, account or Stripe payment",
            texts=(Receipt.reference, Receipt.external_payment_ref, Account.name),
            ids=(Receipt.id,),
        ),
        Choice("method", "How", options=among(Receipt.method, PaymentMethod)),
        Flag("unapplied", "With a rest", condition=REST_LEFT_CENTS > 0),
        Days("received", "Received", column=Receipt.received_at),
        Amount("amount", "Amount", column=Receipt.amount_cents),
        Exact("account_id", "Account", column=Receipt.account_id, name_of=account_name),
    ),
    tabs=(Tab("All"), Tab("With a rest", "unapplied=true")),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No receipts",
        "One sum for several invoices, or for none yet, comes here once it is recorded on its account.",
        "banknote",
    ),
)

ROUTES = routes_of(LISTING)
