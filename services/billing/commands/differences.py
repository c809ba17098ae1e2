"""What a person does about a difference. Each deed ends in a comparison of that one thing: settled, it is gone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from contracts.books import DifferenceChanged
from services.billing.commands.journal import post
from services.billing.commands.payments import RecordPayment, record_payment
from services.billing.commands.stripe_events import wake_unmatched
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import CURRENCY, Posting, PostingKind, stripe_fee_entries, stripe_moved_entries
from services.billing.domain.reconciliation import (
    MOVED_TYPES,
    About,
    AcceptReason,
    Deed,
    DifferenceKind,
    DifferenceState,
    ItemKind,
    Standing,
    StripeItem,
    obstacle_to,
)
from services.billing.domain.statuses import DocumentStatus, PaymentMethod
from services.billing.errors import DeedNotPossible, ReferenceDiffers, StripeReferenceTaken
from services.billing.models import Difference, SeenItem
from services.billing.queries import differences, invoices, reconciliations
from services.billing.queries.differences import Comparison

WHOLE_SUBJECT = len(DifferenceKind) + 1
"""One thing differs in no more respects than that."""


@dataclass(frozen=True, slots=True)
class Owner:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class AcceptDifference:
    difference_id: UUID
    reason_code: AcceptReason
    reason_text: str
    by_name: str


@dataclass(frozen=True, slots=True)
class RecordDifference:
    """`items` are what Stripe said just now, where it was asked. A payment is recorded on this invoice."""

    difference_id: UUID
    by_name: str
    invoice_id: UUID | None = None
    items: Sequence[StripeItem] = ()


def standing_of(difference: Difference, *, is_connected: bool) -> Standing:
    moved = difference.kind is DifferenceKind.MISSING_HERE and difference.theirs_state in MOVED_TYPES
    can_be_posted = moved or difference.kind is DifferenceKind.FEE
    return Standing(difference.about, difference.kind, difference.state, is_connected, can_be_posted)


async def assign_difference(
    session: AsyncSession, difference_id: UUID, owner: Owner | None, now: datetime
) -> Difference:
    """None takes it from whoever has it."""
    difference = await _to_do(session, difference_id, Deed.ASSIGN)
    if difference.owner_id != (owner.id if owner else None):
        difference.owner_id, difference.owner_name = (owner.id, owner.name) if owner else (None, None)
        _changed(session, difference, now)
    return difference


async def accept_difference(session: AsyncSession, command: AcceptDifference, now: datetime) -> Difference:
    """It stays as it is, and nobody is waited for, until what either side says changes."""
    difference = await _to_do(session, command.difference_id, Deed.ACCEPT)
    difference.state = DifferenceState.ACCEPTED
    difference.reason_code, difference.reason_text = command.reason_code, command.reason_text
    difference.accepted_by_name = command.by_name
    _changed(session, difference, now)
    return difference


async def refresh_difference(
    session: AsyncSession, difference_id: UUID, items: Sequence[StripeItem], now: datetime
) -> Difference:
    """Stripe was asked about it once more."""
    difference = await _to_do(session, difference_id, Deed.LOOK_UP)
    await differences.keep_seen(session, items, now)
    return await _compared(session, difference, now)


async def record_difference(session: AsyncSession, command: RecordDifference, now: datetime) -> Difference:
    """What Stripe has and we have not is in the books, as Stripe has it."""
    difference = await _to_do(session, command.difference_id, Deed.RECORD)
    if command.items:
        await differences.keep_seen(session, command.items, now)
        difference = await _compared(session, difference, now)
        _refuse_obstacle(difference, Deed.RECORD)
    if difference.about is About.PAYMENT:
        await _record_payment(session, difference, command, now)
    else:
        await _post_movement(session, difference, now)
    return await _compared(session, difference, now)


async def _record_payment(
    session: AsyncSession, difference: Difference, command: RecordDifference, now: datetime
) -> None:
    invoice_id = command.invoice_id or difference.invoice_id
    if invoice_id is None or difference.theirs_cents is None:
        raise DeedNotPossible("say which invoice the payment is of", difference_id=difference.id)
    charge = await _seen(session, ItemKind.CHARGE, difference.stripe_id)
    payment = RecordPayment(
        invoice_id=invoice_id,
        amount_cents=difference.theirs_cents,
        received_at=charge.occurred_at,
        method=PaymentMethod.STRIPE,
        by=command.by_name,
        external_payment_ref=difference.about_key,
        excess_to_credit=True,
    )
    await record_payment(session, payment, now)


async def _post_movement(session: AsyncSession, difference: Difference, now: datetime) -> None:
    """Of a fee what is not posted of it: each posting stands, and the next one says what it lacked."""
    item = await _seen(session, ItemKind.MOVEMENT, difference.about_key)
    missing_cents = (difference.theirs_cents or 0) - (difference.ours_cents or 0)
    if difference.kind is DifferenceKind.FEE:
        kind, entries = PostingKind.STRIPE_FEE, stripe_fee_entries(missing_cents)
    else:
        kind, entries = PostingKind.STRIPE_MOVED, stripe_moved_entries(missing_cents)
    key = f"{kind}:{item.stripe_id}" + (f":{difference.version}" if difference.ours_cents else "")
    await post(session, [Posting(key, kind, item.occurred_at, entries)], now)


async def refer_invoice(session: AsyncSession, difference_id: UUID, invoice_id: UUID, now: datetime) -> Difference:
    """The invoice of ours that was made at Stripe under this id, and never told so."""
    difference = await _to_do(session, difference_id, Deed.REFER)
    invoice = await invoices.lock(session, invoice_id)
    if invoice.document_status is DocumentStatus.VOID or invoice.stripe_invoice_id is not None:
        detail = "it is void, or has a reference of its own, which stays"
        raise ReferenceDiffers(detail, invoice_id=invoice_id)
    if invoice.total_cents != difference.theirs_cents:
        theirs = dollars(difference.theirs_cents or 0)
        raise ReferenceDiffers(f"ours is {dollars(invoice.total_cents)}, Stripe's is {theirs}", invoice_id=invoice_id)
    invoice.stripe_invoice_id = difference.about_key
    taken = StripeReferenceTaken(f"{difference.about_key} stands on another invoice")
    await flush_or_refuse(session, {"uq_invoices_stripe_invoice_id": taken})
    await wake_unmatched(session, [difference.about_key], now)
    return await _compared(session, difference, now)


async def _to_do(session: AsyncSession, difference_id: UUID, deed: Deed) -> Difference:
    difference = await differences.lock(session, difference_id)
    _refuse_obstacle(difference, deed)
    return difference


def _refuse_obstacle(difference: Difference, deed: Deed) -> None:
    # Whether Stripe can be asked is known where it is asked.
    obstacle = obstacle_to(deed, standing_of(difference, is_connected=True))
    if obstacle is not None:
        raise DeedNotPossible(str(obstacle), difference_id=difference.id)


async def _seen(session: AsyncSession, kind: ItemKind, stripe_id: str | None) -> SeenItem:
    found = await differences.seen(session, kind, stripe_id or "")
    if found is None:
        raise DeedNotPossible("Stripe has not told of it as it is told of here: look it up again")
    return found


async def _compared(session: AsyncSession, difference: Difference, now: datetime) -> Difference:
    lower, upper = await reconciliations.bounds(session, difference.about, now)
    wanted = Comparison([difference.about], lower, upper, about_keys=[difference.about_key])
    await compare(session, wanted, now, WHOLE_SUBJECT)
    return await differences.lock(session, difference.id)


def _changed(session: AsyncSession, difference: Difference, now: datetime) -> None:
    difference.changed_at = now
    outbox.add(session, _event(difference), version=difference.next_version())


@dataclass(frozen=True, slots=True)
class Compared:
    """How many differences a comparison opened or changed, and how many it closed."""

    opened_count: int
    closed_count: int


async def compare(session: AsyncSession, wanted: Comparison, now: datetime, most: int) -> Compared:
    """Holds both sides against each other, so many differences each way at the most, and tells of each that moved.

    Those that were opened are told of before any is closed: a payment that is committed between can close one of them
    again, and each of its two versions has its event.
    """
    opened = await differences.open_differing(session, wanted, now, most)
    await _tell(session, opened)
    closed = await differences.close_agreeing(session, wanted, now, most)
    await _tell(session, closed)
    return Compared(len(opened), len(closed))


async def _tell(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Of each as it stands, under the version that it has by now."""
    for difference in await differences.of_ids(session, ids):
        outbox.add(session, _event(difference), version=difference.version)


def _event(difference: Difference) -> DifferenceChanged:
    return DifferenceChanged(
        subject_id=difference.id,
        kind=difference.kind,
        about=difference.about,
        about_key=difference.about_key,
        code=difference.code,
        invoice_id=difference.invoice_id,
        payment_id=difference.payment_id,
        stripe_id=difference.stripe_id,
        ours_cents=difference.ours_cents,
        theirs_cents=difference.theirs_cents,
        currency=CURRENCY,
        ours_state=difference.ours_state,
        theirs_state=difference.theirs_state,
        state=difference.state,
        owner_id=difference.owner_id,
        owner_name=difference.owner_name,
        reason_code=difference.reason_code,
        first_seen_at=difference.first_seen_at,
        changed_at=difference.changed_at,
    )
