"""The last step of a month's close: what of it is out, and what is still owed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row

from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Fact, Table, Told
from chassis.console.wording import words
from services.billing.domain.statuses import is_overdue
from services.billing.models import Invoice
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen, more
from services.billing.queries import months

SHOWN_ISSUED = 100


async def _show(close: Close) -> Screen:
    issued = await months.issued(close.session, close.period, SHOWN_ISSUED, close.installer_ids)
    return _screen(close, issued)


def _screen(close: Close, issued: Sequence[Row[Invoice, str]]) -> Screen:
    figures, now = close.figures, close.now
    heads = (
        ("Invoice", Kind.TEXT),
        ("Installer", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Due", Kind.DAY),
        ("Total", Kind.MONEY),
        ("Owed", Kind.MONEY),
    )
    table = Table(
        "Issued invoices",
        heads,
        [_issued_row(invoice, name, now) for invoice, name in issued],
        empty="No invoice of the month is issued yet.",
        more=more(figures.issued_count, close.issued_path, len(issued)),
    )
    facts = [
        Fact("Issued", Shown(figures.issued_count, Kind.NUMBER, path=close.issued_path)),
        Fact("Issued, inc. GST", Shown(figures.issued_cents, Kind.MONEY)),
        Fact("Unpaid", Shown(figures.unpaid_count, Kind.NUMBER, path=close.unpaid_path)),
        Fact("Owed", Shown(figures.unpaid_cents, Kind.MONEY, path=close.unpaid_path)),
        Fact("Overdue", Shown(figures.overdue_count, Kind.NUMBER, path=f"{close.invoices}&overdue=true")),
    ]
    text = "What is out, those that owe most first. The receivables show how it stood on any day."
    return Screen("Issued", text, facts=facts, tables=[table])


def _issued_row(invoice: Invoice, name: str, now: datetime) -> Sequence[Told]:
    status = invoice.status
    late = is_overdue(status, invoice.due_at, now)
    tone = "danger" if late else "info" if status.is_owed else "positive"
    return (
        Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id)),
        Shown(name, path=account_path(invoice.account_id)),
        chip(f"{words(status)}, overdue" if late else words(status), tone),
        Shown(invoice.due_at, Kind.DAY),
        Shown(invoice.adjusted_total_cents, Kind.MONEY),
        Shown(invoice.owed_cents, Kind.MONEY),
    )


def _state(close: Close) -> str:
    unpaid = f", {close.figures.unpaid_count:,} unpaid" if close.figures.unpaid_count else ""
    return f"{close.figures.issued_count:,} issued{unpaid}"


STEP = MonthStep("issued", "Issued", _state, _show)
