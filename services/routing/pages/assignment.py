"""One assignment: which lead went to whom and why, what became of it, and what can be done."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, show_document
from chassis.console.timeline import in_order, moments_of
from chassis.console.wording import Wording, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.domain.states import AssignmentStatus
from services.routing.http.lead_views import AssignmentView
from services.routing.models import Dispatch
from services.routing.pages import assignment_actions, assignment_sections, moments
from services.routing.pages.assignment_page import AssignmentPage, MakeAction, MakeNote, MakeSection, read_page
from services.routing.pages.assignments import ROOM
from services.routing.pages.telling import ASSIGNMENT_TONES, CAP_TONES, DISPATCHES, INSTALLERS, lead_title
from services.routing.pages.telling import ASSIGNMENTS as PATH

ACTIONS: tuple[MakeAction, ...] = (
    assignment_actions.cancel,
    assignment_actions.release_cap,
    assignment_actions.take_return,
)
NOTES: tuple[MakeNote, ...] = (assignment_sections.return_waits,)
SECTIONS: tuple[MakeSection, ...] = (
    assignment_sections.returns,
    assignment_sections.delivery_log,
    assignment_sections.decision,
)


@page_at(PATH + "/{assignment_id:uuid}", Capability.READ_OPS)
async def show_assignment(
    assignment_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        document = await _document(await read_page(session, assignment_id, console, operator, clock.now()))
    return show_document(console, request, document, done)


async def _document(page: AssignmentPage) -> Document:
    made, addresses, wording = page.made, page.console.addresses, page.console.wording
    audited = await moments_of(page.session, [Subject("assignment", made.id)], moments.ASSIGNMENT_VERBS, wording)
    return Document(
        title=f"{lead_title(page.lead)} to {made.installer_name}",
        room=ROOM,
        up=("Assignments", f"{PATH}?status=pending"),
        states=(
            chip(words(made.status), ASSIGNMENT_TONES.get(made.status, "")),
            chip(f"Place {words(made.cap_state).lower()}", CAP_TONES.get(made.cap_state, "")),
        ),
        sentence=_sentence(made, wording),
        notes=[note for make in NOTES if (note := await make(page)) is not None],
        facts=_facts(made, page.lead),
        actions=[await make(page) for make in ACTIONS],
        sections=[await make(page) for make in SECTIONS],
        timeline=in_order(moments.of_assignment(made, audited)),
        links=(
            ("Dispatch", page.dispatch_path),
            ("The lead", addresses.url("intake", f"/console/leads/{made.lead_id}")),
            ("Delivery event", addresses.url("billing", f"/console/delivery-events?assignment_id={made.id}")),
        ),
    )


def _sentence(made: AssignmentView, wording: Wording) -> Markup:
    ago = wording.ago
    match made.status:
        case AssignmentStatus.PENDING:
            return Markup("On its way since {}. It is sent by itself, and billed once it is.").format(
                wording.exact(made.created_at)
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
        case AssignmentStatus.RETURNED:
            return Markup("Returned {}: {}. The installer had the lead; what it costs stands in billing.").format(
                ago(made.ended_at), words(made.ended_reason or "").lower()
            )


def _facts(made: AssignmentView, lead: Dispatch) -> list[Fact]:
    return [
        Fact("Installer", Shown(made.installer_name, path=f"{INSTALLERS}/{made.installer_id}")),
        Fact("Lead", Shown(lead_title(lead), path=f"{DISPATCHES}/{made.lead_id}")),
        Fact("Path", Shown(made.selected_path, Kind.WORD)),
        Fact("Share", f"{made.share_no} of {made.selected_path.max_assignments}"),
        Fact("Channel", Shown(made.channel, Kind.WORD)),
        Fact("Given", Shown(made.created_at, Kind.INSTANT)),
        Fact("Sent", Shown(made.sent_at, Kind.INSTANT)),
        Fact("Ended", Shown(made.ended_at, Kind.INSTANT)),
        Fact("Ended because", Shown(made.ended_reason, Kind.WORD)),
        Fact("Place released", Shown(made.cap_released_at, Kind.INSTANT)),
        Fact("Released for", Shown(made.cap_release_reason, Kind.WORD)),
        Fact("Assignment id", Shown(made.id, Kind.ID)),
        Fact("Lead id", Shown(made.lead_id, Kind.ID)),
    ]


ROUTES = (show_assignment,)
