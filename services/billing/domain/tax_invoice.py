"""What the tax office asks of a tax invoice: a linter that names each missing element and who must mend it.

Below $1,000 (with GST): the words, the seller and its ABN, the issue date, what was sold with quantity and price, the
GST, and the extent to which each line is taxable. From $1,000: the buyer's identity or ABN as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts.values import GstTreatment
from services.billing.domain.abn import is_valid_abn

BUYER_IDENTITY_FROM_CENTS = 100_000


class Owner(StrEnum):
    """Who can take a blocker away."""

    FINANCE = "finance"
    INSTALLER_CARE = "installer_care"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Blocker:
    code: str
    detail: str
    owner: Owner


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or a buyer as it stands on the face; empty strings are missing ones."""

    name: str
    abn: str | None
    address: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class FaceLine:
    """A line, or several that lack nothing in one sum. Without a `line_no` it is told by its place."""

    description: str
    quantity: int
    unit_price_cents: int
    gst_treatment: GstTreatment
    gst_cents: int
    inc_gst_cents: int
    line_no: int | None = None


@dataclass(frozen=True, slots=True)
class Face:
    """The invoice as it would be printed; `issued_at` is the instant of issue that is about to be."""

    seller: Party
    buyer: Party
    issued_at: datetime | None
    lines: Sequence[FaceLine]
    gst_cents: int
    total_cents: int


def missing_elements(face: Face) -> tuple[Blocker, ...]:
    """Every element the document would lack, in the order in which it is printed; none means it may be issued."""
    return (*seller_gaps(face.seller), *_face_gaps(face), *_line_gaps(face.lines), *_buyer_gaps(face))


def seller_gaps(seller: Party) -> Iterator[Blocker]:
    if not seller.name.strip():
        yield Blocker("seller_name_missing", "the seller's name is not set (SELLER_NAME)", Owner.PLATFORM)
    if not (seller.abn or "").strip():
        yield Blocker("seller_abn_missing", "the seller's ABN is not set (SELLER_ABN)", Owner.PLATFORM)
    elif not is_valid_abn(seller.abn):
        yield Blocker("seller_abn_invalid", "the seller's ABN fails its check digits (SELLER_ABN)", Owner.PLATFORM)
    if not (seller.address or "").strip():
        yield Blocker("seller_address_missing", "the seller's address is not set (SELLER_ADDRESS)", Owner.PLATFORM)


def _face_gaps(face: Face) -> Iterator[Blocker]:
    if face.issued_at is None:
        yield Blocker("issue_date_missing", "the invoice has no issue date", Owner.FINANCE)
    if face.gst_cents != sum(line.gst_cents for line in face.lines):
        yield Blocker("gst_amount_wrong", "the GST of the lines is not the GST of the invoice", Owner.FINANCE)
    if face.total_cents != sum(line.inc_gst_cents for line in face.lines):
        yield Blocker("total_wrong", "the lines do not sum to the total", Owner.FINANCE)


def _line_gaps(lines: Sequence[FaceLine]) -> Iterator[Blocker]:
    if not lines:
        yield Blocker("lines_missing", "the invoice has no lines", Owner.FINANCE)
    for place, line in enumerate(lines, start=1):
        number = line.line_no or place
        if not line.description.strip():
            yield Blocker("line_description_missing", f"line {number} does not say what was sold", Owner.FINANCE)
        if line.quantity < 1:
            yield Blocker("line_quantity_missing", f"line {number} has no quantity", Owner.FINANCE)
        if line.gst_treatment is GstTreatment.GST_FREE and line.gst_cents != 0:
            yield Blocker("line_taxability_unclear", f"line {number} is GST-free and carries GST", Owner.FINANCE)


def _buyer_gaps(face: Face) -> Iterator[Blocker]:
    if face.total_cents < BUYER_IDENTITY_FROM_CENTS:
        return
    if not face.buyer.name.strip() and not is_valid_abn(face.buyer.abn):
        detail = "from $1,000 a tax invoice names the buyer or the buyer's ABN, and the account has neither"
        yield Blocker("buyer_identity_missing", detail, Owner.INSTALLER_CARE)
