"""A list of Stripe references as somebody sent it: it waits, looked at, until it is kept, by them or another."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.billing.commands.adjusting import Decider
from services.billing.commands.many_references import ImportedReference, keep_references
from services.billing.domain.references import GivenReference, ReferenceResult
from services.billing.errors import ImportIsKept, ImportNotFound
from services.billing.models import ReferenceImport


async def propose_import(
    session: AsyncSession, period: str, given: Sequence[GivenReference], by: Decider, now: datetime
) -> UUID:
    """Nothing is kept yet."""
    proposed = ReferenceImport(
        id=new_id(),
        period=period,
        rows=[asdict(each) | {"invoice_id": str(each.invoice_id)} for each in given],
        made_by_id=by.id,
        made_by_name=by.name,
        made_at=now,
    )
    session.add(proposed)
    await session.flush()
    return proposed.id


async def find_import(session: AsyncSession, period: str, import_id: UUID) -> ReferenceImport:
    found = await session.get(ReferenceImport, import_id)
    if found is not None and found.period != period:
        found = None
    return ImportNotFound.unless(found, "nobody sent this list for the month", import_id=import_id)


async def latest_import(session: AsyncSession, period: str) -> ReferenceImport | None:
    query = select(ReferenceImport).where(ReferenceImport.period == period).order_by(ReferenceImport.id.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


def given_of(proposed: ReferenceImport) -> list[GivenReference]:
    return [_given(row) for row in proposed.rows]


def _given(row: dict[str, Any]) -> GivenReference:
    return GivenReference(UUID(row["invoice_id"]), row["stripe_invoice_id"], row["stripe_invoice_url"])


async def keep_import(
    session: AsyncSession, period: str, import_id: UUID, by: Decider, now: datetime
) -> list[ImportedReference]:
    """By what stands now, which may be more or less than what was looked at."""
    await find_import(session, period, import_id)
    proposed = await session.get_one(ReferenceImport, import_id, with_for_update=True, populate_existing=True)
    if proposed.kept_at is not None:
        raise ImportIsKept(f"{proposed.kept_by_name} kept it already", import_id=import_id)
    results = await keep_references(session, period, given_of(proposed))
    proposed.kept_by_name, proposed.kept_at = by.name, now
    proposed.kept_count = sum(each.result is ReferenceResult.KEPT for each in results)
    await session.flush()
    return results
