"""Stripe references that are given for drafts, many at once: how a list of them is read, and what becomes of each."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.billing.domain.issuing import STRIPE_INVOICE_PATTERN

MOST_REFERENCES = 500
INVOICE_COLUMN, REFERENCE_COLUMN, URL_COLUMN = "invoice_id", "stripe_invoice_id", "stripe_invoice_url"
_REFERENCE = re.compile(STRIPE_INVOICE_PATTERN)
_ADDRESS = re.compile(r"https://\S{1,1990}")


class ReferenceResult(StrEnum):
    """What becomes of a reference of the list; all but the first two are refused, and change nothing."""

    KEPT = "kept"
    UNCHANGED = "unchanged"
    REPEATED = "repeated_in_list"
    UNKNOWN = "invoice_not_found"
    OF_ANOTHER_MONTH = "invoice_of_another_month"
    NOT_A_DRAFT = "invoice_not_a_draft"
    TAKEN = "stripe_reference_taken"

    @property
    def is_refused(self) -> bool:
        return self not in {ReferenceResult.KEPT, ReferenceResult.UNCHANGED}


@dataclass(frozen=True, slots=True)
class GivenReference:
    invoice_id: UUID
    stripe_invoice_id: str
    stripe_invoice_url: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """An invoice as it stands when a reference is given for it."""

    is_of_month: bool
    is_draft: bool
    stripe_invoice_id: str | None
    stripe_invoice_url: str | None
    is_taken_by_another: bool
    """Whether the reference that is given stands on another invoice."""


@dataclass(frozen=True, slots=True)
class UnreadLine:
    """`number` counts from the head of the list as 1; `column` is the one at fault."""

    number: int
    column: str
    code: str
    message: str


def result_of(given: GivenReference, held: Held | None, *, is_repeated: bool) -> ReferenceResult:
    """`is_repeated`: the list names the invoice or the reference once more, and nobody knows which of them counts."""
    if held is None:
        return ReferenceResult.UNKNOWN
    if is_repeated:
        return ReferenceResult.REPEATED
    if not held.is_of_month:
        return ReferenceResult.OF_ANOTHER_MONTH
    stands_so = held.stripe_invoice_id == given.stripe_invoice_id
    if stands_so and given.stripe_invoice_url in {None, held.stripe_invoice_url}:
        return ReferenceResult.UNCHANGED
    if not held.is_draft:
        return ReferenceResult.NOT_A_DRAFT
    return ReferenceResult.TAKEN if held.is_taken_by_another else ReferenceResult.KEPT


def read_references(written: str) -> tuple[list[GivenReference], list[UnreadLine]]:
    """A CSV with at least the columns of the invoice and its reference, as the month's export has them.

    Lines without a reference are passed over, and so is the same said twice: an invoice of several items has several
    lines there. Everything that cannot be read is named.
    """
    reader = csv.DictReader(io.StringIO(written.removeprefix("\ufeff").strip()))
    missing = [name for name in (INVOICE_COLUMN, REFERENCE_COLUMN) if name not in (reader.fieldnames or ())]
    if missing:
        return [], [UnreadLine(1, name, "column_missing", f"the first line names no column {name}") for name in missing]
    given: dict[GivenReference, None] = {}
    unread: list[UnreadLine] = []
    for number, row in enumerate(reader, start=2):
        cells = {name: (row.get(name) or "").strip() for name in (INVOICE_COLUMN, REFERENCE_COLUMN, URL_COLUMN)}
        if not cells[REFERENCE_COLUMN]:
            continue
        faults = list(_faults(number, cells))
        unread += faults
        if not faults:
            own = GivenReference(UUID(cells[INVOICE_COLUMN]), cells[REFERENCE_COLUMN], cells[URL_COLUMN] or None)
            given[own] = None
    if not given and not unread:
        unread.append(UnreadLine(1, REFERENCE_COLUMN, "references_missing", "no line of the list has a Stripe id"))
    return list(given), [*unread, *_beyond_measure(list(given))]


def _faults(number: int, cells: dict[str, str]) -> Iterator[UnreadLine]:
    if not _is_an_id(cells[INVOICE_COLUMN]):
        yield UnreadLine(number, INVOICE_COLUMN, "invoice_id_invalid", f"line {number} names no invoice's id")
    if not _REFERENCE.fullmatch(cells[REFERENCE_COLUMN]):
        message = f"line {number}: a Stripe invoice's id begins with in_"
        yield UnreadLine(number, REFERENCE_COLUMN, "stripe_reference_invalid", message)
    if cells[URL_COLUMN] and not _ADDRESS.fullmatch(cells[URL_COLUMN]):
        message = f"line {number}: an address begins with https://"
        yield UnreadLine(number, URL_COLUMN, "address_invalid", message)


def _beyond_measure(given: Sequence[GivenReference]) -> Iterator[UnreadLine]:
    if len(given) > MOST_REFERENCES:
        message = f"{len(given):,} references are given, and {MOST_REFERENCES} are kept at once: send the rest after it"
        yield UnreadLine(0, REFERENCE_COLUMN, "too_many_references", message)


def _is_an_id(written: str) -> bool:
    try:
        UUID(written)
    except ValueError:
        return False
    return True
