"""One lead that waits for an operator: why, who could have it, and what can be done."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from chassis.audit import Subject, audit_entries
from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Facts, Note, Part, show_document
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import counted, sentence, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.domain.waiting import WaitKind, is_late, kind_of
from services.routing.http.lead_views import DecisionView, DispatchView
from services.routing.models import DispatchException
from services.routing.pages import moments
from services.routing.pages.dispatch import assignments_table, lead_links
from services.routing.pages.exception_deeds import actions_of, past_actions_of
from services.routing.pages.exception_file import ItemFile, read_file
from services.routing.pages.exceptions import QUEUE, ROOM
from services.routing.pages.telling import ASSIGNMENTS, DISPATCHES, lead_title
from services.routing.pages.telling import EXCEPTIONS as PATH

VERBS = {
    "claim_exception": "claimed it",
    "hand_over_exception": "handed it over",
    "unassign_exception": "let go of it",
    "snooze_exception": "snoozed it",
    "wake_exception": "woke it",
    "reject_exception": "rejected the lead",
    "escalate_exception": "escalated it: nobody had seen to it in time",
}


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
        file = await read_file(session, exception_id, operator, clock.now())
        subject, has_verb = Subject("dispatch_exception", exception_id), audit_entries.c.action.in_(VERBS)
        audited = await moments_of(session, [subject], VERBS, console.wording, has_verb)
    return show_document(console, request, _document(file, console, audited), done)


def _document(file: ItemFile, console: Console, audited: Sequence[Moment]) -> Document:
    item, lead, decided = file.item, file.lead, file.decided
    dispatch = f"{DISPATCHES}/{item.lead_id}"
    seen = Markup("{}. Raised {}").format(sentence(item.detail), console.wording.ago(item.raised_at))
    times = f", {item.occurrences} times" if item.occurrences > 1 else ""
    return Document(
        title=lead_title(lead),
        room=ROOM,
        up=("Exceptions", QUEUE),
        states=_states(file),
        sentence=seen + times + ".",
        notes=_notes(file, console),
        facts=_facts_of_item(file),
        actions=actions_of(file),
        past=past_actions_of(file),
        sections=(
            Facts("The lead", _facts(item, lead)),
            assignments_table(lead.assignments),
            Part("Decisions", "decisions.html", {"decisions": list(reversed(decided)), "dispatch": dispatch}),
        ),
        timeline=in_order(_moments(item, lead, decided), audited),
        links=(("Dispatch", dispatch), *lead_links(console, item.lead_id)),
    )


def _states(file: ItemFile) -> list[Markup]:
    item = file.item
    if not item.is_open:
        return [chip(words(item.reason), "positive")]
    kind = kind_of(item.reason)
    told = [chip(words(item.reason), "warning" if kind is WaitKind.ALARMING else ""), chip(words(kind))]
    return [*told, chip("Snoozed", "info")] if file.is_snoozed else told


def _notes(file: ItemFile, console: Console) -> list[Note]:
    item = file.item
    if not item.is_open:
        return []
    if file.is_snoozed and item.snoozed_until is not None:
        until = console.wording.exact(item.snoozed_until)
        text = f"{item.snoozed_by} put it off: {item.snooze_note}. Nothing is tried and nobody is called before then."
        return [Note(f"Snoozed until {until}", text)]
    if is_late(item.escalate_at, owner_is_known=item.owner_id is not None, snoozed_until=None, now=file.now):
        text = "It has had no owner for longer than it may. Claim it, or hand it over."
        return [Note("Nobody has it", text, "warning")]
    return []


def _facts_of_item(file: ItemFile) -> list[Fact]:
    """Who has it, since when it waits, and what happens next by itself."""
    item = file.item
    owner = Shown(item.owner_name or "Nobody", path=f"{PATH}?owner_id={item.owner_id}" if item.owner_id else "")
    told = [Fact("Owner", owner), Fact("Waits since", Shown(item.waits_since, Kind.AGO))]
    if not item.is_open:
        return told
    tries = counted(item.retries_left, "try is left", "tries are left")
    next_try = [Fact("Tried again", Shown(item.next_retry_at, Kind.AGO)), Fact("By itself", tries)]
    none = [Fact("Tried again", "Not by itself: only an operator does")]
    escalation = Fact("Escalated", Shown(item.escalated_at, Kind.AGO))
    if item.escalated_at is None:
        escalation = Fact("Escalates", Shown(item.escalate_at, Kind.AGO))
    return [*told, *(next_try if item.next_retry_at is not None else none), escalation]


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


ROUTES = (show_exception,)
