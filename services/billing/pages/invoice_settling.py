"""What ends or takes back an invoice's settlement on its page: write-offs, and credit that was applied to it."""

from typing import Any
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Note as Said
from chassis.console.documents import Table
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.timeline import refuse_if_changed
from chassis.console.wording import money
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from services.billing.commands.house import House
from services.billing.domain import statuses
from services.billing.domain.settlement import WriteOffReason
from services.billing.http.fields import Note
from services.billing.http.reversals import unapply_by_operator
from services.billing.http.write_offs import NewWriteOff, ask_by_operator
from services.billing.pages.doors import WRITE_OFFS
from services.billing.pages.faults import told_beside
from services.billing.pages.invoice_actions import MONEY
from services.billing.pages.invoice_deeds import back, form_of
from services.billing.pages.invoice_page import InvoicePage
from services.billing.pages.write_offs import STATES, TONES
from services.billing.queries import customer_credit, write_offs

WRITE_OFF, UNAPPLY = "write_off", "unapply_credit"
FIELDS = {"credit_came_back": "application_id", "write_off_stands": "reason_code", "nothing_owed": "reason_code"}


class WriteOffForm(Form):
    reason_code: WriteOffReason
    notes: Note
    write_off_id: UUID
    seen: UUID | None = None


class UnapplyForm(Form):
    application_id: UUID
    notes: Note


async def write_off(page: InvoicePage) -> Action:
    cents = page.detail.balance_cents
    is_over = cents > page.house.approval_limit_cents
    waits = "It waits until another operator agrees." if is_over else "It counts at once."
    return Action(
        WRITE_OFF,
        "Write off",
        page.deed(WRITE_OFF),
        effect=f"{money(cents)} is not waited for any more, and its GST is taken back. {waits} Nothing is mailed; "
        "where it is at Stripe, mark it uncollectible there.",
        fields=(
            FormField("reason_code", "Reason", FieldKind.CHOICE, is_required=True, options=options_of(WriteOffReason)),
            FormField("notes", "Why", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=1000),
        ),
        hidden={"seen": page.seen, "write_off_id": str(new_id())},
        done="Written off, or waiting for a second operator: the write-offs below say which",
        destroys=True,
        **refused(page.operator, MONEY, page.obstacle(statuses.Action.WRITE_OFF)),
    )


async def unapply(page: InvoicePage) -> Action | None:
    """Where the customer's credit pays for it."""
    applied = await customer_credit.applications(page.session, page.account.id, page.detail.id)
    if not applied:
        return None
    wording = page.console.wording
    options = [
        (str(each.application_id), f"{money(each.amount_cents)}, applied {wording.exact(each.applied_at)}")
        for each in applied
    ]
    return Action(
        UNAPPLY,
        "Take credit back from it",
        page.deed(UNAPPLY),
        effect="So much is owed on it again, and is the customer's credit again.",
        fields=(
            FormField("application_id", "Credit", FieldKind.CHOICE, is_required=True, options=options),
            FormField("notes", "Why", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=1000),
        ),
        done="Taken back: it is the customer's credit again",
        **refused(page.operator, MONEY),
    )


async def write_offs_table(page: InvoicePage) -> Table | None:
    found = await write_offs.of_invoice(page.session, page.detail.id)
    if not found:
        return None
    return Table(
        "Write-offs",
        (
            ("Asked for", Kind.AGO),
            ("Reason", Kind.WORD),
            ("State", Kind.CHIP),
            ("Asked by", Kind.TEXT),
            ("GST taken back", Kind.MONEY),
            ("Amount", Kind.MONEY),
        ),
        [
            (
                Shown(each.created_at, Kind.AGO, path=f"{WRITE_OFFS}/{each.id}"),
                Shown(each.reason_code, Kind.WORD),
                Shown(STATES[each.state], Kind.CHIP, tones={STATES[each.state]: TONES.get(each.state, "")}),
                each.made_by_name,
                Shown(each.gst_cents, Kind.MONEY),
                Shown(each.amount_cents, Kind.MONEY),
            )
            for each in found
        ],
    )


async def write_off_waits(page: InvoicePage) -> Said | None:
    pending = await write_offs.pending_of(page.session, page.detail.id)
    if pending is None:
        return None
    item = (f"Write-off of {money(pending.amount_cents)}", f"{WRITE_OFFS}/{pending.id}")
    return Said("A write-off waits for a second operator", "Nothing has come of it yet.", "warning", [item])


@form_of(WRITE_OFF)
async def write_off_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[WriteOffForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    asked = NewWriteOff(**data.model_dump(include={"reason_code", "notes", "write_off_id"}))
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("invoice", invoice_id), data.seen)
            await ask_by_operator(session, invoice_id, asked, house, operator, clock.now())
            return await back(session, console, invoice_id, WRITE_OFF)


@form_of(UNAPPLY)
async def unapply_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[UnapplyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await unapply_by_operator(session, data.application_id, data.notes, operator, clock.now())
            return await back(session, console, invoice_id, UNAPPLY)


ROUTES: tuple[Any, ...] = (write_off_by_form, unapply_by_form)
