"""One erasure: what it did, and who had the person's leads and is to be asked to forget them too."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from chassis.audit import Subject
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Facts, Note, Table, show_document
from chassis.console.timeline import moments_of
from chassis.console.wording import counted, words
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.intake import queries
from services.intake.models import Erasure
from services.intake.pages.erasures import PATH, ROOM, VIA
from services.intake.pages.leads import PATH as LEADS
from services.intake.queries.erasures import FoundLead

VERBS = {"erase_person": "erased the person"}

COUNTED = {
    "lead_corrections": "Corrections whose values went",
    "follow_ups": "Follow-ups whose notes went",
    "consents": "Consents that lost their words",
    "test_submissions": "Tests of sources whose key told of the person",
    "audit_entries": "Entries of the timeline that lost what was typed",
    "saved_views": "Saved views that looked for the person",
    "parked_events": "Parked events that told of the person",
}


@page_at(PATH + "/{erasure_id:uuid}", Capability.READ_OPS)
async def show_erasure(
    erasure_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        erasure = await queries.erasure(session, erasure_id)
        leads = await queries.persons_of(session, erasure.lead_ids)
        moments = await moments_of(session, [Subject("erasure", erasure_id)], VERBS, console.wording)
    document = Document(
        title=f"Erased person, {counted(len(erasure.lead_ids), 'lead', 'leads')}",
        room=ROOM,
        up=("Erasures", PATH),
        states=(chip("Erased", "positive"),),
        sentence=Markup("{} asked for it: {}. Done {} by {}; nothing brings it back.").format(
            VIA[erasure.asked_via],
            words(erasure.reason_code).lower(),
            console.wording.ago(erasure.erased_at),
            erasure.requested_by,
        ),
        notes=_notes(leads),
        facts=_facts(erasure),
        sections=(_leads(leads), _counts(erasure)),
        timeline=moments,
    )
    return show_document(console, request, document, done)


def _notes(leads: Sequence[FoundLead]) -> list[Note]:
    names = sorted({name for lead in leads for name in lead.given_to})
    if not names:
        return []
    told = "They hold what was delivered to them in their own mailboxes and systems, where nothing of ours reaches."
    return [Note(f"Ask {', '.join(names)} to forget the person too", told, "warning")]


def _facts(erasure: Erasure) -> list[Fact]:
    return [
        Fact("Erased", Shown(erasure.erased_at, Kind.INSTANT)),
        Fact("Asked by", VIA[erasure.asked_via]),
        Fact("Why", words(erasure.reason_code)),
        Fact("Erased by", erasure.requested_by),
        Fact("In their words", erasure.note),
        Fact("Erasure id", Markup("<code>{}</code>").format(erasure.id)),
    ]


def _leads(leads: Sequence[FoundLead]) -> Table:
    heads = (
        ("Lead", Kind.TEXT),
        ("Service", Kind.TEXT),
        ("Place", Kind.TEXT),
        ("Received", Kind.INSTANT),
        ("Status", Kind.TEXT),
        ("Delivered to", Kind.TEXT),
    )
    rows = [
        (
            Shown(lead.id, Kind.ID, path=f"{LEADS}/{lead.id}"),
            words(lead.service),
            f"{lead.suburb} {lead.state} {lead.postcode}",
            Shown(lead.received_at, Kind.INSTANT),
            words(lead.status),
            ", ".join(lead.given_to),
        )
        for lead in leads
    ]
    return Table("Their leads", heads, rows)


def _counts(erasure: Erasure) -> Facts:
    return Facts(
        "What went here",
        [Fact(told, Shown(erasure.counts.get(name, 0), Kind.NUMBER)) for name, told in COUNTED.items()],
    )


ROUTES = (show_erasure,)
