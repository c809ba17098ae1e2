"""Telling that something keeps the books from being closed: once as it begins, and again as often as it grows."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import locked_by_name
from chassis.ids import new_id
from contracts.books import BooksBlocked
from services.billing.domain.statuses import BlockReason
from services.billing.models import BookBlock
from services.billing.queries import unrecorded

_WATCHING = "billing.book_blocks"


async def watch_books(session: AsyncSession, now: datetime) -> None:
    """An episode ends by itself with the last of what it is about; what comes after it is another one."""
    await locked_by_name(session, _WATCHING)
    waits = await unrecorded.waiting(session)
    open_ = await session.scalar(select(BookBlock).where(BookBlock.ended_at.is_(None)).with_for_update())
    if waits.since is None:
        if open_ is not None:
            open_.ended_at = now
        return
    if open_ is None:
        open_ = _new(waits.count, waits.since, now)
        session.add(open_)
    elif waits.count <= open_.count:
        return
    open_.count, open_.told_at = waits.count, now
    version = open_.next_version()
    await session.flush()
    event = BooksBlocked(subject_id=open_.id, reason_code=open_.reason_code, count=open_.count, since=open_.since)
    outbox.add(session, event, version=version)


def _new(count: int, since: datetime, now: datetime) -> BookBlock:
    return BookBlock(
        id=new_id(),
        reason_code=BlockReason.DELIVERIES_UNRECORDED,
        count=count,
        since=since,
        told_at=now,
        ended_at=None,
        version=0,
    )
