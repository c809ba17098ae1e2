"""One lead source: what it does, its keys, and what it has tried out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from chassis.audit import Subject
from chassis.console import Console, page_at
from chassis.console.actions import Action
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Note, show_document
from chassis.console.timeline import Moment, moments_of, seen_of
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake import queries
from services.intake.domain import SourceMode
from services.intake.models import LeadSource, LeadSourceKey, TestSubmission
from services.intake.pages.source_deeds import VERBS, deeds_of
from services.intake.pages.source_sections import keys_of, tests_of
from services.intake.pages.sources import PATH, ROOM, TONES, WEEK, WORKING
from services.intake.settings import Settings

UP = ("Lead sources", f"{PATH}?{WORKING}")
TESTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    source: LeadSource
    keys: Sequence[LeadSourceKey]
    tests: Sequence[TestSubmission]
    use: queries.SourceUse
    audit: Sequence[Moment]
    seen: str


@page_at(PATH + "/{source_id:uuid}", Capability.READ_OPS)
async def show_source(
    source_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    subject = Subject("lead_source", source_id)
    async with database.reading() as session:
        file = SourceFile(
            source=await queries.source(session, source_id),
            keys=(await queries.keys_of(session, [source_id])).get(source_id, []),
            tests=await queries.latest_tests(session, source_id, TESTS_SHOWN),
            use=await queries.use_of(session, source_id, console.clock.now() - WEEK),
            audit=await moments_of(session, [subject], VERBS, console.wording),
            seen=await seen_of(session, subject),
        )
    actions = deeds_of(file.source, file.keys, file.seen, operator, settings)
    return show_document(console, request, _document(file, actions, settings), done)


def _document(file: SourceFile, actions: Sequence[Action], settings: Settings) -> Document:
    source = file.source
    state = "active" if source.revoked_at is None else "revoked"
    is_test = source.mode is SourceMode.TEST
    path = f"{PATH}/{source.id}"
    return Document(
        title=source.name,
        room=ROOM,
        up=UP,
        states=(chip(state.capitalize(), TONES.get(state, "")), *([chip("Test mode", "info")] if is_test else [])),
        sentence=f"It handed in {counted(file.use.leads, 'lead', 'leads')} in the last 7 days.",
        notes=_notes(source),
        facts=_facts(file, settings),
        actions=actions,
        sections=(keys_of(source, file.keys), tests_of(file.tests)),
        timeline=file.audit,
        links=(("Spec", f"{path}/spec"), ("Quality", f"{path}/quality")),
    )


def _notes(source: LeadSource) -> Sequence[Note]:
    if source.mode is SourceMode.LIVE or source.revoked_at is not None:
        return []
    return [Note("Nothing comes of what it hands in", "It is in test mode: its leads are checked and answered only.")]


def _facts(file: SourceFile, settings: Settings) -> Sequence[Fact]:
    source, use = file.source, file.use
    return [
        Fact("Last lead", Shown(use.last_lead_at, Kind.AGO)),
        Fact("Leads in 7 days", Shown(use.leads, Kind.NUMBER, path=f"/console/leads?source_id={source.id}")),
        Fact("Rate", _rate(source, settings.lead_rate_per_minute)),
        Fact("Made", Shown(source.created_at, Kind.INSTANT)),
        Fact("Revoked", Shown(source.revoked_at, Kind.INSTANT)),
        Fact("Source id", Markup("<code>{}</code>").format(source.id)),
    ]


def _rate(source: LeadSource, house_rate: int) -> str:
    if source.rate_per_minute is not None:
        return f"{source.rate_per_minute:,} leads a minute"
    return f"{house_rate:,} leads a minute, the standard" if house_rate else "No limit"


ROUTES = (show_source,)
