"""Credits that other services ask for, and the returns that may bring one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from contracts.values import CreditReason
from services.billing.domain.credit_requests import CreditResult
from services.billing.models.columns import Table

_OPEN = "result IS NULL OR result NOT IN ('credited', 'voided', 'not_charged', 'declined', 'refused')"
_DECIDED = """CASE WHEN is_proposal THEN decided_at IS NOT NULL
    OR result IS NULL OR result IN ('proposed', 'not_charged', 'refused')
    ELSE decided_at IS NULL AND result IS DISTINCT FROM 'proposed' END"""


class CreditRequest(Table):
    """What was asked for never changes; what became of it does until it is final.

    `deed` and `deed_id` are what it follows from: a merge, a correction, a return. `amount_cents` is ex GST. A proposal
    is decided by finance, and whoever agrees is the maker of the credit.
    """

    __tablename__ = "credit_requests"

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    assignment_id: Mapped[UUID]
    lead_id: Mapped[UUID]
    installer_id: Mapped[UUID]
    reason_code: Mapped[CreditReason] = mapped_column(Word(CreditReason))
    note: Mapped[str | None]
    deed: Mapped[str]
    deed_id: Mapped[UUID]
    asked_by_id: Mapped[UUID | None]
    asked_by_name: Mapped[str]
    is_proposal: Mapped[bool]
    asked_at: Mapped[datetime]
    result: Mapped[CreditResult | None] = mapped_column(Word(CreditResult))
    detail: Mapped[str | None]
    adjustment_id: Mapped[UUID | None] = mapped_column(ForeignKey("adjustments.id"))
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"))
    amount_cents: Mapped[int | None]
    answered_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None]
    decided_by_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decline_note: Mapped[str | None]

    __table_args__ = (
        one_of("reason_code", CreditReason),
        one_of("result", CreditResult),
        CheckConstraint("(result IS NULL) = (answered_at IS NULL)", name="answered"),
        CheckConstraint(
            "result NOT IN ('pending_approval', 'credited') OR adjustment_id = request_id", name="adjusted"
        ),
        CheckConstraint(
            "(result IN ('pending_approval', 'credited', 'voided')) = (amount_cents IS NOT NULL)", name="amount"
        ),
        CheckConstraint("is_proposal OR asked_by_id IS NOT NULL", name="asked_by_a_person"),
        CheckConstraint(
            "(decided_at IS NULL) = (decided_by_id IS NULL) AND (decided_at IS NULL) = (decided_by_name IS NULL)",
            name="decided",
        ),
        CheckConstraint(_DECIDED, name="decided_proposal"),
        CheckConstraint("result IS DISTINCT FROM 'declined' OR decline_note IS NOT NULL", name="declined"),
        Index("ix_credit_requests_assignment", "assignment_id"),
        Index("ix_credit_requests_asked_at", "asked_at", "request_id"),
        Index("ix_credit_requests_open", "asked_at", "request_id", postgresql_where=text(_OPEN)),
        Index(
            "uq_credit_requests_under_way",
            "assignment_id",
            unique=True,
            postgresql_where=text("result IN ('waits_for_invoice', 'pending_approval')"),
        ),
    )

    @property
    def is_final(self) -> bool:
        return self.result is not None and self.result.is_final

    @property
    def is_undecided(self) -> bool:
        return self.is_proposal and self.decided_at is None


class OpenReturn(Table):
    """An installer wants to give a lead back, and routing has not decided: a credit may follow.

    `version` is the assignment's; what is older says nothing any more. One assignment may be asked back anew.
    """

    __tablename__ = "open_returns"

    assignment_id: Mapped[UUID] = mapped_column(primary_key=True)
    installer_id: Mapped[UUID]
    return_id: Mapped[UUID]
    version: Mapped[int]
    decide_by: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_open_returns_waiting", "decide_by", "assignment_id", postgresql_where=text("closed_at IS NULL")),
    )
