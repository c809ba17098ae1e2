"""What is done with a client's invoice alone: it is sent, marked paid whole, and drafted again where it is void."""

from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.fields import Day, FieldKind, FormField, start_of
from chassis.console.timeline import refuse_if_changed
from chassis.console.wording import money
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.domain import statuses
from services.billing.domain.statuses import InvoiceStatus, PaymentMethod
from services.billing.http.fields import Reference, StripePaymentId
from services.billing.http.ops_invoices import (
    MarkPaidBody,
    mark_client_invoice_paid,
    redraft_client_invoice,
    send_by_operator,
)
from services.billing.pages.client_invoices import PATH
from services.billing.pages.faults import told_beside
from services.billing.pages.invoice_actions import method_field
from services.billing.pages.invoice_deeds import FIELDS as PAYMENT_FIELDS
from services.billing.pages.invoice_issue import FIELDS, IssueForm, issue_fields
from services.billing.pages.invoice_page import InvoicePage
from services.billing.settling import look_up
from services.billing.stripe_gateway import StripeGateway

MONEY = Capability.MANAGE_BILLING_OPS
ONE = PATH + "/{invoice_id:uuid}"
SEND, PAID, REDRAFT = statuses.Action.SEND, statuses.Action.MARK_PAID, statuses.Action.REDRAFT


class MarkPaidForm(Form):
    received_day: Day
    method: PaymentMethod
    reference: Reference | None = None
    external_payment_ref: StripePaymentId | None = None


class RedraftForm(Form):
    """Nothing but the session's mark."""


async def send(page: InvoicePage) -> Action | None:
    if not page.is_draft:
        return None
    told = "something is in its way, told above"
    return Action(
        SEND,
        "Send invoice",
        f"{PATH}/{page.detail.id}/send",
        effect=f"It asks {page.detail.account_name} for {money(page.detail.total_cents)} with GST: it gets its number, "
        f"its lines do not change any more, and its PDF is mailed to {page.account.billing_email}.",
        fields=issue_fields(page, needs_reference=False),
        hidden={"seen": page.seen},
        done="Sent: it has its number, and its PDF is on its way",
        is_primary=True,
        **refused(page.operator, MONEY, page.obstacle(SEND) or (told if page.other_blockers else None)),
    )


async def mark_paid(page: InvoicePage) -> Action:
    return Action(
        PAID,
        "Mark paid",
        f"{PATH}/{page.detail.id}/mark-paid",
        effect=f"Records {money(page.detail.balance_cents)}, all that is owed, as one payment. Then its experts can "
        "be paid.",
        fields=(
            FormField("received_day", "Received on", FieldKind.DAY, value=page.today.isoformat(), is_required=True),
            method_field(PaymentMethod.BANK_TRANSFER),
            FormField("reference", "Reference", hint="Empty: it gets one of ours", longest=120),
            FormField(
                "external_payment_ref", "Stripe payment", hint="Where it came through Stripe: pi_…, py_… or ch_…"
            ),
        ),
        done="Paid",
        **refused(page.operator, MONEY, page.obstacle(PAID)),
    )


async def redraft(page: InvoicePage) -> Action | None:
    if page.standing.status is not InvoiceStatus.VOID:
        return None
    return Action(
        REDRAFT,
        "Draft it again",
        f"{PATH}/{page.detail.id}/redraft",
        effect="Drafts another invoice for its board with the same lines. The two name each other.",
        done="Drafted again",
        **refused(page.operator, MONEY, page.obstacle(REDRAFT)),
    )


@form_at(f"{ONE}/send", MONEY, step_up=True)
async def send_by_form(
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
    command = data.command(invoice_id, InvoiceKind.CLIENT, house, facts)
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("invoice", invoice_id), data.seen)
            await send_by_operator(session, command, house, operator, clock.now())
    return console.redirect(f"{PATH}/{invoice_id}?done={SEND}")


@form_at(f"{ONE}/mark-paid", MONEY, step_up=True)
async def mark_paid_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[MarkPaidForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    now = clock.now()
    is_today = data.received_day == now.astimezone(house.zone).date()
    body = MarkPaidBody(
        received_at=now if is_today else start_of(data.received_day, house.zone),
        **data.model_dump(include={"method", "reference", "external_payment_ref"}),
    )
    with told_beside(PAYMENT_FIELDS):
        await mark_client_invoice_paid.fn(invoice_id, database, clock, house, gateway, operator, body)
    return console.redirect(f"{PATH}/{invoice_id}?done={PAID}")


@form_at(f"{ONE}/redraft", MONEY)
async def redraft_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[RedraftForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    """To the new draft."""
    draft = await redraft_client_invoice.fn(invoice_id, database, clock, house, operator)
    return console.redirect(f"{PATH}/{draft.id}")


ROUTES = (send_by_form, mark_paid_by_form, redraft_by_form)
