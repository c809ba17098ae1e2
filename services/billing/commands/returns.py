"""Which deliveries an installer wants to give back, until routing has decided: the close of a month tells of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import OpenReturn


@dataclass(frozen=True, slots=True)
class ReturnAsked:
    """At the assignment's `version`."""

    assignment_id: UUID
    installer_id: UUID
    return_id: UUID
    version: int
    decide_by: datetime


@dataclass(frozen=True, slots=True)
class ReturnClosed:
    """Accepted, denied or withdrawn."""

    assignment_id: UUID
    installer_id: UUID
    return_id: UUID
    version: int


async def open_returns(session: AsyncSession, asked: Sequence[ReturnAsked]) -> None:
    """Iff it is newer than what is known: one that was decided since stays closed."""
    await _keep(session, {it.assignment_id: (it, it.decide_by, None) for it in _in_order(asked)})


async def close_returns(session: AsyncSession, closed: Sequence[ReturnClosed], now: datetime) -> None:
    """It may be told before the request is, which then says nothing any more."""
    await _keep(session, {it.assignment_id: (it, now, now) for it in _in_order(closed)})


TellsT = TypeVar("TellsT", ReturnAsked, ReturnClosed)
_Told = Mapping[UUID, tuple[ReturnAsked | ReturnClosed, datetime, datetime | None]]


async def _keep(session: AsyncSession, told: _Told) -> None:
    """In the order of their keys, so that two who write the same never wait for each other."""
    if not told:
        return
    values = [
        {
            "assignment_id": id_,
            "installer_id": it.installer_id,
            "return_id": it.return_id,
            "version": it.version,
            "decide_by": decide_by,
            "closed_at": closed_at,
        }
        for id_, (it, decide_by, closed_at) in sorted(told.items())
    ]
    statement = insert(OpenReturn).values(values)
    new = statement.excluded
    # What closes it leaves the day on which it was to be decided.
    decide_by = case((new.closed_at.is_(None), new.decide_by), else_=OpenReturn.decide_by)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["assignment_id"],
            set_={
                "return_id": new.return_id,
                "version": new.version,
                "decide_by": decide_by,
                "closed_at": new.closed_at,
            },
            where=OpenReturn.version < new.version,
        )
    )


def _in_order(told: Sequence[TellsT]) -> list[TellsT]:
    return sorted(told, key=lambda it: it.version)
