"""What is taken along with names, addresses and money is in the audit before its first byte goes out."""

from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject

Exported = Literal["close_run", "invoice", "month", "statement"]


async def record_export(
    session: AsyncSession, operator: Actor, what: Exported, id_: UUID | str, **facts: object
) -> None:
    """Of the export, not of the thing: taking it along changes nothing for who decides about the thing meanwhile."""
    subject = export_of(what, id_)
    await audit.record(session, actor=operator, action=f"export_{what}", subject=subject, after=facts)


def export_of(what: Exported, id_: UUID | str) -> Subject:
    """A statement's is known by its account."""
    return Subject(f"{what}_export", id_)
