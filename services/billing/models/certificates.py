"""Certificates of the books, kept as they were given: what each equality came to, and the rows that did not hold."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.billing.domain.certificate import Outcome, Unit
from services.billing.models.columns import Table


class Certificate(Table):
    """Written once. `due_at` is the night's that it was taken for; none where an operator asked.

    `sha256` is of the text that is signed; without a key there is no signature.
    """

    __tablename__ = "certificates"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    as_of: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(unique=True)
    taken_at: Mapped[datetime]
    taken_by_id: Mapped[UUID | None]
    taken_by_name: Mapped[str]
    equality_count: Mapped[int]
    failed_count: Mapped[int]
    not_compared_count: Mapped[int]
    sha256: Mapped[str]
    key_id: Mapped[str | None]
    signature: Mapped[bytes | None]

    __table_args__ = (
        CheckConstraint(
            "failed_count >= 0 AND not_compared_count >= 0 AND failed_count + not_compared_count <= equality_count",
            name="counts",
        ),
        CheckConstraint("(key_id IS NULL) = (signature IS NULL)", name="signature"),
        Index("ix_certificates_taken_at", "taken_at", "id"),
    )


class CertifiedEquality(Table):
    """One of a certificate's equalities, both sides summed; `place` is its place in the order."""

    __tablename__ = "certified_equalities"

    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificates.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]
    unit: Mapped[Unit] = mapped_column(Word(Unit))
    left_sum: Mapped[int]
    right_sum: Mapped[int]
    compared_count: Mapped[int]
    offender_count: Mapped[int]
    outcome: Mapped[Outcome] = mapped_column(Word(Outcome))

    __table_args__ = (one_of("unit", Unit), one_of("outcome", Outcome))


class CertifiedOffender(Table):
    """A row of an equality that did not hold; the furthest apart come first, and only so many are kept."""

    __tablename__ = "certified_offenders"

    certificate_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    left_side: Mapped[int | None]
    right_side: Mapped[int | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["certificate_id", "name"], ["certified_equalities.certificate_id", "certified_equalities.name"]
        ),
    )
