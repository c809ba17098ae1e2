"""How the sender accounts fare and what waits to go out, for Prometheus."""

from datetime import datetime
from zoneinfo import ZoneInfo

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.notifications.domain.accounts import AccountState, Traffic, at
from services.notifications.domain.messages import MessageState
from services.notifications.models import SenderAccount
from services.notifications.queries.accounts import account_figures, all_accounts
from services.notifications.queries.messages import queue_figures

ACCOUNT_STATE = Gauge("waybill_sender_account_state", "1 for the state that the account is in", ["account", "state"])
ACCOUNT_MAY_SEND = Gauge("waybill_sender_account_may_send", "1 where the account would take a mail now", ["account"])
BOUNCE_RATIO = Gauge("waybill_sender_account_bounce_ratio", "Refusals per send in the bounce window", ["account"])
CAP_USED_RATIO = Gauge("waybill_sender_account_cap_used_ratio", "Part of the day's cap that is used", ["account"])
MAILS_WAITING = Gauge("waybill_mails_waiting", "Mails that are not settled", ["state"])
MAILS_OVERDUE = Gauge("waybill_mails_overdue", "Mails that should have gone out by now")
MAILS_AGE_SECONDS = Gauge(
    "waybill_mails_overdue_oldest_age_seconds", "How long the first of them has been overdue, 0 when none is"
)


def measure_mail(clock: Clock, zone: ZoneInfo) -> Measure:
    async def measure(session: AsyncSession) -> None:
        now = clock.now()
        accounts = await all_accounts(session)
        figures = await account_figures(session, accounts, now, zone)
        await _measure_queue(session, now)
        # An account can be renamed: what went by the old name must not stay behind. Nothing is awaited in between.
        for gauge in (ACCOUNT_STATE, ACCOUNT_MAY_SEND, BOUNCE_RATIO, CAP_USED_RATIO):
            gauge.clear()
        for account in accounts:
            _show(account, figures[account.id].traffic, now, zone)

    return measure


def _show(account: SenderAccount, traffic: Traffic, now: datetime, zone: ZoneInfo) -> None:
    health = at(account.health, traffic, now, zone)
    for state in AccountState:
        ACCOUNT_STATE.labels(account.name, state).set(state is health.state)
    ACCOUNT_MAY_SEND.labels(account.name).set(health.state.may_send and traffic.cap_used < 1)
    BOUNCE_RATIO.labels(account.name).set(traffic.bounce_rate)
    CAP_USED_RATIO.labels(account.name).set(traffic.cap_used)


async def _measure_queue(session: AsyncSession, now: datetime) -> None:
    figures = await queue_figures(session, now)
    MAILS_WAITING.labels(MessageState.QUEUED).set(figures.queued)
    MAILS_WAITING.labels(MessageState.DEFERRED).set(figures.deferred)
    MAILS_WAITING.labels(MessageState.SENDING).set(figures.in_hand)
    MAILS_OVERDUE.set(figures.overdue)
    since = figures.overdue_since
    MAILS_AGE_SECONDS.set((now - since).total_seconds() if since else 0)
