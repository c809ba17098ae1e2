"""Leads that belong together."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.routing.domain.states import LinkKind
from services.routing.models.model import Model


class LeadLink(Model):
    """As intake tells it, by ids alone: nothing here says who the person is. Either lead may not have come yet."""

    __tablename__ = "lead_links"

    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    other_lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[LinkKind] = mapped_column(Word(LinkKind), primary_key=True)
    linked_at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", LinkKind),
        CheckConstraint("lead_id <> other_lead_id", name="two_leads"),
        Index("ix_lead_links_other_lead_id", "other_lead_id"),
    )
