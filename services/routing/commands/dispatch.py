"""Dispatching leads as they arrive."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from contracts import values
from contracts.values import Location, SelectedPath
from services.routing.commands.attempts import Attempt, Outcome, decide_and_conclude
from services.routing.commands.conclusions import publish, take, write_outcomes
from services.routing.commands.linking import link_persons
from services.routing.commands.queueing import Raising, raise_items
from services.routing.domain.person import Person
from services.routing.domain.states import DispatchStatus, ExceptionReason, Trigger
from services.routing.models import Dispatch, LeadContact
from services.routing.queries.dispatches import auto_dispatch, known


@dataclass(frozen=True, slots=True)
class DispatchLead:
    """A lead that arrived; `cause` is its event. Of its person's other leads the newest are named, as intake tells."""

    lead_id: UUID
    selected_path: SelectedPath
    service: str
    location: Location
    contact: values.LeadContact | None
    received_at: datetime
    cause: Cause | None = None
    same_person_lead_ids: tuple[UUID, ...] = ()
    sealed_contact: values.SealedContact | None = None

    @property
    def person(self) -> Person | None:
        return Person.of(self.contact, self.sealed_contact)


async def dispatch_leads(session: AsyncSession, leads: Sequence[DispatchLead], now: datetime) -> list[Dispatch]:
    """Each lead that is new gets its installers or an item in the exception queue; one that is known, nothing more.

    One that was closed before it came is opened as closed, and nobody gets it.
    """
    before = await known(session, {lead.lead_id for lead in leads})
    fresh = _fresh(leads, before.seen)
    if not fresh:
        return []
    await link_persons(session, {lead.lead_id: lead.same_person_lead_ids for lead in fresh}, now)
    closed = before.closed_early
    ended = [_opened(lead, now, closed[lead.lead_id]) for lead in fresh if lead.lead_id in closed]
    session.add_all(ended)
    return [*ended, *await _dispatch(session, [lead for lead in fresh if lead.lead_id not in closed], now)]


async def _dispatch(session: AsyncSession, fresh: Sequence[DispatchLead], now: datetime) -> list[Dispatch]:
    if not fresh:
        return []
    is_on = (await auto_dispatch(session)).is_enabled
    dispatches = [_opened(lead, now) for lead in fresh]
    attempts, kept_back = _sort(zip(fresh, dispatches, strict=True), is_on=is_on)
    persons = {lead.lead_id: lead.person for lead in fresh}

    async def conclude(outcomes: Sequence[Outcome]) -> None:
        publish(session, outcomes, now)
        unserved = [outcome.raising for outcome in outcomes if outcome.raising is not None]
        items = await raise_items(session, unserved, now)
        await _keep(session, [outcome.attempt.dispatch for outcome in outcomes], persons)
        await write_outcomes(session, outcomes, now)
        session.add_all(items)

    items = await raise_items(session, kept_back, now)
    await _keep(session, [raising.dispatch for raising in kept_back], persons)
    session.add_all(items)
    await take(session, await decide_and_conclude(session, attempts, now, conclude))
    return dispatches


async def queue_failed(session: AsyncSession, lead: DispatchLead, fault: str, now: datetime) -> None:
    """Opens the dispatch of a lead at which dispatching failed, for an operator to have it tried again.

    One that has a dispatch by now needs nothing more.
    """
    if lead.lead_id in (await known(session, [lead.lead_id])).seen:
        return
    dispatch = _opened(lead, now)
    items = await raise_items(
        session,
        [Raising(dispatch, ExceptionReason.DISPATCH_FAILED, f"dispatch failed: {fault}", cause=lead.cause)],
        now,
    )
    await _keep(session, [dispatch], {lead.lead_id: lead.person})
    session.add_all(items)


def _fresh(leads: Sequence[DispatchLead], seen: Collection[UUID]) -> list[DispatchLead]:
    """Those not seen before, each once. Two writers at once with the same lead meet at the primary key."""
    fresh: dict[UUID, DispatchLead] = {}
    for lead in leads:
        if lead.lead_id not in seen:
            fresh.setdefault(lead.lead_id, lead)
    return list(fresh.values())


def _opened(lead: DispatchLead, now: datetime, closed_at: datetime | None = None) -> Dispatch:
    """An exception until it is decided; one that was closed before it came stays so."""
    return Dispatch(
        lead_id=lead.lead_id,
        version=0,
        selected_path=lead.selected_path,
        service=lead.service,
        suburb=lead.location.suburb,
        state=lead.location.state,
        postcode=lead.location.postcode,
        status=DispatchStatus.EXCEPTION if closed_at is None else DispatchStatus.CLOSED,
        status_since=now,
        attempts_count=0,
        received_at=lead.received_at,
        created_at=now,
        closed_at=closed_at,
    )


def _sort(arrivals: Iterable[tuple[DispatchLead, Dispatch]], *, is_on: bool) -> tuple[list[Attempt], list[Raising]]:
    """Which are dispatched, and which wait for an operator from the start."""
    attempts: list[Attempt] = []
    kept_back: list[Raising] = []
    for lead, dispatch in arrivals:
        if (person := lead.person) is None:
            detail = "the person behind the lead is not known any more"
            kept_back.append(Raising(dispatch, ExceptionReason.CONTACT_MISSING, detail, cause=lead.cause))
        elif not is_on:
            detail = "auto-dispatch is switched off"
            kept_back.append(Raising(dispatch, ExceptionReason.AUTO_DISPATCH_OFF, detail, cause=lead.cause))
        else:
            attempts.append(Attempt(dispatch, person, Trigger.AUTO, lead.cause))
    return attempts, kept_back


async def _keep(session: AsyncSession, dispatches: Collection[Dispatch], persons: Mapping[UUID, Person | None]) -> None:
    """The dispatches with who asked, before all that names them."""
    session.add_all(dispatches)
    await session.flush()
    known = [(dispatch.lead_id, person) for dispatch in dispatches if (person := persons[dispatch.lead_id]) is not None]
    if known:
        await session.execute(insert(LeadContact), [{"lead_id": id_, **person.columns} for id_, person in known])
