"""One return: what the installer says, what the system knows of the delivery, and what can be decided."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup

from chassis.audit import Subject, audit_entries
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.business_days import MEANT_FACT, say_left
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import moments_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.business_days import days_left
from contracts.identity import Capability
from services.routing.domain.evidence import Quota
from services.routing.domain.policies import ReturnsPolicy
from services.routing.domain.returns import ReturnAction, ReturnState, is_over_quota, obstacle_to_deciding
from services.routing.http.fields import Why
from services.routing.http.returns import AcceptBody, ReturnView, accept_return, deny_return, withdraw_return
from services.routing.models import Dispatch
from services.routing.pages import moments
from services.routing.pages.reasons import WHY
from services.routing.pages.return_sections import sections_of
from services.routing.pages.return_words import (
    ASKED,
    CREDIT_OPTIONS,
    CREDIT_TONES,
    CREDITS,
    NONE,
    RULES,
    STATES,
    TONES,
    last_day,
    told_credit,
    told_offer,
)
from services.routing.pages.returns import DENY_FIELDS, QUEUE, ROOM, WRITE, DenyForm
from services.routing.pages.telling import ASSIGNMENTS, DISPATCHES, INSTALLERS, lead_title
from services.routing.pages.telling import RETURNS as PATH
from services.routing.queries import dispatches, returns
from services.routing.queries.evidence import quota_now
from services.routing.queries.installers import names_of
from services.routing.queries.policies import in_force


class AcceptForm(AcceptBody, Form):
    """As the JSON route takes it."""


class WithdrawForm(Why, Form):
    """As the JSON route takes it."""


class Page(NamedTuple):
    """`quota` is of its cycle as it stands now."""

    asked: ReturnView
    quota: Quota
    lead: Dispatch
    console: Console
    operator: Operator
    now: datetime

    @property
    def path(self) -> str:
        return f"{PATH}/{self.asked.id}"


@page_at(PATH + "/{return_id:uuid}", Capability.READ_OPS)
async def show_return(
    return_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        found = await returns.get(session, return_id)
        names = await names_of(session, [found.installer_id])
        asked = ReturnView.of(found, names[found.installer_id], clock.now())
        quota = await quota_now(session, found, (await in_force(session, ReturnsPolicy)).policy)
        page = Page(asked, quota, await dispatches.get(session, found.lead_id), console, operator, clock.now())
        is_of_it = audit_entries.c.after["return_id"].astext == str(return_id)
        subject = Subject("assignment", found.assignment_id)
        timeline = await moments_of(session, [subject], moments.ASSIGNMENT_VERBS, console.wording, is_of_it)
    return show_document(console, request, _document(page, timeline), done)


def _document(page: Page, timeline: Any) -> Document:
    asked, url = page.asked, page.console.addresses.url
    return Document(
        title=f"{lead_title(page.lead)} from {asked.installer_name}",
        room=ROOM,
        up=("Returns", QUEUE),
        states=_chips(page),
        sentence=_sentence(page),
        facts=_facts(page),
        actions=[_accept(page), _deny(page), _withdraw(page)],
        sections=sections_of(asked),
        timeline=timeline,
        links=(
            ("Assignment", f"{ASSIGNMENTS}/{asked.assignment_id}"),
            ("Dispatch", f"{DISPATCHES}/{asked.lead_id}"),
            ("The lead", url("intake", f"/console/leads/{asked.lead_id}")),
            *_credit_link(page),
        ),
    )


def _credit_link(page: Page) -> tuple[tuple[str, str], ...]:
    if page.asked.credit_reason is None:
        return ()
    url = page.console.addresses.url("billing", f"/console/credit-proposals/{page.asked.id}")
    return (("Credit proposal", url),)


def _credit_of(asked: ReturnView) -> str:
    if asked.credit_reason is None:
        return NONE
    return asked.credit_result or ASKED


def _chips(page: Page) -> list[Markup]:
    asked = page.asked
    chips = [chip(STATES[asked.state], TONES.get(asked.state, ""))]
    if asked.is_over_quota:
        chips.append(chip("Over the quota", "warning"))
    if asked.is_late:
        chips.append(chip("Late", "danger"))
    if asked.state is ReturnState.ACCEPTED:
        credit = _credit_of(asked)
        chips.append(chip(f"Credit: {CREDITS.get(credit, words(credit)).lower()}", CREDIT_TONES.get(credit, "")))
    return chips


def _sentence(page: Page) -> Markup:
    asked, wording = page.asked, page.console.wording
    reason = words(asked.code).lower()
    match asked.state:
        case ReturnState.REQUESTED:
            left = days_left(asked.decide_by, page.now, wording.zone)
            told = Markup("{} asked {} to give the lead back: {}. {}; it keeps the lead until you decide.")
            return told.format(asked.installer_name, wording.ago(asked.requested_at), reason, say_left(left))
        case ReturnState.ACCEPTED:
            told = Markup("Taken back {}: {}. {} has the lead no more.")
        case ReturnState.DENIED:
            told = Markup("Denied {}: {}. {} keeps the lead, and was told why by mail.")
            reason = words(asked.denial_code or "").lower()
        case ReturnState.WITHDRAWN:
            told = Markup("Withdrawn {}: {}. {} keeps the lead.")
    return told.format(wording.ago(asked.decided_at), reason, asked.installer_name)


def _facts(page: Page) -> list[Fact]:
    asked = page.asked
    quota = asked.evidence["quota"]
    return [
        Fact("Installer", Shown(asked.installer_name, path=f"{INSTALLERS}/{asked.installer_id}")),
        Fact("Lead", Shown(lead_title(page.lead), path=f"{DISPATCHES}/{asked.lead_id}")),
        Fact("Because", Shown(asked.code, Kind.WORD)),
        Fact("Asked for", Shown(asked.requested_at, Kind.INSTANT)),
        Fact("Asked by", f"The {asked.asked_by}, by {'API' if asked.channel == 'api' else asked.channel}"),
        Fact("Taken by", asked.requested_by_name),
        Fact("Decide by the end of", last_day(asked.decide_by)),
        MEANT_FACT,
        Fact("What the rule sees", RULES[asked.rule_reason]),
        Fact(
            "Quota of the cycle", f"{quota['accepted']} of {quota['allowed']} taken back before ({quota['percent']} %)"
        ),
        *_decided_facts(asked),
        Fact("Return id", Shown(asked.id, Kind.ID)),
    ]


def _decided_facts(asked: ReturnView) -> list[Fact]:
    if asked.decided_at is None:
        return []
    facts = [
        Fact("Decided", Shown(asked.decided_at, Kind.INSTANT)),
        Fact("Decided by", Shown("The rule" if asked.decided_by_rule else asked.decided_by_name)),
    ]
    if asked.state is ReturnState.DENIED:
        return [*facts, Fact("Denied for", Shown(asked.denial_code, Kind.WORD))]
    if asked.state is ReturnState.WITHDRAWN:
        return facts
    return [
        *facts,
        Fact("Credited for", Shown(asked.credit_reason, Kind.WORD)),
        Fact("What billing says", Shown(asked.credit_detail)),
        Fact("Offered to others", Shown(asked.is_offered_on, Kind.YES_NO)),
    ]


def _why(page: Page) -> Any:
    return refused(page.operator, WRITE, obstacle_to_deciding(page.asked.state))


def _accept(page: Page) -> Action:
    code = page.asked.code
    is_over = is_over_quota(code, page.asked.rule_verdict, page.quota)
    hint = "Say why it is taken back all the same; stands in the timeline" if is_over else "Stands in the timeline"
    note = FormField("note", "Note", FieldKind.PROSE, hint=hint, longest=1000, is_required=is_over)
    over = f" Its quota is used: {page.quota.told} this cycle." if is_over else ""
    credit = FormField("credit_reason", "Credit", FieldKind.CHOICE, options=CREDIT_OPTIONS)
    tick = FormField("is_offered_on", "Offer the lead to others", FieldKind.CHECK)
    return Action(
        ReturnAction.ACCEPT,
        "Accept return",
        f"{page.path}/accept",
        effect=f"{page.asked.installer_name} has the lead no more, never gets it again, and its place under the caps "
        f"is free. {told_credit(code)} {told_offer(code)}{over}",
        fields=(
            *((credit,) if code.credit_reason is None else ()),
            *((tick,) if code.is_offered_on is None else ()),
            note,
        ),
        done="Accepted: the lead is taken back",
        is_primary=True,
        **_why(page),
    )


def _deny(page: Page) -> Action:
    return Action(
        ReturnAction.DENY,
        "Deny return",
        f"{page.path}/deny",
        effect=f"{page.asked.installer_name} keeps the lead and stays charged for it, and is told why by mail. "
        "It can be asked for again.",
        fields=DENY_FIELDS,
        done="Denied: the installer is told why by mail",
        **_why(page),
    )


def _withdraw(page: Page) -> Action:
    return Action(
        ReturnAction.WITHDRAW,
        "Withdraw return",
        f"{page.path}/withdraw",
        effect=f"{page.asked.installer_name} keeps the lead after all; nobody is mailed.",
        fields=(WHY,),
        done="Withdrawn: the installer keeps the lead",
        **_why(page),
    )


@form_at(PATH + "/{return_id:uuid}/accept", WRITE)
async def accept_by_form(
    return_id: FromPath[UUID],
    data: JSONBody[AcceptForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await accept_return.fn(return_id, data, database, clock, operator)
    return _back(console, return_id, ReturnAction.ACCEPT)


@form_at(PATH + "/{return_id:uuid}/deny", WRITE)
async def deny_by_form(
    return_id: FromPath[UUID],
    data: JSONBody[DenyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await deny_return.fn(return_id, data, database, clock, operator)
    return _back(console, return_id, ReturnAction.DENY)


@form_at(PATH + "/{return_id:uuid}/withdraw", WRITE)
async def withdraw_by_form(
    return_id: FromPath[UUID],
    data: JSONBody[WithdrawForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await withdraw_return.fn(return_id, database, clock, operator, data)
    return _back(console, return_id, ReturnAction.WITHDRAW)


def _back(console: Console, return_id: UUID, done: ReturnAction) -> Redirect:
    return console.redirect(f"{PATH}/{return_id}?done={done}")


ROUTES = (show_return, accept_by_form, deny_by_form, withdraw_by_form)
