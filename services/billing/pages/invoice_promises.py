"""What an invoice's page says and offers about its payment to come: promises, and who sees to it."""

from typing import Annotated
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.clock import Clock
from chassis.console import Console, Form
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Note as Notice
from chassis.console.documents import Table
from chassis.console.fields import Day, FieldKind, FormField, dollars
from chassis.console.wording import calendar_day, money, words
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.domain.promises import PromiseAction, PromiseState, obstacle_to
from services.billing.domain.statuses import InvoiceStatus
from services.billing.http.fields import Note
from services.billing.http.promises import (
    NewPromise,
    OwnerBody,
    PromisedBy,
    give_by_operator,
    promise_by_operator,
    withdraw_by_operator,
)
from services.billing.models import Promise
from services.billing.pages.faults import told_beside
from services.billing.pages.invoice_deeds import Amount, back, form_of
from services.billing.pages.invoice_page import InvoicePage
from services.billing.pages.reasons import IF_GIVEN, Reason
from services.billing.queries import promises

MONEY = Capability.MANAGE_BILLING_OPS
PROMISE, WITHDRAW, OWNER = "promise", "withdraw_promise", "give_invoice"
COLLECTING = "Collecting"
TONES = {
    PromiseState.OPEN: "info",
    PromiseState.KEPT: "positive",
    PromiseState.BROKEN: "danger",
    PromiseState.WITHDRAWN: "",
}
VERBS = {
    "give_invoice": "changed who sees to it",
    "judge_promise": "looked whether the promise was kept",
    "make_promise": "noted a promise to pay",
    "withdraw_promise": "withdrew the promise to pay",
}
FIELDS = {
    "promise_exceeds_balance": "amount",
    "promised_for_the_past": "promised_for",
    "promised_too_late": "promised_for",
    "owner_unknown": "owner_id",
}


class PromiseForm(Form):
    amount: Amount
    promised_for: Day
    promised_by: PromisedBy | None = None
    note: Note | None = None
    promise_id: UUID


class WithdrawForm(Form):
    reason: Annotated[Note, Field(min_length=1)]
    promise_id: UUID


class OwnerForm(Form):
    owner_id: UUID | None = None
    reason: Reason | None = None


async def promise(page: InvoicePage) -> Action | None:
    if page.is_draft or page.standing.status is InvoiceStatus.VOID:
        return None
    has_open = await promises.open_of(page.session, page.detail.id) is not None
    owed_cents = page.detail.balance_cents if page.standing.status.is_owed else 0
    return Action(
        PROMISE,
        "Note a promise to pay",
        page.deed(PROMISE),
        effect="At the end of that day it is kept or broken, by what came in since now. It changes nothing of what is "
        "owed, and mails nobody.",
        fields=(
            FormField("amount", "Amount", FieldKind.MONEY, value=dollars(owed_cents), is_required=True),
            FormField("promised_for", "By the end of", FieldKind.DAY, is_required=True),
            FormField("promised_by", "Who promised it", hint="At the customer", longest=120),
            FormField("note", "Note", FieldKind.PROSE, hint="Stands in the timeline", longest=1000),
        ),
        hidden={"promise_id": str(new_id())},
        done="Noted",
        group=COLLECTING,
        **refused(page.operator, MONEY, obstacle_to(PromiseAction.PROMISE, owed_cents, has_open=has_open)),
    )


async def withdraw(page: InvoicePage) -> Action | None:
    found = await promises.open_of(page.session, page.detail.id)
    if found is None:
        return None
    return Action(
        WITHDRAW,
        "Withdraw the promise",
        page.deed(WITHDRAW),
        effect="It counts neither as kept nor as broken. Another one can be noted then.",
        fields=(FormField("reason", "Reason", FieldKind.PROSE, is_required=True, longest=1000),),
        hidden={"promise_id": str(found.id)},
        done="Withdrawn",
        group=COLLECTING,
        **refused(page.operator, MONEY),
    )


async def give(page: InvoicePage) -> Action | None:
    if page.is_draft or not page.standing.status.is_owed:
        return None
    owner = await promises.owner_of(page.session, page.detail.id)
    options = [(str(each.operator_id), each.name) for each in await promises.possible_owners(page.session)]
    return Action(
        OWNER,
        "Change who sees to it",
        page.deed(OWNER),
        effect="It comes into that operator's view of the overdue queue. Nobody is mailed.",
        fields=(
            FormField(
                "owner_id",
                "Owner",
                FieldKind.CHOICE,
                value=str(owner.owner_id) if owner and owner.owner_id else "",
                options=options,
                hint="Empty: nobody",
            ),
            IF_GIVEN,
        ),
        done="Changed",
        group=COLLECTING,
        **refused(page.operator, MONEY),
    )


async def promised(page: InvoicePage) -> Notice | None:
    """What the last promise says, while something is owed."""
    found = await promises.of_invoice(page.session, page.detail.id)
    if not found or not page.standing.status.is_owed:
        return None
    last = found[0]
    told = f"{money(last.amount_cents)} by {calendar_day(last.promised_for)}"
    if last.state is PromiseState.BROKEN:
        return Notice(f"A promise was broken: {told}", "Ask again, or go on to the next step.", "danger")
    if last.state is PromiseState.OPEN:
        return Notice(f"Promised: {told}", last.note or "", "info")
    return None


async def made(page: InvoicePage) -> Table | None:
    found = await promises.of_invoice(page.session, page.detail.id)
    if not found:
        return None
    heads = (
        *(("Amount", Kind.MONEY), ("By the end of", Kind.TEXT), ("State", Kind.CHIP)),
        *(("Who promised it", Kind.TEXT), ("Noted by", Kind.TEXT), ("Noted", Kind.AGO), ("Ended", Kind.AGO)),
    )
    return Table("Promises to pay", heads, [_row(each) for each in found])


def _row(each: Promise) -> tuple[Shown | str, ...]:
    return (
        Shown(each.amount_cents, Kind.MONEY),
        calendar_day(each.promised_for),
        chip(words(each.state), TONES[each.state]),
        each.promised_by or "",
        each.made_by_name,
        Shown(each.made_at, Kind.AGO),
        Shown(each.ended_at, Kind.AGO),
    )


@form_of(PROMISE, step_up=False)
async def promise_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[PromiseForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    asked = NewPromise(
        amount_cents=data.amount,
        **data.model_dump(include={"promised_for", "promised_by", "note", "promise_id"}),
    )
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await promise_by_operator(session, invoice_id, asked, house, operator, clock.now())
            return await back(session, console, invoice_id, PROMISE)


@form_of(WITHDRAW, step_up=False)
async def withdraw_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[WithdrawForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await withdraw_by_operator(session, data.promise_id, data.reason, operator, clock.now())
        return await back(session, console, invoice_id, WITHDRAW)


@form_of(OWNER, step_up=False)
async def give_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[OwnerForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    asked = OwnerBody(owner_id=data.owner_id, reason=data.reason)
    with told_beside(FIELDS):
        async with database.transaction() as session:
            await give_by_operator(session, invoice_id, asked, operator, clock.now())
            return await back(session, console, invoice_id, OWNER)


ROUTES = (promise_by_form, withdraw_by_form, give_by_form)
