"""Sender accounts, and the sums by which they are judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from services.notifications.domain.accounts import BOUNCE_WINDOW, Traffic, day_start
from services.notifications.models import Message, SenderAccount, SenderCount
from services.notifications.queries.messages import IN_HAND


@dataclass(frozen=True, slots=True)
class AccountFigures:
    traffic: Traffic
    faults_today: int = 0


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What an account did on a day of the business zone."""

    day: date
    sends: int
    refusals: int
    faults: int


async def lock_accounts(session: AsyncSession) -> list[SenderAccount]:
    """All of them (they are few), in one order."""
    statement = select(SenderAccount).order_by(SenderAccount.id).with_for_update()
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def all_accounts(session: AsyncSession) -> list[SenderAccount]:
    return list(await session.scalars(select(SenderAccount).order_by(SenderAccount.name)))


async def account_names(session: AsyncSession) -> dict[UUID, str]:
    return {row.id: row.name for row in await session.execute(select(SenderAccount.id, SenderAccount.name))}


async def list_accounts(session: AsyncSession, page: PageRequest) -> Sequence[SenderAccount]:
    statement = page.apply(select(SenderAccount), SenderAccount.created_at, SenderAccount.id)
    return list(await session.scalars(statement))


async def one_account(session: AsyncSession, account_id: UUID) -> SenderAccount:
    return NotFound.unless(
        await session.get(SenderAccount, account_id), "no such sender account", account_id=account_id
    )


async def in_hand_by_account(session: AsyncSession) -> dict[UUID, int]:
    """How many messages each account has out."""
    rows = await session.execute(
        select(Message.sender_account_id, func.count()).where(IN_HAND).group_by(Message.sender_account_id)
    )
    return {account_id: number for account_id, number in rows if account_id is not None}


async def account_figures(
    session: AsyncSession, accounts: Sequence[SenderAccount], now: datetime, zone: ZoneInfo
) -> dict[UUID, AccountFigures]:
    """Sums over each account's bounce window, which begins where its counting did, and over the business day."""
    today = day_start(now, zone)
    window_start = now - BOUNCE_WINDOW
    in_window = SenderCount.bucket_start >= func.greatest(literal(window_start), SenderAccount.counted_since)
    is_today = SenderCount.bucket_start >= today
    rows = await session.execute(
        select(
            SenderCount.account_id,
            _sum(SenderCount.sends, in_window),
            _sum(SenderCount.refusals, in_window),
            _sum(SenderCount.sends, is_today),
            _sum(SenderCount.faults, is_today),
        )
        .join(SenderAccount, SenderAccount.id == SenderCount.account_id)
        .where(SenderCount.bucket_start >= min(window_start, today))
        .group_by(SenderCount.account_id)
    )
    sums = {account_id: figures for account_id, *figures in rows}
    return {account.id: _figures(account, *sums.get(account.id, (0, 0, 0, 0))) for account in accounts}


async def counts_by_day(session: AsyncSession, account_id: UUID, since: datetime, zone: ZoneInfo) -> list[DayCounts]:
    """The latest day first; days without any are left out."""
    day = func.date(func.timezone(zone.key, SenderCount.bucket_start))
    sums = [func.sum(column) for column in (SenderCount.sends, SenderCount.refusals, SenderCount.faults)]
    statement = (
        select(day, *sums)
        .where(SenderCount.account_id == account_id, SenderCount.bucket_start >= since)
        .group_by(day)
        .order_by(day.desc())
    )
    return [DayCounts(*row) for row in await session.execute(statement)]


def _figures(account: SenderAccount, sends: int, refusals: int, sends_today: int, faults_today: int) -> AccountFigures:
    return AccountFigures(Traffic(sends, refusals, sends_today, account.daily_cap), faults_today)


def _sum(column: Any, condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column).filter(condition), 0)
