"""What the parts of a lead's page are made from. Each part asks for what it shows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.console import Console
from chassis.console.timeline import Moment, moments_of
from chassis.http.auth import Operator
from services.intake import queries
from services.intake.models import (
    Consent,
    Lead,
    LeadCorrection,
    LeadDecision,
    LeadMessage,
    LeadMoment,
    LeadSource,
    LeadStatusChange,
)
from services.intake.queries.known import KnownAssignment


@dataclass(frozen=True, slots=True)
class Known:
    """What the other services told of the lead's family."""

    assignments: Sequence[KnownAssignment]
    messages: Sequence[LeadMessage]
    decisions: Sequence[LeadDecision]
    happened: Sequence[LeadMoment]


@dataclass(frozen=True, slots=True)
class LeadFile:
    """All that is kept of one lead in the tables of leads; who reads it, and the session for what else a part needs.

    `family` is the lead, and all that were merged into it.
    """

    lead: Lead
    source: LeadSource
    consent: Consent
    history: Sequence[LeadStatusChange]
    audit: Sequence[Moment]
    family: Sequence[UUID]
    known: Known
    corrections: Sequence[LeadCorrection]
    session: AsyncSession
    console: Console
    operator: Operator


T = TypeVar("T")
Part = Callable[[LeadFile], Awaitable[Sequence[T]]]


async def read_file(
    session: AsyncSession, lead_id: UUID, verbs: Mapping[str, str], console: Console, operator: Operator
) -> LeadFile:
    lead = await queries.lead(session, lead_id)
    family = await queries.family_of(session, lead.id)
    return LeadFile(
        lead=lead,
        source=await queries.source(session, lead.source_id),
        consent=await queries.consent_of(session, lead_id),
        history=await queries.history_of(session, lead_id),
        audit=await moments_of(
            session, [Subject("lead", lead_id), Subject("consent", lead_id)], verbs, console.wording
        ),
        family=family,
        known=await _read_known(session, family),
        corrections=await queries.corrections_of(session, family),
        session=session,
        console=console,
        operator=operator,
    )


async def _read_known(session: AsyncSession, family: Sequence[UUID]) -> Known:
    assignments = await queries.known_of(session, family)
    ids = [each.assignment_id for each in assignments]
    return Known(
        assignments,
        messages=await queries.messages_about(session, ids),
        decisions=await queries.decisions_about(session, family),
        happened=await queries.happened_to(session, [*family, *ids]),
    )


async def all_of(parts: Sequence[Part[T]], file: LeadFile) -> list[T]:
    """One after another: they share the session."""
    return [each for part in parts for each in await part(file)]
