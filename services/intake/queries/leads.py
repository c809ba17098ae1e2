"""Leads: one, many, and what is known of one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from chassis.errors import FieldError
from chassis.paging import PageRequest
from contracts.values import AustralianState, SelectedPath
from services.intake.domain import AGE_LIMIT, STAGE_LIMITS, CloseReason, LeadStatus
from services.intake.domain.duplicates import RejectReason
from services.intake.errors import (
    LeadNotFound,
    LeadUnknown,
)
from services.intake.models import Consent, Lead, LeadAssignment, LeadDelivery, LeadStatusChange
from services.intake.queries.operators import ANYBODYS, Owned
from services.intake.queries.search import Search

NOBODY = "Erased person"
NAME = case((Lead.erased_at.is_not(None), literal(NOBODY)), else_=Lead.name)
"""How a lead is called; whoever was erased has no name."""


class FirstAnswer(NamedTuple):
    """What a source was answered when it first handed something in under a submission key."""

    id: UUID
    fingerprint: bytes
    accepted_as: LeadStatus
    is_test: bool = False


async def submission(session: AsyncSession, source_id: UUID, submission_key: str) -> FirstAnswer | None:
    found = await session.execute(
        select(Lead.id, Lead.fingerprint, Lead.accepted_as)
        .where(Lead.source_id == source_id)
        .where(Lead.submission_key == submission_key)
    )
    row = found.one_or_none()
    return None if row is None else FirstAnswer(*row)


@dataclass(slots=True)
class LeadStanding:
    """What of a lead dispatch changes."""

    id: UUID
    status: LeadStatus
    status_since: datetime
    dispatch_version: int
    delivered_at: datetime | None
    exception_reason: str | None
    is_merged: bool = False


async def leads_for_update(session: AsyncSession, lead_ids: Iterable[UUID]) -> Sequence[Lead]:
    """Locked in the order of their ids, as below."""
    query = select(Lead).where(Lead.id.in_(list(lead_ids))).order_by(Lead.id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def standings_for_update(session: AsyncSession, lead_ids: Iterable[UUID]) -> dict[UUID, LeadStanding]:
    """Locked in the order of their ids, so that two batches that share leads cannot wait for each other."""
    found = await session.execute(
        select(
            Lead.id,
            Lead.status,
            Lead.status_since,
            Lead.dispatch_version,
            Lead.delivered_at,
            Lead.exception_reason,
            Lead.merged_into.is_not(None),
        )
        .where(Lead.id.in_(list(lead_ids)))
        .order_by(Lead.id)
        .with_for_update()
    )
    return {row.id: LeadStanding(*row) for row in found}


async def lead(session: AsyncSession, lead_id: UUID, *, for_update: bool = False) -> Lead:
    return LeadNotFound.unless(
        await session.get(Lead, lead_id, with_for_update=for_update or None), "no such lead", lead_id=lead_id
    )


async def refuse_unknown_lead(session: AsyncSession, lead_id: UUID) -> None:
    """For a body that names it."""
    if await session.scalar(select(Lead.id).where(Lead.id == lead_id)) is None:
        fault = FieldError("lead_id", "lead_unknown", "There is no such lead")
        raise LeadUnknown("there is no such lead", errors=(fault,), lead_id=lead_id)


async def consent_of(session: AsyncSession, lead_id: UUID) -> Consent:
    return await session.get_one(Consent, lead_id)


async def history_of(session: AsyncSession, lead_id: UUID) -> Sequence[LeadStatusChange]:
    query = select(LeadStatusChange).where(LeadStatusChange.lead_id == lead_id).order_by(LeadStatusChange.id)
    return (await session.scalars(query)).all()


FINANCE_STATES = ("held", "billable", "credited", "void")
"""What billing has of a delivery: what needs somebody first."""


def is_billed_as(state: str | None) -> ColumnElement[bool]:
    """Whether a delivery of the lead is in that state with billing; None where billing has none of the lead."""
    told = select(LeadDelivery.assignment_id).where(LeadDelivery.lead_id == Lead.id).correlate(Lead)
    return ~told.exists() if state is None else told.where(LeadDelivery.state == state).exists()


IS_DOUBLE = or_(Lead.close_reason == CloseReason.DUPLICATE, Lead.reject_reason == RejectReason.DUPLICATE)
"""It was another lead once more: merged into it, or closed or rejected for it."""
_GIVEN_BACK = exists().where(LeadAssignment.lead_id == Lead.id, LeadAssignment.returned_at.is_not(None))
TURNED_OUT: Mapping[str, ColumnElement[bool]] = {
    "duplicate": IS_DOUBLE,
    "returned": _GIVEN_BACK.correlate(Lead),
    "delivered": Lead.delivered_at.is_not(None),
    "undelivered": Lead.delivered_at.is_(None),
}
"""What a lead was in the end: another once more, given back by any installer, ever with one or never."""


def is_late_at(now: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
    """Whether the lead is what it is for longer than it may be, or waits for longer since its receipt."""
    stages = (is_beyond_stage(status, now) for status in STAGE_LIMITS)
    return or_(*stages, is_beyond_age(now))


def is_beyond_stage(status: LeadStatus, now: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
    """Whether the lead is `status`, and that for longer than it may be."""
    return and_(Lead.status == status, Lead.status_since < now - STAGE_LIMITS[status])


def is_beyond_age(now: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
    """Whether the lead waits for something, and does so for longer since its receipt than it may."""
    return and_(Lead.status.in_(STAGE_LIMITS), Lead.received_at < now - AGE_LIMIT)


OVER = tuple(status for status in LeadStatus if status.is_final)
IS_WAITING = Lead.status.not_in(OVER)
IS_CRITICAL = (Lead.critical_since >= Lead.status_since) & IS_WAITING


def is_snoozed_at(now: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
    """Whether nothing happens to the lead by itself yet."""
    return Lead.snoozed_until > now


class LeadOrder(StrEnum):
    """By its receipt or by how long it is what it is."""

    NEWEST = "-received"
    OLDEST = "received"
    LATEST_CHANGE = "-since"
    LONGEST_UNCHANGED = "since"

    @property
    def column(self) -> InstrumentedAttribute[datetime]:
        return Lead.received_at if self.value.endswith("received") else Lead.status_since

    @property
    def is_descending(self) -> bool:
        return self.value.startswith("-")

    def place(self, lead: Lead) -> tuple[datetime, UUID]:
        return (lead.received_at if self.value.endswith("received") else lead.status_since), lead.id


@dataclass(frozen=True, slots=True)
class LeadFilters:
    """None is no filter, and no status none. The window of receipt is half-open; the suburb's case does not matter.

    `finance` is one of FINANCE_STATES, or `none`; `turned_out` one of TURNED_OUT. `late_at` and `snoozed_at` are the
    instants at which a lead is that.
    """

    statuses: Collection[LeadStatus] = ()
    selected_path: SelectedPath | None = None
    state: AustralianState | None = None
    postcode: str | None = None
    suburb: str | None = None
    source_id: UUID | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None
    service: str | None = None
    finance: str | None = None
    late_at: datetime | None = None
    typed: str | None = None
    owned: Owned = ANYBODYS
    is_critical: bool = False
    snoozed_at: datetime | None = None
    close_reason: CloseReason | None = None
    turned_out: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.statuses:
            yield Lead.status.in_(self.statuses)
        for column, wanted in (
            (Lead.selected_path, self.selected_path),
            (Lead.state, self.state),
            (Lead.postcode, self.postcode),
            (Lead.source_id, self.source_id),
            (Lead.service, self.service),
            (Lead.close_reason, self.close_reason),
        ):
            if wanted is not None:
                yield column == wanted
        if self.suburb is not None:
            yield func.lower(Lead.suburb) == self.suburb.lower()
        if self.received_from is not None:
            yield Lead.received_at >= self.received_from
        if self.received_to is not None:
            yield Lead.received_at < self.received_to
        if self.typed is not None:
            yield Search.of(self.typed).condition()
        if self.turned_out is not None:
            yield TURNED_OUT[self.turned_out]
        yield from self._of_its_work()

    def _of_its_work(self) -> Iterator[ColumnElement[bool]]:
        """Whose it is, and what it waits for."""
        yield from self.owned.conditions(Lead.owner_id, IS_WAITING)
        if self.finance is not None:
            yield is_billed_as(None if self.finance == "none" else self.finance)
        if self.late_at is not None:
            yield is_late_at(self.late_at)
        if self.is_critical:
            yield IS_CRITICAL
        if self.snoozed_at is not None:
            yield is_snoozed_at(self.snoozed_at)


ANY_LEAD = LeadFilters()


async def list_leads(
    session: AsyncSession, page: PageRequest, filters: LeadFilters, order: LeadOrder = LeadOrder.NEWEST
) -> Sequence[Lead]:
    query = select(Lead).where(*filters.conditions())
    query = page.apply(query, order.column, Lead.id, newest_first=order.is_descending)
    return (await session.scalars(query)).all()
