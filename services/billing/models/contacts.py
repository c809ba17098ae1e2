"""Persons of those who are billed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.billing.models.columns import Table


class BillingContact(Table):
    """Somebody beside the account's own address who gets its invoices or its statements.

    A person's data: it is deleted for good when the contact is taken away, and no other table has it.
    """

    __tablename__ = "billing_contacts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    email: Mapped[str]
    gets_invoices: Mapped[bool]
    gets_statements: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (Index("uq_billing_contacts_email", "account_id", text("lower(email)"), unique=True),)
