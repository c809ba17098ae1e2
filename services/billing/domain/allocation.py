"""Which invoices a sum of money pays for, and what of it none takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed on an issued invoice; `number` orders those that are due at one instant."""

    invoice_id: UUID
    number: str
    due_at: datetime
    cents: int


def oldest_first(amount_cents: int, owed: Sequence[Owed]) -> dict[UUID, int]:
    """Whole invoices by the day they are due, then a part of the next one; what is left over is the rest."""
    parts: dict[UUID, int] = {}
    left = amount_cents
    for each in sorted(owed, key=lambda it: (it.due_at, it.number)):
        part = min(left, each.cents)
        if part:
            parts[each.invoice_id] = part
        left -= part
    return parts


def rest_of(amount_cents: int, parts: Mapping[UUID, int]) -> int:
    """Negative where the parts are more than the sum."""
    return amount_cents - sum(parts.values())
