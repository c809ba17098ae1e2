"""A credit that is asked for: the road it takes, and who decides on what is only proposed."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from services.billing.domain.statuses import DocumentStatus, EventStatus


class CreditResult(StrEnum):
    """What became of a request, in the words of the wire; None before billing knows of its delivery."""

    PROPOSED = "proposed"
    WAITS_FOR_INVOICE = "waits_for_invoice"
    PENDING_APPROVAL = "pending_approval"
    CREDITED = "credited"
    VOIDED = "voided"
    NOT_CHARGED = "not_charged"
    DECLINED = "declined"
    REFUSED = "refused"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset(
    {
        CreditResult.CREDITED,
        CreditResult.VOIDED,
        CreditResult.NOT_CHARGED,
        CreditResult.DECLINED,
        CreditResult.REFUSED,
    }
)
UNDER_WAY = frozenset({CreditResult.WAITS_FOR_INVOICE, CreditResult.PENDING_APPROVAL})
"""It is agreed to, and money will move by itself or by a second operator."""
DONE_AT_ONCE = frozenset({CreditResult.CREDITED, CreditResult.VOIDED})


class Why(StrEnum):
    """Why a request ends without money, or waits, as a sentence of its own."""

    NO_PRICE = "The delivery has no price yet: ask again once it has one"
    COSTS_NOTHING = "The delivery costs nothing"
    CREDITED = "It was credited already"
    VOID = "It is void: nothing bills it"
    ASKED_ALREADY = "Another request for this delivery is under way"
    BY_A_DEBIT = "A debit charges it: it stands on no line that could be credited"
    INVOICE_VOID = "Its invoice was voided: ask again once it is billed"
    TURNED_DOWN = "A second operator turned it down"
    DECLINED = "Finance declined it: why stands with the proposal"
    ON_A_DRAFT = "It stands on a draft, and is credited right after the issue"
    WRITTEN_OFF = "Its invoice is written off: ask again once that is reversed"
    OVER_THE_LIMIT = "It is over the limit of one operator: it is billed, and its credit agreed to by a second one"


class Bill(StrEnum):
    """What bills a delivery now."""

    NOTHING = "nothing"
    DRAFT = "draft"
    ISSUED = "issued"
    DEBIT = "debit"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class Charge:
    """A delivery as it is charged. `inc_gst_cents` is what one operator would let go."""

    status: EventStatus
    bill: Bill
    inc_gst_cents: int


@dataclass(frozen=True, slots=True)
class Road:
    """`result` is what it comes to at once; None stays as it is, CREDITED and VOIDED are still to be done."""

    result: CreditResult | None
    why: Why | None = None


STAYS = Road(None)


def bill_of(document_status: DocumentStatus | None, *, is_by_debit: bool, is_written_off: bool) -> Bill:
    if is_by_debit:
        return Bill.DEBIT
    if is_written_off:
        return Bill.WRITTEN_OFF
    if document_status is None:
        return Bill.NOTHING
    return Bill.ISSUED if document_status is DocumentStatus.ISSUED else Bill.DRAFT


def road_of(charge: Charge | None, *, is_held: bool, is_undecided: bool, is_under_way: bool, limit_cents: int) -> Road:
    """`is_undecided`: finance has to agree first. `is_under_way`: another request for the delivery is agreed to."""
    if charge is None:
        return _without_price(is_undecided=is_undecided) if is_held else STAYS
    if (why := _never_charged(charge)) is not None:
        return Road(CreditResult.NOT_CHARGED, why)
    if is_under_way and not is_undecided:
        return Road(CreditResult.REFUSED, Why.ASKED_ALREADY)
    if charge.bill is Bill.DEBIT:
        return Road(CreditResult.REFUSED, Why.BY_A_DEBIT)
    if charge.bill is Bill.WRITTEN_OFF:
        return Road(CreditResult.REFUSED, Why.WRITTEN_OFF)
    return Road(CreditResult.PROPOSED) if is_undecided else _agreed(charge, limit_cents)


def _without_price(*, is_undecided: bool) -> Road:
    """A proposal can wait for its price, as it waits for finance anyway."""
    return Road(CreditResult.PROPOSED) if is_undecided else Road(CreditResult.REFUSED, Why.NO_PRICE)


def _never_charged(charge: Charge) -> Why | None:
    if charge.status is EventStatus.CREDITED:
        return Why.CREDITED
    if charge.status is EventStatus.VOID:
        return Why.VOID
    return Why.COSTS_NOTHING if charge.inc_gst_cents == 0 else None


def _agreed(charge: Charge, limit_cents: int) -> Road:
    if charge.bill is Bill.ISSUED:
        return Road(CreditResult.CREDITED)
    if charge.bill is Bill.DRAFT:
        return Road(CreditResult.WAITS_FOR_INVOICE, Why.ON_A_DRAFT)
    if charge.inc_gst_cents > limit_cents:
        return Road(CreditResult.WAITS_FOR_INVOICE, Why.OVER_THE_LIMIT)
    return Road(CreditResult.VOIDED)


class ProposalAction(StrEnum):
    """The same words in the API and on the page."""

    AGREE = "agree"
    DECLINE = "decline"


class ProposalObstacle(StrEnum):
    """Why a proposal cannot be decided (any more), as a sentence goes on after the action's name."""

    NOT_PROPOSED = "nobody proposed it: it was asked for by who may"
    UNKNOWN_DELIVERY = "billing does not know of its delivery yet"
    AGREED = "it was agreed to"
    DECLINED = "it was declined"
    OVER = "it is settled: the delivery is not charged"
    NO_PRICE = "its delivery has no price yet: add a plan that covers it"
    UNDER_WAY = "another credit of its delivery is under way"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where a request stands, as far as it decides what finance can do with it."""

    result: CreditResult | None
    is_proposal: bool = True
    is_agreed: bool = False
    is_held: bool = False
    is_under_way: bool = False
    """Another request for its delivery is agreed to."""


_AGREE = frozenset({ProposalAction.AGREE})
# Of which actions what is in the way when; the first that holds is told.
_RULES: tuple[tuple[frozenset[ProposalAction], Callable[[Proposal], bool], ProposalObstacle], ...] = (
    (frozenset(ProposalAction), lambda it: not it.is_proposal, ProposalObstacle.NOT_PROPOSED),
    (frozenset(ProposalAction), lambda it: it.result is None, ProposalObstacle.UNKNOWN_DELIVERY),
    (frozenset(ProposalAction), lambda it: it.result is CreditResult.DECLINED, ProposalObstacle.DECLINED),
    (frozenset(ProposalAction), lambda it: it.is_agreed, ProposalObstacle.AGREED),
    (frozenset(ProposalAction), lambda it: it.result is not CreditResult.PROPOSED, ProposalObstacle.OVER),
    (_AGREE, lambda it: it.is_held, ProposalObstacle.NO_PRICE),
    (_AGREE, lambda it: it.is_under_way, ProposalObstacle.UNDER_WAY),
)


def obstacle_to(action: ProposalAction, proposal: Proposal) -> ProposalObstacle | None:
    """The first thing in the way of it; None where it can be done."""
    return next((why for actions, holds, why in _RULES if action in actions and holds(proposal)), None)
