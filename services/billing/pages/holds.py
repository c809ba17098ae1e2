"""Credit hold on an account's page: set, lifted, and said aloud while it holds."""

from typing import Any
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.documents import Note
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import refuse_if_changed
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.account_news import TellingRule
from services.billing.domain.holds import HoldAction, obstacle_to
from services.billing.http.holds import CreditHoldBody, HoldReason, hold_by_operator
from services.billing.pages.account_page import AccountPage
from services.billing.pages.accounts import PATH

MONEY = Capability.MANAGE_BILLING_OPS
HOLD, LIFT = "hold", "lift-hold"
VERBS: dict[str, str] = {HoldAction.SET: "put it on credit hold", HoldAction.LIFT: "lifted its credit hold"}


class HoldForm(Form):
    reason: HoldReason
    seen: UUID | None = None


async def on_hold(page: AccountPage) -> Note | None:
    if not page.account.credit_hold:
        return None
    return Note("On credit hold: it gets no leads", page.account.credit_hold_reason or "", "danger")


async def hold(page: AccountPage) -> Action | None:
    return _action(
        page,
        HoldAction.SET,
        "Put on credit hold",
        "It gets no lead until it is lifted; what it has, and what it owes, stays as it is. Whoever gives leads out "
        "sees the reason.",
        "On hold: it gets no more leads",
    )


async def lift(page: AccountPage) -> Action | None:
    return _action(
        page,
        HoldAction.LIFT,
        "Lift credit hold",
        "It gets leads again from the next one on; none are made up for. What it owes stays as it is.",
        "Lifted: it gets leads again",
    )


def _action(page: AccountPage, action: HoldAction, title: str, effect: str, done: str) -> Action | None:
    if not page.is_installer:
        return None
    name = HOLD if action is HoldAction.SET else LIFT
    return Action(
        name,
        title,
        f"{page.path}/{name}",
        effect=effect,
        fields=(FormField("reason", "Reason", FieldKind.PROSE, is_required=True, longest=200),),
        hidden={"seen": page.seen},
        done=done,
        destroys=action is HoldAction.SET,
        **refused(page.operator, MONEY, obstacle_to(action, is_held=page.account.credit_hold)),
    )


def _deciding(name: str, credit_hold: bool) -> Any:
    @form_at(PATH + "/{account_id:uuid}/" + name, MONEY)
    async def hold_by_form(
        account_id: FromPath[UUID],
        data: JSONBody[HoldForm],
        console: Given[Console],
        database: Given[Database],
        clock: Given[Clock],
        telling: Given[TellingRule],
        operator: Given[Operator],
    ) -> Redirect:
        body = CreditHoldBody(credit_hold=credit_hold, reason=data.reason)
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("account", account_id), data.seen)
            await hold_by_operator(session, account_id, body, telling, operator, clock.now())
        return console.redirect(f"{PATH}/{account_id}?done={name}")

    return hold_by_form


ROUTES = (_deciding(HOLD, True), _deciding(LIFT, False))
