"""What sources have tried out."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.domain import LeadStatus
from services.intake.errors import LeadNotFound
from services.intake.models import Lead, TestSubmission
from services.intake.queries.leads import FirstAnswer


async def test_submission(session: AsyncSession, source_id: UUID, submission_key: str) -> FirstAnswer | None:
    found = await session.execute(
        select(TestSubmission.id, TestSubmission.fingerprint)
        .where(TestSubmission.source_id == source_id, TestSubmission.submission_key == submission_key)
        .where(TestSubmission.status_code == 202)
    )
    row = found.one_or_none()
    if row is None or row.fingerprint is None:
        return None
    return FirstAnswer(row.id, row.fingerprint, LeadStatus.RECEIVED, is_test=True)


async def own_submission(session: AsyncSession, id_: UUID, source_id: UUID) -> Lead | TestSubmission:
    """A lead that the source handed in, or a test of its own; another's is as unknown as none."""
    lead = await session.scalar(select(Lead).where(Lead.id == id_, Lead.source_id == source_id))
    if lead is not None:
        return lead
    taken = select(TestSubmission).where(TestSubmission.id == id_, TestSubmission.status_code == 202)
    test = await session.scalar(taken.where(TestSubmission.source_id == source_id))
    return LeadNotFound.unless(test, "no such lead", lead_id=id_)


async def latest_tests(session: AsyncSession, source_id: UUID, most: int) -> Sequence[TestSubmission]:
    query = select(TestSubmission).where(TestSubmission.source_id == source_id)
    newest = query.order_by(TestSubmission.received_at.desc(), TestSubmission.id.desc())
    return (await session.scalars(newest.limit(most))).all()
