"""One lead that waits for an operator: why, who could have it, and what can be done."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Facts, Part, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, in_order
from chassis.console.wording import counted, sentence, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.domain.queue import QueueAction
from services.routing.http.exceptions import (
    AssignBody,
    assign_dispatch_exception,
    resolve_dispatch_exception,
    retry_dispatch_exception,
)
from services.routing.http.lead_views import CandidateView, DecisionView, DispatchView, obstacles_of
from services.routing.http.leads import show_dispatch
from services.routing.models import DispatchException
from services.routing.pages import moments
from services.routing.pages.dispatch import assignments_table, lead_links
from services.routing.pages.exceptions import QUEUE, REASON, ROOM, WRITE, ResolveForm, RetryForm
from services.routing.pages.telling import ASSIGNMENTS, DISPATCHES, lead_title
from services.routing.pages.telling import EXCEPTIONS as PATH
from services.routing.queries import dispatches, installers
from services.routing.queries import exceptions as queries

MOST_OTHERS = 100
"""Offered by hand beside those whom dispatch asked."""


class AssignForm(AssignBody, Form):
    """As the JSON route takes it."""


@page_at(PATH + "/{exception_id:uuid}", Capability.READ_OPS)
async def show_exception(
    exception_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        item = await queries.get(session, exception_id)
        dispatch = await dispatches.get(session, item.lead_id)
        lead = await show_dispatch(session, dispatch, clock.now())
        decided = [DecisionView.of(each) for each in await dispatches.decisions_of(session, item.lead_id)]
        options = await _installers(session, lead, decided)
    obstacles = obstacles_of(item, dispatch, lead.shares_wanted - lead.shares_live, clock.now())
    actions = [
        _action(name, item.id, lead, refused(operator, WRITE, obstacles[name]), options)
        for name in (QueueAction.RETRY, QueueAction.ASSIGN, QueueAction.RESOLVE)
    ]
    return show_document(console, request, _document(item, lead, decided, actions, console), done)


async def _installers(
    session: AsyncSession, lead: DispatchView, decided: Sequence[DecisionView]
) -> list[tuple[str, str]]:
    """Who may be chosen by hand: those whom the newest decision passed over, then all others that do its service."""
    candidates = decided[-1].candidates if decided else []
    known = {each.installer_id for each in candidates} | {each.installer_id for each in lead.assignments}
    others = await installers.others_that_do(session, lead.service, known, MOST_OTHERS)
    return [
        *((str(each.installer_id), _candidate(each)) for each in candidates if not each.is_chosen),
        *((str(id_), f"{name} (outside its area, or added since)") for id_, name in others),
    ]


def _action(
    name: QueueAction, exception_id: UUID, lead: DispatchView, why: Any, options: Sequence[tuple[str, str]]
) -> Action:
    free = lead.shares_wanted - lead.shares_live
    path = f"{PATH}/{exception_id}/{name}"
    match name:
        case QueueAction.RETRY:
            return Action(
                name,
                "Retry dispatch",
                path,
                effect=(
                    f"Offers {counted(free, 'free share', 'free shares')} again, by the rules and caps of now. Each "
                    "installer that is chosen gets the lead by its channel and is billed once it is sent."
                ),
                done="Dispatch was run again: the newest decision says what came of it",
                **why,
            )
        case QueueAction.ASSIGN:
            nobody = {} if options else {"why_not": f"nobody does {words(lead.service).lower()}"}
            return Action(
                name,
                "Assign by hand",
                path,
                effect=f"Gives it to {counted(free, 'installer', 'installers')} at the most, whatever the "
                "territory; each is billed once it is sent.",
                fields=(
                    FormField("installer_ids", "Installers", FieldKind.CHOICES, options=options),
                    FormField("override_cap", "Beyond their caps", FieldKind.CHECK, hint="Needs a reason"),
                    FormField("reason", "Reason", FieldKind.PROSE, hint="Stands in the decision"),
                ),
                done="Assigned: the lead is on its way",
                **(nobody | why),
            )
        case _:
            return Action(
                name,
                "Set aside",
                path,
                effect="Takes it out of the queue; the lead stays as it is, and nobody is charged.",
                fields=(REASON,),
                done="Set aside",
                **why,
            )


def _candidate(candidate: CandidateView) -> str:
    return f"{candidate.installer_name} ({words(candidate.obstacle or 'eligible').lower()})"


def _document(
    item: DispatchException,
    lead: DispatchView,
    decided: Sequence[DecisionView],
    actions: Sequence[Action],
    console: Console,
) -> Document:
    dispatch = f"{DISPATCHES}/{item.lead_id}"
    seen = Markup("{}. Raised {}").format(sentence(item.detail), console.wording.ago(item.raised_at))
    times = f", {item.occurrences} times" if item.occurrences > 1 else ""
    return Document(
        title=lead_title(lead),
        room=ROOM,
        up=("Exceptions", QUEUE),
        states=(chip(words(item.reason), "warning" if item.is_open else "positive"),),
        sentence=seen + times + ".",
        actions=actions,
        sections=(
            Facts("The lead", _facts(item, lead)),
            assignments_table(lead.assignments),
            Part("Decisions", "decisions.html", {"decisions": list(reversed(decided)), "dispatch": dispatch}),
        ),
        timeline=in_order(_moments(item, lead, decided)),
        links=(("Dispatch", dispatch), *lead_links(console, item.lead_id)),
    )


def _facts(item: DispatchException, lead: DispatchView) -> list[Fact]:
    about = [] if item.assignment_id is None else [_assignment_fact(item.assignment_id)]
    return [
        Fact("Path", Shown(lead.selected_path, Kind.WORD)),
        Fact("State", Shown(lead.status, Kind.WORD)),
        Fact("Since", Shown(lead.status_since, Kind.AGO)),
        Fact("Shares", f"{lead.shares_sent} sent, {lead.shares_live} live, {lead.shares_wanted} wanted"),
        Fact("Received", Shown(lead.received_at, Kind.INSTANT)),
        *about,
        Fact("Lead id", Shown(lead.lead_id, Kind.ID)),
    ]


def _assignment_fact(assignment_id: UUID) -> Fact:
    return Fact("About the assignment", Shown(assignment_id, Kind.ID, path=f"{ASSIGNMENTS}/{assignment_id}"))


def _moments(item: DispatchException, lead: DispatchView, decided: Sequence[DecisionView]) -> list[Moment]:
    received = Moment(lead.received_at, "Waybill", "received the lead")
    return [received, *moments.of_decisions(decided), *moments.of_item(item)][::-1]


@form_at(PATH + "/{exception_id:uuid}/retry", WRITE)
async def retry_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[RetryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await retry_dispatch_exception.fn(exception_id, database, clock, operator)
    return _back(console, exception_id, QueueAction.RETRY)


@form_at(PATH + "/{exception_id:uuid}/resolve", WRITE)
async def resolve_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[ResolveForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await resolve_dispatch_exception.fn(exception_id, data, database, clock, operator)
    return _back(console, exception_id, QueueAction.RESOLVE)


@form_at(PATH + "/{exception_id:uuid}/assign", WRITE)
async def assign_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[AssignForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await assign_dispatch_exception.fn(exception_id, data, database, clock, operator)
    return _back(console, exception_id, QueueAction.ASSIGN)


def _back(console: Console, exception_id: UUID, done: QueueAction) -> Redirect:
    """To the item, where what came of it stands."""
    return console.redirect(f"{PATH}/{exception_id}?done={done}")


ROUTES = (show_exception, retry_by_form, resolve_by_form, assign_by_form)
