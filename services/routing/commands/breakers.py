"""Breakers that move: every one of them is told of in the transaction in which it moves, whoever moves it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from chassis.causation import Cause
from contracts.routing import InstallerBreakerMoved
from services.routing.domain.breaker import Health
from services.routing.domain.states import BreakerState
from services.routing.models import DeliveryEndpoint


def set_health(
    session: AsyncSession,
    endpoint: DeliveryEndpoint,
    health: Health,
    now: datetime,
    *,
    reason: str | None = None,
    by: Actor | None = None,
    cause: Cause | None = None,
) -> BreakerState | None:
    """Of an endpoint that is locked. What its breaker was before, where it is another by it.

    Nothing is sent to the database here: many that move at once are written together, when the transaction is.
    """
    before, endpoint.health = endpoint.breaker, health
    if endpoint.breaker is before:
        return None
    event = InstallerBreakerMoved(
        endpoint_id=endpoint.id,
        installer_id=endpoint.installer_id,
        channel=endpoint.channel,
        before=before,
        after=endpoint.breaker,
        failures_in_row=endpoint.failures_in_row,
        opens=endpoint.opens,
        probe_at=endpoint.probe_at,
        reason_code=reason if endpoint.breaker is BreakerState.OPEN else None,
        moved_by_id=by.id if by is not None else None,
        moved_by_name=by.name if by is not None else None,
        moved_at=now,
    )
    outbox.add(session, event, version=endpoint.next_version(), cause=cause)
    return before
