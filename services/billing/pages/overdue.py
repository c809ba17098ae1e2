"""What is owed, by when it was due: the queue of those to remind, and every invoice behind the ageing's cells."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Date, Row, Select, and_, case, cast, func, select

from chassis.console.cells import Kind
from chassis.console.listing import (
    ME,
    NOW,
    ZONE,
    Amount,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Search,
    Tab,
    among,
    routes_of,
)
from chassis.console.wording import calendar_day, words
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.domain.promises import STEPS, NextStep, PromiseState
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account, Invoice, InvoiceOwner, Promise
from services.billing.pages.doors import account_name, account_path, invoice_path
from services.billing.queries.promises import operator_name

ROOM = "overdue"
PATH = "/console/overdue"
QUEUE = f"{PATH}?state=overdue"

TODAY = cast(func.timezone(ZONE, NOW), Date)
TODAY_BEGINS = func.timezone(ZONE, func.date_trunc("day", func.timezone(ZONE, NOW)))
DAYS_OVERDUE = func.greatest(0, TODAY - cast(func.timezone(ZONE, Invoice.due_at), Date))
IS_OVERDUE = Invoice.due_at < TODAY_BEGINS
TOTAL_CENTS = Invoice.total_cents - Invoice.credits_cents + Invoice.debits_cents + Invoice.adjusted_gst_cents
KINDS: Mapping[str, str] = {InvoiceKind.INSTALLER: "Installer", InvoiceKind.CLIENT: "Client"}

NEXT_STEPS: Mapping[str, str] = {
    NextStep.WAIT: "Wait: it is not due yet",
    NextStep.AWAIT_PROMISE: "Wait for what was promised",
    NextStep.CHASE_BROKEN_PROMISE: "Chase the broken promise",
    NextStep.REMIND: "Mail it again",
    NextStep.CALL: "Call",
    NextStep.CREDIT_HOLD: "Put on credit hold",
    NextStep.LAST_NOTICE: "Mail its statement as a last notice",
    NextStep.DECIDE_WRITE_OFF: "Decide whether to write it off",
}


def _of_last_promise(value: Any) -> Any:
    """Looked up for the rows that are shown, not for those that are counted."""
    last = select(value).where(Promise.invoice_id == Invoice.id).order_by(Promise.made_at.desc(), Promise.id.desc())
    return last.limit(1).correlate(Invoice).scalar_subquery()


def _taken(step: NextStep) -> Any:
    """Who is on hold is not put there again."""
    if step is not NextStep.CREDIT_HOLD:
        return step.value
    return case((Account.credit_hold, NextStep.LAST_NOTICE.value), else_=step.value)


PROMISE = _of_last_promise(Promise.state)
STEP: Any = case(
    (PromiseState.OPEN.value == PROMISE, NextStep.AWAIT_PROMISE.value),
    (PromiseState.BROKEN.value == PROMISE, NextStep.CHASE_BROKEN_PROMISE.value),
    *(
        (and_(Invoice.kind == kind, days <= DAYS_OVERDUE), _taken(step))
        for kind, steps in STEPS.items()
        for days, step in reversed(steps)
    ),
    else_=NextStep.WAIT.value,
)
"""As `domain.promises.next_step` has it."""

ROWS: Select[Any] = (
    select()
    .select_from(Invoice)
    .join(Account, Account.id == Invoice.account_id)
    .outerjoin(InvoiceOwner, InvoiceOwner.invoice_id == Invoice.id)
    .where(Invoice.document_status == DocumentStatus.ISSUED, Invoice.balance_cents > 0)
)


def _says_promise(row: Row[Any]) -> str:
    return f"{words(row.promise)}, by {calendar_day(row.promised_for)}" if row.promise else ""


def _step_path(row: Row[Any]) -> str:
    """Where it is taken, where that is not the invoice's own page."""
    match row.step:
        case NextStep.CREDIT_HOLD:
            return f"{account_path(row.account_id)}#hold-reason"
        case NextStep.LAST_NOTICE:
            return f"{account_path(row.account_id)}/statement"
        case _:
            return ""


LISTING = Listing(
    name=ROOM,
    title="Owed invoices",
    noun=("invoice", "invoices"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=Invoice.id,
    order="due",
    links=(("Receivables", "/console/receivables", None),),
    columns=(
        Column("number", "Invoice", Invoice.number),
        Column("account", "Account", Account.name, path=lambda row: account_path(row.account_id), wraps=True),
        Column("kind", "Kind", Invoice.kind, say=lambda row: KINDS[row.kind], is_extra=True),
        Column("due", "Due", Invoice.due_at, Kind.DAY, sorts=True),
        Column(
            "days",
            "Days overdue",
            DAYS_OVERDUE,
            Kind.NUMBER,
            is_late=lambda row, _now: row.days > 0,
        ),
        Column(
            "state",
            "State",
            case((Invoice.paid_cents > Invoice.customer_credit_cents, "partially_paid"), else_="issued"),
            Kind.CHIP,
            say=lambda row: f"{words(row.state)}, overdue" if row.days > 0 else row.state,
            tone=lambda row: "danger" if row.days > 0 else "info",
        ),
        Column(
            "promise",
            "Promise",
            PROMISE,
            Kind.CHIP,
            say=_says_promise,
            tone=lambda row: "danger" if row.promise == PromiseState.BROKEN else "info",
        ),
        Column("step", "Next step", STEP, say=lambda row: NEXT_STEPS[row.step], path=_step_path, wraps=True),
        Column(
            "owner",
            "Owner",
            InvoiceOwner.owner_name,
            path=lambda row: f"{PATH}?owner_id={row.owner_id}" if row.owner_id else "",
        ),
        Column("mailed", "Mailed", Invoice.send_no, Kind.NUMBER),
        Column("total", "Total", TOTAL_CENTS, Kind.MONEY, sums=True, is_extra=True),
        Column("balance", "Owed", Invoice.balance_cents, Kind.MONEY, sorts=True, sums=True),
        Column("last_mailed", "Last mailed", Invoice.sent_at, Kind.AGO, is_extra=True),
        Column("promised", "Promised", _of_last_promise(Promise.amount_cents), Kind.MONEY, is_extra=True),
        Column("issued", "Issued", Invoice.issued_at, Kind.DAY, is_extra=True),
        Column("stripe", "Stripe invoice", Invoice.stripe_invoice_id, is_extra=True),
        Column("credit", "Customer credit", Account.customer_credit_cents, Kind.MONEY, is_extra=True),
        Column("account_id", "Account id", Invoice.account_id, Kind.ID, is_extra=True),
    ),
    also={"promised_for": _of_last_promise(Promise.promised_for), "owner_id": InvoiceOwner.owner_id},
    filters=(
        Search(
            "q",
            "Number, account or Stripe id",
            texts=(Invoice.number, Account.name, Account.billing_email, Invoice.stripe_invoice_id),
            ids=(Invoice.id, Invoice.account_id),
        ),
        Choice(
            "state",
            "Due",
            options=(Option("overdue", "Overdue", IS_OVERDUE), Option("not_due", "Not due yet", ~IS_OVERDUE)),
        ),
        Choice(
            "promise",
            "Promise",
            options=(
                Option("open", "Promised", PromiseState.OPEN.value == PROMISE),
                Option("broken", "Broken", PromiseState.BROKEN.value == PROMISE),
                Option("none", "Nothing promised", PROMISE.is_(None)),
            ),
        ),
        Choice("step", "Next step", options=[Option(step, NEXT_STEPS[step], step.value == STEP) for step in NextStep]),
        Choice(
            "owner",
            "Owner",
            options=(
                Option("mine", "Mine", InvoiceOwner.owner_id == ME),
                Option("nobody", "Nobody's", InvoiceOwner.owner_id.is_(None)),
            ),
        ),
        Exact("owner_id", "Owner", column=InvoiceOwner.owner_id, name_of=operator_name),
        Choice("kind", "Kind", options=among(Invoice.kind, InvoiceKind, KINDS)),
        Days("due", "Due day", column=Invoice.due_at),
        Amount("owed", "Owed", column=Invoice.balance_cents),
        Exact("account_id", "Account", column=Invoice.account_id, name_of=account_name),
    ),
    tabs=(
        Tab("Overdue", "state=overdue"),
        Tab("Mine", "owner=mine"),
        Tab("Promises broken", "promise=broken"),
        Tab("Promised", "promise=open"),
        Tab("Not due yet", "state=not_due"),
        Tab("All that is owed"),
    ),
    document=lambda row: invoice_path(row.kind, row.id),
    empty=Empty(
        "Nothing is owed", "An invoice comes here when it is issued, and leaves once it is paid.", "circle-check"
    ),
)

ROUTES = routes_of(LISTING)
