"""What Stripe told us: each a question about one invoice, worked off by itself or waiting for a person."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.listing import (
    Choice,
    Column,
    Days,
    Empty,
    Flag,
    Listing,
    Search,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.wording import counted, sentence
from contracts.identity import Capability
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.webhooks import (
    UNANSWERED_AFTER,
    SettlingObstacle,
    obstacle_to_retrying,
    obstacle_to_settling,
)
from services.billing.http.stripe import IgnoreBody, RetryBody, ignore_by_operator, retry_by_operator
from services.billing.models import Invoice, StripeEvent
from services.billing.pages.doors import invoice_path
from services.billing.pages.reasons import IF_GIVEN, REASON

ROOM = "stripe-events"
PATH = "/console/stripe-events"
WAITING = "state=held&state=unmatched&state=unasked"
QUEUE = f"{PATH}?{WAITING}"

STATES: Mapping[str, str] = {
    StripeEventState.PENDING: "About to be asked",
    StripeEventState.PROCESSED: "In the books",
    StripeEventState.COMPARED: "Compared with our books",
    StripeEventState.KEPT: "Kept",
    StripeEventState.IGNORED: "Ignored",
    StripeEventState.UNMATCHED: "No invoice has its reference",
    StripeEventState.HELD: "Cannot be recorded",
    StripeEventState.UNASKED: "No key to ask Stripe with",
}
TONES: Mapping[str, str] = {
    StripeEventState.PENDING: "info",
    StripeEventState.PROCESSED: "positive",
    StripeEventState.COMPARED: "positive",
    StripeEventState.UNMATCHED: "warning",
    StripeEventState.HELD: "danger",
    StripeEventState.UNASKED: "warning",
}

ROWS: Select[Any] = (
    select()
    .select_from(StripeEvent)
    .outerjoin(
        Invoice, Invoice.stripe_invoice_id == func.coalesce(StripeEvent.stripe_invoice_id, StripeEvent.about_key)
    )
)


class IgnoreForm(IgnoreBody, Form):
    """As the JSON route takes it."""


class RetryForm(RetryBody, Form):
    """As the JSON route takes it."""


Obstacle = Callable[[StripeEventState], SettlingObstacle | None]


def _looking(obstacle_to: Obstacle) -> Callable[..., Awaitable[Mapping[UUID, Verdict]]]:
    async def look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> Mapping[UUID, Verdict]:
        found = await session.scalars(select(StripeEvent).where(StripeEvent.id.in_(ids)))
        return {
            each.id: Verdict(each.event_id, str(obstacle_to(each.state) or ""), sentence(each.detail or ""))
            for each in found
        }

    return look


async def _retry(work: Work) -> None:
    form = RetryForm.model_validate(work.form.model_dump())
    async with work.transaction() as session:
        await retry_by_operator(session, work.id, form.reason, work.actor, work.clock.now())


async def _ignore(work: Work) -> None:
    form = IgnoreForm.model_validate(work.form.model_dump())
    async with work.transaction() as session:
        await ignore_by_operator(session, work.id, form.reason, work.actor, work.clock.now())


BULK = (
    BulkAction(
        name="retry",
        label="Try again",
        capability=Capability.MANAGE_BILLING_OPS,
        look=_looking(obstacle_to_retrying),
        do=_retry,
        form=RetryForm,
        fields=(IF_GIVEN,),
        effect=lambda number: f"Asks Stripe once more about {counted(number, 'event', 'events')}.",
    ),
    BulkAction(
        name="ignore",
        label="Ignore",
        capability=Capability.MANAGE_BILLING_OPS,
        look=_looking(obstacle_to_settling),
        do=_ignore,
        form=IgnoreForm,
        fields=(REASON,),
        effect=lambda number: (
            f"Settles {counted(number, 'event', 'events')} without a record: the payments that they hold are passed "
            "over for good."
        ),
        step_up=True,
        destroys=True,
    ),
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
    note="An event is never believed: Stripe is asked what was paid, and each payment is recorded once. What takes "
    "money or a debt back is looked up and compared.",
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
        Column("about", "Compared as", StripeEvent.about, Kind.WORD, is_extra=True),
        Column("about_key", "Compared by", StripeEvent.about_key, is_extra=True),
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
        Column("missed", "No webhook brought it", StripeEvent.was_missed, Kind.YES_NO, is_extra=True),
        Column("next", "Next attempt", StripeEvent.next_attempt_at, Kind.INSTANT, is_extra=True),
        Column("settled", "Settled", StripeEvent.settled_at, Kind.AGO, is_extra=True),
    ),
    also={"invoice_id": Invoice.id, "invoice_kind": Invoice.kind},
    filters=(
        Search(
            "q",
            "Event, Stripe invoice or number",
            texts=(
                StripeEvent.event_id,
                StripeEvent.stripe_invoice_id,
                StripeEvent.about_key,
                Invoice.number,
                StripeEvent.detail,
            ),
            ids=(StripeEvent.id,),
        ),
        Choice("state", "State", options=among(StripeEvent.state, StripeEventState, STATES)),
        Flag("missed", "No webhook brought it", condition=StripeEvent.was_missed),
        Days("received", "Received", column=StripeEvent.received_at),
    ),
    tabs=(Tab("Waits for you", WAITING), Tab("About to be asked", "state=pending"), Tab("All")),
    links=(("Reconciliation", "/console/stripe", None),),
    bulk=BULK,
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No events",
        "Stripe's webhooks come here, and the nightly question about what is owed.",
        "circle-check",
    ),
)

ROUTES = routes_of(LISTING)
