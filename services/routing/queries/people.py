"""An installer's contacts and notes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.errors import NoSuchContact
from services.routing.models import InstallerContact, InstallerNote


async def contact(
    session: AsyncSession, installer_id: UUID, contact_id: UUID, *, is_there: bool = True
) -> InstallerContact:
    """One that is there still, unless one that was removed will do."""
    found = await session.get(InstallerContact, contact_id)
    if found is not None and (found.installer_id != installer_id or (is_there and found.removed_at is not None)):
        found = None
    return NoSuchContact.unless(found, "no such contact", contact_id=contact_id)


async def contacts_of(session: AsyncSession, installer_id: UUID) -> Sequence[InstallerContact]:
    query = (
        select(InstallerContact)
        .where(InstallerContact.installer_id == installer_id, InstallerContact.removed_at.is_(None))
        .order_by(InstallerContact.role, InstallerContact.name, InstallerContact.id)
    )
    return (await session.scalars(query)).all()


async def notes_of(session: AsyncSession, installer_id: UUID, limit: int) -> Sequence[InstallerNote]:
    """The latest first."""
    query = (
        select(InstallerNote)
        .where(InstallerNote.installer_id == installer_id)
        .order_by(InstallerNote.created_at.desc(), InstallerNote.id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()
