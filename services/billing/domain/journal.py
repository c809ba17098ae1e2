"""What each money event means in the books: double entry, in integer cents, debit positive and credit negative."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

CURRENCY = "AUD"


class LedgerAccount(StrEnum):
    RECEIVABLE = "receivable"
    REVENUE = "revenue"
    GST_PAYABLE = "gst_payable"
    CUSTOMER_CREDIT = "customer_credit"
    CREDITS_GIVEN = "credits_given"
    CASH = "cash"
    STRIPE_CLEARING = "stripe_clearing"
    EXPERT_COST = "expert_cost"
    EXPERT_PAYABLE = "expert_payable"


class PostingKind(StrEnum):
    INVOICE_ISSUED = "invoice_issued"
    INVOICE_VOIDED = "invoice_voided"
    PAYMENT_RECEIVED = "payment_received"
    CREDIT_GIVEN = "credit_given"
    DEBIT_CHARGED = "debit_charged"
    CREDIT_APPLIED = "credit_applied"
    PAYOUT_ALLOCATED = "payout_allocated"
    PAYOUT_SENT = "payout_sent"
    PAYOUT_REVERSED = "payout_reversed"


@dataclass(frozen=True, slots=True)
class Entry:
    account: LedgerAccount
    amount_cents: int
    """Debit positive, credit negative."""


class Unbalanced(ValueError):
    """A posting whose entries do not sum to zero is a fault of the program, never of its caller."""


@dataclass(frozen=True, slots=True)
class Posting:
    """`source_key` names the fact it records: the same fact is posted once. `party_id` is who owes or is owed."""

    source_key: str
    kind: PostingKind
    occurred_at: datetime
    entries: tuple[Entry, ...]
    party_id: UUID | None = None
    invoice_id: UUID | None = None
    payout_id: UUID | None = None
    currency: str = CURRENCY

    def __post_init__(self) -> None:
        if sum(entry.amount_cents for entry in self.entries) != 0:
            raise Unbalanced(self.source_key)


def transfer(debit: LedgerAccount, credit: LedgerAccount, amount_cents: int) -> tuple[Entry, ...]:
    return (Entry(debit, amount_cents), Entry(credit, -amount_cents))


def _nonzero(*entries: Entry) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.amount_cents)


def invoice_entries(ex_gst_cents: int, gst_cents: int) -> tuple[Entry, ...]:
    """Revenue is recognised when the invoice is issued: the invoice is the tax point of GST too."""
    return _nonzero(
        Entry(LedgerAccount.RECEIVABLE, ex_gst_cents + gst_cents),
        Entry(LedgerAccount.REVENUE, -ex_gst_cents),
        Entry(LedgerAccount.GST_PAYABLE, -gst_cents),
    )


def credit_entries(ex_gst_cents: int, gst_cents: int, excess_cents: int = 0) -> tuple[Entry, ...]:
    """A credit is shown beside the revenue, not hidden in it; its GST is taken back.

    What of it is more than is still owed was paid before, and is the customer's now.
    """
    return _nonzero(
        Entry(LedgerAccount.CREDITS_GIVEN, ex_gst_cents),
        Entry(LedgerAccount.GST_PAYABLE, gst_cents),
        Entry(LedgerAccount.RECEIVABLE, excess_cents - ex_gst_cents - gst_cents),
        Entry(LedgerAccount.CUSTOMER_CREDIT, -excess_cents),
    )


def payment_entries(into: LedgerAccount, amount_cents: int, excess_cents: int) -> tuple[Entry, ...]:
    """All that came in; what of it is more than is owed is not ours but the customer's."""
    return _nonzero(
        Entry(into, amount_cents),
        Entry(LedgerAccount.RECEIVABLE, excess_cents - amount_cents),
        Entry(LedgerAccount.CUSTOMER_CREDIT, -excess_cents),
    )


def reversing_entries(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """One entry per account that undoes all of `entries`; accounts already at zero are left out."""
    sums: dict[LedgerAccount, int] = {}
    for entry in entries:
        sums[entry.account] = sums.get(entry.account, 0) - entry.amount_cents
    return _nonzero(*(Entry(account, cents) for account, cents in sums.items()))
