"""The keys under which leads' contacts are sealed, as intake tells them."""

from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.routing.models.model import Model


class LeadKey(Model):
    """Without a key it was destroyed: the row stays, so that an older event brings no key back."""

    __tablename__ = "lead_keys"

    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[bytes | None]
    version: Mapped[int]

    __table_args__ = (CheckConstraint("octet_length(key) = 32", name="key_length"),)
