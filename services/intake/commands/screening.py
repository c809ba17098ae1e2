"""Screening: every lead that came in passes here once, one screener at a time, before anybody hears of it."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.clock import Clock
from chassis.database import Database
from chassis.faults import is_passing
from chassis.ids import new_id
from contracts.envelope import Event
from services.intake import queries
from services.intake.commands.batch import Batch
from services.intake.commands.judging import judge
from services.intake.commands.keys import keys_of, sealed_with
from services.intake.commands.leads.creating import cause_of, contact_of, created, rejected
from services.intake.commands.searching import index_said
from services.intake.domain import LeadStatus
from services.intake.queries import Arrival, Turn

log = structlog.get_logger(__name__)


Step = Callable[[AsyncSession, Batch], Awaitable[None]]
"""Looks at a whole batch, by statements that take many rows; keeps what it knows, holds what must be looked at."""


async def index_for_search(session: AsyncSession, batch: Batch) -> None:
    await index_said(session, batch.arrivals)


async def give_keys(session: AsyncSession, batch: Batch) -> None:
    """Each that is let in gets its key, and goes out sealed. Who is held gets one when they are."""
    causes = {each.id: cause_of(each) for each in batch.let_in}
    keys = await keys_of(session, list(causes), batch.now, causes)
    for arrival in batch.let_in:
        if (key := keys.get(arrival.id)) is not None:
            batch.sealed[arrival.id] = sealed_with(key, arrival.id, contact_of(arrival))


STEPS: tuple[Step, ...] = (index_for_search, judge, give_keys)
"""In this order; then each goes its way."""


async def screen(session: AsyncSession, batch: Batch, steps: Sequence[Step]) -> None:
    for step in steps:
        await step(session, batch)
    await _admit(session, batch)


async def _admit(session: AsyncSession, batch: Batch) -> None:
    """What nobody hears of keeps version 0: a version without an event would be a gap to every consumer."""
    await session.execute(_ADMIT, _columns(batch))
    for arrival in batch.arrivals:
        if event := _first_event(batch, arrival):
            outbox.add(session, event, version=1, cause=cause_of(arrival))


def _first_event(batch: Batch, arrival: Arrival) -> Event | None:
    if reason := batch.why_rejected(arrival):
        return rejected(arrival.id, reason, batch.now)
    if batch.verdict(arrival) is not LeadStatus.ROUTABLE:
        return None
    return created(arrival, batch.sealed.get(arrival.id), batch.same_person(arrival))


# A clock of another machine may be ahead: no step comes before the lead did.
_ADMIT = text(
    """
    WITH screened AS (
        UPDATE leads
           SET status = verdict.status, status_since = greatest(:now, leads.received_at),
               version = CASE verdict.status WHEN 'duplicate_review' THEN 0 ELSE 1 END,
               reject_reason = verdict.reason
          FROM unnest(:ids, :statuses, :reasons, :step_ids) AS verdict (id, status, reason, step_id)
         WHERE leads.id = verdict.id
        RETURNING leads.id, leads.status, leads.status_since, leads.reject_reason, verdict.step_id
    ), mended AS (
        DELETE FROM screening_faults WHERE lead_id = ANY (:ids)
    )
    INSERT INTO lead_status_changes (id, lead_id, from_status, to_status, changed_at, reason_code)
    SELECT step_id, id, 'received', status, status_since, reject_reason FROM screened
    """
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("statuses", type_=ARRAY(Text)),
    bindparam("reasons", type_=ARRAY(Text)),
    bindparam("step_ids", type_=ARRAY(Uuid)),
)


def _columns(batch: Batch) -> dict[str, object]:
    return {
        "now": batch.now,
        "ids": [arrival.id for arrival in batch.arrivals],
        "statuses": [batch.verdict(arrival) for arrival in batch.arrivals],
        "reasons": [batch.why_rejected(arrival) for arrival in batch.arrivals],
        "step_ids": [new_id() for _ in batch.arrivals],
    }


class Screener:
    """The loop's work. A batch that fails is tried by halves, a portion each step, until what fails stands alone.

    That lead is set aside, where it is seen, and tried again later, apart from the others: they go on meanwhile.
    """

    def __init__(self, database: Database, clock: Clock, steps: Sequence[Step] = STEPS) -> None:
        self._database = database
        self._clock = clock
        self._steps = steps
        self._suspects: deque[Sequence[UUID]] = deque()

    async def step(self) -> bool:
        """Whether there was anything to do, and it was ours to do."""
        in_hand: list[UUID] = []
        try:
            turn = await self._screen_a_portion(in_hand)
        except Exception as fault:
            if not in_hand or not is_of_the_leads(fault):
                raise
            self._settle(await self._parts(in_hand, fault))
            return True
        if turn is Turn.NOTHING_WAITS:
            self._suspects.clear()
        if turn is not Turn.OURS:
            return False
        had_suspects = bool(self._suspects)
        self._settle([])
        return had_suspects or bool(in_hand)

    async def _screen_a_portion(self, in_hand: list[UUID]) -> Turn:
        """`in_hand` gets the ids before anything is done with them."""
        async with self._database.transaction() as session:
            turn = await queries.take_turn(session)
            if turn is Turn.OURS and (arrivals := await self._portion(session)):
                in_hand.extend(arrival.id for arrival in arrivals)
                await screen(session, Batch(arrivals, self._clock.now()), self._steps)
        return turn

    async def _portion(self, session: AsyncSession) -> Sequence[Arrival]:
        if self._suspects:
            return await queries.arrivals_among(session, self._suspects[0])
        return await queries.next_arrivals(session)

    def _settle(self, parts: Sequence[Sequence[UUID]]) -> None:
        """The portion is done, or its parts are what comes next."""
        if self._suspects:
            self._suspects.popleft()
        self._suspects.extendleft(reversed(parts))

    async def _parts(self, ids: Sequence[UUID], fault: Exception) -> Sequence[Sequence[UUID]]:
        if len(ids) > 1:
            log.info("screening_failed", leads=len(ids), fault=type(fault).__name__)
            middle = len(ids) // 2
            return [ids[:middle], ids[middle:]]
        log.error("lead_set_aside", lead_id=str(ids[0]), fault=type(fault).__name__, exc_info=fault)
        async with self._database.transaction() as session:
            await set_aside(session, ids[0], fault)
        return []


def is_of_the_leads(fault: Exception) -> bool:
    """Whether it would come again with the same leads. A statement that ran too long may be one lead's fault."""
    origin = fault.orig if isinstance(fault, DBAPIError) else fault
    cancelled = getattr(origin, "sqlstate", None) == asyncpg.QueryCanceledError.sqlstate
    return cancelled or not is_passing(fault)


async def set_aside(session: AsyncSession, lead_id: UUID, fault: Exception) -> None:
    """Each try waits twice as long as the one before, ten minutes at most: it is soon there once the fault is mended.

    A lead that was screened meanwhile is let go.
    """
    lead = await queries.lead(session, lead_id, for_update=True)
    if lead.status is LeadStatus.RECEIVED:
        # An exception's message may hold what a person told: its name alone is kept.
        await session.execute(_SET_ASIDE, {"lead_id": lead_id, "fault": type(fault).__name__})


_SET_ASIDE = text(
    """
    INSERT INTO screening_faults AS kept (lead_id, fault, attempts, failed_at, next_at)
    VALUES (:lead_id, :fault, 1, now(), now() + interval '1 minute')
    ON CONFLICT (lead_id) DO UPDATE
       SET fault = excluded.fault, attempts = kept.attempts + 1, failed_at = now(),
           next_at = now() + least(interval '1 minute' * 2 ^ least(kept.attempts, 10), interval '10 minutes')
    """
)
