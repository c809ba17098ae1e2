"""Where our books and Stripe's differ: each a row with both sides, somebody who owns it, and how long it has stood."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.listing import (
    Amount,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Flag,
    Listing,
    Search,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.wording import counted
from contracts.identity import Capability
from services.billing.commands.differences import standing_of
from services.billing.domain.reconciliation import (
    CURES,
    LATE_AFTER,
    About,
    AcceptReason,
    Deed,
    DifferenceKind,
    DifferenceState,
    obstacle_to,
)
from services.billing.http.differences import AcceptBody, AssignBody, accept_by_operator, assign_by_operator
from services.billing.models import Difference, Invoice
from services.billing.pages.doors import invoice_number, invoice_path
from services.billing.queries import differences, operators

ROOM = "reconciliation"
PATH = "/console/differences"
OPEN = f"{PATH}?state=open"
STRIPE = "/console/stripe"
MONEY = Capability.MANAGE_BILLING_OPS

KINDS: Mapping[str, str] = {
    DifferenceKind.MISSING_HERE: "Missing here",
    DifferenceKind.MISSING_THERE: "Missing at Stripe",
    DifferenceKind.AMOUNT: "Another amount",
    DifferenceKind.STATE: "Another state",
    DifferenceKind.FEE: "Another fee",
}
STATES: Mapping[str, str] = {
    DifferenceState.OPEN: "Open",
    DifferenceState.GONE: "Gone by itself",
    DifferenceState.ACCEPTED: "Accepted",
}
TONES: Mapping[str, str] = {
    DifferenceState.OPEN: "danger",
    DifferenceState.GONE: "positive",
    DifferenceState.ACCEPTED: "warning",
}
ABOUTS: Mapping[str, str] = {
    About.INVOICE: "Invoice",
    About.CREDIT_NOTE: "Credit note",
    About.PAYMENT: "Payment",
    About.REFUND: "Refund",
    About.TRANSFER: "Transfer to an expert",
    About.MOVEMENT: "Movement of the balance",
    About.BALANCE: "The balance itself",
}
IS_OPEN = Difference.state == DifferenceState.OPEN
OFF_CENTS = func.coalesce(Difference.ours_cents, 0) - func.coalesce(Difference.theirs_cents, 0)
ACCEPT_FIELDS = (
    FormField("reason_code", "Reason", FieldKind.CHOICE, options=options_of(AcceptReason), is_required=True),
    FormField("reason", "Why", FieldKind.PROSE, hint="Stands in the timeline", is_required=True, longest=1000),
)


class AssignForm(Form):
    """Left empty, it is nobody's again."""

    owner_id: UUID | None = None


class AcceptForm(AcceptBody, Form):
    """As the JSON route takes it."""


async def owner_fields(session: AsyncSession) -> Sequence[FormField]:
    known = await operators.owners(session)
    options = [("", "Nobody"), *((str(each.operator_id), each.name) for each in known)]
    return (FormField("owner_id", "Owner", FieldKind.CHOICE, options=options),)


def _looking(deed: Deed, effect: str) -> Any:
    async def look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> Mapping[UUID, Verdict]:
        verdicts = {}
        for each in await differences.of_ids(session, ids):
            why_not = obstacle_to(deed, standing_of(each, is_connected=True))
            name = f"{ABOUTS[each.about]} {each.about_key}"
            verdicts[each.id] = Verdict(name, str(why_not or ""), "" if why_not else effect)
        return verdicts

    return look


async def _assign(work: Work) -> None:
    form = AssignForm.model_validate(work.form.model_dump())
    async with work.transaction() as session:
        await assign_by_operator(session, work.id, AssignBody(owner_id=form.owner_id), work.actor, work.clock.now())


async def _accept(work: Work) -> None:
    form = AcceptForm.model_validate(work.form.model_dump())
    async with work.transaction() as session:
        await accept_by_operator(session, work.id, form, work.actor, work.clock.now())


BULK = (
    BulkAction(
        name="assign",
        label="Assign",
        capability=MONEY,
        look=_looking(Deed.ASSIGN, "Gets this owner"),
        do=_assign,
        form=AssignForm,
        fields=owner_fields,
        effect=lambda number: f"Gives {counted(number, 'difference', 'differences')} to one operator, or to nobody.",
    ),
    BulkAction(
        name="accept",
        label="Accept",
        capability=MONEY,
        look=_looking(Deed.ACCEPT, "Stays as it is"),
        do=_accept,
        form=AcceptForm,
        fields=ACCEPT_FIELDS,
        effect=lambda number: (
            f"Leaves {counted(number, 'difference', 'differences')} as they are, until what either side says changes. "
            "No money moves."
        ),
        step_up=True,
        destroys=True,
    ),
)


def _say_about(row: Row[Any]) -> str:
    return f"{ABOUTS[row.about]} {row.about_key}" if row.about != About.BALANCE else ABOUTS[About.BALANCE]


def _say_cure(row: Row[Any]) -> str | None:
    return CURES[row.cure] if row.cure else None


ROWS: Select[Any] = select().select_from(Difference).outerjoin(Invoice, Invoice.id == Difference.invoice_id)

LISTING = Listing(
    name="differences",
    room=ROOM,
    title="Differences from Stripe",
    noun=("difference", "differences"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=Difference.id,
    order="-seen",
    note="A difference closes itself once a comparison does not find it any more. A new one goes to who reconciles.",
    links=(("Reconciliation", STRIPE, None),),
    columns=(
        Column("about", "What", Difference.about, say=_say_about, wraps=True),
        Column("kind", "How", Difference.kind, say=lambda row: KINDS[row.kind]),
        Column("state", "State", Difference.state, Kind.CHIP, say=lambda row: STATES[row.state], tone=TONES),
        Column("ours", "Ours", Difference.ours_cents, Kind.MONEY, sums=True),
        Column("theirs", "Stripe's", Difference.theirs_cents, Kind.MONEY, sums=True),
        Column("off", "Off by", OFF_CENTS, Kind.MONEY, sorts=True, sums=True),
        Column(
            "invoice",
            "Invoice",
            Invoice.number,
            path=lambda row: invoice_path(row.invoice_kind, row.invoice_id) if row.invoice_id else "",
        ),
        Column("cure", "What cures it", case((IS_OPEN, Difference.code)), say=_say_cure, wraps=True),
        Column("owner", "Owner", Difference.owner_name),
        Column(
            "seen",
            "First seen",
            Difference.first_seen_at,
            Kind.AGO,
            sorts=True,
            is_late=late_after(LATE_AFTER, "seen", unless=lambda row: row.state != DifferenceState.OPEN),
        ),
        Column("ours_state", "State here", Difference.ours_state, Kind.WORD, is_extra=True),
        Column("theirs_state", "State at Stripe", Difference.theirs_state, Kind.WORD, is_extra=True),
        Column("code", "Code", Difference.code, Kind.WORD, is_extra=True),
        Column("reason", "Accepted because", Difference.reason_code, Kind.WORD, is_extra=True),
        Column("changed", "Changed", Difference.changed_at, Kind.AGO, is_extra=True),
    ),
    also={"invoice_id": Difference.invoice_id, "invoice_kind": Invoice.kind, "about_key": Difference.about_key},
    filters=(
        Search(
            "q",
            "Id at Stripe, invoice, owner or id",
            texts=(Difference.about_key, Difference.stripe_id, Invoice.number, Difference.owner_name),
            ids=(Difference.id, Difference.invoice_id, Difference.payment_id),
        ),
        Choice("state", "State", options=among(Difference.state, DifferenceState, STATES)),
        Choice("kind", "How", options=among(Difference.kind, DifferenceKind, KINDS)),
        Choice("about", "What", options=among(Difference.about, About, ABOUTS)),
        Flag("unowned", "Nobody's", condition=case((IS_OPEN, Difference.owner_id.is_(None)), else_=False)),
        Days("seen", "First seen", column=Difference.first_seen_at),
        Amount("off", "Off by", column=OFF_CENTS),
        Exact("owner_id", "Owner", column=Difference.owner_id, name_of=operators.name_of),
        Exact("invoice_id", "Invoice", column=Difference.invoice_id, name_of=invoice_number),
    ),
    tabs=(
        Tab("Open", "state=open"),
        Tab("Nobody's", "state=open&unowned=true"),
        Tab("Accepted", "state=accepted"),
        Tab("All"),
    ),
    bulk=BULK,
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No differences", "What a comparison with Stripe finds comes here.", "circle-check"),
)

ROUTES = routes_of(LISTING)
