"""The step of a month's close that issues it: what is ready, and of what is not who can cure it, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.response import Redirect
from markupsafe import Markup
from sqlalchemy import Row

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, holders_of, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note, Table, Told
from chassis.console.fields import Day, FieldKind, FormField
from chassis.console.wording import counted, money, sentence
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.closing import CloseRunner
from services.billing.commands.gate import Candidate, blockers_of
from services.billing.commands.house import House
from services.billing.domain.close_runs import RunKind
from services.billing.domain.periods import last_second
from services.billing.domain.tax_invoice import Blocker, Owner
from services.billing.http.close_runs import IssueBody, issue_invoices
from services.billing.models import Account, Invoice
from services.billing.pages import month_runs
from services.billing.pages.credit_notes import month_notes
from services.billing.pages.doors import invoice_path
from services.billing.pages.faults import told_beside
from services.billing.pages.month_page import PATH, Close, Month, MonthStep
from services.billing.pages.month_screens import MOST_ROWS, Screen, more, said_each
from services.billing.pages.ways import InTheWay, way_to_cure
from services.billing.queries import close_runs, month_marks, months

MONEY = Capability.MANAGE_BILLING_OPS
ISSUE, TRY = "issue_all", "try"
LOOKED_AT = 2_000
"""Drafts that the page itself looks at; beyond them a dry run does."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The drafts that are shown, each with what is in its way by the gate of the issue itself."""

    drafts: Sequence[Row[Invoice, Account]]
    blockers: Mapping[UUID, Sequence[Blocker]]

    @property
    def ready(self) -> list[Row[Invoice, Account]]:
        return [row for row in self.drafts if not self.blockers[row[0].id]]

    @property
    def blocked(self) -> list[Row[Invoice, Account]]:
        return [row for row in self.drafts if self.blockers[row[0].id]]

    @property
    def ready_cents(self) -> int:
        return sum(row[0].total_cents for row in self.ready)


async def _show(close: Close) -> Screen:
    readiness = await _readiness(close)
    runs = await month_runs.latest(close.session, close.period.name, RunKind.ISSUE)
    notes = [
        *([month_runs.note_of(runs[0])] if runs else ()),
        *_notes(close, readiness),
        *await month_notes(close.session, close.period),
    ]
    text = (
        "Issuing gives an invoice its number and mails its PDF; nothing on its face changes after that. Each is "
        "issued under the Stripe reference that its draft keeps; with a Stripe key set its total there is compared, to "
        "the cent."
    )
    tables = [_blocked_table(close, readiness), _ready_table(close, readiness)]
    if runs and (runs[0].is_dry or runs[0].blocked_count + runs[0].failed_count):
        results = await close_runs.first_results(close.session, runs[0].id, MOST_ROWS)
        tables.insert(0, month_runs.results_table(runs[0], results, close.console))
    actions = [_issuing(close, readiness), _trying(close, readiness)]
    return Screen("Issue", text, notes=notes, actions=actions, tables=[*tables, *month_runs.runs_table(runs)])


def _issuing(close: Close, readiness: Readiness) -> Action:
    left = f" {_blocked(readiness)} and left as drafts, each with why." if readiness.blocked else ""
    return Action(
        ISSUE,
        "Issue all that are ready",
        f"{STEP.path(close.period.name)}/all",
        effect=f"Issues {_told(close, readiness)}. Each gets its number and is mailed; nothing on its face changes any "
        f"more.{left}",
        fields=(FormField("due_day", "Due on", FieldKind.DAY, hint="Empty: by the terms of each account"),),
        hidden={"run_id": str(new_id())},
        is_primary=True,
        **refused(close.operator, MONEY, _way(close, readiness)),
    )


def _trying(close: Close, readiness: Readiness) -> Action:
    return Action(
        TRY,
        "Try it first",
        f"{STEP.path(close.period.name)}/dry-run",
        effect="A dry run tells what would come of each draft, at Stripe too where a key is set, and changes nothing.",
        hidden={"run_id": str(new_id())},
        **refused(close.operator, MONEY, None if readiness.drafts else "no draft of the month waits"),
    )


def _way(close: Close, readiness: Readiness) -> str | None:
    if not readiness.drafts:
        return "no draft of the month waits"
    return None if readiness.ready or not _shows_all(close, readiness) else "each draft is blocked: below is why"


def _told(close: Close, readiness: Readiness) -> str:
    ready = counted(len(readiness.ready), "invoice", "invoices")
    amount = f"{ready}, {money(readiness.ready_cents)} inc. GST"
    return amount if _shows_all(close, readiness) else f"{amount}, of the first {len(readiness.drafts):,} by name"


def _blocked(readiness: Readiness) -> str:
    return counted(len(readiness.blocked), "is blocked", "are blocked")


def _shows_all(close: Close, readiness: Readiness) -> bool:
    return close.figures.draft_count <= len(readiness.drafts)


async def _readiness(close: Close) -> Readiness:
    drafts = await months.drafts(close.session, close.period, LOOKED_AT, close.installer_ids)
    candidates = [Candidate(invoice, account, invoice.stripe_invoice_id) for invoice, account in drafts]
    return Readiness(drafts, await blockers_of(close.session, candidates, close.house.seller, close.now))


def _notes(close: Close, readiness: Readiness) -> Sequence[Note]:
    if not readiness.drafts:
        return ()
    blocked = f"; {_blocked(readiness)}, see why" if readiness.blocked else ""
    text = "Nothing is issued yet: this is what an issue of all that are ready would do now."
    return (Note(f"Issues {_told(close, readiness)}{blocked}", text, "warning" if blocked else "info"),)


def _blocked_table(close: Close, readiness: Readiness) -> Table:
    heads = (("Installer", Kind.TEXT), ("Total", Kind.MONEY), ("In its way", Kind.TEXT), ("Who cures it", Kind.TEXT))
    rows: list[Sequence[Told]] = []
    for invoice, account in readiness.blocked[:MOST_ROWS]:
        path = invoice_path(invoice.kind, invoice.id)
        told = readiness.blockers[invoice.id]
        rows.append(
            (
                Shown(account.name, path=path),
                Shown(invoice.total_cents, Kind.MONEY),
                said_each([Markup("{}").format(sentence(each.detail)) for each in told]),
                said_each([_cure(each, invoice, close.console) for each in told]),
            )
        )
    return Table("Blocked", heads, rows, empty="No draft is blocked.")


def _cure(blocker: Blocker, invoice: Invoice, console: Console) -> Markup:
    """Who can, and the way there."""
    each = InTheWay(blocker.code, invoice.account_id, invoice.period or "", invoice.id)
    return Markup("{} {}").format(WHO[blocker.owner], way_to_cure(each, console))


WHO = {
    Owner.FINANCE: f"Finance: {holders_of(MONEY).lower()}.",
    Owner.INSTALLER_CARE: f"Installer care: {holders_of(Capability.WRITE_ROUTING).lower()}.",
    Owner.PLATFORM: "Who runs the platform.",
}


def _ready_table(close: Close, readiness: Readiness) -> Table:
    heads = (("Installer", Kind.TEXT), ("Total", Kind.MONEY), ("Stripe invoice", Kind.TEXT), ("", Kind.TEXT))
    rows = [
        (
            Shown(account.name, path=invoice_path(invoice.kind, invoice.id)),
            Shown(invoice.total_cents, Kind.MONEY),
            Shown(invoice.stripe_invoice_id, path=invoice.stripe_invoice_url or ""),
            Shown("Issue it alone", path=f"{invoice_path(invoice.kind, invoice.id)}#do-mark_issued"),
        )
        for invoice, account in readiness.ready[:MOST_ROWS]
    ]
    door = more(close.figures.draft_count, close.drafts_path, len(readiness.drafts))
    return Table("Ready to issue", heads, rows, empty="No draft is ready.", more=door)


def _state(close: Close) -> str:
    drafts = close.figures.draft_count
    return counted(drafts, "draft to issue", "drafts to issue") if drafts else "None waits"


STEP = MonthStep("issue", "Issue", _state, _show)


class IssueAllForm(Form):
    """Sent twice it is one run. Without a due day each account's terms decide."""

    run_id: UUID | None = None
    due_day: Day | None = None


def _running(name: str, *, is_dry: bool) -> HTTPRouteHandler:
    @form_at(f"{PATH}/{{month:str}}/issue/{name}", MONEY, step_up=not is_dry)
    async def issue_by_form(
        month: Month,
        data: JSONBody[IssueAllForm],
        console: Given[Console],
        database: Given[Database],
        clock: Given[Clock],
        house: Given[House],
        closing: Given[CloseRunner],
        operator: Given[Operator],
    ) -> Redirect:
        async with database.reading() as session:
            scope = await month_marks.scope(session, month)
        body = IssueBody(
            period=month,
            installer_ids=scope.installer_ids if scope else None,
            run_id=data.run_id,
            dry_run=is_dry,
            due_at=last_second(data.due_day, house.zone) if data.due_day else None,
        )
        with told_beside({"due_before_issue": "due_day"}):
            await issue_invoices.fn(body, database, clock, house, closing, operator)
        return console.redirect(STEP.path(month))

    return issue_by_form


ROUTES = (_running("all", is_dry=False), _running("dry-run", is_dry=True))
