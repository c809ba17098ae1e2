"""Webhooks taken in hand, each on a lease and with all that sending it needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.routing.commands.breakers import set_health
from services.routing.commands.keys import opened
from services.routing.domain.breaker import half_opened, room_of
from services.routing.domain.states import BreakerState
from services.routing.domain.webhooks import DeliveryState, Lead, body_of, body_of_test
from services.routing.models import (
    Assignment,
    DeliveryEndpoint,
    Dispatch,
    LeadContact,
    LeadKey,
    WebhookAttempt,
    WebhookDelivery,
)
from services.routing.queries.sending import (
    CANCEL_ENDED,
    ENLIST,
    described,
    endpoints_by_installer,
    lease_end,
    lock_due,
    lock_endpoints_with_due,
    lock_tests,
    under_way,
)

MOST_PER_ENDPOINT = 4
"""Under way at a time to one installer: a slow one does not hold up the others."""
MOST_ENDPOINTS = 200
"""Looked at in one claim."""
MOST_ENLISTED = 500


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    room: int
    lease_seconds: float
    now: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """Where a webhook goes, and by which secrets it is signed."""

    installer_id: UUID
    url: str
    secret_generation: int
    previous_secret_until: datetime | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A webhook in hand. `attempt_no` is the claim: a later one makes it void. `body` is None where its person is gone.

    The body holds a person: it stands in memory while it is sent, and in no log and no table.
    """

    assignment_id: UUID
    attempt_no: int
    claimed_at: datetime
    address: Address
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimedTest:
    test_id: UUID
    claimed_at: datetime
    address: Address
    body: bytes = field(repr=False)


async def claim_deliveries(session: AsyncSession, terms: ClaimTerms) -> list[Claimed]:
    """Takes up to `room` due webhooks in hand; of each endpoint what its breaker lets through."""
    await session.execute(ENLIST, {"most": MOST_ENLISTED})
    await session.execute(CANCEL_ENDED, {"now": terms.now, "most": MOST_ENLISTED})
    endpoints = {e.installer_id: e for e in await lock_endpoints_with_due(session, terms.now, MOST_ENDPOINTS)}
    busy = await under_way(session)
    rooms = {
        id_: room
        for id_, endpoint in endpoints.items()
        if (room := room_of(endpoint.health, busy.get(id_, 0), MOST_PER_ENDPOINT, terms.now))
    }
    due = await lock_due(session, rooms, terms.now, terms.room) if rooms else []
    await _take_in_hand(session, due, terms)
    for delivery in due:
        endpoint = endpoints[delivery.installer_id]
        if endpoint.breaker is BreakerState.OPEN:
            set_health(session, endpoint, half_opened(endpoint.health), terms.now)
    return await _described(session, due, endpoints, terms.now)


async def _take_in_hand(session: AsyncSession, due: Sequence[WebhookDelivery], terms: ClaimTerms) -> None:
    for delivery in due:
        delivery.state = DeliveryState.SENDING
        delivery.attempts += 1
        delivery.lease_until = lease_end(terms.lease_seconds)
    await session.flush()
    if due:
        await session.execute(insert(WebhookAttempt), [_attempt(delivery, terms.now) for delivery in due])


def _attempt(delivery: WebhookDelivery, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "assignment_id": delivery.assignment_id,
        "attempt_no": delivery.attempts,
        "started_at": now,
    }


async def _described(
    session: AsyncSession, due: Sequence[WebhookDelivery], endpoints: dict[UUID, DeliveryEndpoint], now: datetime
) -> list[Claimed]:
    about = await described(session, [delivery.assignment_id for delivery in due]) if due else {}
    return [
        Claimed(
            assignment_id=delivery.assignment_id,
            attempt_no=delivery.attempts,
            claimed_at=now,
            address=_address(endpoints[delivery.installer_id]),
            body=_body(*about[delivery.assignment_id]),
        )
        for delivery in due
    ]


def _address(endpoint: DeliveryEndpoint) -> Address:
    return Address(
        endpoint.installer_id, endpoint.url or "", endpoint.secret_generation, endpoint.previous_secret_until
    )


def _body(assignment: Assignment, dispatch: Dispatch, kept: LeadContact | None, key: LeadKey | None) -> bytes | None:
    contact = opened(kept.person, assignment.lead_id, key) if kept is not None else None
    if contact is None:
        return None
    return body_of(
        Lead(
            assignment_id=assignment.id,
            lead_id=assignment.lead_id,
            selected_path=assignment.selected_path,
            service=dispatch.service,
            location=dispatch.location,
            contact=contact,
            created_at=assignment.created_at,
        )
    )


async def claim_tests(session: AsyncSession, terms: ClaimTerms) -> list[ClaimedTest]:
    """Whatever the breaker says: an operator asks to know."""
    tests = await lock_tests(session, terms.room)
    for test in tests:
        test.lease_until = lease_end(terms.lease_seconds)
    endpoints = await endpoints_by_installer(session, {test.installer_id for test in tests}) if tests else {}
    return [
        ClaimedTest(test.id, terms.now, _address(endpoint), body_of_test(test.id, test.installer_id, test.asked_at))
        for test in tests
        if (endpoint := endpoints.get(test.installer_id)) is not None
    ]
