"""Keeping what happened for the timelines of leads, many at a time, beside what stands."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.models import LeadMoment


@dataclass(frozen=True, slots=True)
class Happened:
    """What an event told of one subject, as models/known.py keeps it."""

    event_id: UUID
    subject_id: UUID
    version: int
    kind: str
    at: datetime
    reason_code: str | None = None
    amount_cents: int | None = None
    balance_cents: int | None = None
    invoice_id: UUID | None = None
    number: str | None = None
    adjustment_id: UUID | None = None
    purpose: str | None = None
    outcome: str | None = None
    detail: str | None = None


async def remember(session: AsyncSession, happened: Sequence[Happened]) -> None:
    """An event that is told again happened once."""
    if happened:
        columns = zip(*(astuple(each) for each in happened), strict=True)
        await session.execute(_INSERT, dict(zip(Happened.__slots__, map(list, columns), strict=True)))


_KINDS = LeadMoment.__table__.columns
_INSERT = text(
    f"""
    INSERT INTO lead_moments ({", ".join(Happened.__slots__)})
    SELECT * FROM unnest({", ".join(f":{name}" for name in Happened.__slots__)}) ORDER BY 1, 2
    ON CONFLICT (event_id, subject_id) DO NOTHING
    """  # noqa: S608  # names of our own columns, and placeholders
).bindparams(*(bindparam(name, type_=ARRAY(_KINDS[name].type)) for name in Happened.__slots__))
