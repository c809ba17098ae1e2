"""The suppression list."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ScalarSelect, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from services.notifications.models import Message, Suppression

KNOWN_ADDRESS: ScalarSelect[str | None] = (
    select(Message.recipient_email)
    .where(Message.recipient_hash == Suppression.address_hash, Message.recipient_email.is_not(None))
    .order_by(Message.created_at.desc())
    .limit(1)
    .scalar_subquery()
)
"""The list itself has no addresses: a message may still have it."""


async def one_suppression(session: AsyncSession, suppression_id: UUID) -> tuple[Suppression, str | None]:
    """With its address, where a message still has it."""
    statement = select(Suppression, KNOWN_ADDRESS).where(Suppression.id == suppression_id)
    found = (await session.execute(statement)).one_or_none()
    row, address = NotFound.unless(found, "no such suppression", suppression_id=suppression_id)
    return row, address


async def suppressed_hashes(session: AsyncSession, hashes: Collection[str], now: datetime) -> set[str]:
    """Those of the addresses that get no mail now."""
    if not hashes:
        return set()
    found = await session.scalars(
        select(Suppression.address_hash).where(
            Suppression.address_hash.in_(set(hashes)), Suppression.lifted_at.is_(None), Suppression.expires_at > now
        )
    )
    return set(found)


async def suppression_of(session: AsyncSession, hash_: str, now: datetime) -> UUID | None:
    """The entry by which the address gets no mail now."""
    found: UUID | None = await session.scalar(
        select(Suppression.id).where(
            Suppression.address_hash == hash_, Suppression.lifted_at.is_(None), Suppression.expires_at > now
        )
    )
    return found


async def list_suppressions(
    session: AsyncSession, page: PageRequest, now: datetime, *, address_hash: str | None, standing: bool | None
) -> Sequence[Suppression]:
    """`standing` True are those in force, False those that were lifted or have expired, None both."""
    in_force = Suppression.lifted_at.is_(None) & (Suppression.expires_at > now)
    statement = select(Suppression)
    if address_hash is not None:
        statement = statement.where(Suppression.address_hash == address_hash)
    if standing is not None:
        statement = statement.where(in_force if standing else ~in_force)
    return list(await session.scalars(page.apply(statement, Suppression.created_at, Suppression.id)))
