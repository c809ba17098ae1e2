"""A client's invoice: its lines written by hand while it is a draft, then sent, then paid."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.documents import Done, Part, Section, show_document
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
from services.billing.pages import invoice_actions as actions
from services.billing.pages.client_invoices import PATH
from services.billing.pages.faults import told_beside
from services.billing.pages.invoice import FIELDS, IssueForm, issue_fields, links_of
from services.billing.pages.invoice_deeds import FIELDS as PAYMENT_FIELDS
from services.billing.pages.invoice_document import document_of, line_table, other_blockers
from services.billing.pages.invoice_look import Look, look_at
from services.billing.pages.invoice_words import INSTALLERS
from services.billing.pages.lines import EDIT, edited_lines, lines_action
from services.billing.settings import Settings
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


@page_at(ONE, Capability.READ_OPS)
async def show_client_invoice(
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
        look = await look_at(session, invoice_id, InvoiceKind.CLIENT, house, console)
    if look is None:
        return console.redirect(f"{INSTALLERS}/{invoice_id}")
    today = console.clock.now().astimezone(house.zone).date().isoformat()
    edit = lines_action(look, operator)
    is_draft = look.standing.status is InvoiceStatus.DRAFT
    offered = [
        *([_send(look, operator, house)] if is_draft else []),
        _mark_paid(look, operator, today),
        actions.payment(look, operator, today),
        actions.credit(look, operator, settings.approval_limit_cents),
        actions.debit(look, operator),
        actions.apply_credit(look, operator),
        actions.resend(look, operator),
        actions.void(look, operator),
        *([_redraft(look, operator)] if look.standing.status is InvoiceStatus.VOID else []),
    ]
    lines: Section = line_table(look)
    if edit.is_possible:
        lines = Part("Lines", "lines.html", {"action": edit, "rows": edited_lines(look), "is_done": done == EDIT})
    elif is_draft:
        offered.insert(0, edit)
    document = document_of(look, offered, console, lines, _links(look, console))
    return show_document(console, request, document, done)


def _links(look: Look, console: Console) -> list[tuple[str, str]]:
    board = console.addresses.url("intake", f"/console/boards/{look.detail.board_id}")
    return [("Board", board), *links_of(look)]


def _send(look: Look, operator: Operator, house: House) -> Action:
    others = other_blockers(look)
    return Action(
        SEND,
        "Send invoice",
        f"{PATH}/{look.detail.id}/send",
        effect=f"It asks {look.detail.account_name} for {money(look.detail.total_cents)} with GST: it gets its number, "
        f"its lines do not change any more, and its PDF is mailed to {look.account.billing_email}.",
        fields=issue_fields(look, house, needs_reference=False),
        hidden={"seen": look.seen},
        done="Sent: it has its number, and its PDF is on its way",
        is_primary=True,
        **refused(operator, MONEY, look.obstacle(SEND) or ("something is in its way, told above" if others else None)),
    )


def _mark_paid(look: Look, operator: Operator, today: str) -> Action:
    return Action(
        PAID,
        "Mark paid",
        f"{PATH}/{look.detail.id}/mark-paid",
        effect=f"Records {money(look.detail.balance_cents)}, all that is owed, as one payment. Then its experts can "
        "be paid.",
        fields=(
            FormField("received_day", "Received on", FieldKind.DAY, value=today, is_required=True),
            actions.method_field(PaymentMethod.BANK_TRANSFER),
            FormField("reference", "Reference", hint="Empty: it gets one of ours", longest=120),
            FormField(
                "external_payment_ref", "Stripe payment", hint="Where it came through Stripe: pi_…, py_… or ch_…"
            ),
        ),
        done="Paid",
        **refused(operator, MONEY, look.obstacle(PAID)),
    )


def _redraft(look: Look, operator: Operator) -> Action:
    return Action(
        REDRAFT,
        "Draft it again",
        f"{PATH}/{look.detail.id}/redraft",
        effect="Drafts another invoice for its board with the same lines. The two name each other.",
        done="Drafted again",
        **refused(operator, MONEY, look.obstacle(REDRAFT)),
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


ROUTES = (show_client_invoice, send_by_form, mark_paid_by_form, redraft_by_form)
