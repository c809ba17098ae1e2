"""What the tax office asks of an adjustment note: a linter that names each missing element and who must mend it.

The words, the seller and its ABN, the day, the tax invoice that it adjusts, why, what it does to the price and to the
GST. Where the invoice comes to $1,000 or more, before it or after, also the buyer's identity or ABN.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.values import GstTreatment
from services.billing.domain.abn import is_valid_abn
from services.billing.domain.tax_invoice import BUYER_IDENTITY_FROM_CENTS, Blocker, Owner, Party, seller_gaps


@dataclass(frozen=True, slots=True)
class NoteLine:
    """What it takes off a line of the invoice, or charges more."""

    description: str
    gst_treatment: GstTreatment
    ex_gst_cents: int
    gst_cents: int


@dataclass(frozen=True, slots=True)
class NoteFace:
    """The note as it would be printed: its parties are those of its invoice, as they were frozen with it.

    `invoice_cents` is what the invoice comes to with GST, before or after, whichever is more.
    """

    seller: Party
    buyer: Party
    invoice_number: str | None
    invoice_issued_at: datetime | None
    adjusted_at: datetime | None
    reason: str
    lines: Sequence[NoteLine]
    ex_gst_cents: int
    gst_cents: int
    invoice_cents: int


def missing_note_elements(face: NoteFace) -> tuple[Blocker, ...]:
    """Every element the note would lack, in the order in which it is printed; none means it may be made."""
    return (*seller_gaps(face.seller), *_head_gaps(face), *_line_gaps(face), *_buyer_gaps(face))


def _head_gaps(face: NoteFace) -> Iterator[Blocker]:
    if face.adjusted_at is None:
        yield Blocker("note_date_missing", "the adjustment note has no date", Owner.FINANCE)
    if not (face.invoice_number or "").strip() or face.invoice_issued_at is None:
        detail = "the adjustment note does not say which tax invoice it adjusts"
        yield Blocker("adjusted_invoice_missing", detail, Owner.FINANCE)
    if not face.reason.strip():
        yield Blocker("note_reason_missing", "the adjustment note does not say why", Owner.FINANCE)


def _line_gaps(face: NoteFace) -> Iterator[Blocker]:
    if not face.lines or face.ex_gst_cents <= 0:
        detail = "the adjustment note does not say what it does to the price"
        yield Blocker("price_effect_missing", detail, Owner.FINANCE)
    for number, line in enumerate(face.lines, start=1):
        if not line.description.strip():
            yield Blocker("line_description_missing", f"line {number} does not say what it is of", Owner.FINANCE)
        if line.gst_treatment is GstTreatment.GST_FREE and line.gst_cents != 0:
            yield Blocker("line_taxability_unclear", f"line {number} is GST-free and carries GST", Owner.FINANCE)
    if face.ex_gst_cents != sum(line.ex_gst_cents for line in face.lines):
        yield Blocker("price_effect_wrong", "the lines do not sum to what is taken off or charged", Owner.FINANCE)
    if face.gst_cents != sum(line.gst_cents for line in face.lines):
        yield Blocker("gst_amount_wrong", "the GST of the lines is not the GST of the note", Owner.FINANCE)


def _buyer_gaps(face: NoteFace) -> Iterator[Blocker]:
    if face.invoice_cents < BUYER_IDENTITY_FROM_CENTS:
        return
    if not face.buyer.name.strip() and not is_valid_abn(face.buyer.abn):
        detail = "from $1,000 an adjustment note names the buyer or the buyer's ABN, and its invoice has neither"
        yield Blocker("buyer_identity_missing", detail, Owner.INSTALLER_CARE)
