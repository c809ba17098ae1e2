"""The step of a month's close that looks at what each draft says: its items, and what asks for a second look."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Row

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Table, Told
from chassis.console.wording import counted, money
from services.billing.models import Account, Invoice
from services.billing.pages.credit_notes import month_notes
from services.billing.pages.doors import DELIVERIES, invoice_path
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen, more, said
from services.billing.queries import month_exports, months
from services.billing.queries.month_exports import ExportItem

SHOWN_DRAFTS = 100


async def _show(close: Close) -> Screen:
    drafts = await months.drafts(close.session, close.period, SHOWN_DRAFTS, close.installer_ids)
    items = await month_exports.items_of(close.session, [invoice.id for invoice, _ in drafts])
    rows = [_row(invoice, account, items[invoice.id]) for invoice, account in drafts]
    heads = (
        ("Installer", Kind.TEXT),
        ("Deliveries", Kind.NUMBER),
        ("Its items", Kind.TEXT),
        ("To look at", Kind.TEXT),
        ("Subtotal", Kind.MONEY),
        ("GST", Kind.MONEY),
        ("Total", Kind.MONEY),
    )
    path = close.drafts_path
    table = Table(
        "Drafts",
        heads,
        rows,
        empty="No draft of the month waits.",
        foot=_foot(drafts, sum(item.quantity for each in items.values() for item in each)) if rows else (),
        more=more(close.figures.draft_count, path, len(rows)),
        note="AUD. An item is deliveries of one product at one price; each stands on the invoice's page, line by line.",
    )
    text = (
        "What each draft asks for. A line is wrong where its delivery is: void the draft, mend what is behind it, and "
        "draft again. After the issue a reduction is a credit and an increase a debit, each with its adjustment note."
    )
    return Screen("Review", text, await month_notes(close.session, close.period), tables=[table])


def _row(invoice: Invoice, account: Account, items: Sequence[ExportItem]) -> Sequence[Told]:
    told = "; ".join(
        f"{item.quantity:,} {item.description.lower()} at {money(item.unit_price_cents)}" for item in items
    )
    return (
        Shown(account.name, path=invoice_path(invoice.kind, invoice.id)),
        Shown(sum(item.quantity for item in items), Kind.NUMBER, path=f"{DELIVERIES}?invoice_id={invoice.id}"),
        said(told),
        said("; ".join(_remarks(items))),
        Shown(invoice.subtotal_cents, Kind.MONEY),
        Shown(invoice.gst_cents, Kind.MONEY),
        Shown(invoice.total_cents, Kind.MONEY),
    )


def _remarks(items: Sequence[ExportItem]) -> Iterator[str]:
    """What is right as a rule, and is where prices go wrong."""
    for description in dict.fromkeys(item.description for item in items):
        prices = {item.unit_price_cents for item in items if item.description == description}
        if len(prices) > 1:
            yield f"{counted(len(prices), 'price', 'prices')} of {description.lower()}: its plan changed in the month"
    free = sum(item.quantity for item in items if not item.unit_price_cents)
    if free:
        yield f"{counted(free, 'delivery costs', 'deliveries cost')} nothing"


def _foot(drafts: Sequence[Row[Invoice, Account]], delivery_count: int) -> Sequence[Told]:
    invoices = [invoice for invoice, _ in drafts]
    return (
        counted(len(invoices), "draft", "drafts"),
        Shown(delivery_count, Kind.NUMBER),
        "",
        "",
        Shown(sum(each.subtotal_cents for each in invoices), Kind.MONEY),
        Shown(sum(each.gst_cents for each in invoices), Kind.MONEY),
        Shown(sum(each.total_cents for each in invoices), Kind.MONEY),
    )


def _state(close: Close) -> str:
    drafts = close.figures.draft_count
    return counted(drafts, "draft waits", "drafts wait") if drafts else "None waits"


STEP = MonthStep("review", "Review", _state, _show)
