"""What payouts tells the pages that span all services: what it finds, what waits, and how pay stands."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import MOST_HITS, Backlog, Bar, Card, Chart, Desk, Figure, Finder, Hit, Waiting
from chassis.console.fields import start_of
from chassis.console.listing import NOW
from chassis.console.wording import DASH, counted, money
from services.payouts.domain import PayoutState
from services.payouts.models import Attempt, Board, Expert, Payout, Sweep
from services.payouts.pages import experts, payouts, splits, sweeps
from services.payouts.pages.about import ABOUT
from services.payouts.pages.subjects import DOORS
from services.payouts.pages.words import EXPERTS, NEEDS_APPROVAL, PAYOUTS, READ, SPLITS, STANDS, SWEEPS, UNKNOWN
from services.payouts.settings import Settings

WEEKS = 8
WENT = Payout.state.in_([PayoutState.SENT, PayoutState.REVERSED])


def desk_of(settings: Settings) -> Desk:
    """When weeks and sweeps begin is the settings' to say."""
    zone = settings.zone
    explanation = "What went to Stripe each week from Monday, less what was taken back since, in AUD"
    return Desk(
        about=ABOUT,
        doors=DOORS,
        finders=(Finder("Payouts", READ, _find_payouts), Finder("Experts", READ, _find_experts)),
        waiting=(
            _waiting(UNKNOWN, "has an unknown outcome", "have an unknown outcome", is_alarming=True),
            _waiting("failed", "has failed", "have failed"),
            _waiting("on_hold", "is on hold", "are on hold"),
            _waiting(NEEDS_APPROVAL, "needs a second operator's approval", "need a second operator's approval"),
            _held(),
            _missed(settings),
        ),
        cards=(
            Card("Ready for the next sweep", READ, f"{PAYOUTS}?stands=needs_approval&stands=ready&sort=since", _due),
            Card("Pay sent this month", READ, f"{PAYOUTS}?stands=sent", _sent_this_month(zone)),
            Card("Left by the last sweep", READ, SWEEPS, _left),
        ),
        charts=(Chart("Pay sent by week", READ, explanation, _sent_by_week(zone)),),
    )


async def _find_payouts(session: AsyncSession, text: str) -> list[Hit]:
    """By its own id or that of its board, expert or invoice; by what Stripe calls it; by expert or board."""
    query = (
        select(Payout, Expert, Board)
        .join(Expert, Expert.id == Payout.expert_id)
        .join(Board, Board.id == Payout.board_id)
        .where(_names_payout(text))
        .order_by(Payout.created_at.desc(), Payout.id.desc())
        .limit(MOST_HITS)
    )
    return [
        Hit(
            f"{expert.name}, {board.title}",
            f"{money(payout.amount_cents)}, {STANDS[payout.state].lower()}",
            f"{PAYOUTS}/{payout.id}",
        )
        for payout, expert, board in (await session.execute(query)).all()
    ]


def _names_payout(text: str) -> ColumnElement[bool]:
    if (wanted := _uuid(text)) is not None:
        return or_(*(column == wanted for column in (Payout.id, Payout.board_id, Payout.expert_id, Payout.invoice_id)))
    if text.startswith(("tr_", "trr_")):
        return Payout.id.in_(select(Attempt.payout_id).where(Attempt.stripe_id == text))
    parts = (Expert.name.icontains(text, autoescape=True), Board.title.icontains(text, autoescape=True))
    return or_(*parts, func.lower(Expert.email) == text.lower(), Expert.stripe_account_id == text)


async def _find_experts(session: AsyncSession, text: str) -> list[Hit]:
    wanted = _uuid(text)
    condition = or_(
        Expert.name.icontains(text, autoescape=True),
        Expert.email.icontains(text, autoescape=True),
        Expert.abn == "".join(text.split()),
        Expert.stripe_account_id == text,
        *([Expert.id == wanted] if wanted else []),
    )
    query = select(Expert, experts.stands_now).where(condition).order_by(Expert.name, Expert.id).limit(MOST_HITS)
    return [
        Hit(expert.name, f"{expert.email}, {experts.STANDS[stands].lower()}", f"{EXPERTS}/{expert.id}")
        for expert, stands in (await session.execute(query)).all()
    ]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _waiting(stands: str, is_so: str, are_so: str, *, is_alarming: bool = False) -> Waiting:
    """By the condition of the list's own filter, so that the door leads to exactly what was counted."""
    query = select(func.count(), func.min(Payout.state_since)).where(payouts.option_of(stands).condition)

    async def count(session: AsyncSession, now: datetime) -> Backlog:
        number, oldest = (await session.execute(query, {NOW.key: now})).one()
        return Backlog(number, oldest)

    return Waiting(
        payouts.ROOM,
        READ,
        lambda number: f"{counted(number, 'payout', 'payouts')} {is_so if number == 1 else are_so}",
        f"{PAYOUTS}?stands={stands}",
        count,
        payouts.LIMITS[stands],
        is_alarming,
    )


def _held() -> Waiting:
    query = select(func.count(), func.min(Board.closed_at)).where(splits.CONDITIONS["held"])

    async def count(session: AsyncSession, _now: datetime) -> Backlog:
        number, oldest = (await session.execute(query)).one()
        return Backlog(number, oldest)

    return Waiting(
        splits.ROOM,
        READ,
        lambda number: (
            f"{counted(number, 'board is', 'boards are')} closed and their pay is held: the rules do not allow it"
        ),
        f"{SPLITS}?stands=held",
        count,
        splits.LIMIT,
    )


def _missed(settings: Settings) -> Waiting:
    async def count(session: AsyncSession, now: datetime) -> Backlog:
        schedule = await sweeps.read_schedule(session, settings, now)
        return Backlog(schedule.missed, schedule.missed_since)

    return Waiting(
        sweeps.ROOM,
        READ,
        lambda number: f"{counted(number, 'sweep was', 'sweeps were')} missed: nobody is paid until one runs",
        SWEEPS,
        count,
        is_alarming=True,
    )


async def _due(session: AsyncSession, _now: datetime) -> Figure:
    query = select(func.count(), func.sum(Payout.amount_cents)).where(Payout.state == PayoutState.READY)
    number, cents = (await session.execute(query)).one()
    return Figure(money(int(cents or 0)), counted(number, "payout", "payouts"))


def _sent_this_month(zone: ZoneInfo) -> Callable[[AsyncSession, datetime], Awaitable[Figure]]:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        first = now.astimezone(zone).date().replace(day=1)
        before = (first - timedelta(days=1)).replace(day=1)
        since, earlier = start_of(first, zone), start_of(before, zone)
        went = func.sum(Payout.amount_cents - Payout.reversed_cents)
        query = select(
            went.filter(Payout.sent_at >= since), went.filter(Payout.sent_at >= earlier, Payout.sent_at < since)
        ).where(WENT, Payout.sent_at >= earlier)
        sent, sent_before = (int(cents or 0) for cents in (await session.execute(query)).one())
        return Figure(money(sent), f"{money(sent_before)} in {before:%B}" if sent_before else "")

    return read


async def _left(session: AsyncSession, _now: datetime) -> Figure:
    """The gap in its funding as far as it is known: what was ready and did not go."""
    last = await session.scalar(select(Sweep).order_by(Sweep.due_at.desc()).limit(1))
    if last is None:
        return Figure(DASH, "no sweep has run yet")
    if not last.left_count:
        return Figure(money(0), "all that was ready went")
    return Figure(money(last.left_cents), f"{counted(last.left_count, 'payout', 'payouts')} did not go")


def _sent_by_week(zone: ZoneInfo) -> Callable[[AsyncSession, datetime], Awaitable[list[Bar]]]:
    async def read(session: AsyncSession, now: datetime) -> list[Bar]:
        today = now.astimezone(zone).date()
        monday = today - timedelta(days=today.weekday())
        weeks = [monday - timedelta(weeks=back) for back in reversed(range(WEEKS))]
        week = func.date_trunc("week", func.timezone(str(zone), Payout.sent_at)).label("week")
        query = (
            select(week, func.sum(Payout.amount_cents - Payout.reversed_cents))
            .where(WENT, Payout.sent_at >= start_of(weeks[0], zone))
            .group_by(week)
        )
        sent = {at.date(): int(cents) for at, cents in (await session.execute(query)).all()}
        return [_bar(each, sent.get(each, 0)) for each in weeks]

    return read


def _bar(monday: date, cents: int) -> Bar:
    sunday = monday + timedelta(days=6)
    path = f"{PAYOUTS}?stands=sent&sent_from={monday}&sent_to={sunday}"
    return Bar(f"{monday.day} {monday:%b}", cents, money(cents), path)
