"""Runs over a month: who asked for what, and what came of each installer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from services.billing.domain.close_runs import RunKind, RunOutcome, RunState
from services.billing.models.columns import Table


class CloseRun(Table, Versioned):
    """What was asked for never changes; its counts grow with each portion that commits, until it is finished.

    `installer_ids` is null where it is about all. `leased_by` works on a portion until `leased_until`, which is the
    machine's time: whoever died over it has the run no longer.
    """

    __tablename__ = "close_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[RunKind] = mapped_column(Word(RunKind))
    is_dry: Mapped[bool]
    period: Mapped[str]
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    installer_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    due_at: Mapped[datetime | None]
    asked_by_id: Mapped[UUID]
    asked_by_name: Mapped[str]
    request_id: Mapped[str | None]
    state: Mapped[RunState] = mapped_column(Word(RunState))
    planned_count: Mapped[int]
    drafted_count: Mapped[int] = mapped_column(default=0, server_default="0")
    redrafted_count: Mapped[int] = mapped_column(default=0, server_default="0")
    issued_count: Mapped[int] = mapped_column(default=0, server_default="0")
    unchanged_count: Mapped[int] = mapped_column(default=0, server_default="0")
    blocked_count: Mapped[int] = mapped_column(default=0, server_default="0")
    failed_count: Mapped[int] = mapped_column(default=0, server_default="0")
    total_cents: Mapped[int] = mapped_column(default=0, server_default="0")
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    leased_by: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", RunKind),
        one_of("state", RunState),
        CheckConstraint("period_start < period_end", name="period"),
        CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name="finished"),
        CheckConstraint(
            "drafted_count + redrafted_count + issued_count + unchanged_count + blocked_count + failed_count "
            "BETWEEN CASE state WHEN 'finished' THEN planned_count ELSE 0 END AND planned_count",
            name="counts",
        ),
        Index("ix_close_runs_period", "period", "started_at", "id"),
        Index("ix_close_runs_started_at", "started_at", "id"),
        Index("ix_close_runs_running", "started_at", "id", postgresql_where=text("state = 'running'")),
    )

    @property
    def done_count(self) -> int:
        """Installers that are through, whatever came of them."""
        written = self.drafted_count + self.redrafted_count + self.issued_count
        return written + self.unchanged_count + self.blocked_count + self.failed_count


class CloseResult(Table):
    """An installer of a run; `outcome` is null until its portion has committed, and stays as it was.

    `expected_count` are the lines that were to be written when the run began: portions are cut by them. `reasons` are a
    list of `code`, `detail`, `owner` and `cure`.
    """

    __tablename__ = "close_results"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("close_runs.id"), primary_key=True)
    installer_id: Mapped[UUID] = mapped_column(primary_key=True)
    expected_count: Mapped[int]
    outcome: Mapped[RunOutcome | None] = mapped_column(Word(RunOutcome))
    invoice_id: Mapped[UUID | None]
    number: Mapped[str | None]
    total_cents: Mapped[int | None]
    line_count: Mapped[int | None]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'::jsonb"))

    __table_args__ = (
        one_of("outcome", RunOutcome),
        Index("ix_close_results_pending", "run_id", "installer_id", postgresql_where=text("outcome IS NULL")),
    )
