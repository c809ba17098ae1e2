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
    BAD_DEBTS = "bad_debts"
    CASH = "cash"
    STRIPE_CLEARING = "stripe_clearing"
    STRIPE_FEES = "stripe_fees"
    EXPERT_COST = "expert_cost"
    EXPERT_PAYABLE = "expert_payable"


class PostingKind(StrEnum):
    INVOICE_ISSUED = "invoice_issued"
    INVOICE_VOIDED = "invoice_voided"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_REVERSED = "payment_reversed"
    CASH_UNAPPLIED = "cash_unapplied"
    CREDIT_GIVEN = "credit_given"
    DEBIT_CHARGED = "debit_charged"
    CREDIT_APPLIED = "credit_applied"
    CREDIT_UNAPPLIED = "credit_unapplied"
    WRITTEN_OFF = "written_off"
    WRITE_OFF_REVERSED = "write_off_reversed"
    STRIPE_FEE = "stripe_fee"
    STRIPE_MOVED = "stripe_moved"
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


def unapplied_entries(into: LedgerAccount, rest_cents: int) -> tuple[Entry, ...]:
    """What of a receipt no invoice takes is the customer's. Taken back again by `rest_reversed_entries`."""
    return transfer(into, LedgerAccount.CUSTOMER_CREDIT, rest_cents)


def rest_reversed_entries(out_of: LedgerAccount, amount_cents: int) -> tuple[Entry, ...]:
    return transfer(LedgerAccount.CUSTOMER_CREDIT, out_of, amount_cents)


def payment_reversed_entries(out_of: LedgerAccount, amount_cents: int, left_over_cents: int) -> tuple[Entry, ...]:
    """Out of where it lay. What the invoice left to its customer goes first, the rest of it is owed again.

    `left_over_cents` is the invoice's customer credit before; negative, it had come from elsewhere and stays.
    """
    from_credit_cents = min(amount_cents, max(0, left_over_cents))
    return _nonzero(
        Entry(LedgerAccount.RECEIVABLE, amount_cents - from_credit_cents),
        Entry(LedgerAccount.CUSTOMER_CREDIT, from_credit_cents),
        Entry(out_of, -amount_cents),
    )


def credit_applied_entries(amount_cents: int) -> tuple[Entry, ...]:
    """What the customer has with us pays for an invoice."""
    return transfer(LedgerAccount.CUSTOMER_CREDIT, LedgerAccount.RECEIVABLE, amount_cents)


def credit_unapplied_entries(amount_cents: int) -> tuple[Entry, ...]:
    return transfer(LedgerAccount.RECEIVABLE, LedgerAccount.CUSTOMER_CREDIT, amount_cents)


def written_off_entries(amount_cents: int, gst_cents: int) -> tuple[Entry, ...]:
    """`amount_cents` is with GST: the GST of a bad debt is taken back, the rest of it is lost."""
    return _nonzero(
        Entry(LedgerAccount.BAD_DEBTS, amount_cents - gst_cents),
        Entry(LedgerAccount.GST_PAYABLE, gst_cents),
        Entry(LedgerAccount.RECEIVABLE, -amount_cents),
    )


def write_off_reversed_entries(amount_cents: int, gst_cents: int) -> tuple[Entry, ...]:
    return reversing_entries(written_off_entries(amount_cents, gst_cents))


def stripe_fee_entries(fee_cents: int) -> tuple[Entry, ...]:
    """Gross, as Stripe takes it; negative where it gives one back."""
    return _nonzero(*transfer(LedgerAccount.STRIPE_FEES, LedgerAccount.STRIPE_CLEARING, fee_cents))


def stripe_moved_entries(to_bank_cents: int) -> tuple[Entry, ...]:
    """A pay-out to the bank; a top-up is negative."""
    return _nonzero(*transfer(LedgerAccount.CASH, LedgerAccount.STRIPE_CLEARING, to_bank_cents))


def reversing_entries(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """One entry per account that undoes all of `entries`; accounts already at zero are left out."""
    sums: dict[LedgerAccount, int] = {}
    for entry in entries:
        sums[entry.account] = sums.get(entry.account, 0) - entry.amount_cents
    return _nonzero(*(Entry(account, cents) for account, cents in sums.items()))
