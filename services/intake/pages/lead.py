"""One lead: the person, what they agreed to, where it came from, and its way so far."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from chassis.console import Console, page_at
from chassis.console.actions import Action
from chassis.console.cells import chip
from chassis.console.documents import Document, Done, Elsewhere, Fact, Note, Section, show_document
from chassis.console.timeline import Moment, in_order
from chassis.console.wording import span, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake.domain import AGE_LIMIT, STAGE_LIMITS
from services.intake.models import Lead
from services.intake.pages import (
    lead_attention,
    lead_consent,
    lead_corrections,
    lead_credits,
    lead_deeds,
    lead_duplicates,
    lead_erased,
    lead_follow_ups,
    lead_happened,
    lead_known,
    lead_moments,
    lead_owner,
    lead_sections,
)
from services.intake.pages.lead_file import LeadFile, Part, all_of, read_file
from services.intake.pages.leads import NEEDS_YOU, PATH, ROOM, TONES

# The page is what these say, in this order.
NOTES: tuple[Part[Note], ...] = (
    lead_erased.notes_of,
    lead_sections.screening_notes_of,
    lead_duplicates.notes_of,
    lead_sections.notes_of,
)
FACTS: tuple[Part[Fact], ...] = (
    lead_owner.facts_of,
    lead_attention.facts_of,
    lead_sections.facts_of,
    lead_follow_ups.facts_of,
)
DEEDS: tuple[Part[Action], ...] = (
    lead_follow_ups.deeds_of,
    lead_owner.deeds_of,
    lead_attention.deeds_of,
    lead_corrections.deeds_of,
    lead_duplicates.deeds_of,
    lead_credits.deeds_of,
    lead_deeds.deeds_of,
)
SECTIONS: tuple[Part[Section], ...] = (
    lead_follow_ups.section_of,
    lead_known.assignments_of,
    lead_known.mails_of,
    lead_known.decisions_of,
    lead_duplicates.pairs_of,
    lead_duplicates.merges_of,
    lead_credits.credits_of,
    lead_corrections.corrections_of,
    lead_sections.person_of,
    lead_consent.consent_of,
)
MOMENTS: tuple[Part[Moment], ...] = (
    lead_corrections.moments_of,
    lead_erased.moments_of,
    lead_happened.moments_of,
    lead_known.moments_of,
    lead_moments.steps_of,
    lead_consent.moments_of,
    lead_moments.arrival_of,
    lead_owner.moments_of,
    lead_attention.moments_of,
    lead_follow_ups.moments_of,
    lead_duplicates.moments_of,
    lead_credits.moments_of,
)
VERBS: Mapping[str, str] = {
    **lead_consent.VERBS,
    **lead_corrections.VERBS,
    **lead_credits.VERBS,
    **lead_deeds.VERBS,
    **lead_duplicates.VERBS,
    **lead_owner.VERBS,
    **lead_attention.VERBS,
}
"""How the audit's actions are told."""


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
        document = await _document(await read_file(session, lead_id, VERBS, console, operator))
    return show_document(console, request, document, done)


async def _document(file: LeadFile) -> Document:
    lead = file.lead
    now = file.console.clock.now()
    states = [
        chip(words(lead.status), TONES.get(lead.status, "")),
        *lead_erased.chips_of(lead),
        *lead_attention.chips_of(lead, now),
        *_lateness(lead, now),
    ]
    return Document(
        title=lead_erased.name_of(lead),
        room=ROOM,
        up=("Leads", f"{PATH}?{NEEDS_YOU}"),
        states=states,
        sentence=_sentence(file),
        notes=await all_of(NOTES, file),
        facts=await all_of(FACTS, file),
        actions=await all_of(DEEDS, file),
        past=(lead_corrections.CREDITED, lead_credits.ASKED),
        sections=await all_of(SECTIONS, file),
        timeline=in_order(await all_of(MOMENTS, file)),
        links=lead_erased.links_of(file),
        elsewhere=_elsewhere(lead.id),
    )


def _lateness(lead: Lead, now: datetime) -> list[Markup]:
    """A chip for each limit that is over: of its state, and of its age."""
    limit = STAGE_LIMITS.get(lead.status)
    if limit is None:
        return []
    waits = (("", lead.status_since, limit), (" since its receipt", lead.received_at, AGE_LIMIT))
    return [
        chip(f"Late: {span(now - since)}{what}, limit {span(most)}", "danger")
        for what, since, most in waits
        if now - since > most
    ]


def _sentence(file: LeadFile) -> Markup:
    lead, wording = file.lead, file.console.wording
    return Markup("{}, {}, from {}. Received {}; {} {}.").format(
        words(lead.service),
        words(lead.selected_path).lower(),
        file.source.name,
        wording.ago(lead.received_at),
        words(lead.status).lower(),
        wording.ago(lead.status_since),
    )


def _elsewhere(lead_id: UUID) -> tuple[Elsewhere, ...]:
    return (
        Elsewhere("Dispatch", "routing", "lead", lead_id),
        Elsewhere("Billing", "billing", "lead", lead_id),
        Elsewhere("Mail", "notifications", "lead", lead_id),
    )


ROUTES = (
    show_lead,
    *lead_consent.ROUTES,
    *lead_corrections.ROUTES,
    *lead_credits.ROUTES,
    *lead_deeds.ROUTES,
    *lead_duplicates.ROUTES,
    *lead_follow_ups.ROUTES,
    *lead_attention.ROUTES,
    *lead_owner.ROUTES,
)
