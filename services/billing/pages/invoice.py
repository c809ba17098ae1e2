"""An installer's invoice: from its draft through its issue to its last payment."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.documents import Done, show_document
from chassis.console.fields import Day, FieldKind, FormField
from chassis.console.timeline import refuse_if_changed
from chassis.console.wording import counted, money
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.house import House, terms_days
from services.billing.commands.issuing import IssueInvoice
from services.billing.commands.references import KeepReference
from services.billing.domain import statuses
from services.billing.domain.periods import last_second
from services.billing.domain.statuses import InvoiceStatus
from services.billing.http.fields import StripeInvoiceId, WebAddress
from services.billing.http.invoices import issue_by_operator
from services.billing.http.references import keep_by_operator
from services.billing.pages import invoice_actions as actions
from services.billing.pages.faults import told_beside
from services.billing.pages.invoice_deeds import form_of
from services.billing.pages.invoice_document import document_of, line_table, other_blockers
from services.billing.pages.invoice_look import Look, look_at
from services.billing.pages.invoice_words import CLIENTS
from services.billing.pages.invoices import PATH
from services.billing.settings import Settings
from services.billing.settling import look_up
from services.billing.stripe_gateway import StripeGateway

MONEY = Capability.MANAGE_BILLING_OPS
ISSUE = statuses.Action.MARK_ISSUED
KEEP = "keep_reference"
_STRIPE = (
    "stripe_reference_missing",
    "stripe_reference_taken",
    "stripe_invoice_unknown",
    "stripe_invoice_not_open",
    "stripe_currency_mismatch",
    "stripe_total_mismatch",
    "stripe_customer_mismatch",
    "invoice_issued_under_another_reference",
)
FIELDS = dict.fromkeys(_STRIPE, "stripe_invoice_id") | {"due_before_issue": "due_day"}


class IssueForm(Form):
    """Without a due day the account's terms decide."""

    stripe_invoice_id: StripeInvoiceId | None = None
    stripe_invoice_url: WebAddress | None = None
    due_day: Day | None = None
    seen: UUID | None = None

    def command(self, invoice_id: UUID, kind: InvoiceKind, house: House, stripe: Any) -> IssueInvoice:
        due_at = last_second(self.due_day, house.zone) if self.due_day else None
        return IssueInvoice(invoice_id, kind, self.stripe_invoice_id, self.stripe_invoice_url, due_at, stripe)


class KeepForm(Form):
    """A field left empty takes back what stood there."""

    stripe_invoice_id: StripeInvoiceId | None = None
    stripe_invoice_url: WebAddress | None = None
    seen: UUID | None = None


@page_at(PATH + "/{invoice_id:uuid}", Capability.READ_OPS)
async def show_invoice(
    invoice_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    house: Given[House],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[Any]:
    async with database.reading() as session:
        look = await look_at(session, invoice_id, InvoiceKind.INSTALLER, house, console)
    if look is None:
        return console.redirect(f"{CLIENTS}/{invoice_id}")
    today = console.clock.now().astimezone(house.zone).date().isoformat()
    is_draft = look.standing.status is InvoiceStatus.DRAFT
    offered = [
        *([_issue(look, operator, house), _keep(look, operator)] if is_draft else []),
        actions.payment(look, operator, today),
        actions.credit(look, operator, settings.approval_limit_cents),
        actions.debit(look, operator),
        actions.apply_credit(look, operator),
        actions.resend(look, operator),
        actions.void(look, operator),
    ]
    document = document_of(look, offered, console, line_table(look), links_of(look))
    return show_document(console, request, document, done)


def links_of(look: Look) -> list[tuple[str, str]]:
    """Downloads: what is typed into Stripe, and the PDF as it was mailed."""
    path = f"{PATH}/{look.detail.id}"
    document = [("Download PDF", f"{path}/document")] if look.detail.document else []
    return [("Export CSV", f"{path}/export.csv"), ("Export JSON", f"{path}/export.json"), *document]


def _issue(look: Look, operator: Operator, house: House) -> Action:
    others = other_blockers(look)
    number = counted(len(others), "thing stands", "things stand")
    return Action(
        ISSUE,
        "Mark issued",
        actions.deed(look, ISSUE),
        effect=f"It asks {look.detail.account_name} for {money(look.detail.total_cents)} with GST: it gets its number, "
        "nothing on its face changes any more, and its PDF is mailed.",
        fields=issue_fields(look, house, needs_reference=True),
        hidden={"seen": look.seen},
        done="Issued: it has its number, and its PDF is on its way",
        is_primary=True,
        **refused(operator, MONEY, look.obstacle(ISSUE) or (f"{number} in its way, told above" if others else None)),
    )


def _keep(look: Look, operator: Operator) -> Action:
    return Action(
        KEEP,
        "Keep its Stripe reference",
        actions.deed(look, KEEP),
        effect="Nothing is issued or mailed by it. Drafts that have theirs are issued together, from the list.",
        fields=stripe_fields(look, needs_reference=False),
        hidden={"seen": look.seen},
        done="Kept: it can be issued with the others",
        **refused(operator, MONEY),
    )


def issue_fields(look: Look, house: House, *, needs_reference: bool) -> tuple[FormField, ...]:
    day = FormField(
        "due_day", "Due on", FieldKind.DAY, hint=f"Empty: {terms_days(look.account, house)} days after its issue"
    )
    return (*stripe_fields(look, needs_reference=needs_reference), day)


def stripe_fields(look: Look, *, needs_reference: bool) -> tuple[FormField, ...]:
    return (
        FormField(
            "stripe_invoice_id",
            "Stripe invoice",
            value=look.detail.stripe_invoice_id or "",
            is_required=needs_reference,
            hint="Create it in Stripe from the export, then give its id: in_…",
            longest=255,
        ),
        FormField(
            "stripe_invoice_url",
            "Where it is paid online",
            FieldKind.URL,
            value=look.detail.stripe_invoice_url or "",
            hint="Stripe's page of it: the PDF and its mail link to it",
            longest=2000,
        ),
    )


@form_at(PATH + "/{invoice_id:uuid}/mark-issued", MONEY, step_up=True)
async def issue_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[IssueForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    facts = await look_up(gateway, data.stripe_invoice_id)
    command = data.command(invoice_id, InvoiceKind.INSTALLER, house, facts)
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("invoice", invoice_id), data.seen)
            await issue_by_operator(session, command, house, operator, clock.now())
    return console.redirect(f"{PATH}/{invoice_id}?done={ISSUE}")


@form_of(KEEP, step_up=False)
async def keep_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[KeepForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Redirect:
    command = KeepReference(invoice_id, data.stripe_invoice_id, data.stripe_invoice_url)
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("invoice", invoice_id), data.seen)
            await keep_by_operator(session, command, operator)
    return console.redirect(f"{PATH}/{invoice_id}?done={KEEP}")


ROUTES = (show_invoice, issue_by_form, keep_by_form)
