"""Who can be given work, as identity tells of them."""

from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.domain import may_own
from services.intake.models.model import Model


class KnownOperator(Model):
    """`version` is identity's last that was applied here."""

    __tablename__ = "operators"

    operator_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    capabilities: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_active: Mapped[bool]
    version: Mapped[int]

    @property
    def may_own(self) -> bool:
        return may_own(self.capabilities, is_active=self.is_active)
