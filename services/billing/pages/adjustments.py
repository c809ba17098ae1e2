"""The queue of credits and debits: what waits for a second operator, and until when it is to be decided."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, case, select

from chassis.console.business_days import MEANT_NOTE, business_days_until, say_left
from chassis.console.cells import Kind
from chassis.console.listing import (
    NOW,
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
from contracts.identity import Capability
from contracts.values import AdjustmentType, CreditReason
from services.billing.domain.adjustments import CREDIT_DAYS, DebitReason
from services.billing.domain.statuses import AdjustmentState, DocumentStatus
from services.billing.models import Account, Adjustment, Invoice
from services.billing.pages.credit_notes import waiting_notes
from services.billing.pages.doors import account_name, account_path, invoice_number

ROOM = "adjustments"
PATH = "/console/adjustments"
WAITING = "state=pending&sort=asked"
"""What has the least time left comes first: each has so many business days from when it was asked for."""
QUEUE = f"{PATH}?{WAITING}"

STATES: Mapping[str, str] = {
    AdjustmentState.PENDING: "Waits for approval",
    AdjustmentState.APPROVED: "In the books",
    AdjustmentState.REJECTED: "Turned down",
}
TONES: Mapping[str, str] = {AdjustmentState.PENDING: "warning", AdjustmentState.APPROVED: "positive"}
KINDS: Mapping[str, str] = {AdjustmentType.CREDIT: "Credit", AdjustmentType.DEBIT: "Debit"}


DAYS_LEFT = business_days_until(Adjustment.asked_at) + CREDIT_DAYS - business_days_until(NOW)
IS_PENDING = Adjustment.state == AdjustmentState.PENDING
INC_GST_CENTS = Adjustment.ex_gst_cents + Adjustment.gst_cents
EFFECT_CENTS = case((Adjustment.type == AdjustmentType.CREDIT, -INC_GST_CENTS), else_=INC_GST_CENTS)


def _is_late(row: Row[Any], _now: Any) -> bool:
    return row.left is not None and row.left < 0


ROWS: Select[Any] = (
    select()
    .select_from(Adjustment)
    .join(Invoice, Invoice.id == Adjustment.invoice_id)
    .join(Account, Account.id == Invoice.account_id)
)

LISTING = Listing(
    name=ROOM,
    title="Adjustments",
    noun=("adjustment", "adjustments"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=Adjustment.id,
    order="-asked",
    notes=waiting_notes,
    note=f"A credit over the limit needs a second operator, and is decided within {CREDIT_DAYS} business days. "
    f"{MEANT_NOTE}",
    columns=(
        Column("invoice", "Invoice", Invoice.number),
        Column("account", "Account", Account.name, path=lambda row: account_path(row.account_id), wraps=True),
        Column("kind", "Kind", Adjustment.type, say=lambda row: KINDS[row.kind]),
        Column("reason", "Reason", Adjustment.reason_code, Kind.WORD),
        Column("effect", "Effect, inc. GST", EFFECT_CENTS, Kind.MONEY, sorts=True, sums=True),
        Column("state", "State", Adjustment.state, Kind.CHIP, say=lambda row: STATES[row.state], tone=TONES),
        Column("made_by", "Asked for by", Adjustment.made_by_name),
        Column("asked", "Asked for", Adjustment.asked_at, Kind.AGO, sorts=True),
        Column(
            "left", "Time left", case((IS_PENDING, DAYS_LEFT)), say=lambda row: say_left(row.left), is_late=_is_late
        ),
        Column("decided_by", "Decided by", Adjustment.decided_by_name, is_extra=True),
        Column("decided", "Decided", Adjustment.decided_at, Kind.AGO, is_extra=True),
        Column("note", "Adjustment note", Adjustment.number, is_extra=True),
        Column("notes", "Notes", Adjustment.notes, wraps=True, is_extra=True),
        Column("invoice_id", "Invoice id", Adjustment.invoice_id, Kind.ID, is_extra=True),
    ),
    also={"account_id": Invoice.account_id},
    filters=(
        Search(
            "q",
            "Invoice, note, account or person",
            texts=(Invoice.number, Adjustment.number, Account.name, Adjustment.made_by_name),
            ids=(Adjustment.id, Adjustment.invoice_id),
        ),
        Choice("state", "State", options=among(Adjustment.state, AdjustmentState, STATES)),
        Choice("kind", "Kind", options=among(Adjustment.type, AdjustmentType, KINDS)),
        Choice("reason", "Reason", options=among(Adjustment.reason_code, [*CreditReason, *DebitReason])),
        Choice(
            "invoice",
            "Its invoice",
            options=(
                Option("stands", "Stands", Invoice.document_status != DocumentStatus.VOID),
                Option("void", "Void", Invoice.document_status == DocumentStatus.VOID),
            ),
        ),
        Choice("due", "Decision", options=(Option("late", "Late", IS_PENDING & (DAYS_LEFT < 0)),)),
        Days("asked", "Asked for", column=Adjustment.asked_at),
        Days("decided", "Decided", column=Adjustment.decided_at),
        Amount("amount", "Amount", column=INC_GST_CENTS),
        Exact("account_id", "Account", column=Invoice.account_id, name_of=account_name),
        Exact("invoice_id", "Invoice", column=Adjustment.invoice_id, name_of=invoice_number),
    ),
    tabs=(
        Tab("Waits for approval", WAITING),
        Tab("Late", "due=late&sort=asked"),
        Tab("Decided", "state=approved&state=rejected"),
        Tab("All"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No adjustments",
        "A credit or debit that somebody asks for on an invoice's page comes here.",
        "circle-check",
    ),
)

ROUTES = routes_of(LISTING)
