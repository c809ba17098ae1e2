"""The rules of experts' pay: how a board's pool is split, when a payout may go, what an answer of Stripe means."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

IDEMPOTENCY_WINDOW = timedelta(hours=23)
"""Stripe keeps a key for at least 24 hours. Until shortly before, sending again under the same key is safe; after
that the same key would be a new request, and only looking the transfer up is."""


class PayoutState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    ON_HOLD = "on_hold"
    REVERSED = "reversed"

    @property
    def may_be_sent(self) -> bool:
        return self is PayoutState.READY

    @property
    def was_sent(self) -> bool:
        return self in (PayoutState.SENT, PayoutState.REVERSED)

    @property
    def may_be_released(self) -> bool:
        return self in (PayoutState.ON_HOLD, PayoutState.FAILED)

    @property
    def may_be_reversed(self) -> bool:
        return self is PayoutState.SENT


class PayoutMethod(StrEnum):
    STRIPE_CONNECT = "stripe_connect"
    GNOSIS_SAFE = "gnosis_safe"


class AttemptKind(StrEnum):
    TRANSFER = "transfer"
    REVERSAL = "reversal"


class AttemptOutcome(StrEnum):
    """`pending` is an intent that may or may not have reached Stripe; `unknown` is one whose answer was lost."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        return self in (AttemptOutcome.PENDING, AttemptOutcome.UNKNOWN)


class RuleKind(StrEnum):
    """`fixed`: cents. `percentage`: basis points of the contracted amount. `share`: a weight in the pool's rest."""

    FIXED = "fixed"
    PERCENTAGE = "percentage"
    SHARE = "share"


class HeldReason(StrEnum):
    NO_PARTICIPATION = "no_participation"
    POOL_EXCEEDED = "pool_exceeded"
    NOTHING_LEFT_TO_SHARE = "nothing_left_to_share"


@dataclass(frozen=True, slots=True)
class ParticipationRule:
    """`value` is cents, basis points or a weight, by `kind`."""

    expert_id: UUID
    kind: RuleKind
    value: int


@dataclass(frozen=True, slots=True)
class Split:
    """What each expert earns, in the order of the rules; or why nothing was allocated."""

    amounts_cents: tuple[tuple[UUID, int], ...] = ()
    held: HeldReason | None = None
    detail: str = ""


def pool_of(contracted_amount_cents: int, basis_points: int) -> int:
    """The experts' part in cents, rounded down: the platform keeps the fraction of a cent."""
    return contracted_amount_cents * basis_points // 10_000


def split_pool(contracted_amount_cents: int, pool_cents: int, rules: Sequence[ParticipationRule]) -> Split:
    """Fixed amounts and percentages first, then shares of the rest: with shares the parts sum to the pool exactly.

    Percentages are split together: two of 35 % come to what 70 % does.
    """
    if not rules:
        return Split(held=HeldReason.NO_PARTICIPATION, detail="the board has no participation rules")
    amounts = {rule.expert_id: rule.value for rule in rules if rule.kind is RuleKind.FIXED}
    percentages = [rule for rule in rules if rule.kind is RuleKind.PERCENTAGE]
    amounts |= _parts(percentages, contracted_amount_cents, 10_000)
    left = pool_cents - sum(amounts.values())
    if left < 0:
        return Split(held=HeldReason.POOL_EXCEEDED, detail=f"the rules exceed the pool by {_dollars(-left)}")
    shares = [rule for rule in rules if rule.kind is RuleKind.SHARE]
    if shares and left < len(shares):
        detail = f"{_dollars(left)} is left for those who share the rest: {len(shares)}"
        return Split(held=HeldReason.NOTHING_LEFT_TO_SHARE, detail=detail)
    amounts |= _parts(shares, left, sum(rule.value for rule in shares))
    return Split(tuple((rule.expert_id, amounts[rule.expert_id]) for rule in rules))


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"


def _parts(rules: Sequence[ParticipationRule], of_cents: int, whole: int) -> dict[UUID, int]:
    cents = largest_remainder(of_cents, [rule.value for rule in rules], whole)
    return {rule.expert_id: part for rule, part in zip(rules, cents, strict=True)}


def largest_remainder(of_cents: int, weights: Sequence[int], whole: int) -> list[int]:
    """Each weight's part of `of_cents`, where `whole` is the weight of all of it.

    Together they are what the sum of the weights comes to, rounded down; cents left over go to the largest fractions.
    """
    parts = [of_cents * weight // whole for weight in weights]
    by_fraction = sorted(range(len(weights)), key=lambda place: (-(of_cents * weights[place] % whole), place))
    left = sum(of_cents * weight for weight in weights) // whole - sum(parts) if weights else 0
    for place in by_fraction[:left]:
        parts[place] += 1
    return parts


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that must hold before a payout goes; `reason_code` says what is in the way."""

    name: str
    is_open: bool
    reason_code: str | None = None
    detail: str | None = None


def gates(
    *,
    is_client_paid: bool,
    method: PayoutMethod,
    stripe_account_id: str | None,
    is_expert_active: bool,
    gnosis_safe_enabled: bool,
) -> tuple[Gate, ...]:
    """The checklist as far as we know it ourselves; whether the account can be paid, Stripe is asked at the send."""
    no_sender = "gnosis_safe_has_no_sender" if gnosis_safe_enabled else "gnosis_safe_disabled"
    has_method = method is PayoutMethod.STRIPE_CONNECT
    has_account = method is not PayoutMethod.STRIPE_CONNECT or stripe_account_id is not None
    return (
        Gate("client_paid", is_client_paid, None if is_client_paid else "client_has_not_paid"),
        Gate("expert_active", is_expert_active, None if is_expert_active else "expert_suspended"),
        Gate("method_enabled", has_method, None if has_method else no_sender),
        Gate("account_known", has_account, None if has_account else "no_stripe_account"),
    )


def first_closed(checklist: Sequence[Gate]) -> Gate | None:
    return next((gate for gate in checklist if not gate.is_open), None)


class PayoutDeed(StrEnum):
    """What an operator may do with a payout."""

    RUN = "run"
    RELEASE = "release"
    REVERSE = "reverse"


class Bar(StrEnum):
    """What kind of thing is in the way of a deed."""

    STATE = "state"
    GATE = "gate"
    APPROVAL = "approval"
    UNDER_WAY = "under_way"
    NO_STRIPE = "no_stripe"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`text` goes on after the deed's name; `reason_code` is the closed gate's."""

    bar: Bar
    text: str
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A payout as its deeds look at it. `is_asked_by_me`: whoever looks has asked for it to be sent by hand."""

    state: PayoutState
    checklist: Sequence[Gate] = ()
    is_asked_by_me: bool = False
    has_open_attempt: bool = False
    has_stripe: bool = True


_STANDS = {
    PayoutState.PENDING: "it waits for its client's payment",
    PayoutState.READY: "it is ready",
    PayoutState.SENDING: "it is being sent",
    PayoutState.SENT: "it was sent",
    PayoutState.FAILED: "it has failed",
    PayoutState.ON_HOLD: "it is on hold",
    PayoutState.REVERSED: "it was taken back",
}
REASONS = {
    "client_has_not_paid": "the client has not paid its invoice",
    "expert_suspended": "the expert is suspended",
    "gnosis_safe_disabled": "Gnosis Safe is kept for its history and sends nothing: the expert needs Stripe Connect",
    "gnosis_safe_has_no_sender": "Gnosis Safe has no sender: the expert needs Stripe Connect",
    "no_stripe_account": "the expert has no Stripe account",
    "account_not_payable": "Stripe cannot pay the expert's account",
}
"""Why a payout waits, as a sentence goes on."""


def obstacle_to(deed: PayoutDeed, standing: Standing) -> Obstacle | None:
    """The first thing in the way of it; None where it can be done. The command, its JSON and its page all ask here."""
    may, bars = {
        PayoutDeed.RUN: (standing.state.may_be_sent, _bars_to_send),
        PayoutDeed.RELEASE: (standing.state.may_be_released, lambda _: iter(())),
        PayoutDeed.REVERSE: (standing.state.may_be_reversed, _bars_to_reverse),
    }[deed]
    if not may:
        first = ": release it first" if deed is PayoutDeed.RUN and standing.state.may_be_released else ""
        return Obstacle(Bar.STATE, _STANDS[standing.state] + first)
    return next(bars(standing), None)


def _bars_to_send(standing: Standing) -> Iterator[Obstacle]:
    closed = first_closed(standing.checklist)
    if closed is not None:
        reason = closed.reason_code or closed.name
        yield Obstacle(Bar.GATE, REASONS.get(reason, reason), reason)
    if standing.is_asked_by_me:
        yield Obstacle(Bar.APPROVAL, "whoever asked for it cannot approve it")
    yield from _bars_without_stripe(standing)


def _bars_to_reverse(standing: Standing) -> Iterator[Obstacle]:
    if standing.has_open_attempt:
        yield Obstacle(Bar.UNDER_WAY, "another reversal is under way")
    yield from _bars_without_stripe(standing)


def _bars_without_stripe(standing: Standing) -> Iterator[Obstacle]:
    if not standing.has_stripe:
        yield Obstacle(Bar.NO_STRIPE, "no Stripe key is set")


def obstacle_to_rules(*, is_allocated: bool) -> str | None:
    """Why a board's participation rules cannot be changed."""
    return "its pay is allocated, and its payouts exist" if is_allocated else None


def obstacle_to_allocation(*, is_closed: bool, split: Split) -> str | None:
    """Why the pay of a board that is not allocated cannot be."""
    if not is_closed:
        return "the board is not closed"
    return split.detail if split.held is not None else None


class NextStep(StrEnum):
    SEND_AGAIN = "send_again"
    LOOK_UP = "look_up"


def step_for_open_attempt(first_called_at: datetime, now: datetime) -> NextStep:
    """What is safe for an attempt without answer: the same key again while Stripe surely keeps it, else a look."""
    return NextStep.SEND_AGAIN if now - first_called_at < IDEMPOTENCY_WINDOW else NextStep.LOOK_UP


def look_up_after(age: timedelta) -> timedelta:
    """How long to wait after a call without an answer. Soon, as nobody else is at it; later where that did not help."""
    return min(max(timedelta(seconds=3), age / 10), timedelta(minutes=15))


def idempotency_key(kind: AttemptKind, payout_id: UUID, attempt_no: int) -> str:
    """Deterministic, so that whoever takes an attempt up again sends the very same request."""
    return f"{kind}:{payout_id}:{attempt_no}"


WAITING_REFUSALS = frozenset({"balance_insufficient"})
"""Refusals that a later sweep may see pass by themselves: the payout stays ready, its next attempt has a new number."""
HOLDING_REFUSALS = frozenset({"account_invalid", "insufficient_capabilities_for_transfer", "account_not_payable"})
"""Refusals that pass when Stripe says that the account can be paid."""
HOLDING_GATES = frozenset(
    {"expert_suspended", "gnosis_safe_disabled", "gnosis_safe_has_no_sender", "no_stripe_account"}
)
LOOKED_AT_AGAIN = HOLDING_REFUSALS | HOLDING_GATES
"""What holds a payout until it is over, without anybody's release: each sweep looks."""
CONCLUDED = frozenset({"never_happened", "reversal_never_happened"})
"""Not Stripe's words: looked for in vain when the key was too old to be sent again."""


def state_after_refusal(code: str) -> PayoutState:
    if code in WAITING_REFUSALS:
        return PayoutState.READY
    return PayoutState.ON_HOLD if code in HOLDING_REFUSALS else PayoutState.FAILED


def is_doubtful(refusal_code: str) -> bool:
    """Whether the money may have moved after all. An earlier release took unreadable answers for refusals."""
    return refusal_code in CONCLUDED or refusal_code == "idempotency_error" or refusal_code.startswith("http_")


ACCOUNT_EVENTS = frozenset({"account.updated", "capability.updated", "account.application.deauthorized"})
LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """`stripe_account_id` is None where the event is about nothing that payouts asks after."""

    event_id: str
    type: str
    stripe_account_id: str | None


def read_event(raw: bytes) -> ReceivedEvent | None:
    """None where the body is no event. What it says of the account is not read: Stripe is asked for that."""
    body = _parsed(raw)
    if not isinstance(body, dict):
        return None
    event_id, type_ = _text(body.get("id")), _text(body.get("type"))
    if event_id is None or type_ is None or body.get("object") != "event":
        return None
    return ReceivedEvent(event_id, type_, _text(body.get("account")) if type_ in ACCOUNT_EVENTS else None)


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str | None:
    """Short, and of what a database can hold."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not value.isprintable():
        return None
    return value
