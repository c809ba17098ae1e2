"""One expert: who they are, whether they can be paid, what they have had; and the form that adds one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy import select

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip, link
from chassis.console.documents import Document, Done, Fact, Table, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import money
from chassis.database import Database
from chassis.http import Given, Operator
from services.payouts import queries
from services.payouts.domain import PayoutMethod
from services.payouts.http.experts import ExpertBody, ExpertChangeBody, add_expert, change_expert
from services.payouts.models import Board, Expert, Payout
from services.payouts.pages.experts import ROOM, STANDS, TONES, stands_now, why_not
from services.payouts.pages.payouts import METHODS
from services.payouts.pages.words import EXPERTS, PAYOUTS, READ, SPLITS, WRITE, stands_chip

VERBS = {"add_expert": "added them", "change_expert": "changed them"}


MOST = 20
"""Payouts on the page; the list has all."""


@dataclass(frozen=True, slots=True)
class Seen:
    """`pay` is what was sent and what waits, in cents."""

    expert: Expert
    stands: str
    pay: tuple[int, int]
    payouts: Sequence[tuple[Payout, Board]]


class AddForm(ExpertBody, Form):
    """As the JSON route takes it, but for the box: one that is not ticked is not sent."""

    is_active: bool = False


class ChangeForm(ExpertChangeBody, Form):
    """`version` is of the profile that the form showed."""

    is_active: bool = False


def _fields(expert: Expert | None) -> tuple[FormField, ...]:
    method = expert.payout_method if expert else PayoutMethod.STRIPE_CONNECT
    return (
        FormField("name", "Name", value=expert.name if expert else "", is_required=True),
        FormField(
            "email",
            "E-mail",
            FieldKind.EMAIL,
            expert.email if expert else "",
            hint="Gets the receipt of every payout",
            is_required=True,
            longest=254,
        ),
        FormField("abn", "ABN", value=(expert.abn or "") if expert else "", hint="11 digits", longest=20),
        FormField(
            "payout_method",
            "Method",
            FieldKind.CHOICE,
            method,
            hint="Gnosis Safe is kept for its history: a payout by it is refused",
            is_required=True,
            options=[
                (each, "Stripe Connect" if each is PayoutMethod.STRIPE_CONNECT else "Gnosis Safe")
                for each in PayoutMethod
            ],
        ),
        FormField(
            "stripe_account_id",
            "Stripe account",
            value=(expert.stripe_account_id or "") if expert else "",
            hint="As acct_… stands at Stripe; each expert has one of their own",
            longest=70,
        ),
        FormField(
            "is_active",
            "Active",
            FieldKind.CHECK,
            "true" if expert is None or expert.is_active else "false",
            hint="While not, nothing is sent to them",
        ),
    )


@page_at(EXPERTS + "/new", READ)
async def show_new_expert(
    request: Request[Any, Any, Any], console: Given[Console], operator: Given[Operator]
) -> Response[str]:
    action = Action(
        "add",
        "Add expert",
        f"{EXPERTS}/new",
        effect="They can be named in boards' participations at once, and are paid once Stripe can pay their account.",
        fields=_fields(None),
        **refused(operator, WRITE),
    )
    return console.page(request, "new_expert.html", {"adding": action, "up": EXPERTS}, room=ROOM)


@form_at(EXPERTS + "/new", WRITE, step_up=True)
async def add_by_form(
    data: JSONBody[AddForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    added = await add_expert.fn(data, database, clock, operator)
    return console.redirect(f"{EXPERTS}/{added.id}")


@page_at(EXPERTS + "/{expert_id:uuid}", READ)
async def show_expert(
    expert_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        expert = await queries.experts.expert(session, expert_id)
        view = Seen(
            expert=expert,
            stands=await session.scalar(select(stands_now).where(Expert.id == expert_id)) or "",
            pay=await queries.experts.pay_of_expert(session, expert_id),
            payouts=await queries.experts.last_payouts_of_expert(session, expert_id, MOST),
        )
        audited = await moments_of(session, [Subject("expert", expert_id)], VERBS, console.wording)
    # Of those whom nobody added here: what brought them is not on record.
    added = [] if any(each.what == VERBS["add_expert"] for each in audited) else [_added(expert)]
    return show_document(console, request, _document(view, operator, in_order(audited, added)), done)


def _added(expert: Expert) -> Moment:
    return Moment(expert.created_at, "Waybill", "added them")


def _document(view: Seen, operator: Operator, timeline: Sequence[Moment]) -> Document:
    expert, (sent_cents, waits_cents) = view.expert, view.pay
    reason = why_not(view.stands, expert.cannot_be_paid_reason)
    return Document(
        title=expert.name,
        room=ROOM,
        up=("Experts", EXPERTS),
        states=(chip(STANDS[view.stands], TONES.get(view.stands, "")),),
        sentence=f"{reason}." if reason else "",
        amount=money(waits_cents),
        amount_note="AUD waits for them",
        facts=(
            Fact("E-mail", expert.email),
            Fact("ABN", Shown(expert.abn)),
            Fact("Method", METHODS[expert.payout_method]),
            Fact("Stripe account", Shown(expert.stripe_account_id, Kind.ID)),
            Fact("Stripe was asked", Shown(expert.payability_checked_at, Kind.INSTANT)),
            Fact("Pay sent, AUD", money(sent_cents)),
            Fact("Expert id", Shown(str(expert.id), Kind.ID)),
        ),
        actions=(_change(expert, operator),),
        sections=(_payouts(view),),
        timeline=timeline,
    )


def _change(expert: Expert, operator: Operator) -> Action:
    return Action(
        "change",
        "Change expert",
        f"{EXPERTS}/{expert.id}/change",
        effect=(
            "What is under way at Stripe goes where it was sent; everything later goes to the account that stands "
            "here. Receipts go to the e-mail that stands here."
        ),
        fields=_fields(expert),
        hidden={"version": str(expert.version)},
        done="Changed",
        **refused(operator, WRITE),
    )


def _payouts(view: Seen) -> Table:
    return Table(
        "Payouts",
        (("Board", Kind.TEXT), ("Amount, AUD", Kind.MONEY), ("State", Kind.CHIP), ("Since", Kind.AGO)),
        [
            (
                Shown(board.title, path=f"{SPLITS}/{board.id}"),
                Shown(payout.amount_cents, Kind.MONEY),
                link(f"{PAYOUTS}/{payout.id}", stands_chip(payout.state, payout.reversed_cents)),
                Shown(payout.state_since, Kind.AGO),
            )
            for payout, board in view.payouts
        ],
        empty="No board that they took part in has closed yet.",
        more=("All payouts of this expert", f"{PAYOUTS}?expert={view.expert.id}") if view.payouts else None,
    )


@form_at(EXPERTS + "/{expert_id:uuid}/change", WRITE, step_up=True)
async def change_by_form(
    expert_id: FromPath[UUID],
    data: JSONBody[ChangeForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Redirect:
    await change_expert.fn(expert_id, data, database, operator)
    return console.redirect(f"{EXPERTS}/{expert_id}?done=change")


ROUTES = (show_new_expert, add_by_form, show_expert, change_by_form)
