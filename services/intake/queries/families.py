"""Families: a lead that goes on, and all that were merged into it, however far."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, case, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from services.intake.models import Lead


def who_goes_on(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """Of a select of leads: `column` of the lead that goes on for one that was merged; None for all others."""
    into, further = aliased(Lead, name="into"), aliased(Lead, name="further")
    found = select(into.merged_into, getattr(into, column.key).label("told"))
    way = found.where(into.id == Lead.merged_into).correlate(Lead).cte("way", recursive=True, nesting=True)
    on = select(further.merged_into, getattr(further, column.key)).where(further.id == way.c.merged_into)
    way = way.union_all(on)
    last = select(way.c.told).where(way.c.merged_into.is_(None)).correlate(Lead).scalar_subquery()
    return case((Lead.merged_into.is_not(None), last))


async def survivors_of(session: AsyncSession, lead_ids: Collection[UUID]) -> Mapping[UUID, UUID]:
    """Of those that were merged the lead that goes on for them."""
    query = select(Lead.id, who_goes_on(Lead.id)).where(Lead.id.in_(lead_ids), Lead.merged_into.is_not(None))
    return {row[0]: row[1] for row in await session.execute(query)}


def members_of(*lead_ids: UUID) -> Select[UUID]:
    """Ids of the leads, and of all that were merged into any of them."""
    family = select(Lead.id).where(Lead.id.in_(lead_ids)).cte("members", recursive=True)
    family = family.union_all(select(Lead.id).where(Lead.merged_into == family.c.id))
    return select(family.c.id)


_BY_FAMILY = (
    text(
        """
        WITH RECURSIVE way AS (
            SELECT id AS asked, id, merged_into FROM leads WHERE id = ANY (:ids)
             UNION ALL
            SELECT way.asked, further.id, further.merged_into
              FROM way JOIN leads further ON further.id = way.merged_into
        ), family AS (
            SELECT asked, id FROM way WHERE merged_into IS NULL
             UNION ALL
            SELECT family.asked, leads.id
              FROM family JOIN leads ON leads.merged_into = family.id AND leads.merged_into IS NOT NULL
        )
        SELECT asked, id FROM family ORDER BY asked, id DESC
        """
    )
    .bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    .columns(asked=Uuid, id=Uuid)
)


async def families_by(session: AsyncSession, lead_ids: Collection[UUID]) -> Mapping[UUID, Sequence[UUID]]:
    """Of each of these leads all that were made one with it, however far, and itself: the newest first."""
    families: dict[UUID, list[UUID]] = {}
    for asked, id_ in await session.execute(_BY_FAMILY, {"ids": list(lead_ids)}):
        families.setdefault(asked, []).append(id_)
    return families


async def family_of(session: AsyncSession, lead_id: UUID) -> Sequence[UUID]:
    """The lead, and all that were merged into it, however far; the lead itself first."""
    family = select(Lead.id, literal(0).label("depth")).where(Lead.id == lead_id).cte("family", recursive=True)
    family = family.union_all(select(Lead.id, family.c.depth + 1).where(Lead.merged_into == family.c.id))
    return (await session.scalars(select(family.c.id).order_by(family.c.depth, family.c.id))).all()


_FAMILIES = (
    text(
        """
        WITH RECURSIVE family AS (
            SELECT id, merged_into FROM leads WHERE id = ANY (:ids)
            UNION
            SELECT near.id, near.merged_into FROM family
            CROSS JOIN LATERAL (
                SELECT id, merged_into FROM leads WHERE merged_into = family.id
                UNION ALL
                SELECT id, merged_into FROM leads WHERE id = family.merged_into
            ) AS near
        )
        SELECT id FROM family ORDER BY id
        """
    )
    .bindparams(bindparam("ids", type_=ARRAY(Uuid)))
    .columns(id=Uuid)
)


async def families_of(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[UUID]:
    """These leads that are there, and all that were made one with any of them, however far."""
    return (await session.scalars(_FAMILIES, {"ids": list(lead_ids)})).all()
