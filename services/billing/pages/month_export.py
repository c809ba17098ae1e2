"""The step of a month's close that hands it over to Stripe: all of it at once, or an invoice alone."""

from collections.abc import Sequence

from litestar.response import Stream
from markupsafe import Markup

from chassis.clock import Clock
from chassis.console import page_at
from chassis.console.cells import Kind, Shown, link
from chassis.console.documents import Note, Table, Told
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.http.month_exports import CSV, record_month, stream_month, stream_month_json
from services.billing.models import Account, Invoice
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.month_page import PATH, Close, Month, MonthStep
from services.billing.pages.month_screens import Screen, more
from services.billing.queries import months

READ = Capability.READ_OPS
SHOWN_INVOICES = 100


async def _show(close: Close) -> Screen:
    month = close.period.name
    drafts = await months.drafts(close.session, close.period, SHOWN_INVOICES, close.installer_ids)
    lacking = sum(account.stripe_customer_id is None for _, account in drafts)
    note = Note(
        f"{counted(lacking, 'account has', 'accounts have')} no Stripe customer yet",
        "Make the customer in Stripe and keep its id with the account: the export then names it.",
        "warning",
    )
    heads = (
        ("Installer", Kind.TEXT),
        ("Stripe customer", Kind.ID),
        ("Total", Kind.MONEY),
        ("What is typed in", Kind.TEXT),
        ("Delivery by delivery", Kind.TEXT),
    )
    table = Table(
        "Drafts",
        heads,
        [_row(invoice, account) for invoice, account in drafts],
        empty="No draft of the month waits.",
        more=more(close.figures.draft_count, close.drafts_path, len(drafts)),
    )
    text = (
        "Each invoice with its customer, terms and items, enough to type it into Stripe; its total there has to be "
        "ours to the cent. Write Stripe's ids into the table's column, and the next step takes the table back."
    )
    links = (
        (f"Export {_counted(close)}, CSV", f"{PATH}/{month}/export/month.csv"),
        ("The same as JSON", f"{PATH}/{month}/export/month.json"),
    )
    has_any = close.figures.draft_count + close.figures.issued_count
    return Screen("Export", text, notes=[note] if lacking else (), tables=[table], links=links if has_any else ())


def _row(invoice: Invoice, account: Account) -> Sequence[Told]:
    path = invoice_path(invoice.kind, invoice.id)
    items = Markup("{} {}").format(link(f"{path}/export-items.csv", "CSV"), link(f"{path}/export.json", "JSON"))
    customer = Shown(account.stripe_customer_id, Kind.ID) if account.stripe_customer_id else "None yet"
    return (
        Shown(account.name, path=path),
        Shown(customer, path=account_path(account.id)) if isinstance(customer, str) else customer,
        Shown(invoice.total_cents, Kind.MONEY),
        items,
        link(f"{path}/export.csv", "CSV"),
    )


def _counted(close: Close) -> str:
    return counted(close.figures.draft_count + close.figures.issued_count, "invoice", "invoices")


def _state(close: Close) -> str:
    return _counted(close) if close.figures.draft_count + close.figures.issued_count else "Nothing to export"


STEP = MonthStep("export", "Export", _state, _show)


@page_at(PATH + "/{month:str}/export/month.csv", READ, media_type=CSV)
async def download_csv(
    month: Month, database: Given[Database], clock: Given[Clock], house: Given[House], operator: Given[Operator]
) -> Stream:
    await record_month(database, operator, month, "csv")
    return Stream(stream_month(database, month, house, clock.now()), media_type=CSV, headers=_as_file(month, "csv"))


@page_at(PATH + "/{month:str}/export/month.json", READ)
async def download_json(
    month: Month, database: Given[Database], clock: Given[Clock], house: Given[House], operator: Given[Operator]
) -> Stream:
    await record_month(database, operator, month, "json")
    lines = stream_month_json(database, month, house, clock.now())
    return Stream(lines, media_type="application/json", headers=_as_file(month, "json"))


def _as_file(month: str, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="month-{month}.{ending}"', "Cache-Control": "no-store"}


ROUTES = (download_csv, download_json)
