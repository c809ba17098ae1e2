"""Issuing an installer's draft from its page, and keeping its Stripe reference until then."""

from typing import Any
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
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
from services.billing.comparing import telling_lines
from services.billing.domain import statuses
from services.billing.domain.periods import last_second
from services.billing.domain.stripe_lines import LINE_DIFFERS
from services.billing.http.fields import StripeInvoiceId, WebAddress
from services.billing.http.issuing import issue_by_operator
from services.billing.http.references import keep_by_operator
from services.billing.pages.faults import told_beside
from services.billing.pages.invoice_deeds import form_of
from services.billing.pages.invoice_page import InvoicePage
from services.billing.pages.invoices import PATH
from services.billing.pages.reasons import IF_GIVEN, Reason
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
FIELDS = dict.fromkeys((*_STRIPE, LINE_DIFFERS), "stripe_invoice_id") | {"due_before_issue": "due_day"}


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
    reason: Reason | None = None
    seen: UUID | None = None


async def issue(page: InvoicePage) -> Action | None:
    if not page.is_draft:
        return None
    told = f"{counted(len(page.other_blockers), 'thing stands', 'things stand')} in its way, told above"
    return Action(
        ISSUE,
        "Mark issued",
        page.deed(ISSUE),
        effect=f"It asks {page.detail.account_name} for {money(page.detail.total_cents)} with GST: it gets its number, "
        "nothing on its face changes any more, and its PDF is mailed.",
        fields=issue_fields(page, needs_reference=True),
        hidden={"seen": page.seen},
        done="Issued: it has its number, and its PDF is on its way",
        is_primary=True,
        **refused(page.operator, MONEY, page.obstacle(ISSUE) or (told if page.other_blockers else None)),
    )


async def keep_reference(page: InvoicePage) -> Action | None:
    if not page.is_draft:
        return None
    return Action(
        KEEP,
        "Keep its Stripe reference",
        page.deed(KEEP),
        effect="Nothing is issued or mailed by it. Drafts that have theirs are issued together, from the list.",
        fields=(*stripe_fields(page, needs_reference=False), IF_GIVEN),
        hidden={"seen": page.seen},
        done="Kept: it can be issued with the others",
        **refused(page.operator, MONEY),
    )


def issue_fields(page: InvoicePage, *, needs_reference: bool) -> tuple[FormField, ...]:
    day = FormField(
        "due_day", "Due on", FieldKind.DAY, hint=f"Empty: {terms_days(page.account, page.house)} days after its issue"
    )
    return (*stripe_fields(page, needs_reference=needs_reference), day)


def stripe_fields(page: InvoicePage, *, needs_reference: bool) -> tuple[FormField, ...]:
    return (
        FormField(
            "stripe_invoice_id",
            "Stripe invoice",
            value=page.detail.stripe_invoice_id or "",
            is_required=needs_reference,
            hint="Create it in Stripe from the export, then give its id: in_…",
            longest=255,
        ),
        FormField(
            "stripe_invoice_url",
            "Where it is paid online",
            FieldKind.URL,
            value=page.detail.stripe_invoice_url or "",
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
        async with (
            telling_lines(database, gateway, invoice_id, data.stripe_invoice_id),
            database.transaction() as session,
        ):
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
            await keep_by_operator(session, command, data.reason, operator)
    return console.redirect(f"{PATH}/{invoice_id}?done={KEEP}")


ROUTES = (issue_by_form, keep_by_form)
