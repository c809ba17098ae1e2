"""The queue of voids over the limit: what waits for a second operator, and what became of the others."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from chassis.console.cells import Kind
from chassis.console.listing import (
    Amount,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Search,
    Tab,
    among,
    routes_of,
)
from contracts.identity import Capability
from services.billing.domain.voids import VoidReason, VoidState
from services.billing.models import Account, Invoice, VoidRequest
from services.billing.pages.doors import VOID_REQUESTS, account_name, account_path, invoice_number, invoice_path

ROOM = "void-requests"
PATH = VOID_REQUESTS
QUEUE = f"{PATH}?state=pending"

STATES: Mapping[str, str] = {
    VoidState.PENDING: "Waits for approval",
    VoidState.APPROVED: "Voided",
    VoidState.REJECTED: "Turned down",
}
TONES: Mapping[str, str] = {VoidState.PENDING: "warning", VoidState.APPROVED: "positive"}

ROWS: Select[Any] = (
    select()
    .select_from(VoidRequest)
    .join(Invoice, Invoice.id == VoidRequest.invoice_id)
    .join(Account, Account.id == Invoice.account_id)
)

LISTING = Listing(
    name=ROOM,
    title="Voids",
    noun=("void", "voids"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    one_per=VoidRequest,
    key=VoidRequest.id,
    order="-asked",
    note="An issued invoice over the limit is voided when another operator agrees; up to it, at once, on its page.",
    columns=(
        Column("invoice", "Invoice", Invoice.number, path=lambda row: invoice_path(row.invoice_kind, row.invoice_id)),
        Column("account", "Account", Account.name, path=lambda row: account_path(row.account_id), wraps=True),
        Column("reason", "Reason", VoidRequest.reason_code, Kind.WORD),
        Column("state", "State", VoidRequest.state, Kind.CHIP, say=lambda row: STATES[row.state], tone=TONES),
        Column("amount", "Owed, inc. GST", VoidRequest.amount_cents, Kind.MONEY, sorts=True, sums=True),
        Column("made_by", "Asked for by", VoidRequest.made_by_name),
        Column("asked", "Asked for", VoidRequest.created_at, Kind.AGO, sorts=True),
        Column("decided_by", "Decided by", VoidRequest.decided_by_name, is_extra=True),
        Column("decided", "Decided", VoidRequest.decided_at, Kind.AGO, is_extra=True),
        Column("notes", "Notes", VoidRequest.notes, wraps=True, is_extra=True),
    ),
    also={"invoice_id": Invoice.id, "invoice_kind": Invoice.kind, "account_id": Account.id},
    filters=(
        Search(
            "q",
            "Invoice, account or person",
            texts=(Invoice.number, Account.name, VoidRequest.made_by_name),
            ids=(VoidRequest.id, VoidRequest.invoice_id),
        ),
        Choice("state", "State", options=among(VoidRequest.state, VoidState, STATES)),
        Choice("reason", "Reason", options=among(VoidRequest.reason_code, VoidReason)),
        Days("asked", "Asked for", column=VoidRequest.created_at),
        Days("decided", "Decided", column=VoidRequest.decided_at),
        Amount("amount", "Owed", column=VoidRequest.amount_cents),
        Exact("account_id", "Account", column=Invoice.account_id, name_of=account_name),
        Exact("invoice_id", "Invoice", column=VoidRequest.invoice_id, name_of=invoice_number),
    ),
    tabs=(
        Tab("Waits for approval", "state=pending"),
        Tab("Voided", "state=approved"),
        Tab("All"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No voids", "What somebody asks to void over the limit comes here.", "circle-check"),
)

ROUTES = routes_of(LISTING)
