"""Choosing whom the close of a month is about: all installers, or some of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import locked_by_name
from chassis.ids import new_id
from services.billing.commands.adjusting import Decider
from services.billing.errors import InstallersUnknown
from services.billing.models import MonthScope
from services.billing.queries import month_marks


@dataclass(frozen=True, slots=True)
class ChooseScope:
    """`installer_ids` None is everybody."""

    period: str
    installer_ids: Collection[UUID] | None
    by: Decider


async def choose_scope(session: AsyncSession, command: ChooseScope, now: datetime) -> bool:
    """Whether anything changed. What others draft or issue meanwhile is not touched by it."""
    await locked_by_name(session, f"month {command.period} scope")
    chosen = None if command.installer_ids is None else sorted(set(command.installer_ids))
    if chosen and (unknown := await month_marks.missing_accounts(session, chosen)):
        raise InstallersUnknown(unknown)
    last = await month_marks.scope(session, command.period)
    if (last.installer_ids if last else None) == chosen:
        return False
    session.add(
        MonthScope(
            id=new_id(),
            period=command.period,
            installer_ids=chosen,
            made_by_id=command.by.id,
            made_by_name=command.by.name,
            made_at=now,
        )
    )
    await session.flush()
    return True
