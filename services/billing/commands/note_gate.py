"""The gate before an adjustment goes into the books: its note has to say all that the tax office asks of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.adjustment_note import NoteFace, NoteLine, missing_note_elements
from services.billing.domain.adjustments import LineShare
from services.billing.domain.tax_invoice import Blocker, Party
from services.billing.errors import NoteNotReady
from services.billing.models import Adjustment, Invoice
from services.billing.queries import documents


async def refuse_incomplete_note(
    session: AsyncSession, invoice: Invoice, adjustment: Adjustment, shares: Sequence[LineShare], now: datetime
) -> None:
    """`shares` are the lines that a credit falls on; a debit's lines are in the books by now."""
    described = await documents.described_shares(session, invoice.id, shares)
    lines = described or [
        NoteLine(line.description, line.gst_treatment, line.ex_gst_cents, line.gst_cents)
        for line in await documents.note_lines(session, adjustment)
    ]
    missing = blockers_of_note(invoice, adjustment, lines, now)
    if missing:
        raise NoteNotReady(adjustment.id, missing)


def blockers_of_note(
    invoice: Invoice, adjustment: Adjustment, lines: Sequence[NoteLine], now: datetime
) -> tuple[Blocker, ...]:
    face = NoteFace(
        seller=_party(invoice.seller or {}),
        buyer=_party(invoice.buyer or {}),
        invoice_number=invoice.number,
        invoice_issued_at=invoice.issued_at,
        adjusted_at=now,
        reason=adjustment.reason_code,
        lines=lines,
        ex_gst_cents=adjustment.ex_gst_cents,
        gst_cents=adjustment.gst_cents,
        invoice_cents=max(invoice.total_cents, invoice.adjusted_total_cents),
    )
    return missing_note_elements(face)


def _party(kept: Mapping[str, Any]) -> Party:
    return Party(kept.get("name", ""), kept.get("abn"), kept.get("address"), kept.get("email"))
