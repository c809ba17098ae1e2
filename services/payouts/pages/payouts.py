"""The list of payouts: what needs an operator, what goes next, what waits for whom, and what went."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, Row, and_, case, func, literal, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind
from chassis.console.listing import (
    NOW,
    Amount,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Search,
    Tab,
    late_after,
)
from services.payouts.domain import AttemptOutcome, PayoutMethod, PayoutState
from services.payouts.models import Approval, Attempt, Board, Expert, Payout
from services.payouts.pages.words import (
    EXPERTS,
    NEEDS_APPROVAL,
    NEEDS_YOU,
    PAYOUTS,
    READ,
    SPLITS,
    STANDS,
    TONES,
    UNKNOWN,
    capital,
    say_stands,
    why,
)
from services.payouts.settings import Settings

ROOM = "payouts"
QUEUE = f"{PAYOUTS}?{'&'.join(f'stands={each}' for each in NEEDS_YOU)}&sort=since"
LIMITS = {
    UNKNOWN: timedelta(minutes=30),
    "sending": timedelta(minutes=30),
    NEEDS_APPROVAL: timedelta(hours=4),
    "failed": timedelta(days=1),
    "on_hold": timedelta(days=7),
    "ready": timedelta(days=8),
}
"""A payout that stands longer than this is late: what is ready has then been passed over by a sweep."""

IS_UNKNOWN = Payout.id.in_(select(Attempt.payout_id).where(Attempt.outcome == AttemptOutcome.UNKNOWN))
NEEDS_A_SECOND = and_(
    Payout.state == PayoutState.READY,
    Payout.id.in_(select(Approval.payout_id).where(Approval.approved_at.is_(None), Approval.expires_at > NOW)),
)
stands_now: ColumnElement[str] = case((IS_UNKNOWN, UNKNOWN), (NEEDS_A_SECOND, NEEDS_APPROVAL), else_=Payout.state)
WHY = case(
    (IS_UNKNOWN, "answer_lost"),
    (Payout.state.in_([PayoutState.SENT, PayoutState.REVERSED, PayoutState.SENDING]), null()),
    (Payout.state.in_([PayoutState.FAILED, PayoutState.ON_HOLD]), Payout.reason_code),
    (NEEDS_A_SECOND, "approval"),
    (Payout.invoice_id.is_(None), "client_has_not_paid"),
    (~Expert.is_active, "expert_suspended"),
    (Expert.payout_method == PayoutMethod.GNOSIS_SAFE, "gnosis_safe_disabled"),
    (Expert.stripe_account_id.is_(None), "no_stripe_account"),
    (Expert.can_be_paid.is_(False), "account_not_payable"),
    else_=Payout.reason_code,
)
METHODS = {PayoutMethod.STRIPE_CONNECT: "Stripe Connect", PayoutMethod.GNOSIS_SAFE: "Gnosis Safe, refused"}


def next_sweep_sql(settings: Settings) -> ColumnElement[Any]:
    """The instant that `weekly` gives, where the wall clock of the business zone says it."""
    zone = settings.business_time_zone
    into_week = timedelta(
        days=settings.sweep_weekday, hours=settings.sweep_time.hour, minutes=settings.sweep_time.minute
    )
    local: Any = func.timezone(zone, NOW)
    this_week = func.date_trunc("week", local) + literal(into_week, Interval)
    due = case((this_week > local, this_week), else_=this_week + literal(timedelta(days=7), Interval))
    return case(
        (Payout.state == PayoutState.READY, func.timezone(zone, due, type_=Payout.state_since.type)), else_=null()
    )


def option_of(stands: str) -> Option:
    """By the state first, which is indexed."""
    if stands == UNKNOWN:
        return Option(stands, STANDS[stands], IS_UNKNOWN)
    if stands == NEEDS_APPROVAL:
        return Option(stands, STANDS[stands], and_(NEEDS_A_SECOND, ~IS_UNKNOWN))
    return Option(stands, STANDS[stands], and_(Payout.state == stands, stands_now == stands))


is_late = late_after(lambda row: LIMITS.get(row.stands), "since")


def _says_stands(row: Row[Any]) -> str:
    return say_stands(row.stands, row.reversed)


async def _expert_name(session: AsyncSession, expert_id: UUID) -> str | None:
    return await session.scalar(select(Expert.name).where(Expert.id == expert_id))


async def _board_title(session: AsyncSession, board_id: UUID) -> str | None:
    return await session.scalar(select(Board.title).where(Board.id == board_id))


def _columns(settings: Settings) -> tuple[Column, ...]:
    return (
        Column("expert", "Expert", Expert.name),
        Column("board", "Board", Board.title, path=lambda row: f"{SPLITS}/{row.board_id}", wraps=True),
        Column("amount", "Amount, AUD", Payout.amount_cents, Kind.MONEY, sorts=True, sums=True),
        Column("stands", "State", stands_now, Kind.CHIP, say=_says_stands, tone=lambda row: TONES.get(row.stands, "")),
        Column("why", "Why it waits", WHY, say=lambda row: capital(why(row.why)), wraps=True),
        Column("next_sweep", "Next sweep", next_sweep_sql(settings), Kind.DAY),
        Column("since", "Since", Payout.state_since, Kind.AGO, sorts=True, is_late=is_late),
        Column("method", "Method", Expert.payout_method, say=lambda row: METHODS[row.method]),
        Column("reversed", "Taken back", Payout.reversed_cents, Kind.MONEY, sums=True, is_extra=True),
        Column("allocated", "Allocated", Payout.created_at, Kind.AGO, sorts=True, is_extra=True),
        Column("sent", "Sent", Payout.sent_at, Kind.INSTANT, is_extra=True),
        Column("transfer", "Transfer", Payout.stripe_transfer_id, Kind.ID, is_extra=True),
        Column("account", "Stripe account", Expert.stripe_account_id, Kind.ID, is_extra=True),
        Column(
            "expert_id",
            "Expert id",
            Payout.expert_id,
            Kind.ID,
            path=lambda row: f"{EXPERTS}/{row.expert_id}",
            is_extra=True,
        ),
        Column("board_id", "Board id", Payout.board_id, Kind.ID, is_extra=True),
        Column("invoice_id", "Client's invoice id", Payout.invoice_id, Kind.ID, is_extra=True),
    )


FILTERS = (
    Search(
        "q",
        "Expert, board, transfer or id",
        texts=(Expert.name, Expert.email, Board.title, Payout.stripe_transfer_id, Expert.stripe_account_id),
        ids=(Payout.id, Payout.expert_id, Payout.board_id, Payout.invoice_id),
    ),
    Choice("stands", "State", options=[option_of(stands) for stands in STANDS]),
    Exact("expert", "Expert", column=Payout.expert_id, name_of=_expert_name),
    Exact("board", "Board", column=Payout.board_id, name_of=_board_title),
    Days("since", "In this state since", column=Payout.state_since),
    Days("sent", "Sent", column=Payout.sent_at),
    Amount("amount", "Amount", column=Payout.amount_cents),
)


def listing(settings: Settings) -> Listing:
    return Listing(
        name=ROOM,
        title="Payouts",
        noun=("payout", "payouts"),
        path=PAYOUTS,
        capability=READ,
        rows=select()
        .select_from(Payout)
        .join(Expert, Expert.id == Payout.expert_id)
        .join(Board, Board.id == Payout.board_id),
        key=Payout.id,
        order="-since",
        columns=_columns(settings),
        filters=FILTERS,
        tabs=(
            Tab("Needs you", QUEUE.split("?")[1]),
            Tab("Ready", "stands=needs_approval&stands=ready&sort=since"),
            Tab("Pending", "stands=pending"),
            Tab("Sent", "stands=sent"),
            Tab("All"),
        ),
        document=lambda row: f"{PAYOUTS}/{row.id}",
        holds_personal_data=True,
        empty=Empty(
            "Nothing here",
            "A payout comes with the close of its board. It is ready once the client has paid, and each week's sweep "
            "sends what is ready.",
            "hand-coins",
        ),
    )
