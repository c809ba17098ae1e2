"""One payout: what it is, what is in its way, what was asked of Stripe, and what can be done."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.documents import Done, show_document
from chassis.console.fields import Dollars
from chassis.console.timeline import in_order, moments_of
from chassis.database import Database
from chassis.http import Given, Operator
from services.payouts.domain import PayoutDeed
from services.payouts.http.boards import LARGEST_AMOUNT_CENTS
from services.payouts.http.payout_views import look_at
from services.payouts.http.payouts import ReasonBody, ReverseBody, release_payout, reverse_payout, run_payout
from services.payouts.pages.payout_actions import actions
from services.payouts.pages.payout_document import VERBS, document, moments
from services.payouts.pages.words import PAYOUTS, READ, WRITE
from services.payouts.sending import Sender
from services.payouts.settings import Settings


class RunForm(Form):
    """Nothing but the session's mark."""


class ReleaseForm(ReasonBody, Form):
    """As the JSON route takes it."""


class ReverseForm(ReasonBody, Form):
    reversal_id: UUID
    amount: Annotated[Dollars, Field(gt=0, le=LARGEST_AMOUNT_CENTS)]


@page_at(PAYOUTS + "/{payout_id:uuid}", READ)
async def show_payout(
    payout_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    sender: Given[Sender],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    now = clock.now()
    async with database.reading() as session:
        look = await look_at(session, payout_id, sender, operator.id, now)
        audited = await moments_of(session, [Subject("payout", payout_id)], VERBS, console.wording)
    asker = next((each.who for each in audited if each.what == VERBS["request_payout"]), "An operator")
    shown = document(
        look,
        settings,
        console,
        asker=asker,
        actions=actions(look, operator, settings, console.wording, asker),
        timeline=in_order(audited, moments(look)),
    )
    return show_document(console, request, shown, done)


@form_at(PAYOUTS + "/{payout_id:uuid}/run", WRITE, step_up=True)
async def run_by_form(
    payout_id: FromPath[UUID],
    data: JSONBody[RunForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    sender: Given[Sender],
    operator: Given[Operator],
) -> Redirect:
    await run_payout.fn(payout_id, database, clock, sender, operator)
    return _back(console, payout_id, PayoutDeed.RUN)


@form_at(PAYOUTS + "/{payout_id:uuid}/release", WRITE, step_up=True)
async def release_by_form(
    payout_id: FromPath[UUID],
    data: JSONBody[ReleaseForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    sender: Given[Sender],
    operator: Given[Operator],
) -> Redirect:
    await release_payout.fn(payout_id, data, database, clock, sender, operator)
    return _back(console, payout_id, PayoutDeed.RELEASE)


@form_at(PAYOUTS + "/{payout_id:uuid}/reverse", WRITE, step_up=True)
async def reverse_by_form(
    payout_id: FromPath[UUID],
    data: JSONBody[ReverseForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    sender: Given[Sender],
    operator: Given[Operator],
) -> Redirect:
    body = ReverseBody(reversal_id=data.reversal_id, amount_cents=data.amount, reason=data.reason)
    await reverse_payout.fn(payout_id, body, database, clock, sender, operator)
    return _back(console, payout_id, PayoutDeed.REVERSE)


def _back(console: Console, payout_id: UUID, done: PayoutDeed) -> Redirect:
    """To the payout, where what came of it stands."""
    return console.redirect(f"{PAYOUTS}/{payout_id}?done={done}")


ROUTES = (show_payout, run_by_form, release_by_form, reverse_by_form)
