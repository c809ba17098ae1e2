"""The queue of write-offs: what waits for a second operator, what stands, and what was taken back."""

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
from services.billing.domain.settlement import WriteOffReason, WriteOffState
from services.billing.models import Account, Invoice, WriteOff
from services.billing.pages.doors import WRITE_OFFS, account_name, account_path, invoice_number, invoice_path

ROOM = "write-offs"
PATH = WRITE_OFFS
QUEUE = f"{PATH}?state=pending"

STATES: Mapping[str, str] = {
    WriteOffState.PENDING: "Waits for approval",
    WriteOffState.APPROVED: "In the books",
    WriteOffState.REJECTED: "Turned down",
    WriteOffState.REVERSED: "Taken back",
}
TONES: Mapping[str, str] = {WriteOffState.PENDING: "warning", WriteOffState.APPROVED: "positive"}

ROWS: Select[Any] = (
    select()
    .select_from(WriteOff)
    .join(Invoice, Invoice.id == WriteOff.invoice_id)
    .join(Account, Account.id == Invoice.account_id)
)

LISTING = Listing(
    name=ROOM,
    title="Write-offs",
    noun=("write-off", "write-offs"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    one_per=WriteOff,
    key=WriteOff.id,
    order="-asked",
    note="All that is owed on an invoice is written off on its page; over the limit another operator has to agree.",
    columns=(
        Column("invoice", "Invoice", Invoice.number, path=lambda row: invoice_path(row.invoice_kind, row.invoice_id)),
        Column("account", "Account", Account.name, path=lambda row: account_path(row.account_id), wraps=True),
        Column("reason", "Reason", WriteOff.reason_code, Kind.WORD),
        Column("state", "State", WriteOff.state, Kind.CHIP, say=lambda row: STATES[row.state], tone=TONES),
        Column("amount", "Amount, inc. GST", WriteOff.amount_cents, Kind.MONEY, sorts=True, sums=True),
        Column("gst", "GST", WriteOff.gst_cents, Kind.MONEY, sums=True),
        Column("made_by", "Asked for by", WriteOff.made_by_name),
        Column("asked", "Asked for", WriteOff.created_at, Kind.AGO, sorts=True),
        Column("decided_by", "Decided by", WriteOff.decided_by_name, is_extra=True),
        Column("decided", "Decided", WriteOff.decided_at, Kind.AGO, is_extra=True),
        Column("reversed", "Taken back", WriteOff.reversed_at, Kind.AGO, is_extra=True),
        Column("notes", "Notes", WriteOff.notes, wraps=True, is_extra=True),
    ),
    also={"invoice_id": Invoice.id, "invoice_kind": Invoice.kind, "account_id": Account.id},
    filters=(
        Search(
            "q",
            "Invoice, account or person",
            texts=(Invoice.number, Account.name, WriteOff.made_by_name),
            ids=(WriteOff.id, WriteOff.invoice_id),
        ),
        Choice("state", "State", options=among(WriteOff.state, WriteOffState, STATES)),
        Choice("reason", "Reason", options=among(WriteOff.reason_code, WriteOffReason)),
        Days("asked", "Asked for", column=WriteOff.created_at),
        Days("decided", "Decided", column=WriteOff.decided_at),
        Amount("amount", "Amount", column=WriteOff.amount_cents),
        Exact("account_id", "Account", column=Invoice.account_id, name_of=account_name),
        Exact("invoice_id", "Invoice", column=WriteOff.invoice_id, name_of=invoice_number),
    ),
    tabs=(
        Tab("Waits for approval", "state=pending"),
        Tab("In the books", "state=approved"),
        Tab("All"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No write-offs", "What somebody asks to write off on an invoice's page comes here.", "circle-check"),
)

ROUTES = routes_of(LISTING)
