"""What the system knows of a delivery that is to be given back, gathered as it stands: nobody types any of it."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Text, Uuid, and_, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.business_days import end_of_business_days
from services.routing.domain.eligibility import Rule
from services.routing.domain.evidence import Before, Duplicate, Evidence, Logged, Quota, Window, told_verdict
from services.routing.domain.policies import ReturnsPolicy
from services.routing.domain.returns import ReturnCode, ReturnState, RuleVerdict, quota_of
from services.routing.domain.states import AssignmentStatus, Trigger
from services.routing.domain.windows import WallClock, WindowKind, window_at
from services.routing.models import Assignment, Decision, Dispatch, Installer, Return
from services.routing.queries.links import relatives_of
from services.routing.queries.sending import log_of

RELATIVES = text(relatives_of("(SELECT CAST(:lead_id AS uuid) AS lead_id) AS asked")).columns(
    column("other_lead_id", Uuid), column("kind", Text)
)
WAS_DELIVERED = [status for status in AssignmentStatus if status.was_delivered]
COUNTS_IN_QUOTA = and_(
    Return.state == ReturnState.ACCEPTED,
    Return.code != ReturnCode.DUPLICATE_FROM_US,
    Return.rule_verdict != RuleVerdict.ACCEPT,
)
"""As `domain/returns.py: counts_in_quota` has it."""


async def gather(
    session: AsyncSession, made: Assignment, lead: Dispatch, policy: ReturnsPolicy, now: datetime, zone: ZoneInfo
) -> Evidence:
    """Of a delivery that was sent. The window is of the business's days, the cycle of the installer's."""
    assert made.sent_at is not None  # noqa: S101  # what was never sent has nothing to give back
    decision = await session.get_one(Decision, made.decision_id)
    cycle = await _cycle_of(session, made.installer_id, now)
    place = f"{lead.postcode} {lead.state}"
    ends_at = end_of_business_days(made.sent_at, policy.window_business_days, zone)
    kept, id_ = decision.candidates, made.installer_id
    return Evidence(
        sent_at=made.sent_at,
        given_by_hand=decision.trigger is Trigger.BY_HAND,
        territory=told_verdict(kept, id_, Rule.TERRITORY, "place", place),
        service=told_verdict(kept, id_, Rule.SERVICE, "wanted", lead.service),
        window=Window(policy.window_business_days, ends_at, now >= ends_at),
        quota=await _quota(session, made.installer_id, cycle, policy),
        delivery=await delivery_of(session, made.id),
        duplicates=await _duplicates(session, made, lead, made.sent_at),
        of_the_lead=await _before(session, Return.lead_id == made.lead_id),
        of_the_installer=await _before(session, _in_cycle(made.installer_id, cycle)),
    )


Cycle = tuple[datetime, datetime]


async def _cycle_of(session: AsyncSession, installer_id: UUID, now: datetime) -> Cycle:
    zone = (await session.get_one(Installer, installer_id)).time_zone
    window = window_at(WindowKind.MONTH, now, WallClock.of(zone).zone)
    return window.starts_at, window.ends_at


async def quota_now(session: AsyncSession, asked: Return, policy: ReturnsPolicy) -> Quota:
    """Of the cycle that it was asked for in, as it stands now: others may have been taken back since."""
    cycle = await _cycle_of(session, asked.installer_id, asked.requested_at)
    return await _quota(session, asked.installer_id, cycle, policy)


async def _quota(session: AsyncSession, installer_id: UUID, cycle: Cycle, policy: ReturnsPolicy) -> Quota:
    starts_at, ends_at = cycle
    delivered = (
        select(func.count())
        .select_from(Assignment)
        .where(Assignment.installer_id == installer_id, Assignment.status.in_(WAS_DELIVERED))
        .where(Assignment.created_at >= starts_at, Assignment.created_at < ends_at)
    )
    accepted = select(func.count()).select_from(Return).where(_in_cycle(installer_id, cycle), COUNTS_IN_QUOTA)
    row = (await session.execute(select(delivered.scalar_subquery(), accepted.scalar_subquery()))).one()
    return Quota(starts_at, row[0], row[1], quota_of(row[0], policy), policy.quota_percent)


def _in_cycle(installer_id: UUID, cycle: Cycle) -> Any:
    starts_at, ends_at = cycle
    return and_(Return.installer_id == installer_id, Return.requested_at >= starts_at, Return.requested_at < ends_at)


async def delivery_of(session: AsyncSession, assignment_id: UUID) -> tuple[Logged, ...]:
    entries = await log_of(session, assignment_id)
    return tuple(
        Logged(each.at, each.channel, each.what, each.reason_code, each.status, each.enhanced_status)
        for each in entries
    )


async def _duplicates(
    session: AsyncSession, made: Assignment, lead: Dispatch, sent_at: datetime
) -> tuple[Duplicate, ...]:
    """A lead of another service is no duplicate, nor is one that was returned since."""
    relatives = RELATIVES.bindparams(lead_id=lead.lead_id).subquery()
    query = (
        select(Assignment.lead_id, Assignment.id, Assignment.sent_at, relatives.c.kind)
        .join(relatives, relatives.c.other_lead_id == Assignment.lead_id)
        .join(Dispatch, Dispatch.lead_id == Assignment.lead_id)
        .where(
            Assignment.installer_id == made.installer_id,
            Assignment.status == AssignmentStatus.SENT,
            Assignment.sent_at < sent_at,
            Dispatch.service == lead.service,
        )
        .order_by(Assignment.sent_at, Assignment.id)
    )
    return tuple(Duplicate(*row) for row in await session.execute(query))


async def _before(session: AsyncSession, which: Any) -> tuple[Before, ...]:
    query = select(Return.id, Return.code, Return.state, Return.requested_at, Return.rule_reason).where(which)
    rows = await session.execute(query.order_by(Return.requested_at, Return.id))
    return tuple(Before(*row) for row in rows)
