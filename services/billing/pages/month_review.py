"""The step of a month's close before its issue: each draft with what is in its way."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import Row

from chassis.console.cells import Kind, Shown, link
from chassis.console.documents import Note, Table, Told
from chassis.console.wording import counted, sentence, words
from services.billing.commands.gate import Candidate, blockers_of
from services.billing.domain.periods import Period
from services.billing.domain.tax_invoice import Blocker
from services.billing.models import Account, Invoice
from services.billing.pages.credit_notes import month_notes
from services.billing.pages.doors import INVOICES, invoice_path
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen, more, said
from services.billing.queries import months

STRIPE_REFERENCE = "stripe_reference_missing"
SHOWN_DRAFTS = 100


async def _show(close: Close) -> Screen:
    drafts = await months.drafts(close.session, close.period, SHOWN_DRAFTS)
    candidates = [Candidate(invoice, account) for invoice, account in drafts]
    blockers = await blockers_of(close.session, candidates, close.house.seller, close.now)
    notes = await month_notes(close.session, close.period)
    return _screen(close.period, drafts, close.figures.draft_count, blockers, notes)


def _screen(
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


def _state(close: Close) -> str:
    drafts = close.figures.draft_count
    return counted(drafts, "draft waits", "drafts wait") if drafts else "None waits"


STEP = MonthStep("review", "Review and issue", _state, _show)
