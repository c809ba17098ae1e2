"""What came in and was not screened yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, any_, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import AustralianState, SelectedPath
from services.intake.models import Lead, ScreeningFault

AT_ONCE = 500
SECONDS_A_STATEMENT = 5
"""So little that one that hangs is found, and set aside, before the process is taken for stuck."""


class Turn(Enum):
    NOTHING_WAITS = auto()
    ANOTHERS = auto()
    OURS = auto()


_TURN = "hashtextextended('intake.screening', 0)"

# The look and the lock in one: who finds nothing asks for no lock, and nobody waits for another's, so that a screener
# that hangs holds up no other process. Who has it sees all that was screened before: each statement looks anew.
_TAKE_TURN = text(
    f"""
    SELECT set_config('statement_timeout', '{SECONDS_A_STATEMENT}s', true),
           CASE WHEN EXISTS (SELECT FROM leads WHERE status = 'received')
                THEN pg_try_advisory_xact_lock({_TURN}) END AS is_ours
    """  # noqa: S608  # no value but a constant
)


_HOLD_TURN = text(f"SELECT pg_advisory_xact_lock({_TURN})")


async def take_turn(session: AsyncSession) -> Turn:
    """Until the end of the transaction nobody else screens where it is ours."""
    is_ours = (await session.execute(_TAKE_TURN)).one().is_ours
    if is_ours is None:
        return Turn.NOTHING_WAITS
    return Turn.OURS if is_ours else Turn.ANOTHERS


async def hold_screening(session: AsyncSession) -> None:
    """Until the end of the transaction nobody screens: of two leads that come to say one thing at the same moment, by
    a correction or as they come in, the later is compared with the earlier. Before any lead is locked.
    """
    await session.execute(_HOLD_TURN)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A lead that came in, as it is screened. The last two are the cause of what follows from it."""

    id: UUID
    source_id: UUID
    submission_key: str
    selected_path: SelectedPath
    service: str
    name: str
    email: str
    email_match: str
    phone: str
    street: str
    suburb: str
    state: AustralianState
    postcode: str
    received_at: datetime
    correlation_id: str | None
    traceparent: str | None


_COLUMNS = tuple(getattr(Lead, name) for name in Arrival.__slots__)
# Written out, so that the index of what was received is taken whatever plan is kept.
_IS_RECEIVED = Lead.status == literal_column("'received'")


def _arrivals() -> Select[Any]:
    """In the order of their ids. A row that somebody holds is left for the next look: it is not waited for."""
    found = select(*_COLUMNS).where(_IS_RECEIVED).order_by(Lead.id).limit(AT_ONCE)
    return found.with_for_update(skip_locked=True, key_share=True)


_FAILED = select(ScreeningFault.lead_id)
_NEXT = _arrivals().where(~_FAILED.where(ScreeningFault.lead_id == Lead.id).exists())
_AMONG = _arrivals().where(Lead.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
_DUE = _FAILED.where(ScreeningFault.next_at <= func.now()).order_by(ScreeningFault.next_at).limit(AT_ONCE)


async def next_arrivals(session: AsyncSession) -> Sequence[Arrival]:
    """Those that failed and are due again, apart from all others; else the next of those that did not fail. Locked."""
    due = (await session.scalars(_DUE)).all()
    again = await arrivals_among(session, due) if due else ()
    return again or [Arrival(*row) for row in await session.execute(_NEXT)]


async def arrivals_among(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Arrival]:
    """Of these, those that still wait. Locked."""
    return [Arrival(*row) for row in await session.execute(_AMONG, {"ids": list(ids)})]


async def screening_fault(session: AsyncSession, lead_id: UUID) -> ScreeningFault | None:
    return await session.get(ScreeningFault, lead_id)


@dataclass(frozen=True, slots=True)
class Unscreened:
    """`oldest` is when the first of them came in; `failed` are those of them whose screening failed."""

    number: int
    oldest: datetime | None
    failed: int


async def unscreened(session: AsyncSession) -> Unscreened:
    failed = select(func.count()).select_from(ScreeningFault).scalar_subquery()
    query = select(func.count(), func.min(Lead.received_at), failed).where(_IS_RECEIVED)
    return Unscreened(*(await session.execute(query)).one())
