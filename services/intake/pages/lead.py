"""One lead: the person, what they agreed to, where it came from, and its way so far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from chassis.console.documents import Document, Done, Elsewhere, Fact, Facts, Note, Prose, show_document
from chassis.console.timeline import Moment, moments_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake import queries
from services.intake.domain import LeadAction, LeadStatus, is_late, obstacle_to_lead
from services.intake.http.leads import close_lead_by_hand
from services.intake.models import Consent, Lead, LeadSource, LeadStatusChange
from services.intake.pages.leads import NEEDS_YOU, PATH, REASONS, ROOM, TONES, WRITE, CloseForm, told_outcome

VERBS = {"close_lead": "closed the lead"}
STEPS = {
    LeadStatus.ROUTABLE: "took it in: it may be dispatched",
    LeadStatus.DUPLICATE_REVIEW: "held it for a look at what it may double",
    LeadStatus.REJECTED: "rejected it",
    LeadStatus.DISPATCHING: "chose who gets it",
    LeadStatus.DELIVERED: "delivered it",
    LeadStatus.EXCEPTION: "could not place it",
    LeadStatus.CLOSED: "closed the lead",
}


@dataclass(frozen=True, slots=True)
class LeadFile:
    """All that is kept of one lead."""

    lead: Lead
    source: LeadSource
    consent: Consent
    history: Sequence[LeadStatusChange]
    audit: Sequence[Moment]


@page_at(PATH + "/{lead_id:uuid}", Capability.READ_OPS)
async def show_lead(
    lead_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        lead = await queries.lead(session, lead_id)
        file = LeadFile(
            lead=lead,
            source=await queries.source(session, lead.source_id),
            consent=await queries.consent_of(session, lead_id),
            history=await queries.history_of(session, lead_id),
            audit=await moments_of(session, [Subject("lead", lead_id)], VERBS, console.wording),
        )
    close = _close(lead, refused(operator, WRITE, obstacle_to_lead(LeadAction.CLOSE, lead.status)))
    return show_document(console, request, _document(file, close, console), done)


def _close(lead: Lead, why: Any) -> Action:
    sent = " Who has it keeps it, and is billed all the same." if lead.delivered_at is not None else ""
    return Action(
        LeadAction.CLOSE,
        "Close lead",
        f"{PATH}/{lead.id}/close",
        effect="No installer gets it any more, and what is not yet sent is taken back."
        f"{sent} A closed lead stays closed.",
        fields=REASONS,
        done="Closed: no installer gets it any more",
        **why,
    )


def _document(file: LeadFile, close: Action, console: Console) -> Document:
    lead = file.lead
    late = is_late(lead.status, lead.status_since, console.clock.now())
    states = [chip(words(lead.status), TONES.get(lead.status, ""))]
    return Document(
        title=lead.name,
        room=ROOM,
        up=("Leads", f"{PATH}?{NEEDS_YOU}"),
        states=[*states, chip("Late", "danger")] if late else states,
        sentence=_sentence(file, console),
        notes=_notes(lead, console),
        facts=_facts(file, console),
        actions=(close,),
        sections=(
            Facts("Person and property", _person(lead)),
            Facts("Consent", _consent(file.consent)),
            Prose("What the person agreed to", [file.consent.text]),
        ),
        timeline=_timeline(file),
        elsewhere=_elsewhere(lead.id),
    )


def _sentence(file: LeadFile, console: Console) -> Markup:
    lead = file.lead
    return Markup("{}, {}, from {}. Received {}; {} {}.").format(
        words(lead.service),
        words(lead.selected_path).lower(),
        file.source.name,
        console.wording.ago(lead.received_at),
        words(lead.status).lower(),
        console.wording.ago(lead.status_since),
    )


def _notes(lead: Lead, console: Console) -> list[Note]:
    if lead.status is not LeadStatus.EXCEPTION:
        return []
    queue = console.addresses.url("routing", f"/console/exceptions?q={lead.id}")
    reason = words(lead.exception_reason or "no installer has it")
    return [
        Note(f"It waits for an operator: {reason.lower()}", tone="warning", items=[("Open it in the queue", queue)])
    ]


def _facts(file: LeadFile, console: Console) -> list[Fact]:
    lead = file.lead
    return [
        Fact("Received", Shown(lead.received_at, Kind.INSTANT)),
        Fact("Source", Shown(file.source.name, path=f"/console/lead-sources/{file.source.id}")),
        Fact("Submission key", Shown(lead.submission_key, Kind.ID)),
        Fact("Path", Shown(lead.selected_path, Kind.WORD)),
        Fact("Service", Shown(lead.service, Kind.WORD)),
        Fact("Outcome", Shown(_outcome(lead))),
        Fact("First delivered", Shown(lead.delivered_at, Kind.INSTANT)),
        Fact("Lead id", Markup("<code>{}</code>").format(lead.id)),
    ]


def _person(lead: Lead) -> list[Fact]:
    return [
        Fact("Name", lead.name),
        Fact("E-mail", lead.email),
        Fact("Phone", lead.phone),
        Fact("Street", lead.street),
        Fact("Suburb", f"{lead.suburb} {lead.state} {lead.postcode}"),
    ]


def _outcome(lead: Lead) -> str | None:
    return told_outcome(lead.exception_reason or lead.close_reason or lead.outcome, lead.status, lead.delivered_at)


def _elsewhere(lead_id: UUID) -> tuple[Elsewhere, ...]:
    return (
        Elsewhere("Dispatch", "routing", "lead", lead_id),
        Elsewhere("Billing", "billing", "lead", lead_id),
        Elsewhere("Mail", "notifications", "lead", lead_id),
    )


def _consent(consent: Consent) -> list[Fact]:
    return [
        Fact("Given", Shown(consent.given_at, Kind.INSTANT)),
        Fact("From address", Markup("<code>{}</code>").format(consent.remote_address)),
        Fact("On page", consent.url),
    ]


def _timeline(file: LeadFile) -> list[Moment]:
    """Steps on the business clock; what an operator did is told by the audit, which has their words."""
    own = [moment for moment in file.audit if moment.what == VERBS["close_lead"]]
    steps = [_step(change, own) for change in file.history]
    return [*reversed(steps), Moment(file.lead.received_at, file.source.name, "handed it in")]


def _step(change: LeadStatusChange, own: Sequence[Moment]) -> Moment:
    if change.actor_name is not None and own:
        return replace(own[0], at=change.changed_at)
    who = change.actor_name or ("Dispatch" if change.event_id else "Waybill")
    return Moment(
        change.changed_at,
        who,
        STEPS.get(change.to_status, words(change.to_status)),
        reason=words(change.reason_code or ""),
    )


@form_at(PATH + "/{lead_id:uuid}/close", WRITE)
async def close_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[CloseForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await close_lead_by_hand.fn(lead_id, data, database, clock, operator)
    return console.redirect(f"{PATH}/{lead_id}?done={LeadAction.CLOSE}")


ROUTES = (show_lead, close_by_form)
