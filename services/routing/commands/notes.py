"""What operators keep in mind about an installer: written once, by whom and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from services.routing.errors import NoteExists
from services.routing.models import InstallerNote
from services.routing.queries import installers


class Author(Protocol):
    """An operator: a note is somebody's."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class AppendNote:
    """`note_id` is made by who asks, so that asking twice writes one."""

    note_id: UUID
    installer_id: UUID
    text: str
    by: Author


async def append_note(session: AsyncSession, command: AppendNote, now: datetime) -> InstallerNote:
    installer = await installers.locked(session, command.installer_id)
    known = await session.get(InstallerNote, command.note_id)
    if known is not None:
        if (known.installer_id, known.text) != (installer.id, command.text):
            raise NoteExists("it was written with another text", note_id=known.id)
        return known
    written = InstallerNote(
        id=command.note_id,
        installer_id=installer.id,
        text=command.text,
        author_id=command.by.id,
        author_name=command.by.name,
        created_at=now,
    )
    session.add(written)
    subject = Subject("installer", installer.id)
    await audit.record(session, actor=command.by, action="append_note", subject=subject, after={"note": command.text})
    return written
