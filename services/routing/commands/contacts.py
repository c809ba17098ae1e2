"""Whom of an installer to call or write to. Nothing of it is published: no decision and no other service reads it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from services.routing.domain.states import ContactRole
from services.routing.errors import ContactExists, ContactUnreachable
from services.routing.models import InstallerContact
from services.routing.queries import installers, people


@dataclass(frozen=True, slots=True)
class Contact:
    """At least one of `email` and `phone` is there."""

    name: str
    role: ContactRole
    email: str | None
    phone: str | None


class ContactChanges(TypedDict, total=False):
    """The fields of Contact that are to change."""

    name: str
    role: ContactRole
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class AddContact:
    """`contact_id` is made by who asks, so that asking twice adds one."""

    contact_id: UUID
    installer_id: UUID
    contact: Contact
    by: Actor
    reason: str | None = None


async def add_contact(session: AsyncSession, command: AddContact, now: datetime) -> InstallerContact:
    installer = await installers.locked(session, command.installer_id)
    contact = command.contact
    known = await session.get(InstallerContact, command.contact_id)
    if known is not None:
        if (known.installer_id, contact_of(known)) != (installer.id, contact):
            raise ContactExists("it was added with other content", contact_id=known.id)
        return known
    added = InstallerContact(
        id=command.contact_id,
        installer_id=installer.id,
        name=contact.name,
        role=contact.role,
        email=contact.email,
        phone=contact.phone,
        created_at=now,
    )
    session.add(added)
    await _keep(session, command.by, "add_contact", added, before=None, after=contact, reason=command.reason)
    return added


async def change_contact(
    session: AsyncSession,
    installer_id: UUID,
    contact_id: UUID,
    changes: ContactChanges,
    by: Actor,
    reason: str | None = None,
) -> InstallerContact:
    """Leaves what is not named."""
    await installers.locked(session, installer_id)
    known = await people.contact(session, installer_id, contact_id)
    before = contact_of(known)
    after = replace(before, **changes)
    if after == before:
        return known
    if after.email is None and after.phone is None:
        raise ContactUnreachable("it would have neither an e-mail address nor a telephone number", contact_id=known.id)
    known.name, known.role, known.email, known.phone = after.name, after.role, after.email, after.phone
    await _keep(session, by, "change_contact", known, before=before, after=after, reason=reason)
    return known


async def remove_contact(
    session: AsyncSession, installer_id: UUID, contact_id: UUID, by: Actor, now: datetime, reason: str | None = None
) -> None:
    """Its row stays for what was done with it; no page and no route shows it. Removed twice it is removed once."""
    await installers.locked(session, installer_id)
    known = await people.contact(session, installer_id, contact_id, is_there=False)
    if known.removed_at is not None:
        return
    known.removed_at = now
    await _keep(session, by, "remove_contact", known, before=contact_of(known), after=None, reason=reason)


def contact_of(known: InstallerContact) -> Contact:
    return Contact(known.name, known.role, known.email, known.phone)


async def _keep(
    session: AsyncSession,
    by: Actor,
    action: str,
    contact: InstallerContact,
    *,
    before: Contact | None,
    after: Contact | None,
    reason: str | None = None,
) -> None:
    """The fields that changed, and always whose they are."""
    was, became = _fields(before), _fields(after)
    changed = [name for name in _NAMES if was.get(name) != became.get(name)]
    await audit.record(
        session,
        actor=by,
        action=action,
        subject=Subject("installer", contact.installer_id),
        before=None if before is None else {"contact": before.name, **{name: was[name] for name in changed}},
        after=None if after is None else {"contact": after.name, **{name: became[name] for name in changed}},
        reason_text=reason,
    )


_NAMES = ("role", "email", "phone")


def _fields(contact: Contact | None) -> dict[str, str | None]:
    return {} if contact is None else {"role": contact.role, "email": contact.email, "phone": contact.phone}
