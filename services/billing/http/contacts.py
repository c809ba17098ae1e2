"""Billing contacts of an account over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from litestar import delete, get, put
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, requires
from contracts.forms import LONGEST_EMAIL, email_address
from contracts.identity import Capability
from services.billing.commands.contacts import SetContact, remove_contact, set_contact
from services.billing.domain.contacts import initials, masked_email
from services.billing.http.fields import Note
from services.billing.models import BillingContact
from services.billing.queries import accounts, contacts

ContactName = Annotated[Line, StringConstraints(max_length=120)]
Email = Annotated[
    Line,
    StringConstraints(max_length=LONGEST_EMAIL),
    AfterValidator(email_address),
    Field(examples=["mia@harbour-bank.example"]),
]


class ContactView(BaseModel):
    """Somebody who gets a copy of each invoice and note, of each statement, or of both."""

    id: UUID
    account_id: UUID
    name: str
    email: str
    gets_invoices: bool
    gets_statements: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, contact: BillingContact) -> Self:
        return cls(**{name: getattr(contact, name) for name in cls.model_fields})


class ContactBody(Body):
    """All of it is set as given. `reason` stands in the audit, beside initials and a masked address alone."""

    name: ContactName
    email: Email
    gets_invoices: bool
    gets_statements: bool
    reason: Note | None = None


@get("/admin/billing/accounts/{account_id:uuid}/contacts", guards=[requires(Capability.READ_OPS)])
async def list_contacts(account_id: FromPath[UUID], database: Given[Database]) -> list[ContactView]:
    """Who beside the account's own address gets what it is sent, by name."""
    async with database.reading() as session:
        await accounts.find(session, account_id)
        return [ContactView.of(contact) for contact in await contacts.of_account(session, account_id)]


@put(
    "/admin/billing/accounts/{account_id:uuid}/contacts/{contact_id:uuid}",
    guards=[requires(Capability.MANAGE_BILLING_OPS)],
)
async def put_contact(
    account_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[ContactBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ContactView:
    """Adds a contact under an id of the caller's, or sets it as given."""
    async with database.transaction() as session:
        contact = await set_by_operator(session, account_id, contact_id, data, operator, clock.now())
    return ContactView.of(contact)


@delete(
    "/admin/billing/accounts/{account_id:uuid}/contacts/{contact_id:uuid}",
    guards=[requires(Capability.MANAGE_BILLING_OPS)],
)
async def delete_contact(
    account_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    database: Given[Database],
    operator: Given[Operator],
    reason: FromQuery[Note | None] = None,
) -> None:
    """Takes the contact away for good: its name and address are kept nowhere else. Twice is once."""
    async with database.transaction() as session:
        await remove_by_operator(session, account_id, contact_id, reason, operator)


async def set_by_operator(
    session: AsyncSession, account_id: UUID, contact_id: UUID, data: ContactBody, operator: Operator, now: datetime
) -> BillingContact:
    await accounts.lock(session, account_id)
    before = await session.get(BillingContact, contact_id)
    was = None if before is None else told_of(before)
    command = SetContact(account_id, contact_id, **data.model_dump(exclude={"reason"}))
    contact = await set_contact(session, command, now)
    is_now = told_of(contact)
    if was != is_now:
        await _record(session, operator, "set_contact", account_id, was, is_now, data.reason)
    return contact


async def remove_by_operator(
    session: AsyncSession, account_id: UUID, contact_id: UUID, reason: str | None, operator: Operator
) -> None:
    removed = await remove_contact(session, account_id, contact_id)
    if removed is not None:
        await _record(session, operator, "remove_contact", account_id, told_of(removed), None, reason)


def told_of(contact: BillingContact) -> dict[str, Any]:
    """As the audit keeps it, which nobody can take out of it again."""
    return {
        "contact": initials(contact.name),
        "address": masked_email(contact.email),
        "gets_invoices": contact.gets_invoices,
        "gets_statements": contact.gets_statements,
    }


async def _record(
    session: AsyncSession,
    operator: Operator,
    action: str,
    account_id: UUID,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    reason: str | None,
) -> None:
    await audit.record(
        session,
        actor=operator,
        action=action,
        subject=Subject("account", account_id),
        before=before,
        after=after,
        reason_text=reason,
    )


ROUTES = (list_contacts, put_contact, delete_contact)
