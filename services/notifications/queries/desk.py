"""What waits in mail, and how it stands, in figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.domain.accounts import AccountState, Health, at
from services.notifications.domain.messages import MessageState, Standing
from services.notifications.domain.tickets import TicketState
from services.notifications.models import Message, SenderCount, Ticket
from services.notifications.queries.accounts import account_figures, all_accounts
from services.notifications.queries.standings import STANDING, Piled

WELL = (AccountState.ACTIVE, AccountState.PROBING)


@dataclass(frozen=True, slots=True)
class Part:
    """So many of so many."""

    number: int
    whole: int

    @property
    def share(self) -> float | None:
        """None where nothing was: that is neither good nor bad."""
        return self.number / self.whole if self.whole else None


async def open_tickets(session: AsyncSession) -> Piled:
    query = select(func.count(), func.min(Ticket.state_since)).where(Ticket.state == TicketState.OPEN)
    return Piled(*(await session.execute(query)).one())


async def unwell_accounts(session: AsyncSession, now: datetime, zone: ZoneInfo) -> list[Health]:
    """As of now: a break that is over counts no more."""
    accounts = await all_accounts(session)
    figures = await account_figures(session, accounts, now, zone)
    health = [at(account.health, figures[account.id].traffic, now, zone) for account in accounts]
    return [each for each in health if each.state not in WELL]


async def accepted_since(session: AsyncSession, since: datetime) -> Part:
    """Of the messages that were settled since then, those that a server took over; what was taken back is left out."""
    settled = (MessageState.ACCEPTED, MessageState.FAILED, MessageState.SUPPRESSED)
    query = select(func.count().filter(Message.state == MessageState.ACCEPTED), func.count()).where(
        # What is not erased has an index by the time of its state.
        Message.erased_at.is_(None),
        Message.state_since >= since,
        Message.state.in_(settled),
    )
    return Part(*(await session.execute(query)).one())


async def bounces_between(session: AsyncSession, since: datetime, before: datetime) -> Part:
    """Refusals of sends, by all accounts; in steps of ten minutes, as they are counted."""
    query = select(
        func.coalesce(func.sum(SenderCount.refusals), 0), func.coalesce(func.sum(SenderCount.sends), 0)
    ).where(SenderCount.bucket_start >= since, SenderCount.bucket_start < before)
    return Part(*(await session.execute(query)).one())


async def outcomes_between(session: AsyncSession, since: datetime, before: datetime) -> dict[Standing, int]:
    """By what became of them until now, those that were queued in between."""
    query = (
        select(STANDING.label("standing"), func.count().label("number"))
        .where(Message.created_at >= since, Message.created_at < before)
        .group_by("standing")
    )
    return {Standing(row.standing): row.number for row in await session.execute(query)}


def fortnight(today: datetime) -> tuple[datetime, datetime]:
    """Where the fourteen days that end with today begin, and the fourteen before them."""
    return today - timedelta(days=13), today - timedelta(days=27)
