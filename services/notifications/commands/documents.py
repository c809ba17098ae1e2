"""Documents: the bytes that billing rendered, kept as they came, and which invoices were voided since."""

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.billing import InvoiceDocumentRendered
from contracts.books import StatementSent
from services.notifications.commands.messages import cancel_messages
from services.notifications.domain.purposes import MailPurpose
from services.notifications.errors import DocumentCorrupt
from services.notifications.models import Document, VoidedInvoice
from services.notifications.queries.messages import voided_among


async def keep_documents(session: AsyncSession, rendered: Sequence[InvoiceDocumentRendered], now: datetime) -> None:
    """Keeps each document once; refuses one whose bytes are not those that its hash names."""
    insertion = insert(Document).on_conflict_do_nothing(index_elements=["id"])
    await session.execute(insertion, [_row(document, now) for document in rendered])


async def keep_statements(session: AsyncSession, sent: Sequence[StatementSent], now: datetime) -> None:
    """Each statement once, however many are told to mail it; refuses bytes that are not those that its hash names."""
    rows = {statement.subject_id: _statement_row(statement, now) for statement in sent}
    insertion = insert(Document).on_conflict_do_nothing(index_elements=["id"])
    await session.execute(insertion, list(rows.values()))


def _statement_row(statement: StatementSent, now: datetime) -> dict[str, Any]:
    return {
        "id": statement.subject_id,
        "invoice_id": None,
        "kind": None,
        "number": f"{statement.from_day} to {statement.to_day}",
        "file_name": statement.file_name,
        "media_type": statement.media_type,
        "sha256": statement.sha256,
        "content": _verified(statement.subject_id, statement.content_base64, statement.sha256),
        "received_at": now,
    }


async def note_voided(session: AsyncSession, voided_at: Mapping[UUID, datetime], now: datetime) -> None:
    """By invoice id: no mail about any of them leaves any more, neither what waits nor what comes later."""
    rows = [{"invoice_id": invoice_id, "voided_at": at} for invoice_id, at in sorted(voided_at.items())]
    await session.execute(insert(VoidedInvoice).on_conflict_do_nothing(), rows)
    await stop_voided(session, voided_at, now)


async def stop_voided(session: AsyncSession, invoice_ids: Collection[UUID], now: datetime) -> None:
    """Of these invoices, those that are void."""
    voided = await voided_among(session, invoice_ids)
    await cancel_messages(session, MailPurpose.INVOICE, voided, now, "invoice_voided")


def _row(document: InvoiceDocumentRendered, now: datetime) -> dict[str, Any]:
    return {
        "id": document.document_id,
        "invoice_id": document.invoice_id,
        "kind": document.kind,
        "number": document.number,
        "file_name": document.file_name,
        "media_type": document.media_type,
        "sha256": document.sha256,
        "content": _verified(document.document_id, document.content_base64, document.sha256),
        "received_at": now,
    }


def _verified(document_id: UUID, content_base64: str, sha256: str) -> bytes:
    try:
        content = base64.b64decode(content_base64, validate=True)
    except (binascii.Error, ValueError):
        raise DocumentCorrupt("the content is not base64", document_id=document_id) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DocumentCorrupt("the content's SHA-256 is another", document_id=document_id)
    return content
