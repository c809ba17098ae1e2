"""What Stripe's events tell the pages that span all services: those that wait for a person."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Waiting, once
from chassis.console.wording import counted
from contracts.identity import Capability
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.webhooks import UNANSWERED_AFTER
from services.billing.pages.stripe_events import PATH, ROOM
from services.billing.queries import stripe_events

READ = Capability.READ_OPS
CALLED = (StripeEventState.HELD, StripeEventState.UNMATCHED, StripeEventState.UNASKED)


def _counting(state: StripeEventState) -> Callable[[AsyncSession, datetime], Awaitable[Backlog]]:
    async def count(session: AsyncSession, _now: datetime) -> Backlog:
        found = await once(session, stripe_events.waiting, CALLED)
        return Backlog(*found.get(state, (0, None)))

    return count


HELD = Waiting(
    ROOM,
    READ,
    lambda number: f"{counted(number, 'payment', 'payments')} at Stripe cannot be recorded",
    f"{PATH}?state=held",
    _counting(StripeEventState.HELD),
    is_alarming=True,
)
UNMATCHED = Waiting(
    ROOM,
    READ,
    lambda number: f"{counted(number, 'Stripe event names', 'Stripe events name')} no invoice of ours",
    f"{PATH}?state=unmatched",
    _counting(StripeEventState.UNMATCHED),
    UNANSWERED_AFTER,
)
UNASKED = Waiting(
    ROOM,
    READ,
    lambda number: f"{counted(number, 'Stripe event', 'Stripe events')} cannot be asked about: no key is set",
    f"{PATH}?state=unasked",
    _counting(StripeEventState.UNASKED),
    is_alarming=True,
)
