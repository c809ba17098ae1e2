"""A lead as dispatch sees it: where it stands, every decision in full, who has it, and what was raised about it."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, QueryParameter
from markupsafe import Markup

from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Fact, Note, Part, Table, show_document
from chassis.console.timeline import in_order
from chassis.console.wording import counted, sentence, words
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.routing.domain.states import DispatchStatus
from services.routing.http.lead_views import AssignmentView, DecisionView, DispatchView
from services.routing.http.leads import show_dispatch
from services.routing.http.replays import LAST_ATTEMPT, ReplayView
from services.routing.pages import moments
from services.routing.pages.decisions import told
from services.routing.pages.exceptions import QUEUE, ROOM
from services.routing.pages.telling import (
    ASSIGNMENT_TONES,
    ASSIGNMENTS,
    CAP_TONES,
    DISPATCH_TONES,
    EXCEPTIONS,
    latency,
    lead_title,
)
from services.routing.pages.telling import DISPATCHES as PATH
from services.routing.queries import dispatches
from services.routing.queries.replays import replay_of


@page_at(PATH + "/{lead_id:uuid}", Capability.READ_OPS)
async def show_dispatch_page(
    lead_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    replay: Annotated[int | None, QueryParameter(ge=1, le=LAST_ATTEMPT)] = None,
) -> Response[str]:
    """`replay` is the number of an attempt to be made again."""
    async with database.reading() as session:
        lead = await show_dispatch(session, await dispatches.get(session, lead_id), clock.now())
        decided = [DecisionView.of(each) for each in await dispatches.decisions_of(session, lead_id)]
        made_again = {} if replay is None else {replay: ReplayView.of(await replay_of(session, lead_id, replay))}
    document = Document(
        title=lead_title(lead),
        room=ROOM,
        up=("Exceptions", QUEUE),
        states=(chip(words(lead.status), DISPATCH_TONES.get(lead.status, "")),),
        sentence=_sentence(lead, console),
        amount=f"{lead.shares_sent} of {lead.shares_wanted}",
        amount_note="shares sent" if lead.shares_wanted > 1 else "share sent",
        notes=_notes(lead),
        facts=facts_of(lead, decided),
        sections=(
            Part(
                "Decisions",
                "matrix.html",
                {
                    "decisions": [told(each, made_again.get(each.attempt_no)) for each in reversed(decided)],
                    "path": f"{PATH}/{lead_id}",
                },
            ),
            assignments_table(lead.assignments),
            _exceptions(lead),
        ),
        timeline=in_order(moments.of_lead(lead, decided)),
        links=lead_links(console, lead_id),
    )
    return show_document(console, request, document, template="dispatch.html")


def lead_links(console: Console, lead_id: UUID) -> list[tuple[str, str]]:
    """To its person and its charges, which are other services' to show."""
    return [
        ("The lead", console.addresses.url("intake", f"/console/leads/{lead_id}")),
        ("Delivery events", console.addresses.url("billing", f"/console/delivery-events?lead_id={lead_id}")),
    ]


def _sentence(lead: DispatchView, console: Console) -> Markup:
    ago = console.wording.ago
    received = Markup("{}, received {}. ").format(words(lead.selected_path), ago(lead.received_at))
    match lead.status:
        case DispatchStatus.DELIVERED:
            return received + Markup("It was first delivered {}.").format(ago(lead.delivered_at))
        case DispatchStatus.DISPATCHING:
            return received + Markup("It has been on its way since {}, and goes on by itself.").format(
                console.wording.exact(lead.status_since)
            )
        case DispatchStatus.EXCEPTION:
            return received + Markup("It has waited for an operator since {}.").format(
                console.wording.exact(lead.status_since)
            )
        case DispatchStatus.CLOSED:
            return received + Markup("It was closed {} before anybody had it.").format(ago(lead.closed_at))


def _notes(lead: DispatchView) -> list[Note]:
    waiting = [item for item in lead.exceptions if item.is_open]
    if not waiting:
        return []
    items = [(f"{words(item.reason)}: {sentence(item.detail)}", f"{EXCEPTIONS}/{item.id}") for item in waiting]
    return [Note("It waits for an operator", tone="warning", items=items)]


def facts_of(lead: DispatchView, decided: Sequence[DecisionView]) -> list[Fact]:
    first = latency(decided[0].latency_ms) if decided else ""
    return [
        Fact("Product", Shown(lead.product_type, Kind.WORD)),
        Fact("Shares", f"{lead.shares_sent} sent, {lead.shares_live} live, {lead.shares_wanted} wanted"),
        Fact("Attempts", counted(lead.attempts_count, "attempt", "attempts")),
        Fact("Receipt to first decision", Shown(first)),
        Fact("Received", Shown(lead.received_at, Kind.INSTANT)),
        Fact("In this state since", Shown(lead.status_since, Kind.INSTANT)),
        Fact("First delivered", Shown(lead.delivered_at, Kind.INSTANT)),
        Fact("Lead id", Shown(lead.lead_id, Kind.ID)),
    ]


def assignments_table(made: Sequence[AssignmentView]) -> Table:
    return Table(
        "Assignments",
        (
            ("Given to", Kind.TEXT),
            ("Share", Kind.NUMBER),
            ("Status", Kind.CHIP),
            ("Cap", Kind.CHIP),
            ("Given", Kind.AGO),
            ("Sent", Kind.AGO),
            ("Ended because", Kind.WORD),
        ),
        [
            (
                Shown(each.installer_name, path=f"{ASSIGNMENTS}/{each.id}"),
                Shown(each.share_no, Kind.NUMBER),
                Shown(each.status, Kind.CHIP, tones=ASSIGNMENT_TONES),
                Shown(each.cap_state, Kind.CHIP, tones=CAP_TONES),
                Shown(each.created_at, Kind.AGO),
                Shown(each.sent_at, Kind.AGO),
                Shown(each.ended_reason, Kind.WORD),
            )
            for each in made
        ],
        empty="No installer has had it.",
    )


def _exceptions(lead: DispatchView) -> Table:
    return Table(
        "Raised to operators",
        (
            ("Why", Kind.TEXT),
            ("What was seen", Kind.TEXT),
            ("Raised", Kind.AGO),
            ("Times", Kind.NUMBER),
            ("End", Kind.TEXT),
        ),
        [
            (
                Shown(words(item.reason), path=f"{EXCEPTIONS}/{item.id}"),
                sentence(item.detail),
                Shown(item.raised_at, Kind.AGO),
                Shown(item.occurrences, Kind.NUMBER),
                f"{words(item.resolution or '')} by {item.resolved_by}"
                if not item.is_open
                else chip("Waits", "warning"),
            )
            for item in lead.exceptions
        ],
        empty="Nothing was: dispatch has managed alone.",
    )


ROUTES = (show_dispatch_page,)
