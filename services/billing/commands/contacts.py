"""Billing contacts of an account, kept by finance: who else gets its invoices and its statements."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.constraints import flush_or_refuse
from services.billing.errors import ContactEmailTaken, ContactNotFound, TooManyContacts
from services.billing.models import BillingContact
from services.billing.queries import accounts, contacts

MOST_CONTACTS = 20


@dataclass(frozen=True, slots=True)
class SetContact:
    """`contact_id` is the caller's: the same one sent again is the same contact."""

    account_id: UUID
    contact_id: UUID
    name: str
    email: str
    gets_invoices: bool
    gets_statements: bool


async def set_contact(session: AsyncSession, command: SetContact, now: datetime) -> BillingContact:
    """Adds it, or sets it as given."""
    await accounts.lock(session, command.account_id)
    contact = await session.get(BillingContact, command.contact_id)
    if contact is None:
        contact = await _new(session, command, now)
    elif contact.account_id != command.account_id:
        raise ContactNotFound("the account has no such contact", contact_id=command.contact_id)
    for name in ("name", "email", "gets_invoices", "gets_statements"):
        setattr(contact, name, getattr(command, name))
    contact.updated_at = now
    taken = ContactEmailTaken("a contact of the account has this address already", account_id=command.account_id)
    await flush_or_refuse(session, {"uq_billing_contacts_email": taken})
    return contact


async def _new(session: AsyncSession, command: SetContact, now: datetime) -> BillingContact:
    if len(await contacts.of_account(session, command.account_id)) >= MOST_CONTACTS:
        raise TooManyContacts(f"{MOST_CONTACTS} are the most", account_id=command.account_id)
    contact = BillingContact(id=command.contact_id, account_id=command.account_id, created_at=now)
    session.add(contact)
    return contact


async def remove_contact(session: AsyncSession, account_id: UUID, contact_id: UUID) -> BillingContact | None:
    """Deletes it for good; None where it is not there, as the second time."""
    await accounts.lock(session, account_id)
    contact = await session.get(BillingContact, contact_id)
    if contact is None or contact.account_id != account_id:
        return None
    await session.delete(contact)
    await session.flush()
    return contact
