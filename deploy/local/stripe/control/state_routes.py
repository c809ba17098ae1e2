"""What there is: totals in cents, counts, and the latest requests."""

from deploy.local.stripe import PINNED_API_VERSION
from deploy.local.stripe.control.body import Body
from deploy.local.stripe.control.machine import Machine
from deploy.local.stripe.errors import Json
from deploy.local.stripe.resources.invoice_sums import InvoiceStatus
from deploy.local.stripe.tables import Books
from deploy.local.stripe.world import World

_ISSUED = {InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE}


def health(_machine: Machine, body: Body) -> Json:
    body.end()
    return {"status": "ok", "api_version": PINNED_API_VERSION}


def reset(machine: Machine, body: Body) -> Json:
    body.end()
    machine.clear()
    return {"status": "ok"}


def requests(machine: Machine, body: Body) -> Json:
    body.end()
    return {"requests": list(machine.requests)}


def state(machine: Machine, body: Body) -> Json:
    """The totals of the default currency stand at the top; all of them by currency under `currencies`."""
    body.end()
    world = machine.world
    sums = {currency: _totals(world, currency) for currency in _currencies(world)}
    return {
        "currency": world.settings.currency,
        **sums[world.settings.currency],
        "currencies": sums,
        "balances_tie": all(_ties(books) for books in (world.platform, *world.connected.values())),
        "counts": {**world.platform.counts(), "event": len(world.events)},
        "events_undelivered": sum(1 for event in world.events.newest_first() if not event.is_delivered),
        "idempotency_keys": len(machine.keys),
        "now": world.clock.now().isoformat(),
        "webhooks": world.courier.state(),
    }


def _currencies(world: World) -> list[str]:
    found = {row["currency"] for kind in ("invoice", "transfer", "topup") for row in world.platform[kind].all()}
    return sorted(found | {world.settings.currency})


def _totals(world: World, currency: str) -> Json:
    invoices = _rows(world, "invoice", currency)
    transfers = _rows(world, "transfer", currency)
    entries = _rows(world, "balance_transaction", currency)
    return {
        "invoiced_cents": sum(row["total"] for row in invoices if row["status"] in _ISSUED),
        "voided_cents": sum(row["total"] for row in invoices if row["status"] == InvoiceStatus.VOID),
        "paid_cents": sum(row["amount_paid"] for row in invoices),
        "paid_off_stripe_cents": sum(row["_off_stripe"] for row in invoices),
        "remaining_cents": sum(row["amount_remaining"] for row in invoices if row["status"] == InvoiceStatus.OPEN),
        "credited_cents": _sum(world, "credit_note", currency, "total"),
        "refunded_cents": _sum(world, "refund", currency, "amount"),
        "topped_up_cents": _sum(world, "topup", currency, "amount"),
        "fees_cents": sum(row["fee"] for row in entries),
        "transferred_cents": sum(row["amount"] for row in transfers),
        "reversed_cents": sum(row["amount_reversed"] for row in transfers),
        "available_cents": world.platform.available_cents.get(currency, 0),
        "connected_available_cents": sum(books.available_cents.get(currency, 0) for books in world.connected.values()),
    }


def _rows(world: World, kind: str, currency: str) -> list[Json]:
    return [row for row in world.platform[kind].all() if row["currency"] == currency]


def _sum(world: World, kind: str, currency: str, field: str) -> int:
    rows = _rows(world, kind, currency)
    return sum(row[field] for row in rows if row.get("status") != "void")


def _ties(books: Books) -> bool:
    """Every balance is the sum of its transactions."""
    sums: dict[str, int] = {}
    for entry in books["balance_transaction"].all():
        sums[entry["currency"]] = sums.get(entry["currency"], 0) + entry["net"]
    return sums == books.available_cents
