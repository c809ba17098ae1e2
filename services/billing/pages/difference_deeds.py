"""What a person does about a difference, on its page."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.fields import FormField
from chassis.database import Database
from chassis.errors import NotFound
from chassis.http import Given, Line, Operator
from services.billing.commands.differences import standing_of
from services.billing.domain.reconciliation import About, Deed, DifferenceKind, obstacle_to
from services.billing.http.differences import (
    AssignBody,
    LookUpBody,
    RecordBody,
    ReferBody,
    post_accept,
    post_assign,
    post_look_up,
    post_record,
    post_refer,
)
from services.billing.models import Difference, Invoice
from services.billing.pages.differences import ACCEPT_FIELDS, MONEY, PATH, AcceptForm, AssignForm
from services.billing.pages.faults import told_beside
from services.billing.pages.reasons import IF_GIVEN, Reason
from services.billing.stripe_gateway import StripeGateway

VERBS = {
    "assign_difference": "gave it to somebody",
    "accept_difference": "accepted it",
    "record_difference": "took it into our books",
    "look_up_difference": "asked Stripe again",
    "refer_difference": "put the reference right",
}
NUMBER = FormField("invoice", "Invoice", hint="Its number, as WB-000041", is_required=True, longest=40)


InvoiceNumber = Annotated[Line, StringConstraints(max_length=40)]


class RecordForm(Form):
    """An invoice is named by its number, as people know it."""

    invoice: InvoiceNumber | None = None
    reason: Reason | None = None


class ReferForm(Form):
    invoice: InvoiceNumber
    reason: Reason | None = None


class LookUpForm(Form):
    reason: Reason | None = None


class AssignOneForm(AssignForm):
    reason: Reason | None = None


class InvoiceUnknown(NotFound):
    code = "invoice_number_unknown"
    title = "No such invoice"


def actions_of(
    difference: Difference, operator: Operator, owners: Sequence[FormField], *, is_connected: bool
) -> list[Action]:
    """Those that mend it, where one is about such a thing at all, and those that any difference has."""
    standing = standing_of(difference, is_connected=is_connected)
    offered = [*_mending(difference), *_always(difference, owners)]
    return [
        replace(
            each,
            path=f"{PATH}/{difference.id}/{each.name}",
            **refused(operator, MONEY, obstacle_to(Deed(each.name), standing)),
        )
        for each in offered
    ]


def _mending(difference: Difference) -> list[Action]:
    if (difference.about, difference.kind) == (About.INVOICE, DifferenceKind.MISSING_HERE):
        effect = "Gives Stripe's invoice to ours, where ours has no reference and the totals are equal."
        return [_deed(Deed.REFER, "Put the reference right", effect, "Ours names it now", (NUMBER, IF_GIVEN))]
    if difference.about not in {About.PAYMENT, About.MOVEMENT}:
        return []
    fields = (NUMBER, IF_GIVEN) if difference.about is About.PAYMENT else (IF_GIVEN,)
    effect = "Takes what Stripe has into our books, after Stripe was asked once more."
    return [_deed(Deed.RECORD, "Record it here", effect, "In our books", fields)]


def _deed(deed: Deed, label: str, effect: str, done: str, fields: Sequence[FormField] = ()) -> Action:
    return Action(deed, label, "", effect=effect, done=done, fields=fields, is_primary=True)


def _always(difference: Difference, owners: Sequence[FormField]) -> list[Action]:
    mine = (*(replace(each, value=str(difference.owner_id or "")) for each in owners), IF_GIVEN)
    accepting = "Leaves it as it is until what either side says changes. No money moves."
    return [
        Action(
            Deed.LOOK_UP,
            "Look it up again",
            "",
            effect="Asks Stripe about this alone, and compares.",
            fields=(IF_GIVEN,),
            done="Stripe was asked",
        ),
        Action(Deed.ASSIGN, "Assign", "", effect="Whoever owns it sees to it.", fields=mine, done="Assigned"),
        Action(Deed.ACCEPT, "Accept", "", effect=accepting, fields=ACCEPT_FIELDS, done="Accepted", destroys=True),
    ]


async def _invoice_id(session: AsyncSession, number: str | None) -> UUID | None:
    if number is None:
        return None
    found = await session.scalar(select(Invoice.id).where(Invoice.number == number.strip()))
    return InvoiceUnknown.unless(found, "no invoice has this number")


@form_at(PATH + "/{difference_id:uuid}/record", MONEY, step_up=True)
async def record_by_form(
    difference_id: FromPath[UUID],
    data: JSONBody[RecordForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    with told_beside({"invoice_number_unknown": "invoice", "deed_not_possible": "invoice"}):
        async with database.reading() as session:
            body = RecordBody(invoice_id=await _invoice_id(session, data.invoice), reason=data.reason)
        await post_record.fn(difference_id, body, database, clock, gateway, operator)
    return console.redirect(f"{PATH}/{difference_id}?done={Deed.RECORD}")


@form_at(PATH + "/{difference_id:uuid}/refer", MONEY, step_up=True)
async def refer_by_form(
    difference_id: FromPath[UUID],
    data: JSONBody[ReferForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    codes = ("invoice_number_unknown", "reference_differs", "stripe_reference_taken")
    with told_beside(dict.fromkeys(codes, "invoice")):
        async with database.reading() as session:
            invoice_id = InvoiceUnknown.unless(await _invoice_id(session, data.invoice), "no invoice has this number")
        body = ReferBody(invoice_id=invoice_id, reason=data.reason)
        await post_refer.fn(difference_id, body, database, clock, gateway, operator)
    return console.redirect(f"{PATH}/{difference_id}?done={Deed.REFER}")


@form_at(PATH + "/{difference_id:uuid}/look_up", MONEY)
async def look_up_by_form(
    difference_id: FromPath[UUID],
    data: JSONBody[LookUpForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    body = LookUpBody(reason=data.reason)
    await post_look_up.fn(difference_id, database, clock, gateway, operator, body)
    return console.redirect(f"{PATH}/{difference_id}?done={Deed.LOOK_UP}")


@form_at(PATH + "/{difference_id:uuid}/assign", MONEY)
async def assign_by_form(
    difference_id: FromPath[UUID],
    data: JSONBody[AssignOneForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    with told_beside({"owner_unknown": "owner_id"}):
        body = AssignBody(owner_id=data.owner_id, reason=data.reason)
        await post_assign.fn(difference_id, body, database, clock, gateway, operator)
    return console.redirect(f"{PATH}/{difference_id}?done={Deed.ASSIGN}")


@form_at(PATH + "/{difference_id:uuid}/accept", MONEY, step_up=True)
async def accept_by_form(
    difference_id: FromPath[UUID],
    data: JSONBody[AcceptForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    await post_accept.fn(difference_id, data, database, clock, gateway, operator)
    return console.redirect(f"{PATH}/{difference_id}?done={Deed.ACCEPT}")


ROUTES = (record_by_form, refer_by_form, look_up_by_form, assign_by_form, accept_by_form)
