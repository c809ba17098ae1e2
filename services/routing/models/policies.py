"""What operators have declared of how dispatch, returns and the queue work."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.routing.domain.policies import PolicyKind
from services.routing.models.model import Model


class RoutingPolicy(Model):
    """Each version is written once; the newest of its kind is in force. `body` is as domain/policies.py has it."""

    __tablename__ = "routing_policies"

    kind: Mapped[PolicyKind] = mapped_column(Word(PolicyKind), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]
    reason: Mapped[str]

    __table_args__ = (
        one_of("kind", PolicyKind),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("jsonb_typeof(body) = 'object'", name="body"),
    )
