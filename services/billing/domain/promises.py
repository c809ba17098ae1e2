"""Promises to pay: what may be promised, when one is kept or broken, and what is done next about an overdue invoice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.values import InvoiceKind


class PromiseState(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


class PromiseAction(StrEnum):
    """What can be done about what was promised; the same words in the API and on the page."""

    PROMISE = "promise"
    WITHDRAW = "withdraw_promise"


class PromiseObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    NOT_OWED = "nothing is owed on it"
    PROMISED = "a promise about it is open: withdraw that first"
    NOTHING_OPEN = "no promise about it is open"


def obstacle_to(action: PromiseAction, owed_cents: int, *, has_open: bool) -> PromiseObstacle | None:
    """The first thing in the way of it; None where it can be done."""
    if action is PromiseAction.WITHDRAW:
        return None if has_open else PromiseObstacle.NOTHING_OPEN
    if owed_cents <= 0:
        return PromiseObstacle.NOT_OWED
    return PromiseObstacle.PROMISED if has_open else None


@dataclass(frozen=True, slots=True)
class Promised:
    """`settled_before_cents` had paid for the invoice when it was promised. A part of what is owed may be promised."""

    amount_cents: int
    promised_for: date
    settled_before_cents: int


def judged(promise: Promised, owed_cents: int, settled_cents: int, today: date, *, is_issued: bool) -> PromiseState:
    """What becomes of an open promise as its invoice stands, seen from a day of the business.

    It may be kept early. The day that was promised is the customer's to its end. Of an invoice that is void, or of
    which nothing is waited for any more without having come in, there is nothing left to keep.
    """
    if not is_issued:
        return PromiseState.WITHDRAWN
    if settled_cents - promise.settled_before_cents >= promise.amount_cents:
        return PromiseState.KEPT
    if owed_cents == 0:
        return PromiseState.KEPT if settled_cents > promise.settled_before_cents else PromiseState.WITHDRAWN
    return PromiseState.BROKEN if promise.promised_for < today else PromiseState.OPEN


class NextStep(StrEnum):
    """What is to be done next about an invoice that is owed; the later the harder."""

    WAIT = "wait"
    AWAIT_PROMISE = "await_promise"
    CHASE_BROKEN_PROMISE = "chase_broken_promise"
    REMIND = "remind"
    CALL = "call"
    CREDIT_HOLD = "credit_hold"
    LAST_NOTICE = "last_notice"
    DECIDE_WRITE_OFF = "decide_write_off"


def _steps(after_calling: NextStep) -> tuple[tuple[int, NextStep], ...]:
    return ((1, NextStep.REMIND), (8, NextStep.CALL), (31, after_calling), (61, NextStep.DECIDE_WRITE_OFF))


STEPS: Mapping[InvoiceKind, Sequence[tuple[int, NextStep]]] = {
    InvoiceKind.INSTALLER: _steps(NextStep.CREDIT_HOLD),
    InvoiceKind.CLIENT: _steps(NextStep.LAST_NOTICE),
}
"""From how many days overdue on. A client gets no leads that could be held back."""


def next_step(kind: InvoiceKind, days_overdue: int, promise: PromiseState | None, *, is_held: bool = False) -> NextStep:
    """By the last promise about it: an open one is waited for, a broken one comes before what its age asks.

    `is_held`: whose it is stands on credit hold already.
    """
    if promise is PromiseState.OPEN:
        return NextStep.AWAIT_PROMISE
    if promise is PromiseState.BROKEN:
        return NextStep.CHASE_BROKEN_PROMISE
    step = next((step for days, step in reversed(STEPS[kind]) if days_overdue >= days), NextStep.WAIT)
    return NextStep.LAST_NOTICE if is_held and step is NextStep.CREDIT_HOLD else step
