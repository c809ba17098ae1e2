"""Our books beside Stripe's: what is compared, in what the two differ, and what a person can do about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

COMPARED_SINCE = timedelta(days=90)
"""What is older was listed before, and changes seldom; from the oldest that is open there on, all is listed again."""
CADENCE = timedelta(days=7)
"""So often a person looks at what is open, and says so."""
LATE_AFTER = timedelta(hours=24)
"""An amount that differs for longer is nobody's money in transit."""


class ItemKind(StrEnum):
    """What of Stripe's is listed. A movement is a row of its balance."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    CHARGE = "charge"
    REFUND = "refund"
    MOVEMENT = "movement"


class About(StrEnum):
    """What differs. Of the balance there is one: ours is the clearing account's in the journal."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    REFUND = "refund"
    TRANSFER = "transfer"
    MOVEMENT = "movement"
    BALANCE = "balance"


class DifferenceKind(StrEnum):
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    STATE = "state"
    FEE = "fee"


class DifferenceState(StrEnum):
    """A difference that is gone closed itself: the last comparison did not find it any more."""

    OPEN = "open"
    GONE = "gone"
    ACCEPTED = "accepted"


class AcceptReason(StrEnum):
    TIMING = "timing"
    SETTLED_ELSEWHERE = "settled_elsewhere"
    NOT_OURS = "not_ours"
    IMMATERIAL = "immaterial"


class RunMode(StrEnum):
    """Stripe is asked, or a report that a person took from it is uploaded."""

    ASKED = "asked"
    UPLOADED = "uploaded"


class Stage(StrEnum):
    """How far a run has come: each list in its turn, then the comparison."""

    INVOICES = "invoices"
    CREDIT_NOTES = "credit_notes"
    CHARGES = "charges"
    REFUNDS = "refunds"
    MOVEMENTS = "movements"
    BALANCE = "balance"
    COMPARING = "comparing"
    FINISHED = "finished"

    @property
    def next(self) -> "Stage":
        stages = list(Stage)
        return stages[stages.index(self) + 1]


LISTED = {
    Stage.INVOICES: ItemKind.INVOICE,
    Stage.CREDIT_NOTES: ItemKind.CREDIT_NOTE,
    Stage.CHARGES: ItemKind.CHARGE,
    Stage.REFUNDS: ItemKind.REFUND,
    Stage.MOVEMENTS: ItemKind.MOVEMENT,
}


class Report(StrEnum):
    """What a person can take from Stripe's dashboard: its balance's rows, or its invoices."""

    BALANCE = "balance"
    INVOICES = "invoices"


COVERED: Mapping[Report, Sequence[About]] = {
    Report.BALANCE: (About.PAYMENT, About.REFUND, About.TRANSFER, About.MOVEMENT),
    Report.INVOICES: (About.INVOICE,),
}

MOVED_TYPES = frozenset({"payout", "payout_cancel", "payout_failure", "topup", "topup_reversal"})
"""Money between Stripe's balance and our bank."""
FEE_TYPES = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost"})
"""Rows that are a fee themselves, beside the fee of a row."""


@dataclass(frozen=True, slots=True)
class StripeItem:
    """A thing of Stripe's as it was seen. `amount_cents` is signed for a movement: money out is negative.

    `source_ref` is what a movement is of, or the invoice of a credit note; `payment_ref` is the payment's lasting id.
    """

    kind: ItemKind
    stripe_id: str
    state: str
    amount_cents: int
    currency: str
    occurred_at: datetime
    fee_cents: int = 0
    type: str | None = None
    source_ref: str | None = None
    payment_ref: str | None = None


def fee_of(item: StripeItem) -> int:
    """All that Stripe took with this movement."""
    return item.fee_cents - (item.amount_cents if item.type in FEE_TYPES else 0)


def to_bank_cents(item: StripeItem) -> int:
    return -item.amount_cents if item.type in MOVED_TYPES else 0


CURES: Mapping[str, str] = {
    "invoice_not_here": "Give it to the invoice of ours that was made under it, or void it at Stripe.",
    "invoice_not_at_stripe": "Make it at Stripe, or void ours and issue it again under the right reference.",
    "invoice_amount_differs": "Correct it at Stripe; ours does not change once it is issued: credit or debit it.",
    "invoice_state_differs": "Record what was paid, or mark it at Stripe as paid elsewhere, void or uncollectible.",
    "payment_not_here": "Record it on its invoice.",
    "payment_not_at_stripe": "Look the reference up at Stripe; reverse ours if nothing came in.",
    "payment_amount_differs": "Reverse ours and record what Stripe has.",
    "payment_state_differs": "Reverse ours: Stripe has not got the money.",
    "refund_not_here": "Reverse the payment here, on its invoice's page, by what was refunded.",
    "refund_not_at_stripe": "Refund it at Stripe.",
    "refund_amount_differs": "Refund the rest at Stripe, or reverse the rest here.",
    "credit_note_not_here": "Give the credit here, or void the note at Stripe.",
    "credit_note_not_at_stripe": "Make the credit note at Stripe.",
    "credit_note_amount_differs": "Make the two equal: a further credit here, or a further note there.",
    "transfer_not_here": "See the expert's payout: it was sent by hand, or its news is on its way.",
    "transfer_not_at_stripe": "See the expert's payout: Stripe has no such transfer.",
    "transfer_amount_differs": "See the expert's payout, and tell the platform's keepers.",
    "movement_not_here": "Record it, or reverse the payment that it is of under its id.",
    "movement_amount_differs": "Record what is missing of it.",
    "fee_differs": "Record what Stripe took.",
    "currency_not_kept": "Our books are in AUD: settle it at Stripe, and accept it here.",
    "balance_amount_differs": "Work off the other differences; what is left then is still on its way.",
}
"""What a person does about a difference, by its code."""


class Deed(StrEnum):
    """What a person can do about a difference; the same words in the API and on the page."""

    ASSIGN = "assign"
    RECORD = "record"
    LOOK_UP = "look_up"
    REFER = "refer"
    ACCEPT = "accept"


class DeedObstacle(StrEnum):
    """Why not, as a sentence goes on after it."""

    GONE = "it is gone by itself"
    ACCEPTED = "it is accepted"
    NOT_CONNECTED = "no key of Stripe's is set: upload a newer report instead"
    NOTHING_TO_RECORD = "nothing is missing here that can be recorded from what Stripe says"
    NO_REFERENCE = "only an invoice of Stripe's that no invoice of ours names can be given to one"
    NOTHING_TO_ASK = "the balance is asked for with everything else, by a comparison"


@dataclass(frozen=True, slots=True)
class Standing:
    """`can_be_posted`: what Stripe says of a movement is posted as it is: a fee, or money to and from the bank."""

    about: About
    kind: DifferenceKind
    state: DifferenceState
    is_connected: bool
    can_be_posted: bool


def obstacle_to(deed: Deed, it: Standing) -> DeedObstacle | None:
    """The first thing in the way of it; None where it can be done."""
    if it.state is DifferenceState.GONE:
        return DeedObstacle.GONE
    return next((why for of, holds, why in _RULES if of is deed and holds(it)), None)


def _is_recordable(it: Standing) -> bool:
    if it.about is About.PAYMENT:
        return it.kind is DifferenceKind.MISSING_HERE
    return it.about is About.MOVEMENT and it.can_be_posted


def _is_unnamed(it: Standing) -> bool:
    return (it.about, it.kind) == (About.INVOICE, DifferenceKind.MISSING_HERE)


# Of which deed what is in the way when; the first that holds is told.
_RULES: tuple[tuple[Deed, Callable[[Standing], bool], DeedObstacle], ...] = (
    (Deed.ACCEPT, lambda it: it.state is DifferenceState.ACCEPTED, DeedObstacle.ACCEPTED),
    (Deed.RECORD, lambda it: not _is_recordable(it), DeedObstacle.NOTHING_TO_RECORD),
    (Deed.REFER, lambda it: not _is_unnamed(it), DeedObstacle.NO_REFERENCE),
    (Deed.LOOK_UP, lambda it: it.about is About.BALANCE, DeedObstacle.NOTHING_TO_ASK),
    (Deed.LOOK_UP, lambda it: not it.is_connected, DeedObstacle.NOT_CONNECTED),
)


@dataclass(frozen=True, slots=True)
class Cadence:
    """When a person last said that the books were held against Stripe, and when that is due again."""

    last_at: datetime | None
    last_by: str | None

    @property
    def due_at(self) -> datetime | None:
        """None where nobody ever has: it is due."""
        return self.last_at + CADENCE if self.last_at else None

    def is_overdue(self, now: datetime) -> bool:
        return self.due_at is None or self.due_at < now
