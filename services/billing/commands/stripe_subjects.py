"""What an event of Stripe's is about, held against our books as soon as it comes: a chargeback is known within moments.

The event is no more believed than one of a payment: what Stripe has of the thing by now is looked up, kept as it was
seen, and compared, that one thing alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.differences import WHOLE_SUBJECT, compare
from services.billing.commands.reconciling import post_movements
from services.billing.commands.stripe_events import lock_references
from services.billing.domain.reconciliation import About, ItemKind, StripeItem
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.webhooks import EventSubject
from services.billing.models import StripeEvent
from services.billing.queries import differences
from services.billing.queries.differences import Comparison


@dataclass(frozen=True, slots=True)
class Answer:
    """What Stripe has of a thing, as it said when it was asked: one that a later answer overtook changes nothing."""

    items: Sequence[StripeItem]
    asked_at: datetime


CHANGED, UNCHANGED = "it was looked up: what differs changed with it", "it was looked up: nothing new differs"


async def compare_subject(
    session: AsyncSession, event: StripeEvent, subject: EventSubject, answer: Answer, now: datetime
) -> None:
    """It settles every event about the thing that was here when Stripe was asked: one answer is theirs too."""
    await lock_references(session, [f"{subject.about}:{subject.key}"])
    await differences.keep_seen(session, answer.items, answer.asked_at)
    await post_movements(session, answer.items, now)
    keys = _keys(subject, answer.items)
    wanted = Comparison([subject.about], None, answer.asked_at, about_keys=keys)
    moved = await compare(session, wanted, now, WHOLE_SUBJECT * max(1, len(keys)))
    answered = (StripeEvent.id == event.id) | (
        (StripeEvent.about == subject.about)
        & (StripeEvent.about_key == subject.key)
        & (StripeEvent.received_at <= answer.asked_at)
    )
    await session.execute(
        update(StripeEvent)
        .where(answered, StripeEvent.state == StripeEventState.PENDING)
        .values(
            state=StripeEventState.COMPARED,
            detail=CHANGED if moved.opened_count or moved.closed_count else UNCHANGED,
            settled_at=now,
        )
        .execution_options(synchronize_session=False)
    )


def _keys(subject: EventSubject, items: Sequence[StripeItem]) -> list[str]:
    """A dispute differs as each row of Stripe's balance that it moved."""
    if subject.about is not About.MOVEMENT:
        return [subject.key]
    return sorted({item.stripe_id for item in items if item.kind is ItemKind.MOVEMENT})
