"""What would have become of past leads under a draft."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.routing.domain.states import SimulationState
from services.routing.models.model import Model


class Simulation(Model):
    """`draft` is as http/simulations.py takes it, `totals` as domain/comparing.py tells them.

    Whoever runs it holds it until `lease_until`, by the database's clock, and renews that with its `progress` of
    `leads`. What it found is written with its end, all or nothing.
    """

    __tablename__ = "simulations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[SimulationState] = mapped_column(Word(SimulationState))
    draft: Mapped[dict[str, Any]] = mapped_column(JSON)
    asked_by_id: Mapped[UUID]
    asked_by_name: Mapped[str]
    asked_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    leads: Mapped[int | None]
    progress: Mapped[int] = mapped_column(default=0, server_default="0")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    totals: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    fault: Mapped[str | None]

    __table_args__ = (
        one_of("state", SimulationState),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="running"),
        CheckConstraint("(state IN ('finished', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name="ended"),
        CheckConstraint("(state = 'finished') = (totals IS NOT NULL)", name="has_totals"),
        CheckConstraint("(state = 'failed') = (fault IS NOT NULL)", name="has_its_fault"),
        Index("ix_simulations_asked_at", "asked_at", "id"),
        Index("ix_simulations_open", "asked_at", postgresql_where=text("state IN ('asked', 'running')")),
    )


class SimulationRow(Model):
    """A lead that others would have got. `unpriced` counts the prices that nobody knows, of both sides.

    What they were entitled to of it, how many a cap kept it from and how full the fullest cap is with it are those of
    domain/comparing.py; NULL where a simulation did not tell them yet, or nobody has a cap.
    """

    __tablename__ = "simulation_rows"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    simulation_id: Mapped[UUID] = mapped_column(ForeignKey("simulations.id"))
    lead_id: Mapped[UUID]
    service: Mapped[str]
    place: Mapped[str]
    received_at: Mapped[datetime]
    before: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    after: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    before_cents: Mapped[int] = mapped_column(BigInteger)
    after_cents: Mapped[int] = mapped_column(BigInteger)
    unpriced: Mapped[int] = mapped_column(SmallInteger)
    before_entitled_ppm: Mapped[int | None]
    after_entitled_ppm: Mapped[int | None]
    before_at_cap: Mapped[int | None]
    after_at_cap: Mapped[int | None]
    before_cap_percent: Mapped[int | None]
    after_cap_percent: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("simulation_id", "lead_id"),
        Index("ix_simulation_rows_received_at", "simulation_id", "received_at", "lead_id"),
    )
