"""Where an installer's leads are delivered to, and how that has gone of late."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.routing.domain.states import BreakerState, Channel
from services.routing.models.model import Model


class DeliveryEndpoint(Model):
    """One for each channel that an installer has had; which of them is used is the installer's own to say.

    A mail's address stands with the installer. Of a secret only its number is here: it is derived, and the one before
    is good until `previous_secret_until`. `opens` counts how often the breaker opened without having closed between.
    """

    __tablename__ = "delivery_endpoints"

    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"), primary_key=True)
    channel: Mapped[Channel] = mapped_column(Word(Channel), primary_key=True)
    url: Mapped[str | None]
    secret_generation: Mapped[int] = mapped_column(default=1, server_default="1")
    previous_secret_until: Mapped[datetime | None]
    breaker: Mapped[BreakerState] = mapped_column(
        Word(BreakerState), default=BreakerState.CLOSED, server_default=BreakerState.CLOSED
    )
    failures_in_row: Mapped[int] = mapped_column(default=0, server_default="0")
    opened_at: Mapped[datetime | None]
    probe_at: Mapped[datetime | None]
    opens: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        one_of("channel", Channel),
        one_of("breaker", BreakerState),
        CheckConstraint("(channel = 'webhook') = (url IS NOT NULL)", name="url"),
        CheckConstraint("secret_generation >= 1", name="secret_generation"),
        CheckConstraint("failures_in_row >= 0 AND opens >= 0", name="counts"),
        CheckConstraint("breaker <> 'open' OR (opened_at IS NOT NULL AND probe_at IS NOT NULL)", name="opened"),
    )
