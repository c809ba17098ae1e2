"""Leads from intake: dispatched as they arrive, set right as they are corrected, settled once they are closed."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from chassis.telemetry.privacy import told_fault
from contracts import topics
from contracts.envelope import Incoming
from contracts.intake import (
    LeadClosed,
    LeadCorrected,
    LeadCreated,
    LeadErased,
    LeadMerged,
    LeadReopened,
    LeadUnmerged,
)
from services.routing.commands.closing import CloseLead, close_leads
from services.routing.commands.correcting import CorrectLead, correct_leads
from services.routing.commands.dispatch import DispatchLead, dispatch_leads, queue_failed
from services.routing.commands.forgetting import forget_leads
from services.routing.commands.linking import Link, link_merged
from services.routing.commands.reopening import ReopenLead, reopen_leads

log = structlog.get_logger(__name__)


def of_leads(clock: Clock) -> Consumer:
    async def on_lead_created(session: AsyncSession, batch: list[Incoming[LeadCreated]]) -> None:
        await dispatch_leads(session, [_lead(incoming) for incoming in batch], clock.now())
        await session.flush()

    async def leave_to_operators(session: AsyncSession, incoming: Incoming[LeadCreated], fault: Exception) -> None:
        lead = _lead(incoming)
        log.error("dispatch_failed", lead_id=str(lead.lead_id), fault=type(fault).__name__, trace=told_fault(fault))
        await queue_failed(session, lead, type(fault).__name__, clock.now())
        await session.flush()

    async def on_lead_closed(session: AsyncSession, batch: list[Incoming[LeadClosed]]) -> None:
        await close_leads(session, [_closing(incoming) for incoming in batch], clock.now())
        await session.flush()

    async def on_lead_corrected(session: AsyncSession, batch: list[Incoming[LeadCorrected]]) -> None:
        await correct_leads(session, [_correction(incoming) for incoming in batch])
        await session.flush()

    async def on_lead_reopened(session: AsyncSession, batch: list[Incoming[LeadReopened]]) -> None:
        await reopen_leads(session, [_reopening(incoming) for incoming in batch], clock.now())
        await session.flush()

    async def on_lead_erased(session: AsyncSession, batch: list[Incoming[LeadErased]]) -> None:
        await forget_leads(session, {incoming.event.lead_id for incoming in batch})

    return Consumer(
        topics.LEADS,
        {
            LeadCreated: on_lead_created,
            LeadClosed: on_lead_closed,
            LeadReopened: on_lead_reopened,
            LeadCorrected: on_lead_corrected,
            LeadErased: on_lead_erased,
        },
        last_resorts={LeadCreated: leave_to_operators},
    )


def of_lead_deeds() -> Consumer:
    async def on_lead_merged(session: AsyncSession, batch: list[Incoming[LeadMerged]]) -> None:
        await link_merged(session, [_link(incoming.event, is_merged=True) for incoming in batch])

    async def on_lead_unmerged(session: AsyncSession, batch: list[Incoming[LeadUnmerged]]) -> None:
        await link_merged(session, [_link(incoming.event, is_merged=False) for incoming in batch])

    return Consumer(topics.LEAD_DEEDS, {LeadMerged: on_lead_merged, LeadUnmerged: on_lead_unmerged})


def _link(event: LeadMerged | LeadUnmerged, *, is_merged: bool) -> Link:
    return Link(event.lead_id, event.survivor_id, is_merged, event.at, event.same_person_lead_ids)


def _lead(incoming: Incoming[LeadCreated]) -> DispatchLead:
    event = incoming.event
    return DispatchLead(
        lead_id=event.lead_id,
        selected_path=event.selected_path,
        service=event.service,
        location=event.location,
        contact=event.contact,
        received_at=event.received_at,
        cause=Cause.of(incoming.envelope),
        same_person_lead_ids=event.same_person_lead_ids,
        sealed_contact=event.sealed_contact,
    )


def _closing(incoming: Incoming[LeadClosed]) -> CloseLead:
    event = incoming.event
    return CloseLead(event.lead_id, event.reason_code, event.closed_at, Cause.of(incoming.envelope))


def _reopening(incoming: Incoming[LeadReopened]) -> ReopenLead:
    return ReopenLead(incoming.event.lead_id, incoming.event.reopened_at, Cause.of(incoming.envelope))


def _correction(incoming: Incoming[LeadCorrected]) -> CorrectLead:
    event = incoming.event
    return CorrectLead(
        lead_id=event.lead_id,
        correction_id=event.correction_id,
        fields=event.fields,
        contact=event.contact,
        sealed_contact=event.sealed_contact,
        service=event.service,
        location=event.location,
        corrected_at=event.corrected_at,
        same_person_lead_ids=event.same_person_lead_ids,
        cause=Cause.of(incoming.envelope),
    )
