"""Installers' invoices: a month each, from draft to paid, and issuing many at once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.listing import Column, Empty, Flag, Listing, Search, Tab, Text, routes_of
from chassis.console.wording import counted
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.gate import Candidate, blockers_of
from services.billing.commands.issuing import IssueInvoice
from services.billing.comparing import telling_lines
from services.billing.domain.periods import MONTH_PATTERN, month_name
from services.billing.domain.statuses import DocumentStatus, Obstacle
from services.billing.domain.tax_invoice import Owner, Party
from services.billing.http.issuing import issue_by_operator
from services.billing.models import Account, Invoice
from services.billing.pages.invoice_words import (
    ACCOUNT,
    EXTRA_COLUMNS,
    FILTERS,
    INSTALLERS,
    MONEY_COLUMNS,
    NUMBER,
)
from services.billing.queries import invoices, month_marks
from services.billing.settling import look_up

ROOM = "invoices"
PATH = INSTALLERS
DRAFTS = f"{PATH}?status=draft"
NOBODY = Party("", None)


class IssueManyForm(Form):
    """Nothing but the session's mark: each is issued under the Stripe reference that it has."""


async def _look(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> dict[UUID, Verdict]:
    """By the gate of the issue itself. What the platform has to set is the same for all of them, and told by it."""
    query = select(Invoice, Account).join(Account, Account.id == Invoice.account_id).where(Invoice.id.in_(ids))
    found = (await session.execute(query.where(Invoice.kind == InvoiceKind.INSTALLER))).all()
    drafts = [
        Candidate(invoice, account, invoice.stripe_invoice_id)
        for invoice, account in found
        if invoice.document_status is DocumentStatus.DRAFT
    ]
    blockers = await blockers_of(session, drafts, NOBODY, now)
    verdicts: dict[UUID, Verdict] = {}
    for invoice, account in found:
        name = f"{invoice.number or 'Draft'}, {account.name}, {month_name(invoice.period or '')}"
        own = [each.detail for each in blockers.get(invoice.id, ()) if each.owner is not Owner.PLATFORM]
        why_not = "; ".join(own) if invoice.document_status is DocumentStatus.DRAFT else Obstacle.NOT_A_DRAFT
        verdicts[invoice.id] = Verdict(name, why_not)
    return verdicts


async def _issue(work: Work) -> None:
    async with work.database.reading() as session:
        draft = await invoices.find(session, work.id, InvoiceKind.INSTALLER)
    gateway = work.given["gateway"]
    facts = await look_up(gateway, draft.stripe_invoice_id)
    references = (draft.stripe_invoice_id, draft.stripe_invoice_url)
    command = IssueInvoice(draft.id, InvoiceKind.INSTALLER, *references, stripe=facts)
    async with telling_lines(work.database, gateway, draft.id, draft.stripe_invoice_id), work.transaction() as session:
        await issue_by_operator(session, command, work.given["house"], work.actor, work.clock.now())


LISTING = Listing(
    name=ROOM,
    title="Invoices",
    noun=("invoice", "invoices"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select()
    .select_from(Invoice)
    .join(Account, Account.id == Invoice.account_id)
    .where(Invoice.kind == InvoiceKind.INSTALLER),
    key=Invoice.id,
    order="-created",
    columns=(
        NUMBER,
        ACCOUNT,
        Column("period", "Month", Invoice.period, sorts=True, say=lambda row: month_name(row.period)),
        *MONEY_COLUMNS,
        Column("stripe", "Stripe invoice", Invoice.stripe_invoice_id, Kind.ID),
        *EXTRA_COLUMNS,
    ),
    filters=(
        Search(
            "q",
            "Number, installer, Stripe id or id",
            texts=(Invoice.number, Account.name, Invoice.stripe_invoice_id, Account.stripe_customer_id),
            ids=(Invoice.id, Invoice.account_id),
        ),
        Text("month", "Month", column=Invoice.period, pattern=MONTH_PATTERN, hint="2026-03", longest=7),
        Flag("chosen", "Whom its month's close is about", condition=month_marks.IS_CHOSEN),
        *FILTERS,
    ),
    tabs=(
        Tab("Drafts", "status=draft"),
        Tab("Issued and unpaid", "status=issued&status=partially_paid"),
        Tab("Overdue", "overdue=true&sort=-balance"),
        Tab("Paid", "status=paid"),
        Tab("All"),
    ),
    bulk=(
        BulkAction(
            name="mark_issued",
            label="Mark issued",
            capability=Capability.MANAGE_BILLING_OPS,
            look=_look,
            do=_issue,
            form=IssueManyForm,
            effect=lambda number: (
                f"Issues {counted(number, 'invoice', 'invoices')}, each under the Stripe reference that is kept with "
                "it: it gets its number, nothing on its face changes any more, and its PDF is mailed to the installer."
            ),
            step_up=True,
        ),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No invoices",
        "Close a month that has ended, and each installer with deliveries in it has its draft here.",
        "receipt",
    ),
)

ROUTES = routes_of(LISTING)
