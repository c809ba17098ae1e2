"""What tries to deliver say about their channel: each stands in the log, and moves the breaker of its endpoint."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import SYSTEM, Change, Subject
from chassis.causation import Cause
from services.routing.commands.breakers import set_health
from services.routing.domain.breaker import THRESHOLDS, EndedTry, after
from services.routing.domain.delivering import says_something
from services.routing.domain.states import BreakerState, Channel, DeliveryStep
from services.routing.models import DeliveryEndpoint, DeliveryLogEntry

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Try:
    """`begun_at` is business time. `reason` is a word of ours, `status` the server's number, or its RFC 3463 code."""

    assignment_id: UUID
    installer_id: UUID
    channel: Channel
    step: DeliveryStep
    begun_at: datetime
    reason: str | None = None
    status: int | None = None
    enhanced_status: str | None = None
    cause: Cause | None = None

    @property
    def endpoint(self) -> tuple[UUID, Channel]:
        return self.installer_id, self.channel


async def note_tries(session: AsyncSession, tries: Sequence[Try], now: datetime) -> None:
    """Locks the endpoints last of all that a transaction locks, in the order of their installers."""
    if not tries:
        return
    await session.execute(insert(DeliveryLogEntry), [_entry(each, now) for each in tries])
    telling = [each for each in tries if says_something(each.channel, each.step, each.reason)]
    endpoints = await _locked(session, {each.endpoint for each in telling})
    moved: defaultdict[tuple[str, str | None], list[Change]] = defaultdict(list)
    for each in telling:
        endpoint = endpoints.get(each.endpoint)
        if endpoint is not None and (change := _move(session, endpoint, each, now)) is not None:
            moved["open_breaker" if endpoint.breaker is BreakerState.OPEN else "close_breaker", each.reason].append(
                change
            )
    # What opens a breaker or closes it stands in the installer's own history, as an operator's deed does.
    for (action, reason), changes in moved.items():
        await audit.record_all(session, changes, actor=SYSTEM, action=action, reason_code=reason)


def _entry(each: Try, now: datetime) -> dict[str, object]:
    return {
        "assignment_id": each.assignment_id,
        "at": now,
        "channel": each.channel,
        "what": each.step,
        "reason_code": each.reason,
        "status": each.status,
        "enhanced_status": each.enhanced_status,
    }


async def _locked(
    session: AsyncSession, wanted: set[tuple[UUID, Channel]]
) -> dict[tuple[UUID, Channel], DeliveryEndpoint]:
    if not wanted:
        return {}
    found = await session.scalars(
        select(DeliveryEndpoint)
        .where(tuple_(DeliveryEndpoint.installer_id, DeliveryEndpoint.channel).in_(sorted(wanted)))
        .order_by(DeliveryEndpoint.installer_id, DeliveryEndpoint.channel)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {(endpoint.installer_id, endpoint.channel): endpoint for endpoint in found}


def _move(session: AsyncSession, endpoint: DeliveryEndpoint, each: Try, now: datetime) -> Change | None:
    """What it changed of the installer, where the breaker is another by it."""
    is_success = each.step is DeliveryStep.ACCEPTED
    health = after(endpoint.health, EndedTry(is_success, each.begun_at, now), THRESHOLDS[each.channel])
    before = set_health(session, endpoint, health, now, reason=each.reason, cause=each.cause)
    if is_success:
        endpoint.last_accepted_at = now
    if before is None:
        return None
    log.warning(
        "breaker_moved",
        installer_id=str(endpoint.installer_id),
        channel=endpoint.channel.value,
        before=before.value,
        after=endpoint.breaker.value,
    )
    what = f"{endpoint.channel}_breaker"
    became = {what: endpoint.breaker, "failures_in_row": endpoint.health.failures_in_row}
    return Change(Subject("installer", endpoint.installer_id), {what: before}, became)
