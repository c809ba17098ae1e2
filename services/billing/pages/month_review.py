"""The drafts of a month with what is in their way, and what of it is out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import Row

from chassis.console.cells import Kind, Shown, chip, link
from chassis.console.documents import Fact, Note, Table, Told
from chassis.console.wording import sentence, words
from services.billing.domain.periods import Period
from services.billing.domain.statuses import is_overdue
from services.billing.domain.tax_invoice import Blocker
from services.billing.models import Account, Invoice
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.month_screens import INVOICES, Screen, more, said
from services.billing.queries.months import MonthFigures

STRIPE_REFERENCE = "stripe_reference_missing"


def review_screen(
    period: Period,
    drafts: Sequence[Row[Invoice, Account]],
    draft_count: int,
    blockers: Mapping[UUID, Sequence[Blocker]],
    notes: Sequence[Note],
) -> Screen:
    """The Stripe reference is asked for at the issue itself: what lacks nothing else is ready."""
    rows: dict[bool, list[Sequence[Told]]] = {True: [], False: []}
    for invoice, account in drafts:
        own = [each for each in blockers[invoice.id] if each.code != STRIPE_REFERENCE]
        rows[bool(own)].append(_draft_row(invoice, account, own))
    heads = (("Installer", Kind.TEXT), ("Total", Kind.MONEY), ("In its way", Kind.TEXT), ("For Stripe", Kind.TEXT))
    door = more(draft_count, f"{INVOICES}?month={period.name}&status=draft", len(drafts))
    tables = [
        Table("Blocked", heads, rows[True], empty="No draft is blocked."),
        Table("Ready to issue", heads, rows[False], empty="No draft is ready.", more=door),
    ]
    text = (
        "Make each ready invoice in Stripe from its export, then issue it on its own page with Stripe's id. "
        "Issuing gives it its number and mails it; nothing on its face changes after that."
    )
    return Screen("Review and issue", text, notes, tables=tables)


def _draft_row(invoice: Invoice, account: Account, own: Sequence[Blocker]) -> Sequence[Told]:
    path = invoice_path(invoice.kind, invoice.id)
    files = Markup("{} {}").format(link(f"{path}/export.csv", "CSV"), link(f"{path}/export.json", "JSON"))
    ways = "; ".join(f"{sentence(each.detail)} ({words(each.owner).lower()})" for each in own)
    return (
        Shown(account.name, path=path),
        Shown(invoice.total_cents, Kind.MONEY),
        said(ways or "Nothing"),
        files,
    )


def issued_screen(period: Period, issued: Sequence[Row[Invoice, str]], figures: MonthFigures, now: datetime) -> Screen:
    heads = (
        ("Invoice", Kind.TEXT),
        ("Installer", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Due", Kind.DAY),
        ("Total", Kind.MONEY),
        ("Owed", Kind.MONEY),
    )
    of_month = f"{INVOICES}?month={period.name}"
    unpaid = f"{of_month}&status=issued&status=partially_paid"
    table = Table(
        "Issued invoices",
        heads,
        [_issued_row(invoice, name, now) for invoice, name in issued],
        empty="No invoice of the month is issued yet.",
        more=more(figures.issued_count, of_month, len(issued)),
    )
    facts = [
        Fact("Issued", Shown(figures.issued_count, Kind.NUMBER)),
        Fact("Issued, inc. GST", Shown(figures.issued_cents, Kind.MONEY)),
        Fact("Unpaid", Shown(figures.unpaid_count, Kind.NUMBER, path=unpaid)),
        Fact("Owed", Shown(figures.unpaid_cents, Kind.MONEY, path=unpaid)),
        Fact("Overdue", Shown(figures.overdue_count, Kind.NUMBER, path=f"{of_month}&overdue=true")),
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
