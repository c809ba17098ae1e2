"""Stripe Connect in the process: what the gateway's suite says of the real thing holds of it too."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from services.payouts.domain import AttemptKind
from services.payouts.stripe_gateway import MoneyOrder, Outcome, Payability, Refused, Succeeded, Unknown


@dataclass
class FakeGateway:
    """`lose_answers` does the work and loses that many answers; `away` leaves so many questions unanswered, and
    `silent_about` those about these accounts. While it `hides`, it finds nothing of what was done.
    """

    available: int = 0
    payable: dict[str, Payability] = field(default_factory=dict)
    done: dict[str, tuple[MoneyOrder, Outcome]] = field(default_factory=dict)
    lose_answers: int = 0
    away: int = 0
    silent_about: set[str] = field(default_factory=set)
    hides: bool = False
    transfer_refusal: str = ""
    reversal_refusal: str = ""
    calls: list[MoneyOrder] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def open_account(self, account_id: str) -> str:
        self.payable[account_id] = Payability(True)
        return account_id

    async def execute(self, order: MoneyOrder) -> Outcome:
        self.calls.append(order)
        if order.idempotency_key not in self.done:
            self.done[order.idempotency_key] = (order, self._decide(order))
        if self.lose_answers > 0:
            self.lose_answers -= 1
            return Unknown("no_answer")
        return self.done[order.idempotency_key][1]

    def _decide(self, order: MoneyOrder) -> Outcome:
        if order.kind is AttemptKind.REVERSAL:
            return self._reverse(order)
        if self.transfer_refusal:
            return Refused(self.transfer_refusal, "refused")
        if order.destination not in self.payable:
            return Refused("account_invalid", "no such account")
        if not self.payable[order.destination].can_be_paid:
            return Refused("insufficient_capabilities_for_transfer", "transfers are not active")
        if order.amount_cents > self.available:
            return Refused("balance_insufficient", "the balance does not do")
        self.available -= order.amount_cents
        return Succeeded(f"tr_{next(self._numbers):024d}")

    def _reverse(self, order: MoneyOrder) -> Outcome:
        if self.reversal_refusal:
            return Refused(self.reversal_refusal, "refused")
        transferred = sum(
            o.amount_cents for o, outcome in self.done.values() if outcome == Succeeded(order.source_id or "")
        )
        reversed_before = sum(
            o.amount_cents
            for o, outcome in self.done.values()
            if o.source_id == order.source_id and isinstance(outcome, Succeeded) and o.kind is AttemptKind.REVERSAL
        )
        if order.amount_cents > transferred - reversed_before:
            return Refused("amount_too_large", "more than is left")
        self.available += order.amount_cents
        return Succeeded(f"trr_{next(self._numbers):024d}")

    async def find(self, order: MoneyOrder) -> Succeeded | Unknown | None:
        if self._is_away():
            return Unknown("away")
        if self.hides:
            return None
        done = [outcome for made, outcome in self.done.values() if made == order]
        return next((outcome for outcome in done if isinstance(outcome, Succeeded)), None)

    async def payability(self, account_id: str) -> Payability | Unknown:
        if account_id in self.silent_about or self._is_away():
            return Unknown("away")
        return self.payable.get(account_id, Payability(False, "account_invalid"))

    async def available_cents(self, currency: str) -> int | Unknown:
        if self._is_away():
            return Unknown("away")
        return self.available if currency == "AUD" else 0

    def _is_away(self) -> bool:
        self.away, was_away = max(0, self.away - 1), self.away > 0
        return was_away

    async def close(self) -> None:
        """Nothing is open."""

    def forget_keys(self) -> None:
        """As Stripe does after a day: the transfers stay, their keys are gone."""
        self.done = {f"pruned:{key}": value for key, value in self.done.items()}
