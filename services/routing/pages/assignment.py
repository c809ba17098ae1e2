"""One assignment: which lead went to whom and why, what became of it, and what can be done."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Part, show_document
from chassis.console.timeline import in_order, moments_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.domain.giving import AssignmentAction
from services.routing.domain.states import AssignmentStatus
from services.routing.http.assignments import cancel_assignment, release_cap
from services.routing.http.lead_views import AssignmentView, DecisionView, obstacles_on
from services.routing.models import Decision, Dispatch
from services.routing.pages import moments
from services.routing.pages.assignments import ROOM, WRITE, CancelForm, ReleaseCapForm, fields_of
from services.routing.pages.telling import ASSIGNMENT_TONES, CAP_TONES, DISPATCHES, INSTALLERS, lead_title
from services.routing.pages.telling import ASSIGNMENTS as PATH
from services.routing.queries import assignments, dispatches
from services.routing.queries.installers import names_of


@page_at(PATH + "/{assignment_id:uuid}", Capability.READ_OPS)
async def show_assignment(
    assignment_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        found = await assignments.get(session, assignment_id)
        names = await names_of(session, [found.installer_id])
        made = AssignmentView.of(found, names[found.installer_id])
        lead = await dispatches.get(session, made.lead_id)
        decision = DecisionView.of(await session.get_one(Decision, made.decision_id))
        subject = Subject("assignment", assignment_id)
        audited = await moments_of(session, [subject], moments.ASSIGNMENT_VERBS, console.wording)
    dispatch = f"{DISPATCHES}/{made.lead_id}"
    document = Document(
        title=f"{lead_title(lead)} to {made.installer_name}",
        room=ROOM,
        up=("Assignments", f"{PATH}?status=pending"),
        states=(
            chip(words(made.status), ASSIGNMENT_TONES.get(made.status, "")),
            chip(f"Place {words(made.cap_state).lower()}", CAP_TONES.get(made.cap_state, "")),
        ),
        sentence=_sentence(made, console),
        facts=_facts(made, lead),
        actions=_actions(operator, made),
        sections=(Part("Its decision", "decisions.html", {"decisions": [decision], "dispatch": dispatch}),),
        timeline=in_order(moments.of_assignment(made, audited)),
        links=(
            ("Dispatch", dispatch),
            ("The lead", console.addresses.url("intake", f"/console/leads/{made.lead_id}")),
            ("Delivery event", console.addresses.url("billing", f"/console/delivery-events?assignment_id={made.id}")),
        ),
    )
    return show_document(console, request, document, done)


def _sentence(made: AssignmentView, console: Console) -> Markup:
    ago = console.wording.ago
    match made.status:
        case AssignmentStatus.PENDING:
            return Markup("On its way since {}. It is sent by itself, and billed once it is.").format(
                console.wording.exact(made.created_at)
            )
        case AssignmentStatus.SENT:
            return Markup("Sent {}: the installer has the lead, and is billed for it.").format(ago(made.sent_at))
        case AssignmentStatus.FAILED:
            return Markup("Could not be delivered {}: {}. Nobody is billed.").format(
                ago(made.ended_at), words(made.ended_reason or "").lower()
            )
        case AssignmentStatus.CANCELLED:
            return Markup("Cancelled {}: {}. Nobody is billed.").format(
                ago(made.ended_at), words(made.ended_reason or "").lower()
            )


def _facts(made: AssignmentView, lead: Dispatch) -> list[Fact]:
    return [
        Fact("Installer", Shown(made.installer_name, path=f"{INSTALLERS}/{made.installer_id}")),
        Fact("Lead", Shown(lead_title(lead), path=f"{DISPATCHES}/{made.lead_id}")),
        Fact("Path", Shown(made.selected_path, Kind.WORD)),
        Fact("Share", f"{made.share_no} of {made.selected_path.max_assignments}"),
        Fact("Given", Shown(made.created_at, Kind.INSTANT)),
        Fact("Sent", Shown(made.sent_at, Kind.INSTANT)),
        Fact("Ended", Shown(made.ended_at, Kind.INSTANT)),
        Fact("Ended because", Shown(made.ended_reason, Kind.WORD)),
        Fact("Place released", Shown(made.cap_released_at, Kind.INSTANT)),
        Fact("Released for", Shown(made.cap_release_reason, Kind.WORD)),
        Fact("Assignment id", Shown(made.id, Kind.ID)),
        Fact("Lead id", Shown(made.lead_id, Kind.ID)),
    ]


def _actions(operator: Operator, made: AssignmentView) -> list[Action]:
    obstacles = obstacles_on(made)
    cancel: Any = refused(operator, WRITE, obstacles[AssignmentAction.CANCEL])
    release: Any = refused(operator, WRITE, obstacles[AssignmentAction.RELEASE_CAP])
    return [
        Action(
            AssignmentAction.CANCEL,
            "Cancel assignment",
            f"{PATH}/{made.id}/cancel",
            effect=f"{made.installer_name} does not get the lead and is not billed; its place under the caps is free "
            "again. A lead that nobody else has comes into the exception queue.",
            fields=fields_of(AssignmentAction.CANCEL),
            done="Cancelled: the lead is taken back",
            destroys=True,
            **cancel,
        ),
        Action(
            AssignmentAction.RELEASE_CAP,
            "Release place under the caps",
            f"{PATH}/{made.id}/release-cap",
            effect=f"The delivery stops counting against the caps of {made.installer_name}, once and for all. What "
            "it costs is untouched: a credit is given in billing.",
            fields=fields_of(AssignmentAction.RELEASE_CAP),
            done="Released: the delivery does not count against the caps any more",
            **release,
        ),
    ]


@form_at(PATH + "/{assignment_id:uuid}/cancel", WRITE)
async def cancel_by_form(
    assignment_id: FromPath[UUID],
    data: JSONBody[CancelForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await cancel_assignment.fn(assignment_id, data, database, clock, operator)
    return _back(console, assignment_id, AssignmentAction.CANCEL)


@form_at(PATH + "/{assignment_id:uuid}/release-cap", WRITE)
async def release_by_form(
    assignment_id: FromPath[UUID],
    data: JSONBody[ReleaseCapForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await release_cap.fn(assignment_id, data, database, clock, operator)
    return _back(console, assignment_id, AssignmentAction.RELEASE_CAP)


def _back(console: Console, assignment_id: UUID, done: AssignmentAction) -> Redirect:
    return console.redirect(f"{PATH}/{assignment_id}?done={done}")


ROUTES = (show_assignment, cancel_by_form, release_by_form)
