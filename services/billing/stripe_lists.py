"""Stripe's lists as billing reads them, a page at a time: each object in the few words that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from services.billing.domain.reconciliation import About, ItemKind, StripeItem

PAGE_SIZE = 100
MOVEMENT_PREFIX = "txn_"


@dataclass(frozen=True, slots=True)
class Page:
    """`cursor` is where the next one begins; None on the last."""

    items: Sequence[StripeItem]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events as their JSON, the newest first."""

    events: Sequence[Mapping[str, Any]]
    cursor: str | None


async def listed(client: stripe.StripeClient, kind: ItemKind, since: datetime | None, cursor: str | None) -> Page:
    params: dict[str, Any] = {"limit": PAGE_SIZE}
    if since is not None:
        params["created"] = {"gte": int(since.timestamp())}
    if cursor is not None:
        params["starting_after"] = cursor
    found = await _LISTS[kind](client, params)
    items = [item_of(each.to_dict()) for each in found.data]
    return Page(items, items[-1].stripe_id if found.has_more and items else None)


async def looked_up(client: stripe.StripeClient, about: About, key: str) -> list[StripeItem]:
    """What Stripe has of one thing that may differ, now; an empty list where it has nothing of it.

    A movement is known by its own id, or by the id of what moved the money: a dispute's are as many as it had turns.
    """
    match about:
        case About.INVOICE:
            found: Sequence[Any] = [await client.v1.invoices.retrieve_async(key)]
        case About.CREDIT_NOTE:
            found = (await client.v1.credit_notes.list_async({"invoice": key, "limit": PAGE_SIZE})).data
        case About.PAYMENT | About.REFUND:
            found = await _of_payment(client, key)
        case About.MOVEMENT if key.startswith(MOVEMENT_PREFIX):
            found = [await client.v1.balance_transactions.retrieve_async(key)]
        case _:
            found = (await client.v1.balance_transactions.list_async({"source": key, "limit": PAGE_SIZE})).data
    return [item_of(each.to_dict()) for each in found]


async def _of_payment(client: stripe.StripeClient, key: str) -> list[Any]:
    if not key.startswith("pi_"):
        charge = await client.v1.charges.retrieve_async(key)
        refunds = await client.v1.refunds.list_async({"charge": key, "limit": PAGE_SIZE})
        return [charge, *refunds.data]
    charges = await client.v1.charges.list_async({"payment_intent": key, "limit": PAGE_SIZE})
    of_intent = await client.v1.refunds.list_async({"payment_intent": key, "limit": PAGE_SIZE})
    return [*charges.data, *of_intent.data]


async def events(client: stripe.StripeClient, types: Sequence[str], since: datetime, cursor: str | None) -> EventPage:
    params: dict[str, Any] = {
        "limit": PAGE_SIZE,
        "types": list(types),
        "created": {"gte": int(since.timestamp())},
    }
    if cursor is not None:
        params["starting_after"] = cursor
    found = await client.v1.events.list_async(params)  # type: ignore[arg-type]  # its keys are all of the method's
    return EventPage(
        [each.to_dict() for each in found.data], found.data[-1].id if found.has_more and found.data else None
    )


async def balance_cents(client: stripe.StripeClient, currency: str) -> int:
    """All that Stripe keeps for us, what has not settled yet counted in."""
    found = await client.v1.balance.retrieve_async()
    return sum(int(row["amount"]) for row in _money(found.to_dict()) if row["currency"] == currency)


def _money(balance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*balance["available"], *balance["pending"]]


_LISTS: Mapping[ItemKind, Any] = {
    ItemKind.INVOICE: lambda client, params: client.v1.invoices.list_async(params),
    ItemKind.CREDIT_NOTE: lambda client, params: client.v1.credit_notes.list_async(params),
    ItemKind.CHARGE: lambda client, params: client.v1.charges.list_async(params),
    ItemKind.REFUND: lambda client, params: client.v1.refunds.list_async(params),
    ItemKind.MOVEMENT: lambda client, params: client.v1.balance_transactions.list_async(params),
}


def item_of(row: Mapping[str, Any]) -> StripeItem:
    """Stripe's JSON of an object of one of these kinds."""
    return _READERS[row["object"]](row)


def _invoice(row: Mapping[str, Any]) -> StripeItem:
    state = "deleted" if row.get("deleted") else row["status"]
    return StripeItem(ItemKind.INVOICE, row["id"], state, row["total"], row["currency"], _at(row))


def _credit_note(row: Mapping[str, Any]) -> StripeItem:
    return StripeItem(
        ItemKind.CREDIT_NOTE,
        row["id"],
        row["status"],
        row["total"],
        row["currency"],
        _at(row),
        source_ref=_id_of(row["invoice"]),
    )


def _charge(row: Mapping[str, Any]) -> StripeItem:
    # A charge that was authorised and not captured has moved nothing.
    amount_cents = row["amount_captured"] if row["status"] == "succeeded" else row["amount"]
    reference = _id_of(row["payment_intent"]) or row["id"]
    return StripeItem(
        ItemKind.CHARGE, row["id"], row["status"], amount_cents, row["currency"], _at(row), payment_ref=reference
    )


def _refund(row: Mapping[str, Any]) -> StripeItem:
    reference = _id_of(row.get("payment_intent")) or _id_of(row.get("charge"))
    return StripeItem(
        ItemKind.REFUND,
        row["id"],
        row["status"] or "pending",
        row["amount"],
        row["currency"],
        _at(row),
        source_ref=_id_of(row.get("charge")),
        payment_ref=reference,
    )


def _movement(row: Mapping[str, Any]) -> StripeItem:
    return StripeItem(
        ItemKind.MOVEMENT,
        row["id"],
        row["status"],
        row["amount"],
        row["currency"],
        _at(row),
        fee_cents=row["fee"],
        type=row["type"],
        source_ref=_id_of(row["source"]),
    )


_READERS = {
    "invoice": _invoice,
    "credit_note": _credit_note,
    "charge": _charge,
    "refund": _refund,
    "balance_transaction": _movement,
}


def _at(row: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(row["created"], UTC)


def _id_of(expandable: Any) -> str | None:
    """The id of what Stripe gives as an id or, expanded, as an object."""
    found: str | None = expandable["id"] if isinstance(expandable, Mapping) else expandable
    return found
