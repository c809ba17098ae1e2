"""Rendered documents: the bytes that are shown, mailed and mailed again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from contracts.values import DocumentKind
from services.billing.models.columns import Table


class Document(Table):
    """Rendered once, written once: `sha256` is of `content`."""

    __tablename__ = "documents"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(Word(DocumentKind))
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    adjustment_id: Mapped[UUID | None] = mapped_column(ForeignKey("adjustments.id"), unique=True)
    number: Mapped[str]
    file_name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes]
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", DocumentKind),
        CheckConstraint("(kind = 'adjustment_note') = (adjustment_id IS NOT NULL)", name="subject"),
        CheckConstraint("encode(sha256(content), 'hex') = sha256", name="hash"),
        Index("uq_documents_invoice", "invoice_id", unique=True, postgresql_where=text("adjustment_id IS NULL")),
    )
