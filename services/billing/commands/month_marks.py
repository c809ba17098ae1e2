"""Ticking a step of a month's close, and taking the tick back. It says that somebody looked; the books decide."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import locked_by_name
from chassis.ids import new_id
from services.billing.commands.adjusting import Decider
from services.billing.domain.month_close import CloseStep
from services.billing.models import MonthMark
from services.billing.queries import month_marks


@dataclass(frozen=True, slots=True)
class MarkStep:
    period: str
    step: CloseStep
    is_done: bool
    note: str | None
    by: Decider


async def mark_step(session: AsyncSession, command: MarkStep, now: datetime) -> bool:
    """Whether anything changed: a step that stands so already, with nothing new to say, is left alone."""
    await locked_by_name(session, f"month {command.period} {command.step}")
    last = (await month_marks.latest(session, command.period)).get(command.step)
    stands_so = (last is not None and last.is_done) == command.is_done
    if stands_so and command.note in {None, last.note if last else None}:
        return False
    session.add(
        MonthMark(
            id=new_id(),
            period=command.period,
            step=command.step,
            is_done=command.is_done,
            note=command.note,
            made_by_id=command.by.id,
            made_by_name=command.by.name,
            made_at=now,
        )
    )
    await session.flush()
    return True
