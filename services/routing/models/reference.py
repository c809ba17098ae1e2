"""What other services say, as it was last told: accounts and prices from billing, operators from identity.

None refers to a row of ours: what is told may come before what it is about.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from contracts.identity import Capability
from contracts.values import ProductType
from services.routing.models.model import Model


class InstallerAccount(Model):
    """What stands with an installer at billing; `version` is the account's own."""

    __tablename__ = "installer_accounts"

    installer_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    has_prices: Mapped[bool]
    credit_hold: Mapped[bool]
    credit_hold_reason: Mapped[str | None]
    outstanding_cents: Mapped[int] = mapped_column(BigInteger)
    overdue_cents: Mapped[int] = mapped_column(BigInteger)
    is_collectable: Mapped[bool]
    changed_at: Mapped[datetime]


class KnownOperator(Model):
    """Who may be given an item of the exception queue; `version` is the operator's own."""

    __tablename__ = "operators"

    operator_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    is_active: Mapped[bool]
    capabilities: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int]

    @property
    def may_own(self) -> bool:
        return self.is_active and Capability.WRITE_ROUTING in self.capabilities


class KnownPrice(Model):
    """What a delivery to the installer cost when billing last told of one."""

    __tablename__ = "known_prices"

    installer_id: Mapped[UUID] = mapped_column(primary_key=True)
    product_type: Mapped[ProductType] = mapped_column(Word(ProductType), primary_key=True)
    unit_price_cents: Mapped[int] = mapped_column(BigInteger)
    as_of: Mapped[datetime]

    __table_args__ = (
        one_of("product_type", ProductType),
        CheckConstraint("unit_price_cents >= 0", name="unit_price_cents"),
    )
