"""What a customer has with us on its account's page: where it lies, what it pays for, and what came in at once."""

from sqlalchemy import select

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Table
from services.billing.models import Receipt
from services.billing.pages.account_page import AccountPage
from services.billing.pages.doors import RECEIPTS, invoice_path
from services.billing.queries import customer_credit

SHOWN = 12


async def sources(page: AccountPage) -> Table | None:
    """The credit is their sum, less what of it pays for invoices."""
    found = await customer_credit.sources(page.session, page.account.id)
    if not found:
        return None
    return Table(
        "Their credit",
        (("Left by", Kind.TEXT), ("Since", Kind.DAY), ("Amount", Kind.MONEY)),
        [
            (
                Shown(
                    f"Receipt {each.name}" if each.receipt_id else each.name,
                    path=f"{RECEIPTS}/{each.receipt_id}"
                    if each.receipt_id
                    else invoice_path(page.account.kind, each.invoice_id)
                    if each.invoice_id
                    else "",
                ),
                Shown(each.since, Kind.DAY),
                Shown(each.cents, Kind.MONEY),
            )
            for each in found[:SHOWN]
        ],
        note="A receipt's rest is paid back on its page, and what an invoice left on its payment's. What pays for "
        "other invoices is below, and is taken back from them first.",
    )


async def applications(page: AccountPage) -> Table | None:
    found = await customer_credit.applications(page.session, page.account.id)
    if not found:
        return None
    return Table(
        "Paid for by their credit",
        (("Invoice", Kind.TEXT), ("Applied", Kind.AGO), ("Amount", Kind.MONEY)),
        [
            (
                Shown(each.number, path=invoice_path(page.account.kind, each.invoice_id)),
                Shown(each.applied_at, Kind.AGO),
                Shown(each.amount_cents, Kind.MONEY),
            )
            for each in found[:SHOWN]
        ],
        note="It is taken back on the invoice's page.",
    )


async def receipts(page: AccountPage) -> Table | None:
    query = select(Receipt).where(Receipt.account_id == page.account.id)
    found = (await page.session.scalars(query.order_by(Receipt.received_at.desc(), Receipt.id).limit(SHOWN))).all()
    if not found:
        return None
    return Table(
        "Receipts",
        (("Received", Kind.DAY), ("Reference", Kind.TEXT), ("No invoice took", Kind.MONEY), ("Amount", Kind.MONEY)),
        [
            (
                Shown(each.received_at, Kind.DAY, path=f"{RECEIPTS}/{each.id}"),
                Shown(each.reference or each.external_payment_ref),
                Shown(each.rest_cents, Kind.MONEY),
                Shown(each.amount_cents, Kind.MONEY),
            )
            for each in found
        ],
        more=("All its receipts", f"{RECEIPTS}?account_id={page.account.id}"),
    )
