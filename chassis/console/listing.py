"""The list machinery: a room declares a `Listing` in a few lines, and `routes_of` serves it.

    ROWS = select().select_from(Invoice).join(Account, Account.id == Invoice.account_id)
    INVOICES = Listing(
        name="invoices", title="Invoices", noun=("invoice", "invoices"), path="/console/invoices",
        capability=Capability.READ_OPS, rows=ROWS, key=Invoice.id, order="-created", empty=Empty("No invoices", "…"),
        columns=(
            Column("number", "Invoice", Invoice.number),
            Column("total", "Total", Invoice.total_cents, Kind.MONEY, sorts=True, sums=True),
            Column("created", "Drafted", Invoice.created_at, Kind.AGO, sorts=True),
        ),
        filters=(Search("q", "Search", texts=(Invoice.number, Account.name), ids=(Invoice.id,)),),
        document=lambda row: f"/console/invoices/{row.id}",
    )

Filters, order, columns and place live in the address; count and sums are of all that is filtered; the CSV is of
exactly that. What an address asks in vain is told, all faults at once.
"""

from chassis.console.cells import Kind
from chassis.console.lists.declaration import ME, NOW, ZONE, Column, Empty, Listing, Tab, late_after
from chassis.console.lists.filters import (
    Amount,
    Choice,
    Days,
    Exact,
    Filter,
    Flag,
    FoldedText,
    Offered,
    Option,
    Search,
    Text,
    Words,
    among,
)
from chassis.console.lists.routes import routes_of
from chassis.console.lists.stretches import AHEAD

__all__ = [
    "AHEAD",
    "ME",
    "NOW",
    "ZONE",
    "Amount",
    "Choice",
    "Column",
    "Days",
    "Empty",
    "Exact",
    "Filter",
    "Flag",
    "FoldedText",
    "Kind",
    "Listing",
    "Offered",
    "Option",
    "Search",
    "Tab",
    "Text",
    "Words",
    "among",
    "late_after",
    "routes_of",
]
