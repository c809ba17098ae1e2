"""The health of mail: each sender account, and what waits."""

from datetime import datetime
from uuid import UUID

from litestar import get
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from services.notifications.domain.accounts import AccountState, HealthReason, at
from services.notifications.domain.messages import MailClass
from services.notifications.models import SenderAccount
from services.notifications.queries.accounts import AccountFigures, account_figures, all_accounts, in_hand_by_account
from services.notifications.queries.messages import QueueFigures, queue_figures
from services.notifications.settings import Settings


class AccountHealth(BaseModel):
    """As of now. `next_change_at` is when the state changes by itself; null where an event or an operator must."""

    id: UUID
    name: str
    from_address: str
    mail_classes: list[MailClass]
    state: AccountState
    state_since: datetime
    reason: HealthReason | None
    next_change_at: datetime | None
    sends_24h: int = Field(description="or since the counting began anew, after a break for bounces")
    refusals_24h: int
    bounce_rate: float = Field(description="0 to 1; over 0.05 of at least 50 sends is a cooldown")
    sends_today: int
    daily_cap: int
    cap_used: float = Field(description="0 to 1; warned of at 0.9, held at 1")
    faults_in_a_row: int
    faults_today: int
    authentication_failures: int
    in_hand: int


class Waiting(BaseModel):
    """What is in the queue. `overdue` counts what should have gone out by now."""

    queued: int
    deferred: int
    in_hand: int
    overdue: int
    overdue_since: datetime | None


class EmailHealth(BaseModel):
    as_of: datetime
    accounts: list[AccountHealth]
    waiting: Waiting


@get("/admin/ops/email-health", guards=[requires(Capability.READ_OPS)])
async def show_email_health(database: Given[Database], clock: Given[Clock], settings: Given[Settings]) -> EmailHealth:
    """How each sender account fares, why, and what happens to it next."""
    now = clock.now()
    async with database.reading() as session:
        accounts = await all_accounts(session)
        figures = await account_figures(session, accounts, now, settings.zone)
        in_hand = await in_hand_by_account(session)
        waiting = await queue_figures(session, now)
    shown = [_health(a, figures[a.id], in_hand.get(a.id, 0), now, settings) for a in accounts]
    return EmailHealth(as_of=now, accounts=shown, waiting=_waiting(waiting))


def _health(
    account: SenderAccount, figures: AccountFigures, in_hand: int, now: datetime, settings: Settings
) -> AccountHealth:
    health, traffic = at(account.health, figures.traffic, now, settings.zone), figures.traffic
    return AccountHealth(
        id=account.id,
        name=account.name,
        from_address=account.from_address,
        mail_classes=[MailClass(mail_class) for mail_class in account.mail_classes],
        state=health.state,
        state_since=health.since,
        reason=health.reason,
        next_change_at=health.next_change_at,
        sends_24h=traffic.window_sends,
        refusals_24h=traffic.window_refusals,
        bounce_rate=round(traffic.bounce_rate, 4),
        sends_today=traffic.sends_today,
        daily_cap=traffic.daily_cap,
        cap_used=round(traffic.cap_used, 4),
        faults_in_a_row=health.faults_in_a_row,
        faults_today=figures.faults_today,
        authentication_failures=health.authentication_failures,
        in_hand=in_hand,
    )


def _waiting(figures: QueueFigures) -> Waiting:
    return Waiting(
        queued=figures.queued,
        deferred=figures.deferred,
        in_hand=figures.in_hand,
        overdue=figures.overdue,
        overdue_since=figures.overdue_since,
    )


ROUTES = (show_email_health,)
