"""Stripe Connect as payouts uses it. The only module here that imports the SDK.

Every call that moves money carries a key that the caller stored before: the SDK would make up a random one, under
which an outer retry would pay twice. The SDK's own retries are off for the same reason of clarity: an answer is
`Succeeded`, `Refused` (Stripe said no, nothing moved) or `Unknown` (it may have moved).
"""

import json
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import stripe

from services.payouts.domain import AttemptKind

API_VERSION = "2026-10-28.endive"

# Refused before the endpoint ran, or by a rule that a later call with the same key may pass: nothing is decided.
UNDECIDED_STATUSES = frozenset({401, 409, 429})


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


class GatewayAway(Exception):
    """A question (not an order) could not be answered: ask again later."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a webhook is about; what it says beyond that is asked for again, never believed."""

    event_id: str
    event_type: str
    stripe_account_id: str


class NotStripe(Exception):
    """A body whose signature is not Stripe's, or older than the tolerance."""


def read_notice(body: bytes, signature: str, secret: str) -> Notice | None:
    """The notice of a signed Connect event about an account, None where it is about nothing of ours.

    Raises NotStripe. The tolerance of five minutes is on the machine's clock.
    """
    try:
        stripe.WebhookSignature.verify_header(body.decode(), signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
        event = json.loads(body)
    except (stripe.SignatureVerificationError, ValueError) as fault:
        raise NotStripe from fault
    account_id = event.get("account")
    if not isinstance(account_id, str) or event.get("type") not in ACCOUNT_EVENTS:
        return None
    return Notice(str(event["id"]), str(event["type"]), account_id)


ACCOUNT_EVENTS = frozenset({"account.updated", "capability.updated", "account.application.deauthorized"})


class TransferGateway(Protocol):
    async def execute(self, order: MoneyOrder) -> Outcome: ...
    async def find(self, order: MoneyOrder) -> Succeeded | None:
        """The transfer or reversal that an earlier call of this order made. Raises GatewayAway."""
        ...

    async def payability(self, account_id: str) -> Payability:
        """Raises GatewayAway."""
        ...

    async def available_cents(self, currency: str) -> int:
        """What can be transferred now. Raises GatewayAway."""
        ...

    async def close(self) -> None: ...


class StripeGateway:
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
            if order.kind is AttemptKind.TRANSFER:
                return Succeeded(await self._transfer(order))
            return Succeeded(await self._reverse(order))
        except stripe.APIConnectionError:
            return Unknown("no_answer")
        except stripe.StripeError as fault:
            return outcome_of(fault)

    async def _transfer(self, order: MoneyOrder) -> str:
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
        return transfer.id

    async def _reverse(self, order: MoneyOrder) -> str:
        if order.source_id is None:
            raise ValueError("a reversal needs the transfer it reverses")
        reversal = await self._client.v1.transfers.reversals.create_async(
            order.source_id,
            {"amount": order.amount_cents, "metadata": order.metadata},
            {"idempotency_key": order.idempotency_key},
        )
        return reversal.id

    async def find(self, order: MoneyOrder) -> Succeeded | None:
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
            raise GatewayAway(type(fault).__name__) from fault
        return Succeeded(found[0]) if found else None

    async def payability(self, account_id: str) -> Payability:
        try:
            account = await self._client.v1.accounts.retrieve_async(account_id)
        except (stripe.InvalidRequestError, stripe.PermissionError):
            return Payability(False, "account_invalid")
        except stripe.StripeError as fault:
            raise GatewayAway(type(fault).__name__) from fault
        capabilities = account.capabilities
        if capabilities is not None and getattr(capabilities, "transfers", None) == "active":
            return Payability(True)
        requirements = account.requirements
        return Payability(False, (requirements.disabled_reason if requirements else None) or "transfers_inactive")

    async def available_cents(self, currency: str) -> int:
        try:
            balance = await self._client.v1.balance.retrieve_async()
        except stripe.StripeError as fault:
            raise GatewayAway(type(fault).__name__) from fault
        return sum(amount.amount for amount in balance.available if amount.currency == currency.lower())

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


def outcome_of(fault: stripe.StripeError) -> Outcome:
    """A 5xx may have done the work; a 4xx did not, except those that a retry under the same key decides."""
    status = fault.http_status or 0
    if status >= 500 or status == 0 or status in UNDECIDED_STATUSES:
        return Unknown(f"http_{status}")
    kind = fault.error.type if fault.error else None
    return Refused(fault.code or kind or f"http_{status}", fault.user_message or "")


def _matches(metadata: stripe.StripeObject | dict[str, str] | None, order: MoneyOrder) -> bool:
    if metadata is None:
        return False
    known = metadata if isinstance(metadata, dict) else metadata.to_dict()
    return all(known.get(name) == value for name, value in order.metadata.items())
