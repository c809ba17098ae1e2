"""Where an installer's leads are delivered to, and how that has gone of late."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from chassis.ids import new_id
from services.routing.domain.breaker import Health
from services.routing.domain.states import BreakerState, Channel
from services.routing.models.model import Model


class DeliveryEndpoint(Versioned, Model):
    """One for each channel that an installer has had; which of them is used is the installer's own to say.

    A mail's address stands with the installer. Of a secret only its number is here: it is derived, and the one before
    is good until `previous_secret_until`. `opens` counts how often the breaker opened without having closed between.
    `tested_at` is when the address, as it is now, took a test. `version` counts the moves of the breaker.
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
    id: Mapped[UUID] = mapped_column(default=new_id, server_default=text("gen_random_uuid()"))
    """By which lists know it."""
    last_accepted_at: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("id"),
        one_of("channel", Channel),
        one_of("breaker", BreakerState),
        CheckConstraint("(channel = 'webhook') = (url IS NOT NULL)", name="url"),
        CheckConstraint("secret_generation >= 1", name="secret_generation"),
        CheckConstraint("failures_in_row >= 0 AND opens >= 0", name="counts"),
        CheckConstraint("breaker <> 'open' OR (opened_at IS NOT NULL AND probe_at IS NOT NULL)", name="opened"),
    )

    @property
    def health(self) -> Health:
        return Health(self.breaker, self.failures_in_row, self.opened_at, self.probe_at, self.opens)

    @health.setter
    def health(self, health: Health) -> None:
        self.breaker, self.failures_in_row = health.breaker, health.failures_in_row
        self.opened_at, self.probe_at, self.opens = health.opened_at, health.probe_at, health.opens
