"""Stripe Connect as payouts uses it. The only module here that imports the SDK.

Every call that moves money carries a key that the caller stored before: the SDK would make up a random one, under
which an outer retry would pay twice. The SDK's own retries are off for the same reason of clarity: an answer is
`Succeeded`, `Refused` (Stripe said no, nothing moved) or `Unknown` (it may have moved). A question may be repeated;
one that could not be answered is `Unknown` too.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import stripe

from services.payouts.domain import AttemptKind

API_VERSION = "2026-10-28.endive"

# Refused before the endpoint ran, or by a rule that a later call with the same key may pass: nothing is decided.
UNDECIDED_STATUSES = frozenset({401, 408, 409, 425, 429})
# The key stands for an earlier request, and what became of that one is not said.
UNDECIDED_TYPES = frozenset({"idempotency_error"})


@dataclass(frozen=True, slots=True)
class MoneyOrder:
    """One attempt, complete: whoever sends it again sends the very same request.

    `source_id` is the transfer to reverse; a transfer itself has none.
    """

    kind: AttemptKind
    payout_id: UUID
    board_id: UUID
    attempt_no: int
    idempotency_key: str
    amount_cents: int
    currency: str
    destination: str
    source_id: str | None = None

    @property
    def transfer_group(self) -> str:
        return f"board_{self.board_id}"

    @property
    def metadata(self) -> dict[str, str]:
        return {"payout_id": str(self.payout_id), "attempt_no": str(self.attempt_no), "kind": str(self.kind)}


@dataclass(frozen=True, slots=True)
class Succeeded:
    stripe_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    reason: str


Outcome = Succeeded | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Payability:
    """Whether a connected account can take transfers now; `reason` is Stripe's word for why not."""

    can_be_paid: bool
    reason: str | None = None


class StripeGateway(Protocol):
    async def execute(self, order: MoneyOrder) -> Outcome: ...

    async def find(self, order: MoneyOrder) -> Succeeded | Unknown | None:
        """The transfer or reversal that an earlier call of this order made; None where there is none."""
        ...

    async def payability(self, account_id: str) -> Payability | Unknown: ...

    async def available_cents(self, currency: str) -> int | Unknown:
        """What can be transferred now."""
        ...

    async def close(self) -> None: ...


class LiveStripe:
    def __init__(self, api_key: str, api_base: str | None, timeout_seconds: float) -> None:
        self._http = stripe.HTTPXClient(timeout=timeout_seconds)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base} if api_base else {},
            stripe_version=API_VERSION,
            max_network_retries=0,
            http_client=self._http,
        )

    async def execute(self, order: MoneyOrder) -> Outcome:
        try:
            is_transfer = order.kind is AttemptKind.TRANSFER
            stripe_id = await (self._transfer(order) if is_transfer else self._reverse(order))
        except stripe.StripeError as fault:
            return outcome_of(fault)
        return Succeeded(stripe_id) if stripe_id else Unknown("answer_without_id")

    async def _transfer(self, order: MoneyOrder) -> str | None:
        transfer = await self._client.v1.transfers.create_async(
            {
                "amount": order.amount_cents,
                "currency": order.currency.lower(),
                "destination": order.destination,
                "transfer_group": order.transfer_group,
                "metadata": order.metadata,
            },
            {"idempotency_key": order.idempotency_key},
        )
        return getattr(transfer, "id", None)

    async def _reverse(self, order: MoneyOrder) -> str | None:
        if order.source_id is None:
            raise ValueError("a reversal needs the transfer it reverses")
        reversal = await self._client.v1.transfers.reversals.create_async(
            order.source_id,
            {"amount": order.amount_cents, "metadata": order.metadata},
            {"idempotency_key": order.idempotency_key},
        )
        return getattr(reversal, "id", None)

    async def find(self, order: MoneyOrder) -> Succeeded | Unknown | None:
        try:
            if order.kind is AttemptKind.TRANSFER:
                transfers = await self._client.v1.transfers.list_async(
                    {"transfer_group": order.transfer_group, "destination": order.destination, "limit": 100}
                )
                found = [item.id async for item in transfers.auto_paging_iter() if _matches(item.metadata, order)]
            else:
                reversals = await self._client.v1.transfers.reversals.list_async(order.source_id or "", {"limit": 100})
                found = [item.id async for item in reversals.auto_paging_iter() if _matches(item.metadata, order)]
        except stripe.StripeError as fault:
            return _unanswered(fault)
        return Succeeded(found[0]) if found else None

    async def payability(self, account_id: str) -> Payability | Unknown:
        try:
            account = await self._client.v1.accounts.retrieve_async(account_id)
        except (stripe.InvalidRequestError, stripe.PermissionError):
            return Payability(False, "account_invalid")
        except stripe.StripeError as fault:
            return _unanswered(fault)
        capabilities = account.capabilities
        if capabilities is not None and getattr(capabilities, "transfers", None) == "active":
            return Payability(True)
        requirements = account.requirements
        return Payability(False, (requirements.disabled_reason if requirements else None) or "transfers_inactive")

    async def available_cents(self, currency: str) -> int | Unknown:
        try:
            balance = await self._client.v1.balance.retrieve_async()
        except stripe.StripeError as fault:
            return _unanswered(fault)
        return sum(amount.amount for amount in balance.available if amount.currency == currency.lower())

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


def outcome_of(fault: stripe.StripeError) -> Outcome:
    """Only Stripe's own no is one. An answer that cannot be read says nothing: a 200 cut short has moved the money."""
    status, told = fault.http_status or 0, fault.error
    if not 400 <= status < 500 or status in UNDECIDED_STATUSES or isinstance(fault, stripe.RateLimitError):
        return _unanswered(fault)
    if told is None or told.type in UNDECIDED_TYPES:
        return _unanswered(fault)
    return Refused(fault.code or told.type or f"http_{status}", fault.user_message or "")


def _unanswered(fault: stripe.StripeError) -> Unknown:
    return Unknown(f"http_{fault.http_status}" if fault.http_status else "no_answer")


def is_authentic(body: bytes, signature: str | None, secret: str, tolerance_seconds: int) -> bool:
    """Whether Stripe signed exactly these bytes within the tolerance of the machine's clock."""
    try:
        return bool(stripe.WebhookSignature.verify_header(body, signature, secret, tolerance_seconds))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


def _matches(metadata: stripe.StripeObject | dict[str, str] | None, order: MoneyOrder) -> bool:
    if metadata is None:
        return False
    known = metadata if isinstance(metadata, dict) else metadata.to_dict()
    return all(known.get(name) == value for name, value in order.metadata.items())
