"""What Stripe told us: each a question about one invoice, worked off by itself or waiting for a person."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from chassis.console.cells import Kind
from chassis.console.listing import (
    Choice,
    Column,
    Days,
    Empty,
    Listing,
    Search,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.wording import sentence
from contracts.identity import Capability
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.webhooks import UNANSWERED_AFTER
from services.billing.models import Invoice, StripeEvent
from services.billing.pages.doors import invoice_path

ROOM = "stripe-events"
PATH = "/console/stripe-events"
WAITING = "state=held&state=unmatched"
QUEUE = f"{PATH}?{WAITING}"

STATES: Mapping[str, str] = {
    StripeEventState.PENDING: "About to be asked",
    StripeEventState.PROCESSED: "In the books",
    StripeEventState.IGNORED: "Ignored",
    StripeEventState.UNMATCHED: "No invoice has its reference",
    StripeEventState.HELD: "Cannot be recorded",
}
TONES: Mapping[str, str] = {
    StripeEventState.PENDING: "info",
    StripeEventState.PROCESSED: "positive",
    StripeEventState.UNMATCHED: "warning",
    StripeEventState.HELD: "danger",
}

ROWS: Select[Any] = (
    select().select_from(StripeEvent).outerjoin(Invoice, Invoice.stripe_invoice_id == StripeEvent.stripe_invoice_id)
)

LISTING = Listing(
    name=ROOM,
    title="Stripe events",
    noun=("event", "events"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=StripeEvent.id,
    order="-received",
    note="An event is never believed: Stripe is asked what was paid, and each payment is recorded once.",
    columns=(
        Column("event", "Event", StripeEvent.event_id),
        Column("type", "Type", StripeEvent.type),
        Column("state", "State", StripeEvent.state, Kind.CHIP, say=lambda row: STATES[row.state], tone=TONES),
        Column(
            "invoice",
            "Invoice",
            Invoice.number,
            path=lambda row: invoice_path(row.invoice_kind, row.invoice_id) if row.invoice_id else "",
        ),
        Column("stripe_invoice", "Stripe invoice", StripeEvent.stripe_invoice_id),
        Column(
            "detail",
            "What was seen",
            StripeEvent.detail,
            say=lambda row: sentence(row.detail) if row.detail else None,
            wraps=True,
        ),
        Column("attempts", "Attempts", StripeEvent.attempts, Kind.NUMBER),
        Column(
            "received",
            "Received",
            StripeEvent.received_at,
            Kind.AGO,
            sorts=True,
            is_late=late_after(UNANSWERED_AFTER, "received", unless=lambda row: row.settled is not None),
        ),
        Column("next", "Next attempt", StripeEvent.next_attempt_at, Kind.INSTANT, is_extra=True),
        Column("settled", "Settled", StripeEvent.settled_at, Kind.AGO, is_extra=True),
    ),
    also={"invoice_id": Invoice.id, "invoice_kind": Invoice.kind},
    filters=(
        Search(
            "q",
            "Event, Stripe invoice or number",
            texts=(StripeEvent.event_id, StripeEvent.stripe_invoice_id, Invoice.number, StripeEvent.detail),
            ids=(StripeEvent.id,),
        ),
        Choice("state", "State", options=among(StripeEvent.state, StripeEventState, STATES)),
        Days("received", "Received", column=StripeEvent.received_at),
    ),
    tabs=(Tab("Waits for you", WAITING), Tab("About to be asked", "state=pending"), Tab("All")),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No events",
        "Stripe's webhooks come here, and the nightly question about what is owed.",
        "circle-check",
    ),
)

ROUTES = routes_of(LISTING)
