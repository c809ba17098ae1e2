"""Who finance's work can be given to, as identity tells of them, and which of them see to Stripe."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.identity import Capability
from services.billing.models.columns import Table


class KnownOperator(Table):
    """`version` is identity's last that was applied here."""

    __tablename__ = "operators"

    operator_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    is_active: Mapped[bool]
    capabilities: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int]

    @property
    def may_own(self) -> bool:
        return self.is_active and Capability.MANAGE_BILLING_OPS in self.capabilities


class StripeRoles(Table):
    """One row: who creates invoices at Stripe, who approves them, who reconciles. None where nobody is named.

    They are operators' ids, of whom identity may tell later than they are named.
    """

    __tablename__ = "stripe_roles"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    creator_id: Mapped[UUID | None]
    approver_id: Mapped[UUID | None]
    reconciler_id: Mapped[UUID | None]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
